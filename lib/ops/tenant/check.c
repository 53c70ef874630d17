/* check.c - what the catalogue says about who sees what. */
#include "ops/tenant/check.h"
#include "base/text.h"
#include "ops/tenant/db.h"
#include "ops/tenant/migrations.h"
#include "ops/tenant/places.h"

#include <inttypes.h>
#include <string.h>

/* Tables of the schema ($1) that hold what belongs to schools. */
#define TABLES                                                                               \
	"WITH tables AS (SELECT c.oid, n.nspname, c.relname, c.relowner, c.relacl, "         \
	"c.relrowsecurity, c.relforcerowsecurity, n.nspname || '.' || c.relname AS object, " \
	"CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END AS key "               \
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "                     \
	"WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname <> "                 \
	"'schema_migrations') "
#define FIRST_KEY(i) \
	"(SELECT attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = " i ")"
#define TENANT                                                                 \
	"(SELECT (NULLIF(current_setting(''maratea.tenant_id''::text, true), " \
	"''''::text))::uuid AS \"nullif\")"

/* Each gives rows of object and text. In the order of how bad it is. Of other users' sessions a
 * role without pg_read_all_stats sees no backend_type. */
static const struct {
	const char *name, *sql;
} checks[] = {
	{ "roles",
	  "WITH used AS (SELECT usename AS name FROM pg_stat_activity WHERE datname = "
	  "current_database() AND coalesce(backend_type, 'client backend') = 'client "
	  "backend' AND "
	  "usename NOT IN "
	  "('maratea_migrate', 'maratea_backup') AND pid <> pg_backend_pid() UNION SELECT "
	  "unnest(ARRAY['maratea_app', 'maratea_ops']) UNION SELECT $2) "
	  "SELECT r.rolname, CASE WHEN r.rolsuper THEN 'is a superuser: no policy holds it' "
	  "WHEN r.rolbypassrls THEN 'bypasses row security' "
	  "WHEN pg_has_role(r.oid, o.oid, 'MEMBER') THEN 'may become the owner' "
	  "ELSE 'owns tables of schools' END "
	  "FROM used JOIN pg_roles r ON r.rolname = used.name, pg_roles o "
	  "WHERE o.rolname = 'maratea_owner' AND (r.rolsuper OR r.rolbypassrls OR "
	  "pg_has_role(r.oid, o.oid, 'MEMBER') OR EXISTS (SELECT FROM pg_class c JOIN "
	  "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relowner = "
	  "r.oid)) "
	  "ORDER BY 1" },
	{ "row security",
	  TABLES "SELECT object, CASE WHEN relrowsecurity THEN 'row security is not forced "
	         "on its "
	         "owner' ELSE 'row security is off' END FROM tables WHERE $2::text IS NOT "
	         "DISTINCT "
	         "FROM $2 AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1" },
	{ "tenant column", TABLES
	  "SELECT object, 'has no column ' || key || ' uuid NOT NULL' FROM tables t WHERE "
	  "$2::text IS NOT DISTINCT FROM $2 AND NOT EXISTS (SELECT FROM pg_attribute a WHERE "
	  "a.attrelid = t.oid AND a.attname = t.key AND a.attnotnull AND a.atttypid = "
	  "'uuid'::regtype) ORDER BY 1" },
	{ "policy", TABLES
	  "SELECT object, CASE WHEN p.policyname IS NULL THEN 'has no policy "
	  "tenant_isolation' ELSE "
	  "'its policy tenant_isolation is not ours' END FROM tables t LEFT JOIN "
	  "pg_policies p ON "
	  "p.schemaname = t.nspname AND p.tablename = t.relname AND p.policyname = "
	  "'tenant_isolation' WHERE $2::text IS NOT DISTINCT FROM $2 AND (p.policyname IS "
	  "NULL OR "
	  "p.permissive <> 'PERMISSIVE' OR p.cmd <> 'ALL' OR p.roles <> '{public}' OR "
	  "regexp_replace(p.qual, '\\s+', '', 'g') IS DISTINCT FROM "
	  "regexp_replace(format('(%s = " TENANT
	  ")', t.key), '\\s+', '', 'g') OR regexp_replace(p.with_check, '\\s+', '', 'g') IS "
	  "DISTINCT FROM regexp_replace(format('(%s = " TENANT ")', t.key), '\\s+', '', 'g')) "
	  "ORDER BY 1" },
	{ "further policy", TABLES
	  "SELECT object, 'the policy ' || p.policyname || ' lets ' || array_to_string(p.roles, "
	  "', ') || ' see more' FROM tables t JOIN pg_policies p ON p.schemaname = t.nspname "
	  "AND p.tablename = t.relname WHERE $2::text IS NOT DISTINCT FROM $2 AND "
	  "p.policyname <> 'tenant_isolation' AND p.permissive = 'PERMISSIVE' AND NOT "
	  "(p.policyname = 'operators' AND p.roles = '{maratea_ops}' AND p.cmd = 'SELECT' AND "
	  "t.relname IN ('tenants', 'tenant_domains', 'usage_counters')) ORDER BY 1" },
	{ "view", TABLES
	  "SELECT DISTINCT v.oid::regclass::text, CASE v.relkind WHEN 'm' THEN 'is a "
	  "materialised view over ' ELSE 'is a view without security_invoker over ' END || "
	  "t.object FROM tables t JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = "
	  "'pg_class'::regclass JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = "
	  "'pg_rewrite'::regclass JOIN pg_class v ON v.oid = r.ev_class WHERE $2::text IS NOT "
	  "DISTINCT FROM $2 AND v.relkind IN ('v', 'm') AND (v.relkind = 'm' OR NOT "
	  "coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,"
	  "security_invoker=1}', false)) ORDER BY 1" },
	{ "function",
	  "SELECT p.oid::regprocedure::text, 'is SECURITY DEFINER, and ' || r.rolname || ' "
	  "sees every "
	  "school' FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner JOIN pg_namespace n "
	  "ON n.oid = "
	  "p.pronamespace WHERE $1 <> '' AND $2::text IS NOT DISTINCT FROM $2 AND "
	  "p.prosecdef AND "
	  "(r.rolsuper OR r.rolbypassrls) AND n.nspname NOT IN ('pg_catalog', "
	  "'information_schema') "
	  "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = "
	  "'e') ORDER "
	  "BY 1" },
	{ "grant", TABLES
	  "SELECT object, CASE a.grantee WHEN 0 THEN 'everybody' ELSE a.grantee::regrole::text "
	  "END || ' has ' || a.privilege_type FROM tables t, aclexplode(t.relacl) a WHERE "
	  "$2::text IS NOT DISTINCT FROM $2 AND a.grantee <> t.relowner AND (a.grantee = 0 OR "
	  "a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')) ORDER BY 1, 2" },
	{ "index",
	  TABLES "SELECT object, CASE WHEN i.indisunique THEN 'is unique across schools by "
	         "' ELSE "
	         "'has an index that does not begin with ' || t.key || ': ' END || "
	         "i.indexrelid::regclass FROM tables t JOIN pg_index i ON i.indrelid = "
	         "t.oid WHERE "
	         "$2::text IS NOT DISTINCT FROM $2 AND " FIRST_KEY(
	                 "i.indkey[0]") " IS DISTINCT FROM t.key ORDER BY 1, 2" },
	{ "reference", TABLES
	  "SELECT object, 'its foreign key ' || k.conname || CASE WHEN f.relnamespace <> "
	  "t.nspname::regnamespace THEN ' leaves the schema' ELSE ' may lead to another school' "
	  "END FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f' "
	  "JOIN pg_class f ON f.oid = k.confrelid WHERE $2::text IS NOT DISTINCT FROM $2 AND "
	  "(f.relnamespace <> t.nspname::regnamespace OR " FIRST_KEY(
	          "k.conkey[1]") " IS DISTINCT FROM t.key OR (f.relname <> 'tenants' AND "
	                         "(SELECT attname FROM "
	                         "pg_attribute a WHERE a.attrelid = f.oid AND a.attnum = "
	                         "k.confkey[1]) IS DISTINCT "
	                         "FROM 'tenant_id')) ORDER BY 1, 2" },
	{ "uncovered",
	  "SELECT n.nspname || '.' || c.relname, 'has a column tenant_id, and no forced row "
	  "security' "
	  "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE $1 <> '' AND "
	  "$2::text "
	  "IS NOT DISTINCT FROM $2 AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('maratea', "
	  "'pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' AND "
	  "n.nspname <> $1 "
	  "AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND EXISTS (SELECT FROM "
	  "pg_attribute "
	  "a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) "
	  "ORDER BY "
	  "1" },
	{ "setting",
	  "SELECT coalesce(r.rolname, 'every role'), 'has maratea.tenant_id set for all its "
	  "sessions' FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, "
	  "unnest(s.setconfig) v WHERE $1 <> '' AND $2::text IS NOT DISTINCT FROM $2 AND v LIKE "
	  "'maratea.tenant\\_id=%' ORDER BY 1" },
};

