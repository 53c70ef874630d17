/* catalogue.c - what the catalogue says about who sees what. */
#include "ops/isolation/catalogue.h"
#include "base/text.h"
#include "ops/isolation/attempts.h"
#include "platform/connect.h"
#include "platform/migrations.h"
#include "platform/places.h"
#include "platform/sql.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define ONCE "-- maratea: once a database\n"

/* Whom the configured URL connects as; NULL: none is configured. */
static int service_role(const struct mrt_config *config, char **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	if (!config->postgres_url)
		return 0;
	int rc = mrt_pg_params_make(config->postgres_url, config->postgres_password,
	                            config->postgres_ambient, &params, err);
	const char *user = rc == 0 ? mrt_pg_params_get(params, "user") : NULL;
	return rc == 0 && user ? mrt_text_dup(user, ret, err) : rc;
}

/* A list of the schemas in that database. */
static int list_schemas(const struct mrt_places *own, const char *database, char **ret,
                        struct mrt_error *err)
{
	mrt_auto_json list = json_array();
	int rc = list ? 0 : mrt_no_memory(err);
	if (rc == 0 && !database)
		rc = mrt_json_append(list, json_string(MRT_SHARED_SCHEMA), err);
	for (size_t i = 0; rc == 0 && i < own->n; i++) {
		const char *in = own->items[i].database;
		if (in && database ? strcmp(in, database) == 0 : in == database)
			rc = mrt_json_append(list, json_string(own->items[i].schema), err);
	}
	if (rc == 0 && !(*ret = json_dumps(list, JSON_COMPACT)))
		rc = mrt_no_memory(err);
	return rc;
}

/* As the server reads them: "-c Name=value", "--name=value", where "-" in a name is "_". Not more
 * than a look: names in it that are part of a value are taken for names, too. */
static bool sets(const char *options, const char *name)
{
	size_t len = strlen(name);
	for (const char *p = options; *p; p++) {
		size_t n = 0;
		bool begins = p == options || strchr(" -=", p[-1]) ||
		              (p[-1] == 'c' && p >= options + 2 && p[-2] == '-');
		while (n < len && (p[n] == '-' ? '_' : tolower((unsigned char)p[n])) == name[n])
			n++;
		if (begins && n == len && (p[n] == '=' || p[n] == ' '))
			return true;
	}
	return false;
}

/* What the URL of services itself sets. */
static int check_url(struct mrt_tenant_checking *c, struct mrt_error *err)
{
	static const char *const settings[] = { "maratea.tenant_id", "role" };
	mrt_auto(mrt_pg_params) *params = NULL;
	if (!c->config->postgres_url)
		return 0;
	int rc = mrt_pg_params_make(c->config->postgres_url, c->config->postgres_password,
	                            c->config->postgres_ambient, &params, err);
	const char *options = rc == 0 ? mrt_pg_params_get(params, "options") : NULL;
	for (size_t i = 0; rc == 0 && options && i < 2; i++) {
		if (!sets(options, settings[i]))
			continue;
		mrt_autofree char *text = NULL;
		rc = mrt_text_printf(&text, err, "has %s set for all its sessions", settings[i]);
		if (rc == 0)
			rc = mrt_tenant_finding(c, "setting", "postgres.url", text, err);
	}
	return rc;
}

static int check_catalogue(struct mrt_tenant_checking *c, struct mrt_pg *pg,
                           const struct mrt_catalogue_check *check, const char *const values[3],
                           struct mrt_error *err)
{
	mrt_auto_buf sql = MRT_BUF_INIT;
	mrt_auto_pgresult r = NULL;
	mrt_buf_printf(&sql, "%s%s", mrt_sql_tables, check->sql);
	int rc = mrt_buf_check(&sql, err);
	if (rc == 0)
		rc = mrt_pg_query(pg, c->ctx, mrt_buf_text(&sql), values, 3, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = mrt_tenant_finding(c, check->name, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1),
		                        err);
	return rc;
}

static int count_tables(struct mrt_tenant_checking *c, struct mrt_pg *pg,
                        const char *const values[3], uint64_t *ret, struct mrt_error *err)
{
	mrt_auto_buf sql = MRT_BUF_INIT;
	mrt_auto_pgresult r = NULL;
	mrt_buf_printf(&sql, "%sSELECT FROM tables", mrt_sql_tables);
	int rc = mrt_buf_check(&sql, err);
	if (rc == 0)
		rc = mrt_pg_query(pg, c->ctx, mrt_buf_text(&sql), values, 3, &r, err);
	if (rc == 0)
		*ret = (uint64_t)PQntuples(r);
	return rc;
}

