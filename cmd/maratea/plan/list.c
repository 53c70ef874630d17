/* list.c - "maratea plan list" and "maratea plan show". */
#include "base/clock.h"
#include "base/text.h"
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/tenant/plan.h"

#include <inttypes.h>
#include <stdio.h>

struct args {
	const char *name;
};

static const struct mrt_opt list_opts[] = { MRT_OPT_END };
static const struct mrt_opt show_opts[] = {
	MRT_OPERAND(struct args, name, "NAME", "the plan's", .offers = MRT_OFFER_PLANS), MRT_OPT_END
};

/* The limits and the backups of a plan as people read them. */
struct texts {
	char users[24], courses[24], storage[MRT_SIZE_SIZE], requests[24],
	        interval[MRT_DURATION_SIZE], retention[128], tenants[24];
};

static void number(const json_t *limits, const char *name, char ret[24])
{
	if (json_is_integer(json_object_get(limits, name)))
		snprintf(ret, 24, "%" PRIu64, mrt_json_size_or(limits, name, 0));
	else
		snprintf(ret, 24, "no limit");
}

static void read_texts(const json_t *plan, struct texts *ret)
{
	const json_t *limits = json_object_get(plan, "limits"),
	             *backup = json_object_get(plan, "backup"), *value;
	const char *name;
	number(limits, "users", ret->users);
	number(limits, "courses", ret->courses);
	number(limits, "requests_per_second", ret->requests);
	snprintf(ret->storage, sizeof(ret->storage), "no limit");
	if (json_is_integer(json_object_get(limits, "storage")))
		mrt_size_format(mrt_json_size_or(limits, "storage", 0), ret->storage);
	ret->interval[0] = ret->retention[0] = '\0';
	if (json_is_integer(json_object_get(backup, "interval_s")))
		mrt_duration_format((int64_t)mrt_json_size_or(backup, "interval_s", 0) * MRT_SECOND,
		                    ret->interval);
	json_object_foreach ((json_t *)(uintptr_t)json_object_get(backup, "retention"), name,
	                     value) {
		size_t n = strlen(ret->retention);
		snprintf(ret->retention + n, sizeof(ret->retention) - n,
		         "%s%s=%" JSON_INTEGER_FORMAT, n ? "," : "", name,
		         json_integer_value(value));
	}
	snprintf(ret->tenants, sizeof(ret->tenants), "%" PRIu64,
	         mrt_json_size_or(plan, "tenants", 0));
}

int mrt_plan_print(struct mrt_output *out, const json_t *plan, struct mrt_error *err)
{
	struct texts t;
	if (out->json)
		return mrt_show_json(out, plan, err);
	read_texts(plan, &t);
	mrt_show_field(out, "plan", "%s", mrt_json_text_or(plan, "name", ""));
	mrt_show_field(out, "isolation", "%s", mrt_json_text_or(plan, "isolation", ""));
	mrt_show_field(out, "users", "%s", t.users);
	mrt_show_field(out, "courses", "%s", t.courses);
	mrt_show_field(out, "storage", "%s", t.storage);
	mrt_show_field(out, "requests/s", "%s", t.requests);
	mrt_show_field(out, "backup", "%s%s%s%s", t.interval[0] ? "each " : "as the platform's",
	               t.interval, t.retention[0] ? ", kept: " : "", t.retention);
	mrt_show_field(out, "schools", "%s", t.tenants);
	return 0;
}

static void row(struct mrt_table *table, const json_t *plan)
{
	struct texts t;
	read_texts(plan, &t);
	const char *const cells[] = { mrt_json_text_or(plan, "name", ""),
		                      mrt_json_text_or(plan, "isolation", ""),
		                      t.users,
		                      t.courses,
		                      t.storage,
		                      t.requests,
		                      t.interval,
		                      t.retention,
		                      t.tenants };
	mrt_table_row(table, cells);
}

static int run_list(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "NAME", MRT_LEFT },     { "ISOLATION", MRT_LEFT }, { "USERS", MRT_RIGHT },
		{ "COURSES", MRT_RIGHT }, { "STORAGE", MRT_RIGHT },  { "REQUESTS/S", MRT_RIGHT },
		{ "BACKUP", MRT_RIGHT },  { "KEEP", MRT_LEFT },      { "SCHOOLS", MRT_RIGHT },
	};
	(void)args;
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "plans",
		.name = "name",
		.nothing = "no plans; 'maratea plan create' makes one",
		.columns = columns,
		.n_columns = 9,
		.row = row,
	};
	mrt_auto_json report = NULL;
	const json_t *plan;
	size_t i;
	int rc = mrt_plan_list(env->ctx, env->config, &report, err);
	json_array_foreach (json_object_get(report, "plans"), i, plan)
		if (rc == 0)
			rc = mrt_listing_add(plan, &listing, err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

static int run_show(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json plan = NULL;
	int rc = mrt_plan_show(env->ctx, env->config, a->name, &plan, err);
	return rc < 0 ? rc : mrt_plan_print(env->out, plan, err);
}

const struct mrt_cmd mrt_cmd_plan_list = {
	.group = "plan",
	.verb = "list",
	.summary = "list the tariffs",
	.opts = list_opts,
	.needs_config = true,
	.lists = true,
	.run = run_list,
};
const struct mrt_cmd mrt_cmd_plan_show = {
	.group = "plan",
	.verb = "show",
	.summary = "show a tariff",
	.opts = show_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_show,
};
