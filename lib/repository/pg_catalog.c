/* pg_catalog.c - questions to a server's catalogues. */
#include "repository/pg_catalog.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int mrt_pg_cluster_read(struct mrt_pg *pg, const struct mrt_context *ctx,
                        struct mrt_pg_cluster *ret, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	*ret = (struct mrt_pg_cluster) { .version = pg->version, .major = pg->version / 10000 };
	int rc = mrt_pg_query(
	        pg, ctx,
	        "SELECT current_setting('server_version'), rolsuper::text, "
	        "pg_is_in_recovery()::text, CASE WHEN has_function_privilege("
	        "'pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier::text "
	        "FROM pg_control_system()) ELSE '' END "
	        "FROM pg_roles WHERE rolname = current_user",
	        NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	if (PQntuples(r) != 1)
		return mrt_fail(err, MRT_FAILED, "PostgreSQL at %s does not know its own role",
		                pg->where);
	rc = mrt_text_printf(&ret->version_text, err, "%.*s",
	                     (int)strcspn(PQgetvalue(r, 0, 0), " "), PQgetvalue(r, 0, 0));
	if (rc == 0)
		rc = mrt_text_dup(PQgetvalue(r, 0, 3), &ret->system_identifier, err);
	ret->superuser = strcmp(PQgetvalue(r, 0, 1), "true") == 0;
	ret->in_recovery = strcmp(PQgetvalue(r, 0, 2), "true") == 0;
	if (rc < 0)
		mrt_pg_cluster_release(ret);
	return rc;
}

void mrt_pg_cluster_release(struct mrt_pg_cluster *c)
{
	free(c->version_text);
	free(c->system_identifier);
	*c = (struct mrt_pg_cluster) { 0 };
}

int mrt_pg_databases_read(struct mrt_pg *pg, const struct mrt_context *ctx,
                          struct mrt_pg_databases *ret, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	*ret = (struct mrt_pg_databases) { 0 };
	int rc = mrt_pg_query(
	        pg, ctx,
	        "SELECT datname, datallowconn::text, datconnlimit, "
	        "CASE WHEN datallowconn AND has_database_privilege(oid, 'CONNECT') AND "
	        "datconnlimit <> -2 THEN pg_database_size(oid) ELSE 0 END "
	        "FROM pg_database WHERE datname <> 'template0' ORDER BY datname",
	        NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	int n = PQntuples(r);
	ret->items = calloc((size_t)n + 1, sizeof(*ret->items));
	if (!ret->items)
		return mrt_no_memory(err);
	for (int i = 0; rc == 0 && i < n; i++) {
		struct mrt_pg_database *d = &ret->items[ret->n++];
		rc = mrt_text_dup(PQgetvalue(r, i, 0), &d->name, err);
		if (strcmp(PQgetvalue(r, i, 1), "true") != 0)
			d->reason = "it allows no connections (datallowconn)";
		else if (strcmp(PQgetvalue(r, i, 2), "-2") == 0)
			d->reason = "it is left from an interrupted DROP DATABASE";
		d->size = strtoull(PQgetvalue(r, i, 3), NULL, 10);
	}
	if (rc < 0)
		mrt_pg_databases_release(ret);
	return rc;
}

void mrt_pg_databases_release(struct mrt_pg_databases *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->items[i].name);
	free(d->items);
	*d = (struct mrt_pg_databases) { 0 };
}

/* The server writes the JSON; only the columns for the locale differ between versions. */
#define PROPERTIES                                                                       \
	"SELECT json_build_object('name', d.datname, 'size', pg_database_size(d.oid), "  \
	"'owner', pg_get_userbyid(d.datdba), 'encoding', "                               \
	"pg_encoding_to_char(d.encoding), %s, 'collate', d.datcollate, 'ctype', "        \
	"d.datctype, 'tablespace', t.spcname, 'connection_limit', d.datconnlimit, "      \
	"'is_template', d.datistemplate, 'comment', shobj_description(d.oid, "           \
	"'pg_database'), 'acl', CASE WHEN d.datacl IS NOT NULL THEN (SELECT "            \
	"json_agg(json_build_object('grantee', CASE WHEN a.grantee <> 0 THEN "           \
	"pg_get_userbyid(a.grantee) END, 'privilege', a.privilege_type, 'grantable', "   \
	"a.is_grantable)) FROM aclexplode(d.datacl) a) END, 'settings', "                \
	"coalesce((SELECT json_agg(json_build_object('role', CASE WHEN s.setrole <> 0 "  \
	"THEN pg_get_userbyid(s.setrole) END, 'setting', c) ORDER BY s.setrole, o) "     \
	"FROM pg_db_role_setting s, unnest(s.setconfig) WITH ORDINALITY AS u (c, o) "    \
	"WHERE s.setdatabase = d.oid), '[]'), 'roles', coalesce((SELECT "                \
	"json_agg(DISTINCT r.rolname) FROM pg_shdepend p JOIN pg_roles r ON r.oid = "    \
	"p.refobjid WHERE p.refclassid = 'pg_authid'::regclass AND (p.dbid = d.oid OR "  \
	"(p.classid = 'pg_database'::regclass AND p.objid = d.oid))), '[]'), "           \
	"'extensions', coalesce((SELECT json_agg(json_build_object('name', extname, "    \
	"'version', extversion) ORDER BY extname) FROM pg_extension), '[]'), "           \
	"'tablespaces', coalesce((SELECT json_agg(DISTINCT s.spcname) FROM pg_class c "  \
	"JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE s.spcname <> "            \
	"'pg_global'), '[]'))::text FROM pg_database d JOIN pg_tablespace t ON t.oid = " \
	"d.dattablespace WHERE d.datname = current_database()"