int mrt_tenant_finding(struct mrt_tenant_checking *c, const char *check, const char *object,
                       const char *text, struct mrt_error *err)
{
	json_t *item;
	size_t i;
	/* what is of the whole database is found in every schema */
	json_array_foreach (c->findings, i, item)
		if (strcmp(mrt_json_text_or(item, "object", ""), object) == 0 &&
		    strcmp(mrt_json_text_or(item, "text", ""), text) == 0)
			return 0;
	item = json_object();
	int rc = mrt_json_append(c->findings, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "check", check, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "object", object, err);
	return rc < 0 ? rc : mrt_json_set_text(item, "text", text, err);
}

/* Whom the configured URL connects as; NULL: none is configured. */
static int service_role(const struct mrt_config *config, char **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	if (!config->postgres_url)
		return 0;
	int rc = mrt_pg_params_make(config->postgres_url, config->postgres_password, &params, err);
	const char *user = rc == 0 ? mrt_pg_params_get(params, "user") : NULL;
	return rc == 0 && user ? mrt_text_dup(user, ret, err) : rc;
}

static int check_schema(struct mrt_tenant_checking *c, struct mrt_pg *pg, const char *schema,
                        struct mrt_error *err)
{
	mrt_autofree char *role = NULL;
	mrt_auto_pgresult tables = NULL;
	int rc = service_role(c->config, &role, err);
	const char *const values[] = { schema, role };
	if (rc == 0)
		rc = mrt_pg_query(pg, c->run,
		                  TABLES "SELECT FROM "
		                         "tables",
		                  values, 1, &tables, err);
	if (rc < 0)
		return rc;
	c->schemas++;
	c->tables += (uint64_t)PQntuples(tables);
	if (PQntuples(tables) == 0)
		rc = mrt_tenant_finding(c, "schema", schema,
		                        "has no tables: is it "
		                        "migrated?",
		                        err);
	for (size_t i = 0; rc == 0 && i < sizeof(checks) / sizeof(checks[0]); i++) {
		mrt_auto_pgresult r = NULL;
		rc = mrt_pg_query(pg, c->run, checks[i].sql, values, 2, &r, err);
		for (int k = 0; rc == 0 && k < PQntuples(r); k++)
			rc = mrt_tenant_finding(c, checks[i].name, PQgetvalue(r, k, 0),
			                        PQgetvalue(r, k, 1), err);
	}
	return rc < 0 || PQntuples(tables) == 0 ? rc : mrt_tenant_check_live(c, pg, schema, err);
}

