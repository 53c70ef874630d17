/* check_live.c - two schools that do not exist try to reach each other's rows. */
#include "base/text.h"
#include "ops/tenant/check.h"
#include "ops/tenant/migrations.h"
#include "ops/tenant/scope.h"

#include <stdio.h>
#include <string.h>

/* A row in every table, of the tenant that the transaction names. */
static const char sample[] =
        "INSERT INTO tenants (id) VALUES (current_setting('maratea.tenant_id')::uuid);"
        "INSERT INTO tenant_settings (tenant_id) SELECT id FROM tenants;"
        "INSERT INTO tenant_domains (tenant_id, name) SELECT id, 'canary.invalid' FROM tenants;"
        "INSERT INTO users (tenant_id, id, email, email_norm) SELECT id, id, 'canary@x.invalid', "
        "'canary@x.invalid' FROM tenants;"
        "INSERT INTO memberships (tenant_id, user_id, role) SELECT id, id, 'owner' FROM tenants;"
        "INSERT INTO invitations (tenant_id, email_norm, role, token_digest, expires_at) SELECT "
        "id, 'canary@x.invalid', 'student', '\\x00', now() FROM tenants;"
        "INSERT INTO courses (tenant_id, id, slug, title) SELECT id, id, 'canary', 'canary' FROM "
        "tenants;"
        "INSERT INTO modules (tenant_id, id, course_id, position, title) SELECT id, id, id, 1, "
        "'canary' FROM tenants;"
        "INSERT INTO lessons (tenant_id, id, module_id, position, title) SELECT id, id, id, 1, "
        "'canary' FROM tenants;"
        "INSERT INTO enrolments (tenant_id, id, user_id, course_id) SELECT id, id, id, id FROM "
        "tenants;"
        "INSERT INTO progress (tenant_id, enrolment_id, lesson_id) SELECT id, id, id FROM tenants;"
        "INSERT INTO certificates (tenant_id, enrolment_id, serial) SELECT id, id, 'canary' FROM "
        "tenants;"
        "INSERT INTO usage_counters (tenant_id, metric, period) SELECT id, 'canary', current_date "
        "FROM tenants;"
        "INSERT INTO audit_log (tenant_id, seq, actor, action, origin, salt, digest) SELECT id, "
        "-1, 'canary', 'check', 'maratea', '\\x00', '\\x00' FROM tenants";

struct live {
	struct mrt_tenant_checking *c;
	struct mrt_pg *pg;
	const char *schema;
	char ours[37], theirs[37];
};

