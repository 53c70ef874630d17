/* probe.c - "store probe": what the store can do, how it is set up, and what of that is dangerous.
 */
#include "ops/store/probe.h"
#include "base/text.h"
#include "client/store/contract.h"
#include "repository/layout.h"

#include <inttypes.h>
#include <string.h>

struct probe {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	struct mrt_store *store;
	struct mrt_store_capabilities can;
	struct mrt_store_settings set;
	int64_t took; /* ns */
	json_t *findings, *notes;
};

static void probe_release(struct probe *p)
{
	mrt_store_free(p->store);
	mrt_store_settings_release(&p->set);
	json_decref(p->findings);
	json_decref(p->notes);
}

/* The longest that a rule of the retention keeps a backup; 0: there is none. */
static int64_t horizon(const struct mrt_config *c)
{
	const int64_t days[] = { (c->retention_hourly + 23) / 24, c->retention_daily,
		                 c->retention_weekly * 7, c->retention_monthly * 31,
		                 c->retention_yearly * 366 };
	int64_t most = 0;
	for (size_t i = 0; i < MRT_COUNT(days); i++)
		most = days[i] > most ? days[i] : most;
	return most;
}

static int add_text(json_t *list, struct mrt_error *err, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static int add_text(json_t *list, struct mrt_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	json_t *text = json_vsprintf(format, args);
	va_end(args);
	return mrt_json_append(list, text, err);
}

/* Rules by age do not know which backup is the last good one. */
static int judge_lifecycle(struct probe *p, struct mrt_error *err)
{
	int64_t kept = horizon(p->config);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->set.n_rules; i++) {
		const struct mrt_store_rule *r = &p->set.rules[i];
		if (r->noncurrent)
			continue;
		if (r->days == 0)
			rc = add_text(p->findings, err,
			              "the lifecycle rule '%s' deletes all backups on a date",
			              r->id);
		else if (kept > r->days)
			rc = add_text(p->findings, err,
			              "the lifecycle rule '%s' deletes backups after %" PRId64
			              " days; the retention keeps some for %" PRId64,
			              r->id, r->days, kept);
		else
			rc = add_text(p->findings, err,
			              "the lifecycle rule '%s' deletes backups after %" PRId64
			              " days, also the last good one when later runs failed: leave "
			              "that to 'maratea backup prune'",
			              r->id, r->days);
	}
	return rc;
}

static int judge_lock(struct probe *p, struct mrt_error *err)
{
	const char *mode = p->config->store_object_lock_mode;
	int64_t days = mode ? p->config->store_object_lock_days : p->set.lock_days;
	int64_t kept = horizon(p->config);
	int rc = 0;
	if (mode && p->set.object_lock == MRT_NO)
		rc = add_text(p->findings, err,
		              "store.object-lock is set, and the bucket has no object lock: "
		              "backups will be refused");
	if (rc == 0 && kept > 0 && days > kept)
		rc = add_text(p->notes, err,
		              "locks hold for %" PRId64 " days, the retention keeps backups for "
		              "%" PRId64 ": prune can remove them only later",
		              days, kept);
	if (rc == 0 && p->set.versioned == MRT_YES && p->can.conditional_put == MRT_NO)
		rc = add_text(p->notes, err,
		              "exactly one of several writers does not win here: prune needs "
		              "--no-store-lock");
	return rc;
}

static int describe_settings(const struct probe *p, json_t *json, struct mrt_error *err)
{
	static const char *const answers[] = { "unknown", "no", "yes" };
	const struct mrt_store_settings *s = &p->set;
	json_t *rules = json_array();
	int rc = mrt_json_set_text(json, "versioned", answers[s->versioned], err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "object_lock", answers[s->object_lock], err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "lock_mode", s->lock_mode[0] ? s->lock_mode : NULL,
		                       err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "lock_days", (uint64_t)s->lock_days, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "lifecycle", answers[s->lifecycle], err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "abort_days", (uint64_t)s->abort_days, err);
	if (rc == 0)
		rc = mrt_json_set(json, "rules", rules, err);
	for (size_t i = 0; rc == 0 && i < s->n_rules; i++) {
		json_t *item = json_object();
		rc = mrt_json_append(rules, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "id", s->rules[i].id, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "days", (uint64_t)s->rules[i].days, err);
		if (rc == 0)
			rc = mrt_json_set(item, "noncurrent", json_boolean(s->rules[i].noncurrent),
			                  err);
	}
	return rc;
}

static int describe_store(const struct probe *p, json_t **ret, struct mrt_error *err)
{
	static const char *const answers[] = { "unknown", "no", "yes" };
	mrt_auto_json json = json_object();
	int rc = json ? mrt_json_set_text(json, "store", p->store->name, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "latency_ms", (uint64_t)(p->took / MRT_MILLISECOND),
		                       err);
	if (rc == 0)
		rc = mrt_json_set(json, "clock_skew_s",
		                  p->can.has_clock ? json_integer(p->can.clock_skew / MRT_SECOND)
		                                   : json_null(),
		                  err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "conditional_put", answers[p->can.conditional_put],
		                       err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "conditional_complete",
		                       answers[p->can.conditional_complete], err);
	if (rc == 0)
		rc = describe_settings(p, json, err);
	if (rc == 0)
		rc = mrt_json_set(json, "findings", json_incref(p->findings), err);
	if (rc == 0)
		rc = mrt_json_set(json, "notes", json_incref(p->notes), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_store_report(const struct mrt_context *ctx, const struct mrt_config *config, bool write,
                     json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(probe_release) struct probe p = {
		.ctx = ctx, .config = config, .findings = json_array(), .notes = json_array()
	};
	int64_t begun = mrt_clock_monotonic();
	int rc = p.findings && p.notes ? mrt_repository_open(config, 4, &p.store, err)
	                               : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_store_probe(p.store, ctx, write, &p.can, err);
	p.took = mrt_clock_monotonic() - begun;
	if (rc == 0)
		rc = mrt_store_settings(p.store, ctx, &p.set, err);
	if (rc == 0)
		rc = judge_lifecycle(&p, err);
	if (rc == 0)
		rc = judge_lock(&p, err);
	if (rc == 0)
		rc = describe_store(&p, ret, err);
	if (rc < 0 || json_array_size(p.findings) == 0)
		return rc;
	return mrt_fail(err, MRT_BAD, "%s: %s", p.store->name,
	                json_string_value(json_array_get(p.findings, 0)));
}
