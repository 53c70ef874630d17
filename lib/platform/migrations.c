/* migrations.c - what was applied to a schema, and applying the rest. */
#include "platform/migrations.h"
#include "base/retry.h"
#include "base/text.h"
#include "codec/digest.h"
#include "platform/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOCK_TIMEOUT (2 * MRT_SECOND)
/* Who makes an index concurrently stops nobody while he waits, and begins anew when he gives up. */
#define CONCURRENT_TIMEOUT (600 * MRT_SECOND)
#define NO_TRANSACTION "-- maratea: no-transaction\n"
/* "mara", "migr" as two int4 keys */
#define LOCK_KEYS "1835102817, 1835624306"

int mrt_migrate_lock(struct mrt_pg *pg, const struct mrt_context *ctx, bool shared,
                     struct mrt_error *err)
{
	mrt_autofree char *taken = NULL;
	int rc = mrt_pg_value(pg, ctx,
	                      shared ? "SELECT pg_try_advisory_lock_shared(" LOCK_KEYS ")::text"
	                             : "SELECT pg_try_advisory_lock(" LOCK_KEYS ")::text",
	                      &taken, err);
	if (rc == 0 && strcmp(taken, "true") != 0)
		rc = mrt_fail(err, MRT_LOCKED, "another migration is at work on %s", pg->where);
	return rc;
}

void mrt_migration_text(const struct mrt_migration *m, struct mrt_buf *ret)
{
	static const char word[] = "CONCURRENTLY ";
	const char *sql = m->sql;
	for (const char *p; (p = strstr(sql, word)); sql = p + strlen(word))
		mrt_buf_add(ret, sql, (size_t)(p - sql));
	mrt_buf_add_text(ret, sql);
}

static int digest_of(const struct mrt_migration *m, char ret[MRT_SHA256_HEX], struct mrt_error *err)
{
	unsigned char digest[MRT_SHA256_SIZE];
	int rc = mrt_sha256(m->sql, strlen(m->sql), digest, err);
	mrt_hex(digest, sizeof(digest), ret);
	return rc;
}

/* Rows of number, sha256, applied_at, name; none where the table is not there yet. */
static int read_applied(struct mrt_pg *pg, const struct mrt_context *ctx, const char *schema,
                        PGresult **ret, struct mrt_error *err)
{
	const char *const values[] = { schema };
	mrt_auto_pgresult there = NULL;
	mrt_autofree char *name = NULL, *sql = NULL;
	int rc = mrt_pg_query(pg, ctx,
	                      "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = "
	                      "c.relnamespace WHERE n.nspname = $1 AND c.relname = "
	                      "'schema_migrations'",
	                      values, 1, &there, err);
	if (rc == 0)
		rc = mrt_pg_name(pg, schema, &name, err);
	if (rc == 0 && PQntuples(there) == 0)
		return mrt_pg_query(pg, ctx, "SELECT WHERE false", NULL, 0, ret, err);
	if (rc == 0)
		rc = mrt_text_printf(
		        &sql, err,
		        "SELECT number, sha256, to_char(applied_at AT TIME ZONE 'UTC', "
		        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), name FROM "
		        "%s.schema_migrations ORDER BY number",
		        name);
	return rc < 0 ? rc : mrt_pg_query(pg, ctx, sql, NULL, 0, ret, err);
}

static int row_of(const PGresult *applied, int number)
{
	for (int i = 0; i < PQntuples(applied); i++)
		if (atol(PQgetvalue(applied, i, 0)) == number)
			return i;
	return -1;
}

static int note_state(json_t *list, int number, const char *name, const char *state,
                      const char *applied, struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(list, item, err);
	if (rc == 0)
		rc = mrt_json_set_size(item, "number", (uint64_t)number, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "name", name, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "state", state, err);
	return rc < 0 ? rc : mrt_json_set_text(item, "applied", applied, err);
}

static int newest_of(const char *set)
{
	int newest = 0;
	for (size_t i = 0; i < mrt_n_migrations; i++)
		if (strcmp(mrt_migrations[i].set, set) == 0 && mrt_migrations[i].number > newest)
			newest = mrt_migrations[i].number;
	return newest;
}

