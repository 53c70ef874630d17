/* attempts.c - two schools that do not exist try to reach each other's rows. */
#include "ops/isolation/attempts.h"
#include "base/text.h"
#include "platform/migrations.h"
#include "platform/scope.h"
#include "platform/sql.h"

#include <stdio.h>
#include <string.h>

#define PAGE "500" /* schools at a time */

struct live {
	struct mrt_tenant_checking *c;
	struct mrt_pg *pg;
	const char *schema;
	char ours[37], theirs[37];
};

/* What an attempt must come to. */
enum aim {
	REACH, /* rows of the other school: there must be none */
	CROSS, /* own rows into the other school: it must be refused */
	REFER, /* to the other's rows: there must be nothing to refer to */
};

struct attempt {
	enum aim aim;
	const char *doing, *found; /* "reading", "gives another school's rows to read" */
};

/* As who, and of which tenant, the statements that follow are. */
static int become(const struct live *l, const char *role, const char *tenant, struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { tenant, l->schema, role };
	return mrt_tenant_enter(l->pg, l->c->ctx, &scope, err);
}

static int make_canary(const struct live *l, const char *tenant, struct mrt_error *err)
{
	int rc = become(l, MRT_OWNER, tenant, err);
	return rc < 0 ? rc : mrt_pg_script(l->pg, l->c->ctx, mrt_sql_canary, err);
}

/* Runs it and takes it back. *ret_rows: that it read or wrote. The server's no is no error: *state
 * is its SQLSTATE, "" when it said yes. */
static int run_attempt(const struct live *l, const char *sql, int64_t *ret_rows, char state[6],
                       struct mrt_error *why, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_exec(l->pg, l->c->ctx, err, "SAVEPOINT attempt");
	if (rc < 0)
		return rc;
	l->c->attempts++;
	rc = mrt_pg_query(l->pg, l->c->ctx, sql, NULL, 0, &r, why);
	if (rc < 0 && rc != MRT_FAILED && rc != MRT_REFUSED) {
		if (err)
			*err = *why;
		return rc;
	}
	snprintf(state, 6, "%s", rc < 0 ? l->pg->sqlstate : "");
	*ret_rows = 0;
	if (rc == 0) {
		const char *n = PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : PQcmdTuples(r);
		*ret_rows = strtoll(n, NULL, 10);
	}
	return mrt_pg_exec(l->pg, l->c->ctx, err, "ROLLBACK TO attempt");
}

/* Row security is asked before any constraint: whom a constraint stopped, it let pass. Whatever is
 * neither of the two says nothing, and is a finding. */
static int attempt(const struct live *l, const struct attempt *a, const char *object,
                   const char *sql, struct mrt_error *err)
{
	mrt_autofree char *text = NULL;
	struct mrt_error why;
	char state[6];
	int64_t rows;
	int rc = run_attempt(l, sql, &rows, state, &why, err);
	if (rc < 0 || strcmp(state, "42501") == 0 || (!*state && rows == 0) ||
	    (a->aim == REFER && strcmp(state, "23503") == 0))
		return rc;
	if (!*state || (a->aim != REFER && strncmp(state, "23", 2) == 0))
		return mrt_tenant_finding(l->c, "attempt", object, a->found, err);
	rc = mrt_error_explain(l->c->ctx->log, &why, &text, err, "could not be tried, %s",
	                       a->doing);
	return rc < 0 ? rc : mrt_tenant_finding(l->c, "attempt", object, text, err);
}

/* *ret_rows: what the school sees in all, counted to 2. Its own row it must see; else the attempts
 * say nothing. */
static int count_visible(const struct live *l, const char *object, const char *name,
                         int64_t *ret_rows, struct mrt_error *err)
{
	mrt_autofree char *sql = NULL;
	struct mrt_error why;
	char state[6];
	int rc = mrt_text_printf(&sql, err, "SELECT count(*) FROM (SELECT FROM %s LIMIT 2) AS s",
	                         name);
	if (rc == 0)
		rc = run_attempt(l, sql, ret_rows, state, &why, err);
	if (rc < 0 || (!*state && *ret_rows > 0))
		return rc;
	return mrt_tenant_finding(l->c, "attempt", object,
	                          *state ? "is not readable by " MRT_APP
	                                 : "has no row of a school's own: it could not be tried",
	                          err);
}

