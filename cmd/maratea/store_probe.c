/* store_probe.c - "maratea store probe": can the store be reached, and what can it do? */
#include "maratea/commands.h"
#include "ops/backup/repository.h"

#include <inttypes.h>

struct args {
	bool write;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_FLAG(struct args, write, 'w', "write",
	             "find out by putting and deleting objects under .maratea-probe"),
	MRT_OPT_END
};

static const char *answer(enum mrt_answer a)
{
	return a == MRT_YES ? "yes" : a == MRT_NO ? "no" : "not known (--write finds out)";
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto(mrt_store) *store = NULL;
	struct mrt_store_capabilities c;
	enum mrt_answer versioned = MRT_UNKNOWN;
	int rc = mrt_repository_open(env->config, 4, &store, err);
	int64_t begun = mrt_clock_monotonic();
	if (rc == 0)
		rc = mrt_store_probe(store, env->run, a->write, &c, err);
	if (rc == 0)
		rc = mrt_store_versioned(store, env->run, &versioned, err);
	if (rc < 0)
		return rc;
	int64_t ms = (mrt_clock_monotonic() - begun) / MRT_MILLISECOND;
	if (!env->out->json) {
		mrt_show_field(env->out, "store", "%s", store->name);
		mrt_show_field(env->out, "reached", "in %" PRId64 " ms%s", ms,
		               a->write ? ", written and deleted" : "");
		if (c.has_clock)
			mrt_show_field(env->out, "clock", "%+" PRId64 " s off ours",
			               c.clock_skew / MRT_SECOND);
		mrt_show_field(env->out, "if-none-match", "on PUT: %s; on complete: %s",
		               answer(c.conditional_put), answer(c.conditional_complete));
		mrt_show_field(env->out, "versions", "%s",
		               versioned == MRT_YES  ? "what is deleted stays, as an older one"
		               : versioned == MRT_NO ? "none"
		                                     : "not known: the store does not say");
		return 0;
	}
	static const char *const answers[] = { "unknown", "no", "yes" };
	mrt_auto_json json = json_object();
	rc = json ? mrt_json_set_text(json, "store", store->name, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "latency_ms", (uint64_t)ms, err);
	if (rc == 0)
		rc = mrt_json_set(
		        json, "clock_skew_s",
		        c.has_clock ? json_integer(c.clock_skew / MRT_SECOND) : json_null(), err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "conditional_put", answers[c.conditional_put], err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "conditional_complete",
		                       answers[c.conditional_complete], err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "versioned", answers[versioned], err);
	return rc < 0 ? rc : mrt_show_json(env->out, json, err);
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
