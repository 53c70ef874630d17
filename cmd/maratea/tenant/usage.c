/* usage.c - "maratea tenant usage" and "maratea usage check". */
#include "base/text.h"
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/tenant/usage.h"

#include <inttypes.h>
#include <stdio.h>

struct args {
	const char *slug;
};

static const struct mrt_opt usage_opts[] = {
	MRT_OPERAND_MAYBE(struct args, slug, "SLUG",
	                  "only this school (default: all that are active or suspended)",
	                  .offers = MRT_OFFER_TENANTS),
	MRT_OPT_END
};

/* "12 of 100", "12": no limit. */
static void metric(const json_t *tenant, const char *name, bool bytes, char *ret, size_t size)
{
	const json_t *one = json_object_get(tenant, name);
	char used[MRT_SIZE_SIZE], limit[MRT_SIZE_SIZE];
	bool limited = !json_is_null(json_object_get(one, "limit"));
	if (json_is_null(json_object_get(one, "used"))) {
		snprintf(ret, size, "?");
		return;
	}
	uint64_t u = mrt_json_size_or(one, "used", 0), l = mrt_json_size_or(one, "limit", 0);
	snprintf(used, sizeof(used), "%" PRIu64, u);
	snprintf(limit, sizeof(limit), "%" PRIu64, l);
	if (bytes) {
		mrt_size_format(u, used);
		mrt_size_format(l, limit);
	}
	snprintf(ret, size, "%s%s%s", used, limited ? " of " : "", limited ? limit : "");
}

static void row(struct mrt_table *table, const json_t *tenant)
{
	char users[64], courses[64], storage[64];
	mrt_auto_buf state = MRT_BUF_INIT;
	const json_t *item;
	size_t i;
	metric(tenant, "users", false, users, sizeof(users));
	metric(tenant, "courses", false, courses, sizeof(courses));
	metric(tenant, "storage", true, storage, sizeof(storage));
	json_array_foreach (json_object_get(tenant, "passed"), i, item)
		mrt_buf_printf(&state, "%s%s", i ? ", " : "over: ", json_string_value(item));
	const char *error = mrt_json_text_or(tenant, "error", NULL);
	const char *const cells[] = { mrt_json_text_or(tenant, "slug", ""),
		                      mrt_json_text_or(tenant, "plan", ""),
		                      users,
		                      courses,
		                      storage,
		                      error           ? error
		                      : state.len > 0 ? mrt_buf_text(&state)
		                                      : "" };
	mrt_table_row(table, cells);
}

static int list(const struct mrt_cmd_env *env, const struct args *a, bool passed,
                struct mrt_usage_counts *ret, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "SCHOOL", MRT_LEFT },   { "PLAN", MRT_LEFT },     { "USERS", MRT_RIGHT },
		{ "COURSES", MRT_RIGHT }, { "STORAGE", MRT_RIGHT }, { "STATE", MRT_LEFT },
	};
	const struct mrt_usage_filter filter = { a->slug, passed };
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "schools",
		.name = "slug",
		.nothing = passed ? "no limit is passed" : "no schools",
		.columns = columns,
		.n_columns = 6,
		.row = row,
	};
	struct mrt_error other;
	int rc =
	        mrt_usage_list(env->ctx, env->config, &filter, mrt_listing_add, &listing, ret, err);
	/* those that could be looked at are shown, whatever the others are */
	int ended = rc == 0 || ret->unknown > 0 ? mrt_listing_end(&listing, &other) : 0;
	if (rc == 0 && ended < 0 && err)
		*err = other;
	return rc < 0 ? rc : ended;
}

static int run_usage(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	struct mrt_usage_counts counts = { 0 };
	return list(env, args, false, &counts, err);
}

static int run_check(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	struct mrt_usage_counts counts = { 0 };
	int rc = list(env, args, true, &counts, err);
	uint64_t passed = counts.passed;
	return rc < 0 || passed == 0 ? rc
	                             : mrt_fail(err, MRT_BAD, "%" PRIu64 " school%s passed a limit",
	                                        passed, passed == 1 ? " has" : "s have");
}

const struct mrt_cmd mrt_cmd_tenant_usage = {
	.group = "tenant",
	.verb = "usage",
	.summary = "what schools use, and may use",
	.opts = usage_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run_usage,
};
const struct mrt_cmd mrt_cmd_usage_check = {
	.group = "usage",
	.verb = "check",
	.summary = "has a school passed a limit of its plan?",
	.opts = usage_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run_check,
};
