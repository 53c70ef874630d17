/* sync.c - a school's own list of its domains. */
#include "ops/domain/sync.h"
#include "platform/tenant_session.h"
#include "platform/tenants.h"

#include <string.h>

struct syncing {
	struct mrt_tenant_session *tenant;
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
	const char *const values[] = { y->tenant->id };
	mrt_auto_pgresult r = NULL;
	int rc =
	        mrt_session_query(s,
	                          "SELECT name, is_primary FROM domains WHERE tenant_id = $1 ORDER "
	                          "BY name",
	                          values, 1, &r, err);
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

static int write_tenant(struct mrt_tenant_session *tenant, void *context, struct mrt_error *err)
{
	struct syncing *y = context;
	mrt_autofree char *text = json_dumps(y->domains, JSON_COMPACT);
	const char *const values[] = { text };
	mrt_auto_pgresult gone = NULL;
	mrt_auto_pgresult put = NULL;
	int rc = text ? mrt_tenant_session_query(
	                        tenant,
	                        "DELETE FROM tenant_domains WHERE tenant_id = $1 AND name NOT IN "
	                        "(SELECT name FROM json_to_recordset($2::json) AS d (name text)) "
	                        "RETURNING 1",
	                        values, 1, &gone, err)
	              : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_tenant_session_query(
		        tenant,
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

static int sync_tenant(const struct mrt_session *s, const char *slug, struct mrt_error *err)
{
	mrt_cleanup(mrt_tenant_session_release) struct mrt_tenant_session tenant = { 0 };
	mrt_cleanup(syncing_release) struct syncing y = { .tenant = &tenant,
		                                          .domains = json_array(),
		                                          .payload = json_object() };
	y.event.action = "tenant.domains";
	y.event.payload = y.payload;
	int rc = y.domains ? mrt_json_set(y.payload, "domains", json_incref(y.domains), err)
	                   : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_tenant_session_open(s->ctx, s->config, slug, false, &tenant, err);
	if (rc == 0)
		rc = mrt_session_look(&tenant.s, read_platform, &y, err);
	return rc < 0 ? rc : mrt_tenant_session_change(&tenant, write_tenant, &y, &y.event, err);
}

int mrt_domain_sync_later(struct mrt_session *s, const char *tenant, const char *name,
                          struct mrt_error *err)
{
	const char *const values[] = { tenant, name };
	mrt_auto_pgresult r = NULL;
	return mrt_session_query(
	        s,
	        "INSERT INTO domain_syncs AS d (tenant_id, name) VALUES ($1, $2) ON "
	        "CONFLICT (tenant_id, name) DO UPDATE SET version = DEFAULT",
	        values, 2, &r, err);
}

struct waiting {
	const char *slug;
	PGresult *list; /* as columns */
	int i;
};
enum column { TENANT, NAME, VERSION, SLUG };

static void waiting_release(struct waiting *w)
{
	PQclear(w->list);
}

static const char *at(const struct waiting *w, enum column column)
{
	return PQgetvalue(w->list, w->i, column);
}

static int read_waiting(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct waiting *w = context;
	const char *const values[] = { w->slug };
	/* this one's own last: it is there until all of the name is seen to */
	return mrt_session_query(
	        s,
	        "SELECT d.tenant_id, d.name, d.version, t.slug FROM domain_syncs d JOIN tenants t "
	        "ON t.id = d.tenant_id ORDER BY t.slug = $1, t.slug, d.name",
	        values, 1, &w->list, err);
}

/* Unless something was changed again since the list was read. */
static int forget(struct mrt_session *s, void *context, struct mrt_error *err)
{
	const struct waiting *w = context;
	const char *const values[] = { at(w, TENANT), at(w, NAME), at(w, VERSION) };
	mrt_auto_pgresult r = NULL;
	return mrt_session_query(s,
	                         "DELETE FROM domain_syncs WHERE tenant_id = $1 AND name = $2 AND "
	                         "version = $3",
	                         values, 3, &r, err);
}

static int see_to(struct mrt_session *s, struct waiting *w, bool own, bool keep,
                  struct mrt_error *err)
{
	int rc = own ? 0 : mrt_tenant_lock(s, at(w, SLUG), err);
	if (rc < 0)
		return rc;
	rc = sync_tenant(s, at(w, SLUG), err);
	if (rc == 0 && !keep)
		rc = mrt_session_look(s, forget, w, err);
	if (!own)
		mrt_tenant_unlock(s, at(w, SLUG));
	return rc;
}

int mrt_domain_sync_all(struct mrt_session *s, const char *slug, const char *name,
                        struct mrt_error *err)
{
	mrt_cleanup(waiting_release) struct waiting w = { .slug = slug };
	int rc = mrt_session_look(s, read_waiting, &w, err), bad = 0;
	for (w.i = 0; rc == 0 && w.i < PQntuples(w.list); w.i++) {
		struct mrt_error why;
		bool own = strcmp(at(&w, SLUG), slug) == 0, same = strcmp(at(&w, NAME), name) == 0;
		int one = see_to(s, &w, own, own && same && bad < 0, &why);
		if (one == 0)
			continue;
		mrt_prefix(&why, one, "the school '%s'", at(&w, SLUG));
		rc = mrt_code_is_final(one) ? one : 0;
		if (rc == 0 && !own && !same)
			mrt_warn_because(s->ctx, &why, "its own tables do not say who has %s yet",
			                 at(&w, NAME));
		else if ((rc < 0 || bad == 0) && err)
			*err = why;
		if ((own || same) && bad == 0)
			bad = one;
	}
	return rc < 0 ? rc : bad;
}

struct looking {
	const char *slug, *name;
	bool found;
};

static int look_for(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct looking *l = context;
	const char *const values[] = { l->slug, l->name };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(
	        s,
	        "SELECT FROM domain_syncs d JOIN tenants t ON t.id = d.tenant_id WHERE t.slug = $1 "
	        "AND d.name = $2",
	        values, 2, &r, err);
	l->found = rc == 0 && PQntuples(r) > 0;
	return rc;
}

int mrt_domain_sync_waits(struct mrt_session *s, const char *slug, const char *name, bool *ret,
                          struct mrt_error *err)
{
	struct looking l = { slug, name, false };
	int rc = mrt_session_look(s, look_for, &l, err);
	*ret = l.found;
	return rc;
}
