/* audit_list.c - "audit list": what the chains tell. */
#include "base/text.h"
#include "ops/tenant/audit_read.h"
#include "ops/tenant/audit_report.h"
#include "ops/tenant/migrations.h"
#include "ops/tenant/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE "500"
#define COLUMNS                                                               \
	"SELECT a.tenant_id, a.seq, to_char(a.at AT TIME ZONE 'UTC', "        \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), a.actor, a.action, a.origin, " \
	"a.payload, "
#define WHERE                                                                             \
	" WHERE ($1::uuid IS NULL OR a.tenant_id = $1) AND (a.at, a.tenant_id, a.seq) > " \
	"($2::timestamptz, $3::uuid, $4::bigint) ORDER BY a.at, a.tenant_id, a.seq LIMIT " PAGE

struct listing {
	struct mrt_audit_reading r;
	int (*each)(const json_t *event, void *context, struct mrt_error *err);
	void *context;
};

static void listing_release(struct listing *l)
{
	mrt_audit_reading_release(&l->r);
}

static int describe(const PGresult *p, int i, const char *chain, const char *slug, json_t **ret,
                    struct mrt_error *err)
{
	static const char *const names[] = { "tenant", "seq", "at", "actor", "action", "origin" };
	mrt_auto_json json = json_object();
	mrt_autofree char *id = NULL;
	json_t *payload = NULL;
	int rc = json ? mrt_text_printf(&id, err, "%s/%s/%s", chain, PQgetvalue(p, i, 0),
	                                PQgetvalue(p, i, 1))
	              : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "id", id, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "chain", chain, err);
	if (rc == 0 && !slug && !PQgetisnull(p, i, 7))
		slug = PQgetvalue(p, i, 7);
	if (rc == 0)
		rc = mrt_json_set_text(json, "slug", slug, err);
	for (int k = 0; rc == 0 && k < 6; k++)
		rc = k == 1 ? mrt_json_set_size(json, names[k],
		                                strtoull(PQgetvalue(p, i, k), NULL, 10), err)
		            : mrt_json_set_text(json, names[k], PQgetvalue(p, i, k), err);
	if (rc == 0 && !PQgetisnull(p, i, 6))
		payload = json_loads(PQgetvalue(p, i, 6), JSON_DECODE_ANY, NULL);
	if (rc == 0)
		rc = mrt_json_set(json, "payload", payload ? payload : json_null(), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

/* In the order in which they were written. While somebody reads, nothing is held in the server. */
static int list_chain(const struct listing *l, struct mrt_pg *pg, const char *schema,
                      const char *chain, struct mrt_error *err)
{
	static const char platform[] =
	        COLUMNS "t.slug FROM audit_log a LEFT JOIN tenants t ON t.id "
	                "= a.tenant_id" WHERE;
	static const char school[] = COLUMNS "NULL FROM audit_log a" WHERE;
	bool own = strcmp(chain, MRT_CHAIN_SCHOOL) == 0;
	char at[64] = "-infinity", tenant[MRT_UUID_SIZE] = "00000000-0000-0000-0000-000000000000",
	     seq[24] = "0";
	int n = 1, rc = 0;
	while (rc == 0 && n > 0) {
		mrt_auto_pgresult p = NULL;
		const char *const values[] = { l->r.tenant, at, tenant, seq };
		rc = mrt_audit_enter(pg, l->r.s.run, schema, err);
		if (rc < 0)
			return rc;
		rc = mrt_pg_query(pg, l->r.s.run, own ? school : platform, values, 4, &p, err);
		rc = mrt_audit_leave(pg, l->r.s.run, rc, err);
		n = rc == 0 ? PQntuples(p) : 0;
		for (int i = 0; rc == 0 && i < n; i++) {
			mrt_auto_json one = NULL;
			rc = describe(p, i, chain, l->r.slug, &one, err);
			if (rc == 0)
				rc = l->each(one, l->context, err);
		}
		if (n > 0) {
			snprintf(tenant, sizeof(tenant), "%s", PQgetvalue(p, n - 1, 0));
			snprintf(seq, sizeof(seq), "%s", PQgetvalue(p, n - 1, 1));
			snprintf(at, sizeof(at), "%s", PQgetvalue(p, n - 1, 2));
		}
	}
	return rc;
}

int mrt_audit_list(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                   int (*each)(const json_t *event, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err)
{
	mrt_cleanup(listing_release) struct listing l = { .each = each, .context = context };
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	int rc = mrt_audit_open(run, config, slug, &l.r, err);
	if (rc == 0)
		rc = list_chain(&l, l.r.s.pg, MRT_PLATFORM_SCHEMA, MRT_CHAIN_PLATFORM, err);
	if (rc < 0 || !slug || !l.r.made)
		return rc;
	rc = mrt_place_connect(run, config, l.r.s.pg, l.r.database, &own, &pg, err);
	return rc < 0 ? rc : list_chain(&l, pg, l.r.schema, MRT_CHAIN_SCHOOL, err);
}
