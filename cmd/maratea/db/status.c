/* status.c - "maratea db status". */
#include "maratea/commands.h"
#include "maratea/db/show.h"
#include "ops/db/commands.h"

static const struct mrt_opt opts[] = { MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	(void)args;
	mrt_auto_json report = NULL;
	int rc = mrt_db_status(env->ctx, env->config, &report, err);
	return mrt_db_show_schemas(env, report, rc, err);
}

const struct mrt_cmd mrt_cmd_db_status = {
	.group = "db",
	.verb = "status",
	.summary = "which migrations each schema has",
	.opts = opts,
	.args_size = 0,
	.needs_config = true,
	.run = run,
};
