/* places.c - the schemas and databases that schools have for themselves. */
#include "ops/tenant/places.h"
#include "base/text.h"
#include "ops/tenant/migrations.h"

#include <stdlib.h>

void mrt_places_release(struct mrt_places *places)
{
	for (size_t i = 0; i < places->n; i++) {
		free(places->items[i].schema);
		free(places->items[i].database);
		free(places->items[i].tenant);
	}
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
	}
	return rc;
}

int mrt_places_read(struct mrt_pg *pg, const struct mrt_run *run, struct mrt_places *ret,
                    struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	mrt_autofree char *there = NULL;
	int rc = mrt_pg_value(pg, run,
	                      "SELECT coalesce(to_regclass('" MRT_PLATFORM_SCHEMA
	                      ".placements')::text, '')",
	                      &there, err);
	if (rc < 0 || !*there)
		return rc;
	rc = mrt_pg_script(pg, run,
	                   "BEGIN; SET LOCAL row_security = off; SET LOCAL ROLE " MRT_OWNER, err);
	if (rc == 0)
		rc = mrt_pg_query(pg, run,
		                  "SELECT p.schema_name, p.database_name, t.slug "
		                  "FROM " MRT_PLATFORM_SCHEMA ".placements p "
		                  "JOIN " MRT_PLATFORM_SCHEMA ".tenants t ON t.id = p.tenant_id "
		                  "WHERE p.mode <> 'shared' ORDER BY t.slug",
		                  NULL, 0, &r, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, run, err, "COMMIT");
	if (rc == 0)
		rc = fill(r, ret, err);
	if (rc < 0)
		mrt_places_release(ret);
	return rc;
}
