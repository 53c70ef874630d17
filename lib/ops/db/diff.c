/* diff.c - "db diff": what the migrations make, beside what is there.
 *
 * A set is made once more, in a schema of its own and in a transaction that is rolled back, and
 * both are described by the catalogue, a line a thing.
 */
#include "base/text.h"
#include "ops/db/commands.h"
#include "platform/connect.h"
#include "platform/migrations.h"
#include "platform/places.h"
#include "platform/sql.h"

#include <stdio.h>
#include <string.h>

struct diffing {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	json_t *list;
};

/* Nobody looks on. */
static int run_file(const struct diffing *d, struct mrt_pg *pg, const struct mrt_migration *m,
                    struct mrt_error *err)
{
	mrt_auto_buf text = { .ceiling = (size_t)4 << 20 };
	mrt_migration_text(m, &text);
	int rc = mrt_buf_check(&text, err);
	return rc < 0 ? rc : mrt_pg_script(pg, d->ctx, mrt_buf_text(&text), err);
}

static int describe_schema(const struct diffing *d, struct mrt_pg *pg, const char *schema,
                           PGresult **ret, struct mrt_error *err)
{
	const char *const values[] = { schema };
	int rc = mrt_pg_exec(pg, d->ctx, err, "SET LOCAL search_path = pg_catalog");
	return rc < 0 ? rc : mrt_pg_query(pg, d->ctx, mrt_sql_description, values, 1, ret, err);
}

/* What the whole set makes; the schema is gone with the transaction. */
static int make(const struct diffing *d, struct mrt_pg *pg, const char *set, const char *schema,
                PGresult **ret, struct mrt_error *err)
{
	int rc = mrt_pg_exec(pg, d->ctx, err, "SET LOCAL ROLE " MRT_OWNER);
	if (rc == 0)
		rc = mrt_pg_exec(pg, d->ctx, err, "CREATE SCHEMA %s", schema);
	if (rc == 0)
		rc = mrt_pg_exec(pg, d->ctx, err, "SET LOCAL search_path = %s, pg_temp", schema);
	for (size_t i = 0; rc == 0 && i < mrt_n_migrations; i++)
		if (strcmp(mrt_migrations[i].set, set) == 0)
			rc = run_file(d, pg, &mrt_migrations[i], err);
	return rc < 0 ? rc : describe_schema(d, pg, schema, ret, err);
}

static int note_difference(const struct diffing *d, const char *schema, const char *tenant,
                           const char *change, const char *text, struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(d->list, item, err);
	const char *const texts[][2] = {
		{ "schema", schema }, { "tenant", tenant }, { "change", change }, { "text", text }
	};
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(item, texts[i][0], texts[i][1], err);
	return rc;
}

/* Both are in byte order. */
static int compare(const struct diffing *d, const PGresult *wanted, const PGresult *there,
                   const char *schema, const char *tenant, struct mrt_error *err)
{
	int a = 0, b = 0, rc = 0;
	while (rc == 0 && (a < PQntuples(wanted) || b < PQntuples(there))) {
		int order = a == PQntuples(wanted) ? 1
		            : b == PQntuples(there)
		                    ? -1
		                    : strcmp(PQgetvalue(wanted, a, 0), PQgetvalue(there, b, 0));
		if (order < 0)
			rc = note_difference(d, schema, tenant, "missing", PQgetvalue(wanted, a, 0),
			                     err);
		else if (order > 0)
			rc = note_difference(d, schema, tenant, "unexpected",
			                     PQgetvalue(there, b, 0), err);
		a += order <= 0;
		b += order >= 0;
	}
	return rc;
}

/* Is there nothing of it? Then everything would be a difference. */
static int is_migrated(const struct diffing *d, struct mrt_pg *pg, const char *set,
                       const char *schema, bool *ret, struct mrt_error *err)
{
	mrt_auto_json states = NULL;
	const json_t *item;
	size_t i;
	int rc = mrt_migrate_state(pg, d->ctx, set, schema, &states, err);
	*ret = false;
	json_array_foreach (states, i, item)
		*ret = *ret || strcmp(mrt_json_text_or(item, "state", ""), "pending") != 0;
	return rc;
}

static int diff(const struct diffing *d, struct mrt_pg *pg, const char *set, const char *schema,
                const char *tenant, struct mrt_error *err)
{
	mrt_auto_pgresult wanted = NULL;
	mrt_auto_pgresult there = NULL;
	struct mrt_error why;
	char name[32], random[13];
	mrt_random_hex(6, random);
	snprintf(name, sizeof(name), "maratea_diff_%s", random);
	bool migrated;
	int rc = is_migrated(d, pg, set, schema, &migrated, err);
	if (rc == 0 && !migrated)
		return note_difference(d, schema, tenant, "missing",
		                       "everything: it is not migrated ('maratea db migrate')",
		                       err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, d->ctx, err, "BEGIN");
	if (rc == 0)
		rc = make(d, pg, set, name, &wanted, err);
	if (rc == 0)
		rc = describe_schema(d, pg, schema, &there, err);
	int back = mrt_pg_exec(pg, d->ctx, &why, "ROLLBACK");
	if (rc == 0 && back < 0 && err)
		*err = why;
	rc = rc < 0 ? rc : back;
	return rc < 0 ? mrt_prefix(err, rc, "schema %s", schema)
	              : compare(d, wanted, there, schema, tenant, err);
}

/* One that cannot be looked at keeps no other from being looked at. */
static int diff_own(const struct diffing *d, struct mrt_pg *platform, const struct mrt_place *p,
                    struct mrt_error *err)
{
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	struct mrt_error why;
	int rc = mrt_place_connect(d->ctx, d->config, platform, p->database, &own, &pg, &why);
	if (rc == 0)
		rc = diff(d, pg, "tenant", p->schema, p->tenant, &why);
	if (rc == 0)
		return 0;
	if (!mrt_code_is_final(rc) && p->database) {
		mrt_autofree char *text = NULL;
		rc = mrt_error_explain(d->ctx->log, &why, &text, err, NULL);
		return rc < 0 ? rc : note_difference(d, p->schema, p->tenant, "unknown", text, err);
	}
	if (err)
		*err = why;
	return rc;
}

static int diff_all(const struct diffing *d, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	mrt_cleanup(mrt_places_release) struct mrt_places own = { 0 };
	int rc = mrt_platform_connect(d->ctx, d->config, NULL, &pg, err);
	if (rc == 0)
		rc = mrt_platform_check(pg, d->ctx, d->config, false, err);
	if (rc == 0)
		rc = mrt_places_read(pg, d->ctx, &own, err);
	if (rc == 0)
		rc = diff(d, pg, "platform", MRT_PLATFORM_SCHEMA, NULL, err);
	if (rc == 0)
		rc = diff(d, pg, "tenant", MRT_SHARED_SCHEMA, NULL, err);
	for (size_t i = 0; rc == 0 && i < own.n; i++)
		if (!own.items[i].provisioning)
			rc = diff_own(d, pg, &own.items[i], err);
	return rc;
}

int mrt_db_diff(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	struct diffing d = { .ctx = ctx, .config = config, .list = json_array() };
	int rc = json ? mrt_json_set(json, "differences", d.list, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = diff_all(&d, err);
	if (rc < 0)
		return rc;
	size_t n = json_array_size(d.list);
	*ret = mrt_steal(json);
	return n == 0 ? 0
	              : mrt_fail(err, MRT_BAD, "%zu difference%s from what the migrations make", n,
	                         n == 1 ? "" : "s");
}