int mrt_pg_properties(struct mrt_pg *pg, const struct mrt_context *ctx, json_t **ret,
                      struct mrt_error *err)
{
	const char *locale =
	        pg->version >= 170000
	                ? "'provider', d.datlocprovider, 'locale', d.datlocale, 'icu_rules', "
	                  "d.daticurules"
	        : pg->version >= 160000
	                ? "'provider', d.datlocprovider, 'locale', d.daticulocale, 'icu_rules', "
	                  "d.daticurules"
	        : pg->version >= 150000 ? "'provider', d.datlocprovider, 'locale', d.daticulocale"
	                                : "'provider', 'c'";
	mrt_autofree char *sql = NULL, *text = NULL;
	int rc = mrt_text_printf(&sql, err, PROPERTIES, locale);
	if (rc == 0)
		rc = mrt_pg_value(pg, ctx, sql, &text, err);
	return rc < 0 ? rc : mrt_json_parse(text, strlen(text), ret, err);
}

static int by_table(const void *a, const void *b)
{
	const struct mrt_pg_table *x = a, *y = b;
	int order = strcmp(x->schema, y->schema);
	return order ? order : strcmp(x->name, y->name);
}

int mrt_pg_tables_read(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_pg_tables *ret,
                       struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	*ret = (struct mrt_pg_tables) { 0 };
	/* pg_dump leaves out members of extensions, but for those an extension marked as holding
	 * the user's configuration (pg_extension_config_dump) */
	int rc = mrt_pg_query(
	        pg, ctx,
	        "SELECT n.nspname, c.relname, (e.oid IS NOT NULL)::text FROM pg_class c "
	        "JOIN pg_namespace n ON n.oid = c.relnamespace "
	        "LEFT JOIN pg_depend p ON p.classid = 'pg_class'::regclass AND p.objid = c.oid AND "
	        "p.objsubid = 0 AND p.refclassid = 'pg_extension'::regclass AND p.deptype = 'e' "
	        "LEFT JOIN pg_extension e ON e.oid = p.refobjid "
	        "WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND "
	        "n.nspname <> 'information_schema' AND "
	        "(e.oid IS NULL OR c.oid = ANY (e.extconfig))",
	        NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	int n = PQntuples(r);
	ret->items = calloc((size_t)n + 1, sizeof(*ret->items));
	if (!ret->items)
		return mrt_no_memory(err);
	for (int i = 0; rc == 0 && i < n; i++) {
		struct mrt_pg_table *t = &ret->items[ret->n++];
		rc = mrt_text_dup(PQgetvalue(r, i, 0), &t->schema, err);
		if (rc == 0)
			rc = mrt_text_dup(PQgetvalue(r, i, 1), &t->name, err);
		t->of_extension = strcmp(PQgetvalue(r, i, 2), "true") == 0;
	}
	if (rc < 0) {
		mrt_pg_tables_release(ret);
		return rc;
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), by_table);
	return 0;
}

void mrt_pg_tables_release(struct mrt_pg_tables *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->items[i].schema);
		free(t->items[i].name);
	}
	free(t->items);
	*t = (struct mrt_pg_tables) { 0 };
}

/* One kind of thing that cannot be read: the query counts and names some, and writes the cure. */
struct obstacle {
	const char *sql; /* count, "a, b, c", cure */
	const char *what;
};

