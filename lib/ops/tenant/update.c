/* update.c - what changes of a school in the platform's tables. */
#include "ops/tenant/update.h"
#include "base/text.h"
#include "platform/slug.h"
#include "platform/tenants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOMBSTONE "365 days"

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
	int rc = mrt_pg_exec(s->pg, s->ctx, err, "SAVEPOINT try");
	if (rc == 0)
		rc = change(s, context, err);
	return rc < 0 ? rc : mrt_pg_exec(s->pg, s->ctx, err, "ROLLBACK TO try");
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

int mrt_tenant_update(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const struct mrt_tenant_change *how, json_t **ret,
                      struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	int rc = check_change(how, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &s, err);
	return rc < 0 ? rc : mrt_tenant_update_in(&s, slug, how, ret, err);
}