int mrt_migrate_state(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                      const char *schema, json_t **ret, struct mrt_error *err)
{
	mrt_auto_pgresult applied = NULL;
	mrt_auto_json list = json_array();
	int rc = list ? read_applied(pg, ctx, schema, &applied, err) : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < mrt_n_migrations; i++) {
		const struct mrt_migration *m = &mrt_migrations[i];
		char digest[MRT_SHA256_HEX];
		if (strcmp(m->set, set) != 0)
			continue;
		int row = row_of(applied, m->number);
		rc = digest_of(m, digest, err);
		if (rc == 0)
			rc = note_state(list, m->number, m->name,
			                row < 0 ? "pending"
			                : strcmp(PQgetvalue(applied, row, 1), digest) != 0
			                        ? "edited"
			                        : "applied",
			                row < 0 ? NULL : PQgetvalue(applied, row, 2), err);
	}
	for (int i = 0; rc == 0 && i < PQntuples(applied); i++) {
		int number = (int)strtol(PQgetvalue(applied, i, 0), NULL, 10);
		if (number > newest_of(set))
			rc = note_state(list, number, PQgetvalue(applied, i, 3), "unknown",
			                PQgetvalue(applied, i, 2), err);
	}
	if (rc == 0)
		*ret = mrt_steal(list);
	return rc;
}

struct applying {
	struct mrt_pg *pg;
	const struct mrt_context *ctx;
	const struct mrt_migrate_options *options;
	const char *schema;
	char *quoted; /* schema */
	bool alone;   /* nobody else uses it */
};

/* How every file is run: as the owner, unfiltered, waiting for others for so long. local: LOCAL, or
 * "". */
static int become_owner(const struct applying *a, const char *local, int64_t wait,
                        struct mrt_error *err)
{
	mrt_autofree char *sql = NULL;
	int rc = mrt_text_printf(&sql, err,
	                         "SET %s lock_timeout = %" PRId64 "; SET %s row_security = off; "
	                         "SET %s ROLE " MRT_OWNER "; SET %s search_path = %s, pg_temp",
	                         local, wait / MRT_MILLISECOND, local, local, local, a->quoted);
	return rc < 0 ? rc : mrt_pg_script(a->pg, a->ctx, sql, err);
}

static int record(const struct applying *a, const struct mrt_migration *m, const char *digest,
                  struct mrt_error *err)
{
	mrt_autofree char *sql = NULL;
	mrt_auto_pgresult r = NULL;
	char number[16];
	snprintf(number, sizeof(number), "%d", m->number);
	const char *const values[] = { number, m->name, digest, MRT_VERSION };
	int rc = mrt_text_printf(&sql, err,
	                         "INSERT INTO %s.schema_migrations (number, name, sha256, maratea) "
	                         "VALUES ($1, $2, $3, $4)",
	                         a->quoted);
	return rc < 0 ? rc : mrt_pg_query(a->pg, a->ctx, sql, values, 4, &r, err);
}

/* Services read it, too: a schema that is of another time than they are is not served. */
static int make_table(const struct applying *a, const struct mrt_migration *m, const char *digest,
                      struct mrt_error *err)
{
	(void)m, (void)digest;
	int rc = mrt_pg_exec(a->pg, a->ctx, err, "BEGIN");
	if (rc == 0)
		rc = become_owner(a, "LOCAL", LOCK_TIMEOUT, err);
	if (rc == 0)
		rc = mrt_pg_script(a->pg, a->ctx,
		                   "CREATE TABLE IF NOT EXISTS schema_migrations (number integer "
		                   "PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, maratea "
		                   "text NOT NULL, applied_at timestamptz NOT NULL DEFAULT "
		                   "clock_timestamp()); GRANT SELECT ON schema_migrations TO "
		                   "maratea_migrate, maratea_app, maratea_ops; COMMIT",
		                   err);
	if (rc < 0)
		mrt_pg_exec(a->pg, a->ctx, NULL, "ROLLBACK");
	return rc;
}

static int in_transaction(const struct applying *a, const struct mrt_migration *m,
                          const char *digest, struct mrt_error *err)
{
	struct mrt_error why;
	mrt_auto_buf text = { .ceiling = (size_t)4 << 20 };
	mrt_migration_text(m, &text);
	int rc = mrt_buf_check(&text, err);
	if (rc == 0)
		rc = mrt_pg_exec(a->pg, a->ctx, err, "BEGIN");
	if (rc == 0)
		rc = become_owner(a, "LOCAL", LOCK_TIMEOUT, err);
	if (rc == 0)
		rc = mrt_pg_script(a->pg, a->ctx, mrt_buf_text(&text), err);
	if (rc == 0)
		rc = record(a, m, digest, err);
	if (rc == 0)
		return mrt_pg_exec(a->pg, a->ctx, err, "COMMIT");
	mrt_pg_exec(a->pg, a->ctx, &why, "ROLLBACK");
	return rc;
}