static int check_own(struct mrt_tenant_checking *c, struct mrt_pg *pg, const struct mrt_place *p,
                     struct mrt_error *err)
{
	mrt_auto(mrt_pg) *other = NULL;
	int rc = p->database ? mrt_db_connect(c->run, c->config, p->database, &other, err) : 0;
	if (rc == 0)
		rc = check_schema(c, other ? other : pg, p->schema, err);
	return rc < 0 ? mrt_context(err, rc, "%s", p->tenant) : 0;
}

/* Where is that school? *ret_own: its place among the own ones, or own->n: it shares. */
static int find_slug(struct mrt_tenant_checking *c, struct mrt_pg *pg, const char *slug,
                     const struct mrt_places *own, size_t *ret_own, struct mrt_error *err)
{
	const char *const values[] = { slug };
	mrt_auto_pgresult r = NULL;
	for (size_t i = 0; i < own->n; i++)
		if (strcmp(own->items[i].tenant, slug) == 0) {
			*ret_own = i;
			return 0;
		}
	int rc = mrt_pg_script(pg, c->run, "BEGIN; SET LOCAL ROLE " MRT_OWNER, err);
	if (rc == 0)
		rc = mrt_pg_query(pg, c->run,
		                  "SELECT FROM " MRT_PLATFORM_SCHEMA ".tenants WHERE slug = $1",
		                  values, 1, &r, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, c->run, err, "COMMIT");
	if (rc == 0 && PQntuples(r) == 0)
		rc = mrt_fail(err, MRT_NOT_FOUND, "there is no school '%.80s'", slug);
	*ret_own = own->n;
	return rc;
}

static int check_all(struct mrt_tenant_checking *c, const char *slug, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	mrt_cleanup(mrt_places_release) struct mrt_places own = { 0 };
	size_t only = 0;
	int rc = mrt_db_connect(c->run, c->config, NULL, &pg, err);
	if (rc == 0)
		rc = mrt_platform_check(pg, c->run, c->config, err);
	if (rc == 0)
		rc = mrt_places_read(pg, c->run, &own, err);
	if (rc == 0 && slug)
		rc = find_slug(c, pg, slug, &own, &only, err);
	if (rc == 0 && (!slug || only == own.n))
		rc = check_schema(c, pg, MRT_SHARED_SCHEMA, err);
	for (size_t i = 0; rc == 0 && i < own.n; i++)
		if (!slug || i == only)
			rc = check_own(c, pg, &own.items[i], err);
	return rc;
}

int mrt_tenant_check(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                     json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	struct mrt_tenant_checking c = { .run = run, .config = config, .findings = json_array() };
	int rc = json ? mrt_json_set(json, "findings", c.findings, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = check_all(&c, slug, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "schemas", c.schemas, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "tables", c.tables, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "attempts", c.attempts, err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	const json_t *first = json_array_get(c.findings, 0);
	return !first ? 0
	              : mrt_fail(err, MRT_BAD, "%zu findings, the first: %s %s",
	                         json_array_size(c.findings), mrt_json_text_or(first, "object", ""),
	                         mrt_json_text_or(first, "text", ""));
}
