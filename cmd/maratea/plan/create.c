/* create.c - "maratea plan create" and "maratea plan update". */
#include "maratea/commands.h"
#include "ops/tenant/plan.h"

struct args {
	const char *name, *isolation, *users, *courses, *storage, *requests, *interval, *retention;
	bool dry_run;
};

#define OPTIONS                                                                                  \
	MRT_OPT_TEXT(struct args, isolation, 0, "isolation", "MODE",                             \
	             "how a school on it is kept apart: shared, schema or database",             \
	             .choices = "shared|schema|database"),                                       \
	        MRT_OPT_TEXT(struct args, users, 0, "users", "N",                                \
	                     "so many users, or none: no limit"),                                \
	        MRT_OPT_TEXT(struct args, courses, 0, "courses", "N",                            \
	                     "so many courses, or none: no limit"),                              \
	        MRT_OPT_TEXT(struct args, storage, 0, "storage", "SIZE",                         \
	                     "so much storage, or none: no limit"),                              \
	        MRT_OPT_TEXT(struct args, requests, 0, "requests-per-second", "N",               \
	                     "so many requests a second, or none: no limit"),                    \
	        MRT_OPT_TEXT(struct args, interval, 0, "backup-interval", "TIME",                \
	                     "a backup each so often, or none"),                                 \
	        MRT_OPT_TEXT(struct args, retention, 0, "backup-retention", "RULES",             \
	                     "how many are kept, as in last=3,daily=7,monthly=12, or none"),     \
	        MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run",                                 \
	                     "say what it would be then; change nothing"),                       \
	        MRT_OPERAND(struct args, name, "NAME", "the plan's", .offers = MRT_OFFER_PLANS), \
	        MRT_OPT_END

static const struct mrt_opt opts[] = { OPTIONS };

static int run(const struct mrt_cmd_env *env, const void *args, bool create, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_plan_options how = {
		.isolation = a->isolation,
		.users = a->users,
		.courses = a->courses,
		.storage = a->storage,
		.requests = a->requests,
		.backup_interval = a->interval,
		.backup_retention = a->retention,
		.dry_run = a->dry_run,
	};
	mrt_auto_json plan = NULL;
	if (!create && !a->isolation && !a->users && !a->courses && !a->storage && !a->requests &&
	    !a->interval && !a->retention)
		return mrt_fail(err, MRT_USAGE,
		                "what is to be changed? 'maratea plan update "
		                "--help' tells what can be");
	int rc = create ? mrt_plan_create(env->ctx, env->config, a->name, &how, &plan, err)
	                : mrt_plan_update(env->ctx, env->config, a->name, &how, &plan, err);
	if (rc == 0)
		rc = mrt_plan_print(env->out, plan, err);
	if (rc == 0 && !env->out->json && !json_is_true(json_object_get(plan, "changed")))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	else if (rc == 0 && !env->out->json && a->dry_run)
		mrt_buf_add_text(&env->out->text, "nothing was changed (--dry-run)\n");
	return rc;
}

static int run_create(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	return run(env, args, true, err);
}

static int run_update(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	return run(env, args, false, err);
}

const struct mrt_cmd mrt_cmd_plan_create = {
	.group = "plan",
	.verb = "create",
	.summary = "make a tariff",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_create,
};
const struct mrt_cmd mrt_cmd_plan_update = {
	.group = "plan",
	.verb = "update",
	.summary = "change a tariff; what is not given stays",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_update,
};
