/* remove.c - "domain remove". */
#include "ops/domain/change.h"
#include "ops/domain/commands.h"
#include "ops/domain/sync.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <string.h>

struct removing {
	const char *slug;
	char name[MRT_DOMAIN_SIZE];
	struct mrt_domain_claim claim;
	json_t *payload;
	struct mrt_audit_event event;
};

static void removing_release(struct removing *r)
{
	mrt_domain_claim_release(&r->claim);
	json_decref(r->payload);
}

static int find_claim(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct removing *r = context;
	return mrt_domain_claim_find(s, r->slug, r->name, &r->claim, err);
}

/* Who else has to know: the holder of what this school was to get, or who was to get it from it. */
static int note_others(struct mrt_session *s, struct removing *r, struct mrt_error *err)
{
	const struct mrt_domain_claim *c = &r->claim;
	bool rival = c->rival && strcmp(c->rival, c->id) == 0;
	if (!c->rival || (!rival && !c->active))
		return 0;
	return mrt_domain_note_other(s, rival ? c->holder : c->rival, r->payload,
	                             "domain.challenge-end", err);
}

static int drop(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct removing *r = context;
	static const char *const steps[] = {
		"DELETE FROM domains WHERE name = $1 AND tenant_id = $2",
		MRT_END_CHALLENGE " AND challenger = $2",
		"DELETE FROM domain_claims WHERE name = $1 AND tenant_id = $2",
	};
	int rc = mrt_domain_claim_lock(s, r->slug, r->name, &r->claim, err);
	const char *const values[] = { r->name, r->claim.id };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(steps); i++) {
		mrt_auto_pgresult done = NULL;
		rc = mrt_session_query(s, steps[i], values, 2, &done, err);
	}
	if (rc == 0 && r->claim.active)
		rc = mrt_domain_sync_later(s, r->claim.id, r->name, err);
	snprintf(r->event.tenant, sizeof(r->event.tenant), "%s", r->claim.id ? r->claim.id : "");
	if (rc == 0)
		rc = mrt_json_set_text(r->payload, "state",
		                       mrt_json_text_or(r->claim.json, "state", ""), err);
	return rc < 0 ? rc : note_others(s, r, err);
}

static int remove_claim(struct mrt_session *s, struct removing *r, struct mrt_error *err)
{
	struct mrt_error why;
	bool waits = false;
	int rc = mrt_session_look(s, find_claim, r, &why);
	/* a call before this one may have come to its end in the platform only */
	if (rc == MRT_NOT_FOUND) {
		rc = mrt_domain_sync_waits(s, r->slug, r->name, &waits, err);
		if (rc < 0)
			return rc;
		rc = waits ? 0 : MRT_NOT_FOUND;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (!waits)
		rc = mrt_session_change(s, drop, r, &r->event, err);
	return rc < 0 ? rc : mrt_domain_follow(s, r->slug, r->name, err);
}

int mrt_domain_remove(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const char *name, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(removing_release) struct removing r = { .slug = slug,
		                                            .payload = json_object() };
	int rc = r.payload ? mrt_domain_normal(name, r.name, err) : mrt_no_memory(err);
	r.event.action = "domain.remove";
	r.event.payload = r.payload;
	if (rc == 0)
		rc = mrt_json_set_text(r.payload, "name", r.name, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &s, err);
	if (rc == 0)
		rc = mrt_tenant_lock(&s, slug, err);
	if (rc == 0)
		rc = remove_claim(&s, &r, err);
	mrt_auto_json json = rc == 0 ? json_object() : NULL;
	if (rc == 0)
		rc = mrt_json_set_text(json, "slug", slug, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "name", r.name, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "state",
		                       mrt_json_text_or(r.claim.json, "state", "removed"), err);
	if (rc == 0)
		rc = mrt_json_set(
		        json, "primary",
		        json_boolean(json_is_true(json_object_get(r.claim.json, "primary"))), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}
