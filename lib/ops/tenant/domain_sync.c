/* domain_sync.c - a school's own list of its domains. */
#include "ops/tenant/domain_sync.h"
#include "ops/tenant/school.h"

#include <string.h>

struct syncing {
	struct mrt_school_session *school;
	const char *without;
	json_t *domains; /* [{"name", "primary"}], as the platform has them */
	json_t *payload;
	struct mrt_audit_event event;
};

static void syncing_release(struct syncing *y)
{
	json_decref(y->domains);
	json_decref(y->payload);
}

static int read_platform(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct syncing *y = context;
	const char *const values[] = { y->school->id, y->without };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(s,
	                           "SELECT name, is_primary FROM domains WHERE tenant_id = $1 AND "
	                           "name IS DISTINCT FROM $2 ORDER BY name",
	                           values, 2, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		json_t *one = json_object();
		rc = mrt_json_append(y->domains, one, err);
		if (rc == 0)
			rc = mrt_json_set_text(one, "name", PQgetvalue(r, i, 0), err);
		if (rc == 0)
			rc = mrt_json_set(one, "primary",
			                  json_boolean(strcmp(PQgetvalue(r, i, 1), "t") == 0), err);
	}
	return rc;
}

static int write_school(struct mrt_school_session *school, void *context, struct mrt_error *err)
{
	struct syncing *y = context;
	mrt_autofree char *text = json_dumps(y->domains, JSON_COMPACT);
	const char *const values[] = { text };
	mrt_auto_pgresult gone = NULL;
	mrt_auto_pgresult put = NULL;
	int rc = text ? mrt_school_query(
	                        school,
	                        "DELETE FROM tenant_domains WHERE tenant_id = $1 AND name NOT IN "
	                        "(SELECT name FROM json_to_recordset($2::json) AS d (name text)) "
	                        "RETURNING 1",
	                        values, 1, &gone, err)
	              : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_school_query(
		        school,
		        "INSERT INTO tenant_domains (tenant_id, name, is_primary) SELECT $1, name, "
		        "\"primary\" FROM json_to_recordset($2::json) AS d (name text, \"primary\" "
		        "boolean) ON CONFLICT (tenant_id, name) DO UPDATE SET is_primary = "
		        "excluded.is_primary WHERE tenant_domains.is_primary <> "
		        "excluded.is_primary RETURNING 1",
		        values, 1, &put, err);
	if (rc == 0 && PQntuples(gone) == 0 && PQntuples(put) == 0)
		y->event.action = NULL;
	return rc;
}

int mrt_domain_sync(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                    const char *without, struct mrt_error *err)
{
	mrt_cleanup(mrt_school_release) struct mrt_school_session school = { 0 };
	mrt_cleanup(syncing_release) struct syncing y = { .school = &school,
		                                          .without = without,
		                                          .domains = json_array(),
		                                          .payload = json_object() };
	y.event.action = "tenant.domains";
	y.event.payload = y.payload;
	int rc = y.domains ? mrt_json_set(y.payload, "domains", json_incref(y.domains), err)
	                   : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_school_open(run, config, slug, false, &school, err);
	if (rc == 0)
		rc = mrt_session_look(&school.s, read_platform, &y, err);
	return rc < 0 ? rc : mrt_school_change(&school, write_school, &y, &y.event, err);
}
