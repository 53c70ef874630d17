/* usage.c - what schools use. */
#include "ops/tenant/usage.h"
#include "base/text.h"
#include "platform/migrations.h"
#include "platform/places.h"
#include "platform/session.h"
#include "platform/slug.h"

#include <stdio.h>
#include <string.h>

#define PAGE "500"
#define N_METRICS 3

enum { ID, SLUG, PLAN, STATUS, MODE, SCHEMA, DATABASE, LIMITS };

static const char *const metrics[N_METRICS] = { "users", "courses", "storage" };

struct counting {
	const struct mrt_usage_filter *filter;
	struct mrt_session *s;
	char after[MRT_SLUG_MAX + 1];
	PGresult *page;
	json_t *used; /* of those that share: {id: [users, courses, storage]} */
	uint64_t passed, failed;
	struct mrt_error first; /* that failed */
	char first_slug[MRT_SLUG_MAX + 1];
};

static void counting_release(struct counting *c)
{
	PQclear(c->page);
	json_decref(c->used);
}

static const char *cell(const struct counting *c, int i, int column)
{
	return PQgetisnull(c->page, i, column) ? NULL : PQgetvalue(c->page, i, column);
}

static bool shares(const struct counting *c, int i)
{
	return strcmp(cell(c, i, MODE), "shared") == 0;
}

static int read_page(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct counting *c = context;
	const char *const values[] = { c->after, c->filter->slug };
	PQclear(c->page);
	c->page = NULL;
	return mrt_session_query(
	        s,
	        "SELECT t.id, t.slug, t.plan, t.status, p.mode, p.schema_name, p.database_name, "
	        "l.users_limit, l.courses_limit, l.storage_limit FROM tenants t JOIN placements p "
	        "ON p.tenant_id = t.id JOIN plans l ON l.name = t.plan WHERE t.slug > $1 AND CASE "
	        "WHEN $2::text IS NULL THEN t.status IN ('active', 'suspended') ELSE t.slug = $2 "
	        "END ORDER BY t.slug LIMIT " PAGE,
	        values, 2, &c->page, err);
}

struct visit {
	const struct mrt_context *ctx;
	const char *ids; /* a list */
	json_t *used;
};

static int count(struct mrt_pg *pg, void *context, struct mrt_error *err)
{
	const struct visit *v = context;
	const char *const values[] = { v->ids };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_exec(pg, v->ctx, err, "SET LOCAL row_security = off");
	if (rc == 0)
		rc = mrt_pg_query(
		        pg, v->ctx,
		        "SELECT i::uuid, (SELECT count(*) FROM users u WHERE u.tenant_id = i::uuid "
		        "AND u.status <> 'disabled'), (SELECT count(*) FROM courses c WHERE "
		        "c.tenant_id = i::uuid AND c.status <> 'archived'), coalesce((SELECT "
		        "k.value FROM usage_counters k WHERE k.tenant_id = i::uuid AND k.metric = "
		        "'storage' ORDER BY k.period DESC LIMIT 1), 0) FROM "
		        "json_array_elements_text($1::json) i",
		        values, 1, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		json_t *list = json_array();
		rc = mrt_json_set(v->used, PQgetvalue(r, i, 0), list, err);
		for (int k = 1; rc == 0 && k <= N_METRICS; k++)
			rc = mrt_json_append(
			        list, json_integer(strtoll(PQgetvalue(r, i, k), NULL, 10)), err);
	}
	return rc;
}

static int count_in(struct counting *c, struct mrt_pg *pg, const char *schema, const json_t *ids,
                    struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { "", schema, MRT_OWNER };
	mrt_autofree char *text = json_dumps(ids, JSON_COMPACT);
	struct visit v = { c->s->ctx, text, c->used };
	if (!text)
		return mrt_no_memory(err);
	int rc = mrt_migrate_is_current(pg, c->s->ctx, "tenant", schema, err);
	return rc < 0 ? rc : mrt_tenant_txn(pg, c->s->ctx, &scope, count, &v, err);
}

static int count_shared(struct counting *c, struct mrt_error *err)
{
	mrt_auto_json ids = json_array();
	int rc = ids ? 0 : mrt_no_memory(err);
	json_decref(c->used);
	c->used = json_object();
	if (rc == 0 && !c->used)
		rc = mrt_no_memory(err);
	for (int i = 0; rc == 0 && i < PQntuples(c->page); i++)
		if (shares(c, i))
			rc = mrt_json_append(ids, json_string(cell(c, i, ID)), err);
	return rc < 0 || json_array_size(ids) == 0
	               ? rc
	               : count_in(c, c->s->pg, MRT_SHARED_SCHEMA, ids, err);
}

