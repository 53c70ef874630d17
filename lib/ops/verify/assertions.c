/* assertions.c - SQL of the user's, and the answer that was expected. */
#include "ops/verify/assertions.h"

#include <string.h>

#define SHOWN 200 /* bytes of an answer in a message */

/* That of the configured URL, when the backup has it; else the only one that is not PostgreSQL's
 * own; NULL: it cannot be said. */
static const char *usual_database(const struct mrt_config *config, const struct mrt_manifest *m)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	const char *url = config->backup_postgres_url ? config->backup_postgres_url
	                                              : config->postgres_url,
	           *found = NULL;
	const json_t *d;
	size_t i, n = 0;
	if (url && mrt_pg_params_make(url, NULL, config->postgres_ambient, &params, NULL) == 0) {
		const char *name = mrt_pg_params_get(params, "dbname");
		d = name && strcmp(name, "postgres") != 0 ? mrt_manifest_database(m, name) : NULL;
		if (d)
			return mrt_json_text_or(d, "name", NULL);
	}
	json_array_foreach (m->databases, i, d) {
		const char *name = mrt_json_text_or(d, "name", "");
		if (strcmp(name, "postgres") == 0 || strcmp(name, "template1") == 0)
			continue;
		found = name;
		n++;
	}
	return n == 1 ? found : NULL;
}

static bool is_meant(const struct mrt_assertion *a, const struct mrt_manifest *m)
{
	return strcmp(a->target ? a->target : "postgres", m->target) == 0;
}

int mrt_assertions_check(const struct mrt_config *config, const struct mrt_manifest *m,
                         struct mrt_error *err)
{
	for (size_t i = 0; i < config->n_assertions; i++) {
		const struct mrt_assertion *a = &config->assertions[i];
		const char *name = a->database ? a->database : usual_database(config, m);
		if (!is_meant(a, m))
			continue;
		if (!name) {
			mrt_fail(err, MRT_CONFIG, "which database is the assertion for: %.200s",
			         a->sql);
			return mrt_hint(err, "say so with 'database:' beside its sql");
		}
		if (m->whole && !mrt_manifest_database(m, name))
			return mrt_fail(err, MRT_BAD,
			                "the backup has no database '%s', of which there is an "
			                "assertion",
			                name);
	}
	return 0;
}

/* As psql prints it unaligned: "|" between columns, a line a row, nothing for NULL. */
static int answer_of(const PGresult *r, struct mrt_buf *ret, struct mrt_error *err)
{
	for (int row = 0; row < PQntuples(r); row++) {
		for (int column = 0; column < PQnfields(r); column++) {
			mrt_buf_add_text(ret, column > 0 ? "|" : row > 0 ? "\n" : "");
			mrt_buf_add_text(ret, PQgetvalue(r, row, column));
		}
	}
	return mrt_buf_check(ret, err);
}

static int ask_database(struct mrt_pg *pg, const struct mrt_context *ctx,
                        const struct mrt_assertion *a, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	mrt_auto_buf answer = MRT_BUF_INIT;
	int rc = mrt_pg_query(pg, ctx, a->sql, NULL, 0, &r, err);
	if (rc == MRT_FAILED || rc == MRT_REFUSED || rc == MRT_NOT_FOUND)
		return mrt_fail_because(err, MRT_BAD, err, "the assertion %.200s", a->sql);
	if (rc == 0)
		rc = answer_of(r, &answer, err);
	if (rc < 0 || strcmp(mrt_buf_text(&answer), a->expect) == 0)
		return rc;
	return mrt_fail(err, MRT_BAD,
	                "the assertion %.200s: the answer is '%.*s', and should be '%.*s'", a->sql,
	                SHOWN, mrt_buf_text(&answer), SHOWN, a->expect);
}

/* Ours are without the database's search_path. */
static int connect_as_users_do(const struct mrt_context *ctx, const struct mrt_pg_access *access,
                               const char *at, struct mrt_pg **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	int rc = mrt_pg_connect(ctx, &access->options, access->params, at, &pg, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err, "RESET search_path");
	if (rc == 0)
		*ret = mrt_steal(pg);
	return rc;
}

int mrt_assertions_ask(const struct mrt_context *ctx, const struct mrt_config *config,
                       const struct mrt_manifest *m, const struct mrt_pg_access *access,
                       const char *database, const char *at, uint64_t *count, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < config->n_assertions; i++) {
		const struct mrt_assertion *a = &config->assertions[i];
		const char *name = a->database ? a->database : usual_database(config, m);
		if (!is_meant(a, m) || !name || strcmp(name, database) != 0)
			continue;
		if (!pg)
			rc = connect_as_users_do(ctx, access, at, &pg, err);
		if (rc == 0)
			rc = ask_database(pg, ctx, a, err);
		*count += rc == 0;
	}
	return rc;
}