/* What CREATE INDEX CONCURRENTLY left when it was interrupted is neither an index nor nothing. Only
 * those that this file makes, and nobody is at. */
static int drop_invalid(const struct applying *a, const char *sql, struct mrt_error *err)
{
	const char *const values[] = { a->schema, sql };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(a->pg, a->ctx,
	                      "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = "
	                      "i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
	                      "n.nspname = $1 AND NOT i.indisvalid AND c.relkind = 'i' AND "
	                      "strpos($2, ' IF NOT EXISTS ' || c.relname || ' ON ') > 0 AND "
	                      "c.oid NOT IN (SELECT index_relid FROM "
	                      "pg_stat_progress_create_index WHERE index_relid IS NOT NULL)",
	                      values, 2, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		mrt_autofree char *name = NULL;
		rc = mrt_pg_name(a->pg, PQgetvalue(r, i, 0), &name, err);
		if (rc == 0)
			rc = mrt_pg_exec(a->pg, a->ctx, err, "DROP INDEX CONCURRENTLY %s.%s",
			                 a->quoted, name);
	}
	return rc;
}

/* Statements end in ";" at the end of a line. */
static int statement_by_statement(const struct applying *a, const char *sql, struct mrt_error *err)
{
	int rc = 0;
	while (rc == 0 && *sql) {
		const char *end = strstr(sql, ";\n");
		mrt_autofree char *one = NULL;
		size_t len = end ? (size_t)(end - sql) : strlen(sql);
		rc = mrt_text_printf(&one, err, "%.*s", (int)len, sql);
		if (rc == 0)
			rc = mrt_pg_script(a->pg, a->ctx, one, err);
		sql += len + (end ? 2 : 0);
	}
	return rc;
}

static int without_transaction(const struct applying *a, const struct mrt_migration *m,
                               const char *digest, struct mrt_error *err)
{
	struct mrt_error why;
	int rc = become_owner(a, "", CONCURRENT_TIMEOUT, err);
	if (rc == 0)
		rc = drop_invalid(a, m->sql, err);
	if (rc == 0)
		rc = statement_by_statement(a, m->sql, err);
	if (rc == 0)
		rc = record(a, m, digest, err);
	int back = mrt_pg_script(a->pg, a->ctx,
	                         "RESET ROLE; SET lock_timeout = '" MRT_LOCK_WAIT
	                         "'; RESET row_security; SET search_path = pg_catalog",
	                         rc < 0 ? &why : err);
	return rc < 0 ? rc : back;
}

/* Who waits longer than the lock timeout would stop everybody behind him: better later again. */
static int give_way(const struct applying *a,
                    int (*step)(const struct applying *, const struct mrt_migration *, const char *,
                                struct mrt_error *),
                    const struct mrt_migration *m, const char *digest, struct mrt_error *err)
{
	struct mrt_retry tries;
	mrt_retry_init(&tries, a->options->retry_first, a->options->retry_longest,
	               a->options->give_up_after);
	for (;;) {
		int rc = step(a, m, digest, err);
		bool locked = rc == MRT_LOCKED && strcmp(a->pg->sqlstate, "55P03") == 0,
		     deadlock = rc == MRT_FAILED && strcmp(a->pg->sqlstate, "40P01") == 0;
		if (!locked && !deadlock)
			return rc;
		rc = mrt_retry_wait(&tries, a->ctx, 0, err);
		if (rc == MRT_LOCKED)
			return mrt_hint(err, MRT_LOCK_HINT);
		if (rc < 0)
			return rc;
	}
}

static int apply_one(const struct applying *a, const struct mrt_migration *m, struct mrt_error *err)
{
	char digest[MRT_SHA256_HEX];
	bool plain = a->alone || strncmp(m->sql, NO_TRANSACTION, strlen(NO_TRANSACTION)) != 0;
	int rc = digest_of(m, digest, err);
	if (rc == 0)
		rc = give_way(a, plain ? in_transaction : without_transaction, m, digest, err);
	return rc < 0 ? mrt_prefix(err, rc, "%s/%s", m->set, m->name) : 0;
}

