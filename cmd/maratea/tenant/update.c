/* update.c - "maratea tenant update", "suspend", "resume" and "archive". */
#include "maratea/commands.h"
#include "ops/tenant/update.h"

#include <string.h>

struct args {
	const char *slug, *name, *plan, *new_slug, *reason;
	bool dry_run;
};

#define DRY_RUN                                          \
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", \
	             "say what would be changed; change nothing")
#define SLUG MRT_OPERAND(struct args, slug, "SLUG", "the school's", .complete = "tenant")

static const struct mrt_opt update_opts[] = {
	MRT_OPT_TEXT(struct args, name, 0, "name", "TEXT", "what it is called from now on"),
	MRT_OPT_TEXT(struct args, plan, 0, "plan", "NAME",
	             "its tariff from now on; it stays where its tables are", .complete = "plan"),
	MRT_OPT_TEXT(struct args, new_slug, 0, "slug", "NEW",
	             "its name in addresses from now on; the old one is kept for a year"),
	DRY_RUN,
	SLUG,
	MRT_OPT_END
};
static const struct mrt_opt suspend_opts[] = { MRT_OPT_TEXT(struct args, reason, 0, "reason",
	                                                    "TEXT", "why, for those who ask"),
	                                       DRY_RUN, SLUG, MRT_OPT_END };
static const struct mrt_opt archive_opts[] = { MRT_OPT_TEXT(struct args, reason, 0, "reason",
	                                                    "TEXT", "why, for those who ask"),
	                                       DRY_RUN, SLUG, MRT_OPT_END };
static const struct mrt_opt opts[] = { DRY_RUN, SLUG, MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const struct args *a, const char *status,
               struct mrt_error *err)
{
	const struct mrt_tenant_change how = {
		.status = status,
		.reason = a->reason,
		.name = a->name,
		.plan = a->plan,
		.slug = a->new_slug,
		.dry_run = a->dry_run,
	};
	mrt_auto_json tenant = NULL;
	if (!status && !a->name && !a->plan && !a->new_slug)
		return mrt_fail(err, MRT_USAGE, "what is to be changed? --name, --plan or --slug");
	int rc = mrt_tenant_update(env->ctx, env->config, a->slug, &how, &tenant, err);
	if (rc == 0)
		rc = mrt_tenant_print(env->out, tenant, err);
	if (rc == 0 && !env->out->json && !json_is_true(json_object_get(tenant, "changed")))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	else if (rc == 0 && !env->out->json && a->dry_run)
		mrt_buf_add_text(&env->out->text, "nothing was changed (--dry-run)\n");
	return rc;
}

static int run_update(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	return run(env, args, NULL, err);
}

static int run_suspend(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	return run(env, args, "suspended", err);
}

static int run_resume(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	return run(env, args, "active", err);
}

static int run_archive(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	return run(env, args, "archived", err);
}

const struct mrt_cmd mrt_cmd_tenant_update = {
	.group = "tenant",
	.verb = "update",
	.summary = "change a school's name, plan or slug",
	.opts = update_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_update,
};
const struct mrt_cmd mrt_cmd_tenant_suspend = {
	.group = "tenant",
	.verb = "suspend",
	.summary = "stop serving a school; nothing is deleted",
	.opts = suspend_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_suspend,
};
const struct mrt_cmd mrt_cmd_tenant_resume = {
	.group = "tenant",
	.verb = "resume",
	.summary = "serve a suspended or archived school again",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_resume,
};
const struct mrt_cmd mrt_cmd_tenant_archive = {
	.group = "tenant",
	.verb = "archive",
	.summary = "put a school away; nothing is deleted",
	.opts = archive_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_archive,
};
