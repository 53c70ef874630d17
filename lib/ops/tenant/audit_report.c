/* audit_report.c - reading the chains, and following them. */
#include "ops/tenant/audit_report.h"
#include "base/text.h"
#include "ops/tenant/migrations.h"
#include "ops/tenant/places.h"
#include "ops/tenant/tenants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE "500"

struct reading {
	struct mrt_session s;
	const char *slug;
	char *tenant; /* its id; NULL: all */
	char *schema, *database;
	int (*each)(const json_t *event, void *context, struct mrt_error *err);
	void *context;
	json_t *faults;
	uint64_t chains, rows;
};

static void reading_release(struct reading *r)
{
	mrt_session_release(&r->s);
	free(r->tenant);
	free(r->schema);
	free(r->database);
	json_decref(r->faults);
}

static int find_school(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct reading *r = context;
	mrt_auto_json json = NULL;
	int rc = mrt_tenant_fetch(s, r->slug, false, &json, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "id", ""), &r->tenant, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "schema", ""), &r->schema, err);
	const char *database = mrt_json_text_or(json, "database", NULL);
	return rc == 0 && database ? mrt_text_dup(database, &r->database, err) : rc;
}

static int open_reading(struct reading *r, const struct mrt_run *run,
                        const struct mrt_config *config, struct mrt_error *err)
{
	int rc = mrt_session_open(run, config, false, &r->s, err);
	return rc < 0 || !r->slug ? rc : mrt_session_look(&r->s, find_school, r, err);
}