static int try_table(const struct live *l, const char *table, struct mrt_error *err)
{
	static const struct attempt attempts[] = {
		{ REACH, "reading", "gives another school's rows to read" },
		{ REACH, "changing", "lets another school's rows be changed" },
		{ REACH, "deleting", "lets another school's rows be deleted" },
		{ CROSS, "moving", "lets rows be moved into another school" },
		{ CROSS, "adding", "lets rows be put into another school" },
	};
	const char *k = strcmp(table, "tenants") == 0 ? "id" : "tenant_id", *t = l->theirs,
	           *o = l->ours;
	mrt_autofree char *n = NULL, *object = NULL;
	int64_t visible = 0;
	int rc = mrt_pg_name(l->pg, table, &n, err);
	if (rc == 0)
		rc = mrt_text_printf(&object, err, "%s.%s", l->schema, table);
	if (rc == 0)
		rc = count_visible(l, object, n, &visible, err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(attempts); i++) {
		mrt_auto_buf sql = MRT_BUF_INIT;
		if (i == 0)
			mrt_buf_printf(&sql, "SELECT count(*) FROM %s WHERE %s = '%s'", n, k, t);
		else if (i == 1)
			mrt_buf_printf(&sql, "UPDATE %s SET %s = %s WHERE %s = '%s'", n, k, k, k,
			               t);
		else if (i == 2)
			mrt_buf_printf(&sql, "DELETE FROM %s WHERE %s = '%s'", n, k, t);
		else if (i == 3 &&
		         visible == 1) /* reading no column: no policy for reading helps */
			mrt_buf_printf(&sql, "UPDATE %s SET %s = '%s'", n, k, t);
		else if (i == 3)
			mrt_buf_printf(&sql, "UPDATE %s SET %s = '%s' WHERE %s = '%s'", n, k, t, k,
			               o);
		else
			mrt_buf_printf(&sql,
			               "INSERT INTO %s SELECT (jsonb_populate_record(r, "
			               "'{\"%s\": \"%s\"}')).* FROM %s AS r WHERE %s = '%s'",
			               n, k, t, n, k, o);
		rc = mrt_buf_check(&sql, err);
		if (rc == 0)
			rc = attempt(l, &attempts[i], object, mrt_buf_text(&sql), err);
	}
	return rc;
}

/* The rows of a canary have its id as their own: so the other's is known. */
static int try_references(const struct live *l, struct mrt_error *err)
{
	static const struct attempt refer = { REFER, "referring",
		                              "lets rows refer to another school's" };
	const char *const values[] = { l->schema };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(
	        l->pg, l->c->ctx,
	        "SELECT n.nspname || '.' || c.relname, format('UPDATE %I SET %I = ', c.relname, "
	        "a.attname) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN "
	        "pg_namespace n ON n.oid = c.relnamespace JOIN pg_class f ON f.oid = k.confrelid "
	        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = "
	        "k.conkey[cardinality(k.conkey)] WHERE n.nspname = $1 AND k.contype = 'f' AND "
	        "k.conparentid = 0 AND f.relname <> 'tenants' ORDER BY 1, k.conname",
	        values, 1, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		mrt_autofree char *sql = NULL;
		rc = mrt_text_printf(&sql, err, "%s'%s' WHERE tenant_id = '%s'",
		                     PQgetvalue(r, i, 1), l->theirs, l->ours);
		if (rc == 0)
			rc = attempt(l, &refer, PQgetvalue(r, i, 0), sql, err);
	}
	return rc;
}

static int try_without_tenant(const struct live *l, const char *table, struct mrt_error *err)
{
	static const struct attempt nobody = { REACH, "reading",
		                               "gives rows to who names no school" };
	mrt_autofree char *name = NULL, *object = NULL, *sql = NULL;
	int rc = mrt_pg_name(l->pg, table, &name, err);
	if (rc == 0)
		rc = mrt_text_printf(&object, err, "%s.%s", l->schema, table);
	if (rc == 0)
		rc = mrt_text_printf(&sql, err, "SELECT count(*) FROM %s", name);
	return rc < 0 ? rc : attempt(l, &nobody, object, sql, err);
}

static int list_tables(const struct live *l, const char *more, PGresult **ret,
                       struct mrt_error *err)
{
	const char *const values[] = { l->schema };
	mrt_auto_buf sql = MRT_BUF_INIT;
	mrt_buf_printf(&sql,
	               "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
	               "c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT "
	               "c.relispartition AND c.relname <> 'schema_migrations'%s ORDER BY 1",
	               more);
	int rc = mrt_buf_check(&sql, err);
	return rc < 0 ? rc
	              : mrt_pg_query(l->pg, l->c->ctx, mrt_buf_text(&sql), values, 1, ret, err);
}

static int try_all(const struct live *l, struct mrt_error *err)
{
	mrt_auto_pgresult tables = NULL;
	int rc = list_tables(l, "", &tables, err);
	if (rc == 0)
		rc = make_canary(l, l->ours, err);
	if (rc == 0)
		rc = make_canary(l, l->theirs, err);
	if (rc == 0)
		rc = become(l, MRT_APP, l->ours, err);
	for (int i = 0; rc == 0 && i < PQntuples(tables); i++)
		rc = try_table(l, PQgetvalue(tables, i, 0), err);
	if (rc == 0)
		rc = try_references(l, err);
	if (rc == 0)
		rc = become(l, MRT_APP, "", err);
	for (int i = 0; rc == 0 && i < PQntuples(tables); i++)
		rc = try_without_tenant(l, PQgetvalue(tables, i, 0), err);
	return rc;
}