static int count_own(struct counting *c, int i, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	mrt_auto_json ids = json_array();
	int rc = ids ? mrt_json_append(ids, json_string(cell(c, i, ID)), err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_place_connect(c->s->ctx, c->s->config, c->s->pg, cell(c, i, DATABASE),
		                       &own, &pg, err);
	return rc < 0 ? rc : count_in(c, pg, cell(c, i, SCHEMA), ids, err);
}

/* One metric: {"used", "limit"}; notes it in passed where it is over. */
static int set_metric(json_t *to, json_t *passed, const char *name, json_t *used, const char *limit,
                      struct mrt_error *err)
{
	json_t *one = json_object();
	int rc = mrt_json_set(to, name, one, err);
	if (rc == 0)
		rc = mrt_json_set(one, "used", used ? json_incref(used) : json_null(), err);
	if (rc == 0)
		rc = mrt_json_set(one, "limit",
		                  limit ? json_integer(strtoll(limit, NULL, 10)) : json_null(),
		                  err);
	if (rc == 0 && used && limit && json_integer_value(used) > strtoll(limit, NULL, 10))
		rc = mrt_json_append(passed, json_string(name), err);
	return rc;
}

static int describe_usage(const struct counting *c, int i, const struct mrt_error *why,
                          json_t **ret, struct mrt_error *err)
{
	static const char *const names[] = { "slug", "plan", "status", "isolation" };
	mrt_auto_json json = json_object();
	json_t *passed = json_array(), *used = json_object_get(c->used, cell(c, i, ID));
	int rc = json ? 0 : mrt_no_memory(err);
	for (int k = 0; rc == 0 && k < 4; k++)
		rc = mrt_json_set_text(json, names[k], cell(c, i, SLUG + k), err);
	for (int k = 0; rc == 0 && k < N_METRICS; k++)
		rc = set_metric(json, passed, metrics[k], json_array_get(used, (size_t)k),
		                cell(c, i, LIMITS + k), err);
	if (rc < 0)
		json_decref(passed);
	else
		rc = mrt_json_set(json, "passed", passed, err);
	if (rc == 0)
		rc = mrt_json_set_error(json, "error", c->s->ctx->log, why, err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

/* One that cannot be looked at keeps no other from being looked at. */
static int report_tenant(struct counting *c, int i,
                         int (*each)(const json_t *tenant, void *context, struct mrt_error *err),
                         void *context, struct mrt_error *err)
{
	struct mrt_error why = { 0 };
	mrt_auto_json one = NULL;
	int rc = mrt_context_check(c->s->ctx, err);
	if (rc < 0)
		return rc;
	int looked = shares(c, i) ? 0 : count_own(c, i, &why);
	if (looked < 0) {
		if (c->failed++ == 0) {
			c->first = why;
			snprintf(c->first_slug, sizeof(c->first_slug), "%s", cell(c, i, SLUG));
		}
	}
	rc = describe_usage(c, i, looked < 0 ? &why : NULL, &one, err);
	if (rc < 0)
		return rc;
	bool passed = json_array_size(json_object_get(one, "passed")) > 0;
	c->passed += passed;
	return !c->filter->passed || passed || looked < 0 ? each(one, context, err) : 0;
}

int mrt_usage_list(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_usage_filter *filter,
                   int (*each)(const json_t *tenant, void *context, struct mrt_error *err),
                   void *context, struct mrt_usage_counts *ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(counting_release) struct counting c = { .filter = filter, .s = &s };
	size_t seen = 0;
	int n = 1, rc = mrt_session_open(ctx, config, false, &s, err);
	while (rc == 0 && n > 0) {
		rc = mrt_session_look(&s, read_page, &c, err);
		n = rc == 0 ? PQntuples(c.page) : 0;
		if (rc == 0 && n > 0)
			rc = count_shared(&c, err);
		for (int i = 0; rc == 0 && i < n; i++, seen++) {
			rc = report_tenant(&c, i, each, context, err);
			snprintf(c.after, sizeof(c.after), "%s", PQgetvalue(c.page, i, SLUG));
		}
	}
	*ret = (struct mrt_usage_counts) { c.passed, rc == 0 ? c.failed : 0 };
	if (rc == 0 && filter->slug && seen == 0) {
		mrt_fail(err, MRT_NOT_FOUND, "there is no school '%.80s'", filter->slug);
		return mrt_hint(err, "'maratea tenant list' shows those that there are");
	}
	return rc < 0 || c.failed == 0
	               ? rc
	               : mrt_fail_because(err, MRT_FAILED, &c.first,
	                                  "%zu school%s could not be looked at, the first: %s",
	                                  (size_t)c.failed, c.failed == 1 ? "" : "s", c.first_slug);
}
