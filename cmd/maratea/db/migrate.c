/* migrate.c - "maratea db migrate". */
#include "maratea/commands.h"
#include "maratea/db/show.h"
#include "ops/db/commands.h"

struct args {
	int64_t jobs;
	bool dry_run;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_NUMBER(struct args, jobs, 'j', "jobs", "N",
	               "so many schools' own schemas at a time", 1, 32),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what is pending; apply nothing"),
	MRT_OPT_END
};

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_db_migrate_options how = { .jobs = a->jobs ? (unsigned)a->jobs : 1,
		                                    .dry_run = a->dry_run };
	mrt_auto_json report = NULL;
	int rc = mrt_db_migrate(env->ctx, env->config, &how, &report, err);
	return mrt_db_show_schemas(env, report, rc, err);
}

const struct mrt_cmd mrt_cmd_db_migrate = {
	.group = "db",
	.verb = "migrate",
	.summary = "bring every schema up to this maratea's",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
