/* suspend.c - "maratea tenant suspend". */
#include "maratea/commands.h"
#include "maratea/tenant/change.h"

struct args {
	const char *slug, *reason;
	bool dry_run;
};

static const struct mrt_opt opts[] = { MRT_TENANT_REASON(struct args),
	                               MRT_TENANT_DRY_RUN(struct args),
	                               MRT_TENANT_SLUG(struct args), MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_tenant_change how = { .status = "suspended",
		                               .reason = a->reason,
		                               .dry_run = a->dry_run };
	return mrt_tenant_apply_change(env, a->slug, &how, err);
}

const struct mrt_cmd mrt_cmd_tenant_suspend = {
	.group = "tenant",
	.verb = "suspend",
	.summary = "stop serving a school; nothing is deleted",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
