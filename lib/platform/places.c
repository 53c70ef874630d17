/* places.c - the schemas and databases that schools have for themselves. */
#include "platform/places.h"
#include "base/text.h"
#include "platform/connect.h"
#include "platform/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mrt_place_names(const char *id, struct mrt_place_names *ret)
{
	char hex[33];
	size_t n = 0;
	for (const char *p = id; *p && n < sizeof(hex) - 1; p++)
		if (*p != '-')
			hex[n++] = *p;
	hex[n] = '\0';
	snprintf(ret->schema, sizeof(ret->schema), "t_%s", hex);
	snprintf(ret->database, sizeof(ret->database), "maratea_t_%s", hex);
}

void mrt_place_release(struct mrt_place *place)
{
	free(place->schema);
	free(place->database);
	free(place->tenant);
	*place = (struct mrt_place) { 0 };
}

void mrt_places_release(struct mrt_places *places)
{
	for (size_t i = 0; i < places->n; i++)
		mrt_place_release(&places->items[i]);
	free(places->items);
	*places = (struct mrt_places) { 0 };
}

static int fill(const PGresult *r, struct mrt_places *ret, struct mrt_error *err)
{
	int n = PQntuples(r), rc = 0;
	ret->items = calloc((size_t)n + 1, sizeof(*ret->items));
	if (!ret->items)
		return mrt_no_memory(err);
	for (int i = 0; rc == 0 && i < n; i++) {
		struct mrt_place *p = &ret->items[ret->n++];
		rc = mrt_text_dup(PQgetvalue(r, i, 0), &p->schema, err);
		if (rc == 0 && !PQgetisnull(r, i, 1))
			rc = mrt_text_dup(PQgetvalue(r, i, 1), &p->database, err);
		if (rc == 0)
			rc = mrt_text_dup(PQgetvalue(r, i, 2), &p->tenant, err);
		p->provisioning = strcmp(PQgetvalue(r, i, 3), "provisioning") == 0;
	}
	return rc;
}

int mrt_places_read(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_places *ret,
                    struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	mrt_autofree char *there = NULL;
	int rc = mrt_pg_value(pg, ctx,
	                      "SELECT coalesce(to_regclass('" MRT_PLATFORM_SCHEMA
	                      ".placements')::text, '')",
	                      &there, err);
	if (rc < 0 || !*there)
		return rc;
	rc = mrt_pg_script(pg, ctx,
	                   "BEGIN; SET LOCAL row_security = off; SET LOCAL ROLE " MRT_OWNER, err);
	if (rc == 0)
		rc = mrt_pg_query(pg, ctx,
		                  "SELECT p.schema_name, p.database_name, t.slug, t.status "
		                  "FROM " MRT_PLATFORM_SCHEMA ".placements p "
		                  "JOIN " MRT_PLATFORM_SCHEMA ".tenants t ON t.id = p.tenant_id "
		                  "WHERE p.mode <> 'shared' ORDER BY t.slug",
		                  NULL, 0, &r, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err, "COMMIT");
	if (rc == 0)
		rc = fill(r, ret, err);
	if (rc < 0)
		mrt_places_release(ret);
	return rc;
}

int mrt_place_connect(const struct mrt_context *ctx, const struct mrt_config *config,
                      struct mrt_pg *platform, const char *database, struct mrt_pg **own,
                      struct mrt_pg **ret, struct mrt_error *err)
{
	int rc = database ? mrt_platform_connect(ctx, config, database, own, err) : 0;
	if (rc == 0)
		*ret = database ? *own : platform;
	return rc;
}

int mrt_place_make_schema(struct mrt_pg *pg, const struct mrt_context *ctx, const char *schema,
                          struct mrt_error *err)
{
	mrt_autofree char *name = NULL;
	int rc = mrt_pg_name(pg, schema, &name, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err,
		                 "CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION " MRT_OWNER, name);
	return rc < 0 ? rc
	              : mrt_pg_exec(pg, ctx, err,
	                            "GRANT USAGE ON SCHEMA %s TO maratea_migrate, maratea_app, "
	                            "maratea_ops",
	                            name);
}

/* CREATE DATABASE is no transaction: nobody gets in before all is as it must be. */
static int make_database(struct mrt_pg *pg, const struct mrt_context *ctx, const char *name,
                         struct mrt_error *err)
{
	const char *const values[] = { name };
	mrt_auto_pgresult there = NULL;
	mrt_autofree char *alike = NULL;
	int rc = mrt_pg_query(pg, ctx, "SELECT FROM pg_database WHERE datname = $1", values, 1,
	                      &there, err);
	/* in the platform's words, whatever the server's own are */
	if (rc == 0)
		rc = mrt_pg_value(
		        pg, ctx,
		        "SELECT format('ENCODING %L LC_COLLATE %L LC_CTYPE %L LOCALE_PROVIDER "
		        "%s', pg_encoding_to_char(encoding), datcollate, datctype, CASE "
		        "datlocprovider WHEN 'i' THEN 'icu ICU_LOCALE ' || "
		        "quote_literal(coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) "
		        "->> 'datlocale')) ELSE 'libc' END) FROM pg_database d WHERE datname "
		        "= current_database()",
		        &alike, err);
	if (rc == 0 && PQntuples(there) == 0)
		rc = mrt_pg_exec(pg, ctx, err,
		                 "CREATE DATABASE %s TEMPLATE template0 ALLOW_CONNECTIONS false %s",
		                 name, alike);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err, "REVOKE ALL ON DATABASE %s FROM PUBLIC", name);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err,
		                 "GRANT CONNECT ON DATABASE %s TO maratea_migrate, maratea_app, "
		                 "maratea_ops, maratea_backup",
		                 name);
	return rc < 0 ? rc
	              : mrt_pg_exec(pg, ctx, err, "ALTER DATABASE %s ALLOW_CONNECTIONS true", name);
}

int mrt_place_make_database(struct mrt_pg *platform, const struct mrt_context *ctx,
                            const struct mrt_config *config, const char *database,
                            const char *schema, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	struct mrt_error why;
	int rc = mrt_pg_exec(platform, ctx, err, "SET ROLE " MRT_OWNER);
	if (rc == 0)
		rc = make_database(platform, ctx, database, err);
	int back = mrt_pg_exec(platform, ctx, rc < 0 ? &why : err, "RESET ROLE");
	if (rc == 0)
		rc = back;
	if (rc == 0)
		rc = mrt_platform_connect(ctx, config, database, &pg, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err, "SET ROLE " MRT_OWNER);
	return rc < 0 ? rc : mrt_place_make_schema(pg, ctx, schema, err);
}
