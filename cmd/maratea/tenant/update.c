/* update.c - "maratea tenant update". */
#include "maratea/commands.h"
#include "maratea/tenant/change.h"

struct args {
	const char *slug, *name, *plan, *new_slug;
	bool dry_run;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_TEXT(struct args, name, 0, "name", "TEXT", "what it is called from now on"),
	MRT_OPT_TEXT(struct args, plan, 0, "plan", "NAME",
	             "its tariff from now on; it stays where its tables are",
	             .offers = MRT_OFFER_PLANS),
	MRT_OPT_TEXT(struct args, new_slug, 0, "slug", "NEW",
	             "its name in addresses from now on; the old one is kept for a year"),
	MRT_TENANT_DRY_RUN(struct args),
	MRT_TENANT_SLUG(struct args),
	MRT_OPT_END
};

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_tenant_change how = {
		.name = a->name,
		.plan = a->plan,
		.slug = a->new_slug,
		.dry_run = a->dry_run,
	};
	if (!a->name && !a->plan && !a->new_slug)
		return mrt_fail(err, MRT_USAGE, "what is to be changed? --name, --plan or --slug");
	return mrt_tenant_apply_change(env, a->slug, &how, err);
}

const struct mrt_cmd mrt_cmd_tenant_update = {
	.group = "tenant",
	.verb = "update",
	.summary = "change a school's name, plan or slug",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
