/* change.c - what activate and remove have in common. */
#include "ops/domain/change.h"
#include "ops/domain/sync.h"

#include <stdio.h>
#include <string.h>

/* Their rows, and then the heads of their chains, each by id, before anything else: commands that
 * are about the same schools take turns, whatever rows they come to then. */
static int lock_tenants(struct mrt_session *s, const struct mrt_domain_claim *claim,
                        struct mrt_error *err)
{
	const char *const values[] = { claim->id, claim->holder, claim->rival };
	mrt_auto_pgresult tenants = NULL;
	mrt_auto_pgresult heads = NULL;
	int rc = mrt_session_query(s,
	                           "SELECT FROM tenants WHERE id IN ($1, $2, $3) ORDER BY id FOR "
	                           "KEY SHARE",
	                           values, 3, &tenants, err);
	return rc < 0 ? rc
	              : mrt_session_query(s,
	                                  "SELECT FROM audit_heads WHERE tenant_id IN ($1, $2, $3) "
	                                  "ORDER BY tenant_id FOR UPDATE",
	                                  values, 3, &heads, err);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_claim(const struct mrt_domain_claim *a, const struct mrt_domain_claim *b)
{
	return same_text(a->token, b->token) && same_text(a->holder, b->holder) &&
	       same_text(a->holder_token, b->holder_token) && same_text(a->rival, b->rival);
}

int mrt_domain_changed(const char *name, struct mrt_error *err)
{
	mrt_fail(err, MRT_CHANGED, "%s was changed by another meanwhile", name);
	return mrt_hint(err, "try again");
}

int mrt_domain_claim_lock(struct mrt_session *s, const char *slug, const char *name,
                          struct mrt_domain_claim *claim, struct mrt_error *err)
{
	const char *const values[] = { name };
	struct mrt_domain_claim now = { 0 };
	mrt_auto_pgresult lock = NULL;
	int rc = lock_tenants(s, claim, err);
	if (rc == 0)
		rc = mrt_session_query(s, "SELECT FROM domains WHERE name = $1 FOR UPDATE", values,
		                       1, &lock, err);
	if (rc == 0)
		rc = mrt_domain_claim_find(s, slug, name, &now, err);
	if (rc == 0 && !same_claim(&now, claim))
		rc = mrt_domain_changed(name, err);
	mrt_domain_claim_release(claim);
	*claim = now;
	return rc;
}

int mrt_domain_note_other(struct mrt_session *s, const char *tenant, json_t *payload,
                          const char *action, struct mrt_error *err)
{
	struct mrt_audit_event event = { .action = action, .payload = payload };
	snprintf(event.tenant, sizeof(event.tenant), "%s", tenant);
	return mrt_audit_append(s->pg, s->ctx, &s->who, &event, err);
}

/* What is in the schools' own tables follows; the same command makes up for what was missed. */
int mrt_domain_follow(struct mrt_session *s, const char *slug, const char *name,
                      struct mrt_error *err)
{
	int rc = mrt_domain_sync_all(s, slug, name, err);
	if (rc < 0) {
		mrt_prefix(err, rc,
		           "%s: it is so in the platform, but not in a school's own tables yet",
		           name);
		mrt_hint(err, "the same command goes on from there");
	}
	return rc;
}