/* An order or text other than what was applied is nothing to go on from. */
static int check(const json_t *states, const char *set, const char *schema, struct mrt_error *err)
{
	const json_t *item;
	size_t i;
	json_array_foreach (states, i, item) {
		const char *state = mrt_json_text_or(item, "state", ""),
		           *name = mrt_json_text_or(item, "name", "");
		if (strcmp(state, "edited") == 0)
			return mrt_fail(err, MRT_CORRUPT,
			                "%s/%s was applied to the schema %s with another text than "
			                "this maratea has: what is applied is never edited",
			                set, name, schema);
		if (strcmp(state, "unknown") == 0)
			return mrt_fail(
			        err, MRT_UNSUPPORTED,
			        "the schema %s has %s/%s, which this maratea does not know: "
			        "it is of a newer one",
			        schema, set, name);
	}
	return 0;
}

int mrt_migrate_check(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                      const char *schema, struct mrt_error *err)
{
	mrt_auto_json states = NULL;
	int rc = mrt_migrate_state(pg, ctx, set, schema, &states, err);
	return rc < 0 ? rc : check(states, set, schema, err);
}

int mrt_migrate_is_current(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                           const char *schema, struct mrt_error *err)
{
	mrt_auto_json states = NULL;
	const json_t *item;
	size_t i;
	int rc = mrt_migrate_state(pg, ctx, set, schema, &states, err);
	if (rc == 0)
		rc = check(states, set, schema, err);
	json_array_foreach (states, i, item)
		if (rc == 0 && strcmp(mrt_json_text_or(item, "state", ""), "pending") == 0) {
			rc = mrt_fail(err, MRT_UNSUPPORTED,
			              "the schema %s lacks %s/%s, which this maratea needs", schema,
			              set, mrt_json_text_or(item, "name", ""));
			mrt_hint(err, "maratea db migrate");
		}
	return rc;
}

/* One that somebody dropped is not made anew, empty, as if nothing had been in it. */
static int check_schema(const struct applying *a, struct mrt_error *err)
{
	const char *const values[] = { a->schema };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(a->pg, a->ctx, "SELECT FROM pg_namespace WHERE nspname = $1", values,
	                      1, &r, err);
	if (rc < 0 || PQntuples(r) > 0)
		return rc;
	mrt_fail(err, MRT_NOT_FOUND, "%s: it is not there", a->pg->where);
	return mrt_hint(err, "if it was dropped, 'maratea backup restore' has what was in it");
}

int mrt_migrate_apply(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                      const char *schema, const struct mrt_migrate_options *options,
                      unsigned *ret_applied, struct mrt_error *err)
{
	mrt_auto_json states = NULL;
	mrt_autofree char *quoted = NULL;
	unsigned applied = 0;
	int rc = mrt_pg_name(pg, schema, &quoted, err);
	struct applying a = {
		.pg = pg, .ctx = ctx, .options = options, .schema = schema, .quoted = quoted
	};
	if (rc == 0)
		rc = check_schema(&a, err);
	if (rc == 0)
		rc = mrt_migrate_state(pg, ctx, set, schema, &states, err);
	if (rc == 0)
		rc = check(states, set, schema, err);
	/* what this call makes from its first file on, nobody has looked at yet */
	const json_t *first = json_array_get(states, 0);
	a.alone = options->unused ||
	          (first && strcmp(mrt_json_text_or(first, "state", ""), "pending") == 0);
	bool made = false;
	size_t at = 0;
	for (size_t i = 0; rc == 0 && i < mrt_n_migrations; i++) {
		if (strcmp(mrt_migrations[i].set, set) != 0)
			continue;
		const json_t *item = json_array_get(states, at++);
		if (strcmp(mrt_json_text_or(item, "state", ""), "pending") != 0)
			continue;
		if (!made)
			rc = give_way(&a, make_table, NULL, NULL, err);
		made = true;
		if (rc == 0)
			rc = apply_one(&a, &mrt_migrations[i], err);
		applied += rc == 0;
	}
	*ret_applied = applied;
	return rc < 0 ? mrt_prefix(err, rc, "schema %s", schema) : 0;
}
