/* tenants.c - finding a school's row in the platform. */
#include "platform/tenants.h"
#include "base/text.h"
#include "platform/slug.h"

#include <string.h>

/* "mara", "scho" as an int4 key, before the slug's hash */
#define LOCK_CLASS "1935894639"

int mrt_tenant_row(const PGresult *r, int i, json_t **ret, struct mrt_error *err)
{
	static const char *const names[] = { "id",     "slug",    "name",       "status",
		                             "reason", "plan",    "isolation",  "database",
		                             "schema", "version", "created_at", "updated_at" };
	mrt_auto_json json = json_object();
	int rc = json ? 0 : mrt_no_memory(err);
	for (int k = 0; rc == 0 && k < 12; k++) {
		const char *text = PQgetisnull(r, i, k) ? NULL : PQgetvalue(r, i, k);
		rc = k == 9 ? mrt_json_set_size(json, names[k], strtoull(text, NULL, 10), err)
		            : mrt_json_set_text(json, names[k], text, err);
	}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_tenant_fetch(struct mrt_session *s, const char *slug, bool lock, json_t **ret,
                     struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { slug };
	int rc = mrt_session_query(s,
	                           lock ? MRT_TENANT_ROWS "WHERE t.slug = $1 FOR UPDATE OF t"
	                                : MRT_TENANT_ROWS "WHERE t.slug = $1",
	                           values, 1, &r, err);
	if (rc == 0 && PQntuples(r) == 0) {
		mrt_auto_pgresult now = NULL;
		rc = mrt_session_query(s,
		                       "SELECT t.slug FROM slug_tombstones k JOIN tenants t ON "
		                       "t.id = k.tenant_id WHERE k.slug = $1",
		                       values, 1, &now, err);
		if (rc == 0 && PQntuples(now) > 0) {
			mrt_fail(err, MRT_NOT_FOUND, "there is no school '%.80s' any more", slug);
			return mrt_hint(err, "it is '%s' now", PQgetvalue(now, 0, 0));
		}
		if (rc == 0)
			rc = mrt_fail(err, MRT_NOT_FOUND, "there is no school '%.80s'", slug);
		mrt_hint(err, "'maratea tenant list' shows those that there are");
	}
	return rc < 0 ? rc : mrt_tenant_row(r, 0, ret, err);
}

int mrt_tenant_slug_kept(struct mrt_session *s, const char *slug, const char *id,
                         struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { slug, id };
	int rc = mrt_session_query(
	        s,
	        "SELECT to_char(until, 'YYYY-MM-DD') FROM slug_tombstones WHERE slug = $1 AND "
	        "until > now() AND tenant_id IS DISTINCT FROM $2::uuid",
	        values, 2, &r, err);
	if (rc < 0 || PQntuples(r) == 0)
		return rc;
	mrt_fail(err, MRT_EXISTS, "the slug '%s' was another school's", slug);
	return mrt_hint(err,
	                "links, cookies and sign-ins of that school are still about; it is free "
	                "from %s on",
	                PQgetvalue(r, 0, 0));
}

int mrt_tenant_slug_free(struct mrt_session *s, const char *slug, const char *id,
                         struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { slug };
	int rc = mrt_session_query(s, "SELECT FROM tenants WHERE slug = $1", values, 1, &r, err);
	if (rc == 0 && PQntuples(r) > 0)
		return mrt_fail(err, MRT_EXISTS, "there is a school '%s' already", slug);
	return rc < 0 ? rc : mrt_tenant_slug_kept(s, slug, id, err);
}

int mrt_tenant_plan_check(struct mrt_session *s, const char *plan, char **ret_isolation,
                          struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { plan };
	int rc = mrt_session_query(s, "SELECT isolation FROM plans WHERE name = $1 FOR KEY SHARE",
	                           values, 1, &r, err);
	if (rc == 0 && PQntuples(r) == 0) {
		rc = mrt_fail(err, MRT_NOT_FOUND, "there is no plan '%.80s'", plan);
		mrt_hint(err,
		         "'maratea plan list' shows those that there are, 'maratea plan create' "
		         "makes one");
	}
	return rc < 0 || !ret_isolation ? rc
	                                : mrt_text_dup(PQgetvalue(r, 0, 0), ret_isolation, err);
}

int mrt_tenant_is_usable(const char *slug, const char *status, bool writes, struct mrt_error *err)
{
	if (strcmp(status, "provisioning") == 0) {
		mrt_fail(err, MRT_CHANGED, "the school '%s' is not made yet", slug);
		return mrt_hint(err,
		                "the 'maratea tenant create' or 'apply' that began it finishes it");
	}
	if (writes && strcmp(status, "archived") == 0) {
		mrt_fail(err, MRT_CHANGED, "the school '%s' is archived", slug);
		return mrt_hint(err, "'maratea tenant resume %s' makes it active again", slug);
	}
	return 0;
}

int mrt_tenant_lock(struct mrt_session *s, const char *slug, struct mrt_error *err)
{
	const char *const values[] = { slug };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(
	        s, "SELECT pg_try_advisory_lock(" LOCK_CLASS ", hashtext($1))::text", values, 1, &r,
	        err);
	return rc < 0 || strcmp(PQgetvalue(r, 0, 0), "true") == 0
	               ? rc
	               : mrt_fail(err, MRT_LOCKED, "another command is at work on the school '%s'",
	                          slug);
}

void mrt_tenant_unlock(struct mrt_session *s, const char *slug)
{
	const char *const values[] = { slug };
	mrt_auto_pgresult r = NULL;
	mrt_session_query(s, "SELECT pg_advisory_unlock(" LOCK_CLASS ", hashtext($1))", values, 1,
	                  &r, NULL);
}