/* One statement looks into all tables that there are rows of others in. */
static int look_as(const struct live *l, const char *tenant, const PGresult *tables,
                   struct mrt_error *err)
{
	mrt_auto_buf sql = MRT_BUF_INIT;
	mrt_auto_pgresult r = NULL;
	int rc = become(l, MRT_APP, tenant, err);
	for (int i = 0; rc == 0 && i < PQntuples(tables); i++) {
		mrt_autofree char *name = NULL, *text = NULL;
		const char *table = PQgetvalue(tables, i, 0);
		rc = mrt_pg_name(l->pg, table, &name, err);
		if (rc == 0)
			rc = mrt_pg_literal(l->pg, table, &text, err);
		mrt_buf_printf(&sql,
		               "%sSELECT %s::text WHERE EXISTS (SELECT FROM %s WHERE %s <> '%s')",
		               i > 0 ? " UNION ALL " : "", text, name,
		               strcmp(table, "tenants") == 0 ? "id" : "tenant_id", tenant);
		l->c->attempts++;
	}
	if (rc == 0)
		rc = mrt_buf_check(&sql, err);
	if (rc == 0)
		rc = mrt_pg_query(l->pg, l->c->ctx, mrt_buf_text(&sql), NULL, 0, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		mrt_autofree char *object = NULL, *text = NULL;
		rc = mrt_text_printf(&object, err, "%s.%s", l->schema, PQgetvalue(r, i, 0));
		if (rc == 0)
			rc = mrt_text_printf(&text, err, "gives rows of others to the school %s",
			                     tenant);
		if (rc == 0)
			rc = mrt_tenant_finding(l->c, "attempt", object, text, err);
	}
	return rc;
}

static int look_page(const struct live *l, const PGresult *tables, char last[37], bool *ret_more,
                     struct mrt_error *err)
{
	const char *const values[] = { last };
	mrt_auto_pgresult ids = NULL;
	int rc = mrt_pg_exec(l->pg, l->c->ctx, err, "BEGIN READ ONLY");
	if (rc == 0)
		rc = become(l, MRT_OWNER, "", err);
	if (rc == 0)
		rc = mrt_pg_query(
		        l->pg, l->c->ctx,
		        "SELECT id FROM tenants WHERE id > $1::uuid ORDER BY id LIMIT " PAGE,
		        values, 1, &ids, err);
	for (int i = 0; rc == 0 && i < PQntuples(ids); i++) {
		snprintf(last, 37, "%s", PQgetvalue(ids, i, 0));
		rc = look_as(l, last, tables, err);
	}
	int back = mrt_pg_exec(l->pg, l->c->ctx, rc < 0 ? NULL : err, "ROLLBACK");
	*ret_more = rc == 0 && PQntuples(ids) > 0;
	return rc < 0 ? rc : back;
}

/* As each school that there is; a page of them is one transaction. */
static int look_as_all(const struct live *l, struct mrt_error *err)
{
	mrt_auto_pgresult tables = NULL;
	char last[37] = "00000000-0000-0000-0000-000000000000";
	bool more = true;
	int rc = list_tables(l, " AND has_table_privilege('" MRT_APP "', c.oid, 'SELECT')", &tables,
	                     err);
	while (rc == 0 && more && PQntuples(tables) > 0)
		rc = look_page(l, tables, last, &more, err);
	return rc;
}

int mrt_tenant_check_live(struct mrt_tenant_checking *c, struct mrt_pg *pg, const char *schema,
                          struct mrt_error *err)
{
	struct live l = { .c = c, .pg = pg, .schema = schema };
	struct mrt_error why;
	mrt_uuid_make(l.ours);
	mrt_uuid_make(l.theirs);
	int rc = mrt_pg_exec(pg, c->ctx, err, "BEGIN");
	if (rc == 0)
		rc = mrt_pg_exec(pg, c->ctx, err, "SET LOCAL lock_timeout = '2s'");
	if (rc == 0)
		rc = try_all(&l, &why);
	/* always: nothing of it stays */
	int back = mrt_pg_exec(pg, c->ctx, err, "ROLLBACK");
	if (back < 0)
		return back;
	if (rc == 0 && c->all_tenants)
		rc = look_as_all(&l, &why);
	if (rc == MRT_FAILED || rc == MRT_REFUSED) { /* as it is, schools cannot be made in it */
		mrt_autofree char *text = NULL;
		rc = mrt_error_explain(c->ctx->log, &why, &text, err, "could not be tried");
		return rc < 0 ? rc : mrt_tenant_finding(c, "attempt", schema, text, err);
	}
	if (rc < 0 && err)
		*err = why;
	return rc < 0 ? mrt_prefix(err, rc, "the attempts in %s", schema) : 0;
}
