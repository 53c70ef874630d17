/* probe.c - "maratea store probe": can the store be reached, and what can it do? */
#include "maratea/commands.h"
#include "ops/store/probe.h"

#include <inttypes.h>
#include <string.h>

struct args {
	bool write;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_FLAG(struct args, write, 'w', "write",
	             "find out by putting and deleting objects under .maratea-probe"),
	MRT_OPT_END
};

static const char *answer(const json_t *report, const char *member)
{
	const char *text = mrt_json_text_or(report, member, "unknown");
	return strcmp(text, "unknown") == 0 ? "not known (--write finds out)" : text;
}

static void show_settings(struct mrt_output *out, const json_t *r)
{
	const char *versioned = mrt_json_text_or(r, "versioned", "unknown"),
	           *lock = mrt_json_text_or(r, "object_lock", "unknown"),
	           *lifecycle = mrt_json_text_or(r, "lifecycle", "unknown");
	const char *silent = "not known: the store does not say";
	mrt_show_field(out, "versions", "%s",
	               strcmp(versioned, "yes") == 0  ? "what is deleted stays, as an older one"
	               : strcmp(versioned, "no") == 0 ? "none"
	                                              : silent);
	if (mrt_json_text_or(r, "lock_mode", NULL))
		mrt_show_field(
		        out, "object lock", "%s for %" PRIu64 " days, unless an object says more",
		        mrt_json_text_or(r, "lock_mode", ""), mrt_json_size_or(r, "lock_days", 0));
	else
		mrt_show_field(out, "object lock", "%s",
		               strcmp(lock, "yes") == 0  ? "where an object says so"
		               : strcmp(lock, "no") == 0 ? "none"
		                                         : silent);
	const json_t *rules = json_object_get(r, "rules"), *rule;
	size_t i;
	if (strcmp(lifecycle, "unknown") == 0)
		mrt_show_field(out, "lifecycle", "%s", silent);
	else if (json_array_size(rules) == 0)
		mrt_show_field(out, "lifecycle", "nothing of ours is deleted");
	json_array_foreach (rules, i, rule)
		mrt_show_field(out, "lifecycle", "rule '%s' deletes %s after %" PRIu64 " days",
		               mrt_json_text_or(rule, "id", ""),
		               json_is_true(json_object_get(rule, "noncurrent")) ? "older versions"
		                                                                 : "objects",
		               mrt_json_size_or(rule, "days", 0));
	if (mrt_json_size_or(r, "abort_days", 0) > 0)
		mrt_show_field(out, "lifecycle",
		               "unfinished uploads are removed after %" PRIu64 " days",
		               mrt_json_size_or(r, "abort_days", 0));
}

static void show_store(struct mrt_output *out, const json_t *r, bool write)
{
	const json_t *item;
	size_t i;
	mrt_show_field(out, "store", "%s", mrt_json_text_or(r, "store", ""));
	mrt_show_field(out, "reached", "in %" PRIu64 " ms%s", mrt_json_size_or(r, "latency_ms", 0),
	               write ? ", written and deleted" : "");
	if (json_is_integer(json_object_get(r, "clock_skew_s")))
		mrt_show_field(out, "clock", "%+lld s off ours",
		               (long long)json_integer_value(json_object_get(r, "clock_skew_s")));
	mrt_show_field(out, "if-none-match", "on PUT: %s; on complete: %s",
	               answer(r, "conditional_put"), answer(r, "conditional_complete"));
	show_settings(out, r);
	json_array_foreach (json_object_get(r, "notes"), i, item)
		mrt_show_field(out, "note", "%s", json_string_value(item));
	json_array_foreach (json_object_get(r, "findings"), i, item)
		mrt_show_field(out, "DANGER", "%s", json_string_value(item));
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json report = NULL;
	int rc = mrt_store_report(env->ctx, env->config, a->write, &report, err);
	if (!report)
		return rc;
	if (env->out->json) {
		struct mrt_error other;
		int shown = mrt_show_json(env->out, report, rc < 0 ? &other : err);
		return rc < 0 ? rc : shown;
	}
	show_store(env->out, report, a->write);
	return rc;
}

const struct mrt_cmd mrt_cmd_store_probe = {
	.group = "store",
	.verb = "probe",
	.summary = "reach the store and tell what it can do",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