static int find_obstacle(struct mrt_pg *pg, const struct mrt_context *ctx, const struct obstacle *o,
                         struct mrt_buf *list, struct mrt_buf *cures, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(pg, ctx, o->sql, NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	if (PQntuples(r) == 0 || strcmp(PQgetvalue(r, 0, 0), "0") == 0)
		return 0;
	mrt_buf_printf(list, "%s%s %s (%s)", list->len ? "; " : "", PQgetvalue(r, 0, 0), o->what,
	               PQgetvalue(r, 0, 1));
	mrt_buf_printf(cures, "%s%s", cures->len ? "\n" : "", PQgetvalue(r, 0, 2));
	return 0;
}

#define SOME(name) "array_to_string((array_agg(" name " ORDER BY 1))[1:5], ', ')"

int mrt_pg_preflight(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err)
{
	static const struct obstacle obstacles[] = {
		{ "SELECT count(*), " SOME(
		          "format('%I', n.nspname)") ", format("
		                                     "'GRANT USAGE ON SCHEMA %s TO %I', "
		                                     "min(format('%I', n.nspname)), current_user) "
		                                     "FROM pg_namespace n WHERE n.nspname !~ "
		                                     "'^pg_' AND n.nspname <> "
		                                     "'information_schema' AND NOT "
		                                     "has_schema_privilege(n.oid, 'USAGE')",
		  "schemas without USAGE" },
		{ "SELECT count(*), " SOME(
		          "c.oid::regclass::text") ", format("
		                                   "'GRANT pg_read_all_data TO %I', current_user) "
		                                   "FROM pg_class c JOIN pg_namespace n "
		                                   "ON n.oid = c.relnamespace WHERE c.relkind IN "
		                                   "('r', 'S', 'p') AND n.nspname !~ "
		                                   "'^pg_' AND n.nspname <> 'information_schema' "
		                                   "AND c.relpersistence <> 't' AND NOT "
		                                   "CASE WHEN c.relkind = 'S' THEN "
		                                   "has_sequence_privilege(c.oid, 'SELECT') ELSE "
		                                   "has_table_privilege(c.oid, 'SELECT') END",
		  "tables or sequences without SELECT" },
		{ "SELECT count(*), " SOME(
		          "c.oid::regclass::text") ", format("
		                                   "'ALTER ROLE %I BYPASSRLS', current_user) FROM "
		                                   "pg_class c WHERE c.relrowsecurity "
		                                   "AND row_security_active(c.oid)",
		  "tables whose rows row-level security hides" },
		{ "SELECT count(*), " SOME(
		          "m.oid::text") ", format("
		                         "'large objects are readable by their owners and "
		                         "superusers: GRANT SELECT ON LARGE "
		                         "OBJECT ... TO %I, or back up as a superuser', "
		                         "current_user) "
		                         "FROM pg_largeobject_metadata m WHERE NOT "
		                         "pg_has_role(m.lomowner, 'USAGE') AND NOT "
		                         "EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE "
		                         "a.privilege_type = 'SELECT' AND "
		                         "(a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))",
		  "large objects without SELECT" },
	};
	mrt_autofree char *super = NULL;
	mrt_auto_buf list = MRT_BUF_INIT, cures = MRT_BUF_INIT;
	int rc = mrt_pg_value(pg, ctx,
	                      "SELECT rolsuper::text FROM pg_roles WHERE rolname = "
	                      "current_user",
	                      &super, err);
	if (rc < 0 || strcmp(super, "true") == 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(obstacles); i++)
		rc = find_obstacle(pg, ctx, &obstacles[i], &list, &cures, err);
	if (rc < 0 || list.len == 0)
		return rc;
	mrt_fail(err, MRT_REFUSED, "PostgreSQL at %s: the role %s cannot read everything: %s",
	         pg->where, PQuser(pg->conn), mrt_buf_text(&list));
	mrt_hint(err, "%s", mrt_buf_text(&cures));
	return MRT_REFUSED;
}

static int by_archive_table(const void *a, const void *b)
{
	const struct mrt_pgarchive_table *x = *(const struct mrt_pgarchive_table *const *)a;
	const struct mrt_pgarchive_table *y = *(const struct mrt_pgarchive_table *const *)b;
	int order = strcmp(x->schema, y->schema);
	return order ? order : strcmp(x->name, y->name);
}

static int add_rows(json_t *list, const struct mrt_pg_table *table, uint64_t rows,
                    struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(list, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "schema", table->schema, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "name", table->name, err);
	if (rc == 0)
		rc = mrt_json_set_size(item, "rows", rows, err);
	if (rc == 0 && table->of_extension)
		rc = mrt_json_set(item, "of_extension", json_true(), err);
	return rc;
}

int mrt_pg_tables_compare(const struct mrt_pg_tables *tables,
                          const struct mrt_pgarchive_info *archive, json_t *database,
                          struct mrt_error *err)
{
	mrt_autofree const struct mrt_pgarchive_table **sorted =
	        calloc(archive->n_tables + 1, sizeof(*sorted));
	json_t *list = json_array();
	int rc = mrt_json_set(database, "tables", list, err);
	if (rc < 0 || !sorted)
		return mrt_no_memory(err);
	for (size_t i = 0; i < archive->n_tables; i++)
		sorted[i] = &archive->tables[i];
	qsort(sorted, archive->n_tables, sizeof(*sorted), by_archive_table);
	for (size_t i = 0; rc == 0 && (i < tables->n || i < archive->n_tables); i++) {
		const struct mrt_pg_table *want = i < tables->n ? &tables->items[i] : NULL;
		const struct mrt_pgarchive_table *got = i < archive->n_tables ? sorted[i] : NULL;
		int order = !want ? 1 : !got ? -1 : strcmp(want->schema, got->schema);
		if (order == 0)
			order = strcmp(want->name, got->name);
		if (order < 0)
			return mrt_fail(err, MRT_FAILED, "pg_dump left out the table %s.%s",
			                want->schema, want->name);
		if (order > 0)
			return mrt_fail(err, MRT_FAILED,
			                "pg_dump brought the table %s.%s, which the "
			                "catalogue does not have",
			                got->schema, got->name);
		rc = add_rows(list, want, got->rows, err);
	}
	return rc;
}