/* In one snapshot: a chain that grows meanwhile is not a broken one. */
static int enter(struct mrt_pg *pg, const struct mrt_run *run, const char *schema,
                 struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { "", schema, MRT_OWNER };
	int rc = mrt_pg_exec(pg, run, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	if (rc == 0)
		rc = mrt_tenant_enter(pg, run, &scope, err);
	return rc < 0 ? rc : mrt_pg_exec(pg, run, err, "SET LOCAL row_security = off");
}

static int leave(struct mrt_pg *pg, const struct mrt_run *run, int rc, struct mrt_error *err)
{
	struct mrt_error why;
	int back = mrt_pg_exec(pg, run, rc < 0 ? &why : err, "ROLLBACK");
	return rc < 0 ? rc : back;
}

static int describe(const PGresult *p, int i, const char *chain, json_t **ret,
                    struct mrt_error *err)
{
	static const char *const names[] = { "tenant", "seq", "at", "actor", "action", "origin" };
	mrt_auto_json json = json_object();
	json_t *payload = NULL;
	int rc = json ? mrt_json_set_text(json, "chain", chain, err) : mrt_no_memory(err);
	for (int k = 0; rc == 0 && k < 6; k++)
		rc = k == 1 ? mrt_json_set_size(json, names[k],
		                                strtoull(PQgetvalue(p, i, k), NULL, 10), err)
		            : mrt_json_set_text(json, names[k], PQgetvalue(p, i, k), err);
	if (rc == 0 && !PQgetisnull(p, i, 6))
		payload = json_loads(PQgetvalue(p, i, 6), JSON_DECODE_ANY, NULL);
	if (rc == 0)
		rc = mrt_json_set(json, "payload", payload ? payload : json_null(), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

/* In the order in which they were written. */
static int list_chain(const struct reading *r, struct mrt_pg *pg, const char *chain,
                      struct mrt_error *err)
{
	char at[64] = "-infinity", tenant[MRT_UUID_SIZE] = "00000000-0000-0000-0000-000000000000",
	     seq[24] = "0";
	int n = 1, rc = 0;
	while (rc == 0 && n > 0) {
		mrt_auto_pgresult p = NULL;
		const char *const values[] = { r->tenant, at, tenant, seq };
		rc = mrt_pg_query(
		        pg, r->s.run,
		        "SELECT tenant_id, seq, to_char(at AT TIME ZONE 'UTC', "
		        "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), actor, action, origin, "
		        "payload FROM "
		        "audit_log WHERE ($1::uuid IS NULL OR tenant_id = $1) AND (at, "
		        "tenant_id, seq) "
		        "> ($2::timestamptz, $3::uuid, $4::bigint) ORDER BY at, tenant_id, seq "
		        "LIMIT " PAGE,
		        values, 4, &p, err);
		n = rc == 0 ? PQntuples(p) : 0;
		for (int i = 0; rc == 0 && i < n; i++) {
			mrt_auto_json one = NULL;
			rc = describe(p, i, chain, &one, err);
			if (rc == 0)
				rc = r->each(one, r->context, err);
		}
		if (n > 0) {
			snprintf(tenant, sizeof(tenant), "%s", PQgetvalue(p, n - 1, 0));
			snprintf(seq, sizeof(seq), "%s", PQgetvalue(p, n - 1, 1));
			snprintf(at, sizeof(at), "%s", PQgetvalue(p, n - 1, 2));
		}
	}
	return rc;
}

int mrt_audit_list(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                   int (*each)(const json_t *event, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err)
{
	mrt_cleanup(reading_release) struct reading r = { .slug = slug,
		                                          .each = each,
		                                          .context = context };
	mrt_auto(mrt_pg) *own = NULL;
	int rc = open_reading(&r, run, config, err);
	if (rc == 0) {
		rc = enter(r.s.pg, run, MRT_PLATFORM_SCHEMA, err);
		if (rc == 0)
			rc = list_chain(&r, r.s.pg, "platform", err);
		rc = leave(r.s.pg, run, rc, err);
	}
	if (rc < 0 || !slug)
		return rc;
	struct mrt_pg *pg = NULL;
	rc = mrt_place_connect(run, config, r.s.pg, r.database, &own, &pg, err);
	if (rc < 0)
		return rc;
	rc = enter(pg, run, r.schema, err);
	if (rc == 0)
		rc = list_chain(&r, pg, "school", err);
	return leave(pg, run, rc, err);
}

static int note_fault(struct reading *r, const char *schema, const char *database,
                      const char *tenant, const char *text, struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(r->faults, item, err);
	const char *const texts[][2] = { { "schema", schema },
		                         { "database", database },
		                         { "tenant", tenant },
		                         { "text", text } };
	for (size_t i = 0; rc == 0 && i < 4; i++)
		rc = mrt_json_set_text(item, texts[i][0], texts[i][1], err);
	return rc;
}

static int follow(struct reading *r, struct mrt_pg *pg, const char *schema, const char *database,
                  struct mrt_error *err)
{
	const char *const values[] = { r->tenant };
	mrt_auto_pgresult ids = NULL;
	int rc = mrt_pg_query(
	        pg, r->s.run,
	        "SELECT tenant_id FROM audit_heads WHERE $1::uuid IS NULL OR tenant_id = "
	        "$1 UNION SELECT tenant_id FROM audit_log WHERE $1::uuid IS NULL OR "
	        "tenant_id = $1 ORDER BY 1",
	        values, 1, &ids, err);
	for (int i = 0; rc == 0 && i < PQntuples(ids); i++) {
		const char *tenant = PQgetvalue(ids, i, 0);
		mrt_autofree char *fault = NULL;
		uint64_t rows = 0;
		rc = mrt_audit_follow(pg, r->s.run, tenant, &rows, &fault, err);
		if (rc == 0 && fault)
			rc = note_fault(r, schema, database, tenant, fault, err);
		r->chains++;
		r->rows += rows;
	}
	return rc;
}

/* A place that has no tables yet has no chains. */
static int follow_place(struct reading *r, const char *schema, const char *database,
                        struct mrt_error *err)
{
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	int rc = mrt_place_connect(r->s.run, r->s.config, r->s.pg, database, &own, &pg, err);
	if (rc < 0)
		return rc;
	mrt_autofree char *there = NULL;
	rc = enter(pg, r->s.run, schema, err);
	if (rc == 0)
		rc = mrt_pg_value(pg, r->s.run, "SELECT to_regclass('audit_log') IS NOT NULL",
		                  &there, err);
	if (rc == 0 && strcmp(there, "t") == 0)
		rc = follow(r, pg, schema, database, err);
	return leave(pg, r->s.run, rc, err);
}

static int follow_all(struct reading *r, struct mrt_error *err)
{
	mrt_cleanup(mrt_places_release) struct mrt_places own = { 0 };
	int rc = follow_place(r, MRT_PLATFORM_SCHEMA, NULL, err);
	if (rc == 0 && r->slug)
		return follow_place(r, r->schema, r->database, err);
	if (rc == 0)
		rc = follow_place(r, MRT_SHARED_SCHEMA, NULL, err);
	if (rc == 0)
		rc = mrt_places_read(r->s.pg, r->s.run, &own, err);
	for (size_t i = 0; rc == 0 && i < own.n; i++) {
		rc = follow_place(r, own.items[i].schema, own.items[i].database, err);
		if (rc < 0)
			rc = mrt_context(err, rc, "%s", own.items[i].tenant);
	}
	return rc;
}

int mrt_audit_verify(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                     json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(reading_release) struct reading r = { .slug = slug, .faults = json_array() };
	mrt_auto_json json = json_object();
	int rc = json && r.faults ? open_reading(&r, run, config, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = follow_all(&r, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "chains", r.chains, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "rows", r.rows, err);
	if (rc == 0)
		rc = mrt_json_set(json, "faults", json_incref(r.faults), err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	const json_t *first = json_array_get(r.faults, 0);
	return !first ? 0
	              : mrt_fail(err, MRT_BAD,
	                         "%zu chains are broken, the first: of %s, in "
	                         "%s: %s",
	                         json_array_size(r.faults), mrt_json_text_or(first, "tenant", ""),
	                         mrt_json_text_or(first, "schema", ""),
	                         mrt_json_text_or(first, "text", ""));
}