static void new_uuid(char ret[37])
{
	unsigned char raw[16];
	char hex[33];
	mrt_random(raw, sizeof(raw));
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
	mrt_hex(raw, sizeof(raw), hex);
	snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* As who, and of which tenant, the statements that follow are. */
static int become(const struct live *l, const char *role, const char *tenant, struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { tenant, l->schema, role };
	return mrt_tenant_enter(l->pg, l->c->run, &scope, err);
}

/* The rows are made by the owner, who sees those of every school: so they are chosen by hand. */
static int make_canary(const struct live *l, const char *tenant, struct mrt_error *err)
{
	mrt_auto_buf sql = MRT_BUF_INIT;
	int rc = become(l, MRT_OWNER, tenant, err);
	for (const char *p = sample; *p; p++) {
		static const char all[] = "FROM tenants";
		if (strncmp(p, all, strlen(all)) == 0) {
			mrt_buf_printf(&sql, "FROM tenants WHERE id = '%s'", tenant);
			p += strlen(all) - 1;
		} else {
			mrt_buf_add(&sql, p, 1);
		}
	}
	if (rc == 0)
		rc = mrt_buf_check(&sql, err);
	return rc < 0 ? rc : mrt_pg_script(l->pg, l->c->run, mrt_buf_text(&sql), err);
}

/* Runs one attempt and takes it back. *ret_rows: rows it read or wrote; -1: it was refused. */
static int attempt(const struct live *l, const char *sql, int64_t *ret_rows, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	struct mrt_error why;
	int rc = mrt_pg_exec(l->pg, l->c->run, err, "SAVEPOINT attempt");
	if (rc < 0)
		return rc;
	l->c->attempts++;
	rc = mrt_pg_query(l->pg, l->c->run, sql, NULL, 0, &r, &why);
	if (rc < 0 && rc != MRT_FAILED && rc != MRT_REFUSED) {
		if (err)
			*err = why;
		return rc;
	}
	*ret_rows = -1;
	if (rc == 0) {
		const char *n = PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : PQcmdTuples(r);
		*ret_rows = *n ? strtoll(n, NULL, 10) : 0;
	}
	return mrt_pg_exec(l->pg, l->c->run, err, "ROLLBACK TO attempt");
}

/* What must reach nothing; found says so. */
static int must_fail(const struct live *l, const char *object, const char *text, const char *found,
                     struct mrt_error *err)
{
	int64_t rows = 0;
	int rc = attempt(l, text, &rows, err);
	return rc < 0 || rows <= 0 ? rc : mrt_tenant_finding(l->c, "attempt", object, found, err);
}

static int try_table(const struct live *l, const char *table, struct mrt_error *err)
{
	const char *key = strcmp(table, "tenants") == 0 ? "id" : "tenant_id";
	mrt_autofree char *name = NULL, *object = NULL;
	int64_t rows = 0;
	int rc = mrt_pg_name(l->pg, table, &name, err);
	if (rc == 0)
		rc = mrt_text_printf(&object, err, "%s.%s", l->schema, table);
	static const char *const found[] = { "gives another school's rows to read",
		                             "lets another school's rows be changed",
		                             "lets another school's rows be deleted" };
	for (size_t i = 0; rc == 0 && i < 3; i++) {
		mrt_autofree char *sql = NULL;
		rc = i == 0 ? mrt_text_printf(&sql, err, "SELECT count(*) FROM %s WHERE %s = '%s'",
		                              name, key, l->theirs)
		     : i == 1 ? mrt_text_printf(&sql, err, "UPDATE %s SET %s = %s WHERE %s = '%s'",
		                                name, key, key, key, l->theirs)
		              : mrt_text_printf(&sql, err, "DELETE FROM %s WHERE %s = '%s'", name,
		                                key, l->theirs);
		if (rc == 0)
			rc = must_fail(l, object, sql, found[i], err);
	}
	mrt_autofree char *move = NULL, *own = NULL;
	if (rc == 0)
		rc = mrt_text_printf(&move, err, "UPDATE %s SET %s = '%s' WHERE %s = '%s'", name,
		                     key, l->theirs, key, l->ours);
	if (rc == 0)
		rc = must_fail(l, object, move, "lets rows be moved into another school", err);
	/* its own it must see: else all of this says nothing */
	if (rc == 0)
		rc = mrt_text_printf(&own, err, "SELECT count(*) FROM %s WHERE %s = '%s'", name,
		                     key, l->ours);
	if (rc == 0)
		rc = attempt(l, own, &rows, err);
	if (rc == 0 && rows != 1)
		rc = mrt_tenant_finding(
		        l->c, "attempt", object,
		        rows < 0 ? "is not readable by maratea_app"
		                 : "has no row of a school's own: it could not be tried",
		        err);
	return rc;
}

static int try_without_tenant(const struct live *l, const char *table, struct mrt_error *err)
{
	mrt_autofree char *name = NULL, *object = NULL, *sql = NULL;
	int rc = mrt_pg_name(l->pg, table, &name, err);
	if (rc == 0)
		rc = mrt_text_printf(&object, err, "%s.%s", l->schema, table);
	if (rc == 0)
		rc = mrt_text_printf(&sql, err, "SELECT count(*) FROM %s", name);
	return rc < 0 ? rc : must_fail(l, object, sql, "gives rows to who names no school", err);
}

static int try_all(const struct live *l, struct mrt_error *err)
{
	const char *const values[] = { l->schema };
	mrt_auto_pgresult tables = NULL;
	int rc =
	        mrt_pg_query(l->pg, l->c->run,
	                     "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
	                     "c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND "
	                     "NOT c.relispartition AND c.relname <> 'schema_migrations' ORDER BY 1",
	                     values, 1, &tables, err);
	if (rc == 0)
		rc = make_canary(l, l->ours, err);
	if (rc == 0)
		rc = make_canary(l, l->theirs, err);
	if (rc == 0)
		rc = become(l, "maratea_app", l->ours, err);
	for (int i = 0; rc == 0 && i < PQntuples(tables); i++)
		rc = try_table(l, PQgetvalue(tables, i, 0), err);
	if (rc == 0)
		rc = become(l, "maratea_app", "", err);
	for (int i = 0; rc == 0 && i < PQntuples(tables); i++)
		rc = try_without_tenant(l, PQgetvalue(tables, i, 0), err);
	return rc;
}

int mrt_tenant_check_live(struct mrt_tenant_checking *c, struct mrt_pg *pg, const char *schema,
                          struct mrt_error *err)
{
	struct live l = { .c = c, .pg = pg, .schema = schema };
	struct mrt_error why;
	new_uuid(l.ours);
	new_uuid(l.theirs);
	int rc = mrt_pg_exec(pg, c->run, err, "BEGIN");
	if (rc == 0)
		rc = mrt_pg_exec(pg, c->run, err, "SET LOCAL lock_timeout = '2s'");
	if (rc == 0)
		rc = try_all(&l, err);
	/* always: nothing of it stays */
	int back = mrt_pg_exec(pg, c->run, &why, "ROLLBACK");
	if (rc == MRT_FAILED &&
	    back == 0) { /* the schema is such that schools cannot be made in it */
		mrt_autofree char *text = NULL;
		rc = mrt_text_printf(&text, err, "could not be tried: %s", err ? err->text : "");
		return rc < 0 ? rc : mrt_tenant_finding(c, "attempt", schema, text, err);
	}
	if (rc == 0 && back < 0 && err)
		*err = why;
	return rc < 0 ? mrt_context(err, rc, "the attempts in %s", schema) : back;
}