/* whole: what is of the database and no single schema, too. */
static int check_schema(struct mrt_tenant_checking *c, struct mrt_pg *pg,
                        const struct mrt_places *own, const char *schema, bool whole,
                        struct mrt_error *err)
{
	mrt_autofree char *role = NULL, *schemas = NULL;
	uint64_t tables = 0;
	int rc = service_role(c->config, &role, err);
	if (rc == 0)
		rc = list_schemas(own, c->database, &schemas, err);
	const char *const values[] = { schema, role, schemas };
	if (rc == 0)
		rc = count_tables(c, pg, values, &tables, err);
	if (rc < 0)
		return rc;
	c->schemas++;
	c->tables += tables;
	if (tables == 0)
		rc = mrt_tenant_finding(c, "schema", schema, "has no tables: is it migrated?", err);
	for (size_t i = 0; rc == 0 && i < mrt_n_catalogue_checks; i++)
		if (whole || strncmp(mrt_catalogue_checks[i].sql, ONCE, strlen(ONCE)) != 0)
			rc = check_catalogue(c, pg, &mrt_catalogue_checks[i], values, err);
	return rc < 0 || tables == 0 ? rc : mrt_tenant_check_live(c, pg, schema, err);
}

static int check_own(struct mrt_tenant_checking *c, struct mrt_pg *pg, const struct mrt_places *all,
                     const struct mrt_place *p, bool whole, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *place = NULL;
	int rc = mrt_place_connect(c->ctx, c->config, pg, p->database, &own, &place, err);
	return rc < 0 ? rc : check_schema(c, place, all, p->schema, own || whole, err);
}

/* What cannot be looked at is not known to be good, and does not keep the others from it. */
static int go_on(struct mrt_tenant_checking *c, int rc, const char *object,
                 const struct mrt_error *why, struct mrt_error *err)
{
	mrt_autofree char *text = NULL;
	if (mrt_code_is_final(rc)) {
		if (err)
			*err = *why;
		return rc;
	}
	if (rc == 0)
		return 0;
	rc = mrt_error_explain(c->ctx->log, why, &text, err, "could not be checked");
	return rc < 0 ? rc : mrt_tenant_finding(c, "schema", object, text, err);
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
	int rc = mrt_pg_script(pg, c->ctx, "BEGIN; SET LOCAL ROLE " MRT_OWNER, err);
	if (rc == 0)
		rc = mrt_pg_query(pg, c->ctx,
		                  "SELECT FROM " MRT_PLATFORM_SCHEMA ".tenants WHERE slug = $1",
		                  values, 1, &r, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, c->ctx, err, "COMMIT");
	if (rc == 0 && PQntuples(r) == 0)
		rc = mrt_fail(err, MRT_NOT_FOUND, "there is no school '%.80s'", slug);
	*ret_own = own->n;
	return rc;
}

static int check_all(struct mrt_tenant_checking *c, const char *slug, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	mrt_cleanup(mrt_places_release) struct mrt_places own = { 0 };
	struct mrt_error why;
	size_t only = 0;
	int rc = mrt_platform_connect(c->ctx, c->config, NULL, &pg, err);
	if (rc == 0)
		rc = mrt_platform_check(pg, c->ctx, c->config, false, err);
	if (rc == 0)
		rc = mrt_places_read(pg, c->ctx, &own, err);
	if (rc == 0 && slug)
		rc = find_slug(c, pg, slug, &own, &only, err);
	if (rc == 0 && slug && only < own.n && own.items[only].provisioning) {
		rc = mrt_fail(err, MRT_CHANGED, "the school '%s' is not made yet", slug);
		mrt_hint(err, "the 'maratea tenant create' or 'apply' that began it finishes it");
	}
	if (rc == 0)
		rc = check_url(c, err);
	if (rc == 0 && (!slug || only == own.n))
		rc = go_on(c, check_schema(c, pg, &own, MRT_SHARED_SCHEMA, true, &why),
		           MRT_SHARED_SCHEMA, &why, err);
	for (size_t i = 0; rc == 0 && i < own.n; i++) {
		const struct mrt_place *p = &own.items[i];
		if (slug ? i != only : p->provisioning)
			continue;
		c->database = p->database;
		c->tenant = p->tenant;
		rc = go_on(c, check_own(c, pg, &own, p, slug != NULL, &why), p->schema, &why, err);
	}
	return rc;
}

int mrt_tenant_check(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_tenant_check_options *options, json_t **ret,
                     struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	struct mrt_tenant_checking c = { .ctx = ctx,
		                         .config = config,
		                         .all_tenants = options->all_tenants,
		                         .findings = json_array(),
		                         .reviewed = json_array() };
	int rc = json ? mrt_json_set(json, "findings", c.findings, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "reviewed", c.reviewed, err);
	if (rc == 0)
		rc = check_all(&c, options->slug, err);
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
	              : mrt_fail(err, MRT_BAD, "%zu finding%s, the first: %s%s%s %s",
	                         json_array_size(c.findings),
	                         json_array_size(c.findings) == 1 ? "" : "s",
	                         mrt_json_text_or(first, "tenant", ""),
	                         mrt_json_text_or(first, "tenant", NULL) ? ": " : "",
	                         mrt_json_text_or(first, "object", ""),
	                         mrt_json_text_or(first, "text", ""));
}
