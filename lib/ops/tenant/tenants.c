/* tenants.c - schools as the platform lists them, and what changes there. */
#include "ops/tenant/tenants.h"
#include "base/text.h"
#include "codec/domain.h"
#include "ops/tenant/slug.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE "1000"
#define TOMBSTONE "365 days"
#define COLUMNS                                                                              \
	"SELECT t.id, t.slug, t.name, t.status, t.reason, t.plan, p.mode, p.database_name, " \
	"p.schema_name, t.version, to_char(t.created_at AT TIME ZONE 'UTC', "                \
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), to_char(t.updated_at AT TIME ZONE 'UTC', "       \
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM tenants t JOIN placements p ON p.tenant_id = t.id "

static int describe(const PGresult *r, int i, json_t **ret, struct mrt_error *err)
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
	int rc = mrt_session_query(
	        s, lock ? COLUMNS "WHERE t.slug = $1 FOR UPDATE OF t" : COLUMNS "WHERE t.slug = $1",
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
	return rc < 0 ? rc : describe(r, 0, ret, err);
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

struct listing {
	const struct mrt_tenant_filter *filter;
	int (*each)(const json_t *tenant, void *context, struct mrt_error *err);
	void *context;
	char after[MRT_SLUG_MAX + 1];
	const char *domain; /* normal, or NULL */
	PGresult *page;
};

static int read_page(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct listing *l = context;
	const char *const values[] = { l->after, l->filter->status, l->filter->plan, l->domain };
	return mrt_session_query(s,
	                         COLUMNS "WHERE t.slug > $1 AND ($2::text IS NULL OR t.status = "
	                                 "$2) AND ($3::text IS NULL OR t.plan = $3) AND ($4::text "
	                                 "IS NULL OR EXISTS (SELECT FROM domains d WHERE d.name = "
	                                 "$4 AND d.tenant_id = t.id)) ORDER BY t.slug LIMIT " PAGE,
	                         values, 4, &l->page, err);
}

static int check_plan(struct mrt_session *s, void *context, struct mrt_error *err)
{
	const struct listing *l = context;
	return mrt_tenant_plan_check(s, l->filter->plan, NULL, err);
}

/* Outside of the transaction: who reads slowly, or not at all, holds nothing in the server. */
static int tell_page(struct listing *l, struct mrt_error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < PQntuples(l->page); i++) {
		mrt_auto_json one = NULL;
		rc = describe(l->page, i, &one, err);
		if (rc == 0)
			rc = l->each(one, l->context, err);
		snprintf(l->after, sizeof(l->after), "%s", PQgetvalue(l->page, i, 1));
	}
	return rc;
}

int mrt_tenant_list(const struct mrt_run *run, const struct mrt_config *config,
                    const struct mrt_tenant_filter *filter,
                    int (*each)(const json_t *tenant, void *context, struct mrt_error *err),
                    void *context, struct mrt_error *err)
{
	static const char *const states[] = { "provisioning", "active", "suspended", "archived" };
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	struct listing l = { .filter = filter, .each = each, .context = context };
	char domain[MRT_DOMAIN_SIZE];
	bool more = true;
	bool known = !filter->status;
	for (size_t i = 0; !known && i < 4; i++)
		known = strcmp(filter->status, states[i]) == 0;
	if (!known)
		return mrt_fail(
		        err, MRT_USAGE,
		        "--status: '%.80s' is not provisioning, active, suspended or archived",
		        filter->status);
	int rc = filter->domain ? mrt_domain_normal(filter->domain, domain, err) : 0;
	l.domain = filter->domain ? domain : NULL;
	if (rc == 0)
		rc = mrt_session_open(run, config, false, &s, err);
	if (rc == 0 && filter->plan)
		rc = mrt_session_look(&s, check_plan, &l, err);
	while (rc == 0 && more) {
		rc = mrt_session_look(&s, read_page, &l, err);
		if (rc == 0)
			rc = tell_page(&l, err);
		more = rc == 0 && PQntuples(l.page) > 0;
		PQclear(l.page);
		l.page = NULL;
	}
	return rc;
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

struct one {
	const char *slug;
	const struct mrt_tenant_change *change;
	json_t *tenant, *payload;
	bool changed;
	struct mrt_audit_event event;
};

static void one_release(struct one *o)
{
	json_decref(o->tenant);
	json_decref(o->payload);
}

static int fetch(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct one *o = context;
	mrt_auto_pgresult r = NULL;
	json_t *list = NULL;
	int rc = mrt_tenant_fetch(s, o->slug, false, &o->tenant, err);
	const char *const values[] = { mrt_json_text_or(o->tenant, "id", NULL) };
	if (rc == 0)
		rc = mrt_session_query(s,
		                       "SELECT name FROM domains WHERE tenant_id = $1 ORDER BY "
		                       "is_primary DESC, name",
		                       values, 1, &r, err);
	if (rc == 0)
		rc = mrt_json_set(o->tenant, "domains", list = json_array(), err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = mrt_json_append(list, json_string(PQgetvalue(r, i, 0)), err);
	return rc;
}

int mrt_tenant_show(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                    json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(one_release) struct one o = { .slug = slug };
	int rc = mrt_session_open(run, config, false, &s, err);
	if (rc == 0)
		rc = mrt_session_look(&s, fetch, &o, err);
	if (rc == 0)
		*ret = mrt_steal(o.tenant);
	return rc;
}

/* From where to where a school may go. Who knows what it was may suspend an archived one. */
static int check_status(const struct one *o, const char *from, struct mrt_error *err)
{
	const char *to = o->change->status;
	bool suspends = to && strcmp(to, "suspended") == 0 && !o->change->version;
	return mrt_tenant_is_usable(o->slug, from, suspends, err);
}

/* to: what it becomes, NULL: it stays. Notes "name": [from, to] where it is another. */
static int note_change(struct one *o, const char *name, const char *to, struct mrt_error *err)
{
	const char *from = mrt_json_text_or(o->tenant, name, NULL);
	if (!to || (from && strcmp(from, to) == 0))
		return 0;
	json_t *pair = json_array();
	int rc = mrt_json_set(o->payload, name, pair, err);
	if (rc == 0)
		rc = mrt_json_append(pair, from ? json_string(from) : json_null(), err);
	if (rc == 0)
		rc = mrt_json_append(pair, json_string(to), err);
	o->changed = o->changed || rc == 0;
	return rc;
}

/* It belongs to the status: a new one has a new reason, or none. What "apply --prune" put away and
 * somebody archives himself is not to come back with the file. */
static int note_reason(struct one *o, struct mrt_error *err)
{
	const char *from = mrt_json_text_or(o->tenant, "reason", NULL);
	bool pruned = from && strncmp(from, MRT_REASON_PRUNED, strlen(MRT_REASON_PRUNED)) == 0;
	if (o->change->reason || !from || (!pruned && !json_object_get(o->payload, "status")))
		return note_change(o, "reason", o->change->reason, err);
	json_t *pair = json_array();
	int rc = mrt_json_set(o->payload, "reason", pair, err);
	if (rc == 0)
		rc = mrt_json_append(pair, json_string(from), err);
	if (rc == 0)
		rc = mrt_json_append(pair, json_null(), err);
	o->changed = o->changed || rc == 0;
	return rc;
}

static int keep_slug(struct mrt_session *s, const struct one *o, struct mrt_error *err)
{
	const char *id = mrt_json_text_or(o->tenant, "id", "");
	const char *const values[] = { o->slug, id }, *const again[] = { o->change->slug };
	mrt_auto_pgresult r = NULL;
	mrt_auto_pgresult gone = NULL;
	int rc = mrt_session_query(s,
	                           "INSERT INTO slug_tombstones VALUES ($1, $2, now() + interval "
	                           "'" TOMBSTONE "') ON CONFLICT (slug) DO UPDATE SET tenant_id = "
	                           "excluded.tenant_id, until = excluded.until",
	                           values, 2, &r, err);
	return rc < 0 ? rc
	              : mrt_session_query(s, "DELETE FROM slug_tombstones WHERE slug = $1", again,
	                                  1, &gone, err);
}

static int change(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct one *o = context;
	const struct mrt_tenant_change *c = o->change;
	int rc = mrt_tenant_fetch(s, o->slug, true, &o->tenant, err);
	if (rc == 0 && c->version && c->version != mrt_json_size_or(o->tenant, "version", 0)) {
		mrt_fail(err, MRT_CHANGED, "the school '%s' was changed meanwhile", o->slug);
		return mrt_hint(err, "'maratea tenant show %s' shows what it is now", o->slug);
	}
	if (rc == 0)
		rc = check_status(o, mrt_json_text_or(o->tenant, "status", ""), err);
	if (rc == 0)
		rc = note_change(o, "status", c->status, err);
	if (rc == 0 && c->status)
		rc = note_reason(o, err);
	if (rc == 0)
		rc = note_change(o, "name", c->name, err);
	if (rc == 0)
		rc = note_change(o, "plan", c->plan, err);
	if (rc == 0)
		rc = note_change(o, "slug", c->slug, err);
	snprintf(o->event.tenant, sizeof(o->event.tenant), "%s",
	         mrt_json_text_or(o->tenant, "id", ""));
	if (rc < 0 || !o->changed) {
		o->event.action = NULL;
		return rc;
	}
	if (c->plan)
		rc = mrt_tenant_plan_check(s, c->plan, NULL, err);
	bool renamed = json_object_get(o->payload, "slug") != NULL;
	if (rc == 0 && renamed)
		rc = mrt_tenant_slug_free(s, c->slug, o->event.tenant, err);
	if (rc == 0 && renamed)
		rc = keep_slug(s, o, err);
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { o->event.tenant, c->status, c->reason,
		                       c->name,         c->plan,   c->slug };
	if (rc == 0)
		rc = mrt_session_query(
		        s,
		        "UPDATE tenants SET status = coalesce($2, status), reason = CASE WHEN "
		        "$2::text IS NULL THEN reason ELSE $3 END, name = coalesce($4, name), "
		        "plan = coalesce($5, plan), slug = coalesce($6, slug), version = version "
		        "+ 1, updated_at = now() WHERE id = $1",
		        values, 6, &r, err);
	if (rc == MRT_FAILED && strcmp(s->pg->sqlstate, "23505") == 0)
		rc = mrt_fail(err, MRT_EXISTS, "there is a school '%s' already", c->slug);
	json_decref(o->tenant);
	o->tenant = NULL;
	if (rc == 0)
		rc = mrt_tenant_fetch(s, renamed ? c->slug : o->slug, false, &o->tenant, err);
	return rc;
}

/* Does all of it, and takes it back. */
static int try_change(struct mrt_session *s, void *context, struct mrt_error *err)
{
	int rc = mrt_pg_exec(s->pg, s->run, err, "SAVEPOINT try");
	if (rc == 0)
		rc = change(s, context, err);
	return rc < 0 ? rc : mrt_pg_exec(s->pg, s->run, err, "ROLLBACK TO try");
}

static int check_change(const struct mrt_tenant_change *how, struct mrt_error *err)
{
	int rc = how->slug ? mrt_slug_check(how->slug, err) : 0;
	if (rc == 0 && how->name)
		rc = mrt_words_check("--name", how->name, MRT_WORDS_MAX, err);
	return rc < 0 || !how->reason
	               ? rc
	               : mrt_words_check("--reason", how->reason, MRT_WORDS_MAX, err);
}

const char *mrt_tenant_status_action(const char *status)
{
	return strcmp(status, "suspended") == 0  ? "tenant.suspend"
	       : strcmp(status, "archived") == 0 ? "tenant.archive"
	                                         : "tenant.resume";
}

int mrt_tenant_update_in(struct mrt_session *s, const char *slug,
                         const struct mrt_tenant_change *how, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(one_release) struct one o = { .slug = slug,
		                                  .change = how,
		                                  .payload = json_object() };
	int rc = o.payload ? check_change(how, err) : mrt_no_memory(err);
	o.event.action = how->status ? mrt_tenant_status_action(how->status) : "tenant.update";
	o.event.payload = o.payload;
	if (rc == 0)
		rc = how->dry_run ? mrt_session_look(s, try_change, &o, err)
		                  : mrt_session_change(s, change, &o, &o.event, err);
	if (rc == 0)
		rc = mrt_json_set(o.tenant, "changed", json_boolean(o.changed), err);
	if (rc == 0)
		rc = mrt_json_set(o.tenant, "dry_run", json_boolean(how->dry_run), err);
	if (rc == 0)
		*ret = mrt_steal(o.tenant);
	return rc;
}

int mrt_tenant_update(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                      const struct mrt_tenant_change *how, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	int rc = check_change(how, err);
	if (rc == 0)
		rc = mrt_session_open(run, config, true, &s, err);
	return rc < 0 ? rc : mrt_tenant_update_in(&s, slug, how, ret, err);
}
