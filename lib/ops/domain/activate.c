/* activate.c - "domain activate". */
#include "base/text.h"
#include "ops/domain/change.h"
#include "ops/domain/commands.h"
#include "ops/domain/report.h"
#include "ops/domain/sync.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <string.h>

#define NOTICE "72 hours"

/* What activate comes to. */
enum outcome {
	ACTIVE,
	CHALLENGED, /* the holder's time runs */
	HELD        /* the holder shows its token; or another is before us */
};

struct activating {
	const char *slug;
	char name[MRT_DOMAIN_SIZE];
	bool primary;
	struct mrt_domain_claim claim;
	struct mrt_domain_proof proof;
	enum outcome outcome;
	bool changed;
	bool unknown; /* how it is now */
	json_t *payload;
	struct mrt_audit_event event;
};

static void activating_release(struct activating *a)
{
	mrt_domain_claim_release(&a->claim);
	mrt_domain_proof_release(&a->proof);
	json_decref(a->payload);
}

static int read_claim(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct activating *a = context;
	mrt_domain_claim_release(&a->claim);
	return mrt_domain_claim_find(s, a->slug, a->name, &a->claim, err);
}

static int find(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct activating *a = context;
	int rc = read_claim(s, a, err);
	return rc < 0 ? rc : mrt_tenant_is_usable(a->slug, a->claim.status, !a->claim.active, err);
}

static int look_again(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	int rc = mrt_domain_claim_lock(s, a->slug, a->name, &a->claim, err);
	return rc < 0 ? rc : mrt_tenant_is_usable(a->slug, a->claim.status, !a->claim.active, err);
}

static int do_query(struct mrt_session *s, const struct activating *a, const char *sql, int n,
                    struct mrt_error *err)
{
	const char *const values[] = { a->name, a->claim.id,
		                       mrt_domain_method_name(a->proof.method),
		                       a->primary ? "true" : "false" };
	mrt_auto_pgresult r = NULL;
	return mrt_session_query(s, sql, values, n, &r, err);
}

static int make_primary(struct mrt_session *s, const struct activating *a, struct mrt_error *err)
{
	return do_query(s, a,
	                "UPDATE domains SET is_primary = false WHERE tenant_id = $2 AND is_primary "
	                "AND name <> $1",
	                2, err);
}

static int take_name(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	int rc = a->primary ? make_primary(s, a, err) : 0;
	if (rc == 0)
		rc = do_query(
		        s, a,
		        "INSERT INTO domains (name, tenant_id, method, checked_at, is_primary) "
		        "SELECT $1, $2, $3, now(), $4::boolean OR NOT EXISTS (SELECT FROM "
		        "domains WHERE tenant_id = $2 AND is_primary)",
		        4, err);
	if (rc == MRT_FAILED && strcmp(s->pg->sqlstate, "23505") == 0)
		rc = mrt_domain_changed(a->name, err);
	if (rc == 0)
		rc = mrt_domain_sync_later(s, a->claim.id, a->name, err);
	a->changed = true;
	return rc;
}

static int keep_name(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	bool first = a->primary && !json_is_true(json_object_get(a->claim.json, "primary"));
	/* who could show a record once must not have to do so against one who never can */
	if (a->claim.rival && (!a->proof.shown || a->proof.method != MRT_SHOWN_BY_DNS))
		return mrt_fail(err, MRT_BAD,
		                "another school is to get %s: only the record in DNS keeps it",
		                a->name);
	a->changed = a->claim.rival || first;
	if (!a->changed)
		a->event.action = NULL;
	int rc = first ? make_primary(s, a, err) : 0;
	if (rc == 0)
		rc = do_query(
		        s, a,
		        "UPDATE domains SET checked_at = CASE WHEN $3::text IS NULL THEN "
		        "checked_at ELSE now() END, method = coalesce($3, method), is_primary = "
		        "is_primary OR $4::boolean, challenger = NULL, challenge_ends = NULL "
		        "WHERE name = $1 AND tenant_id = $2",
		        4, err);
	if (rc == 0 && first)
		rc = mrt_domain_sync_later(s, a->claim.id, a->name, err);
	return rc < 0 || !a->claim.rival ? rc
	                                 : mrt_domain_note_other(s, a->claim.rival, a->payload,
	                                                         "domain.challenge-end", err);
}

static int move(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	int rc = a->primary ? make_primary(s, a, err) : 0;
	a->changed = true;
	if (rc == 0)
		rc = do_query(
		        s, a,
		        "UPDATE domains SET tenant_id = $2, method = $3, active_since = now(), "
		        "checked_at = now(), challenger = NULL, challenge_ends = NULL, is_primary "
		        "= $4::boolean OR NOT EXISTS (SELECT FROM domains WHERE tenant_id = $2 AND "
		        "is_primary) WHERE name = $1",
		        4, err);
	if (rc == 0)
		rc = mrt_domain_sync_later(s, a->claim.id, a->name, err);
	if (rc == 0)
		rc = mrt_domain_sync_later(s, a->claim.holder, a->name, err);
	return rc < 0 ? rc
	              : mrt_domain_note_other(s, a->claim.holder, a->payload, "domain.lose", err);
}

static int challenge(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	const char *before = a->claim.rival;
	int rc = do_query(s, a,
	                  "UPDATE domains SET challenger = $2, challenge_ends = now() + interval "
	                  "'" NOTICE "' WHERE name = $1",
	                  2, err);
	/* the token stays good until it can be used */
	if (rc == 0)
		rc = do_query(s, a,
		              "UPDATE domain_claims SET expires_at = greatest(expires_at, now() + "
		              "interval '" NOTICE "' + interval '7 days') WHERE name = $1 AND "
		              "tenant_id = $2",
		              2, err);
	a->event.action = "domain.challenge";
	a->outcome = CHALLENGED;
	a->changed = true;
	if (rc == 0 && before)
		rc = mrt_domain_note_other(s, before, a->payload, "domain.challenge-end", err);
	return rc < 0 ? rc
	              : mrt_domain_note_other(s, a->claim.holder, a->payload, "domain.challenged",
	                                      err);
}

static int give_up(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	a->event.action = "domain.challenge-end";
	a->changed = true;
	int rc = do_query(s, a, MRT_END_CHALLENGE " AND challenger = $2", 2, err);
	return rc < 0 ? rc
	              : mrt_domain_note_other(s, a->claim.holder, a->payload,
	                                      "domain.challenge-end", err);
}

/* Another has it. */
static int contend(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	bool ours = a->claim.rival && strcmp(a->claim.rival, a->claim.id) == 0;
	a->event.action = NULL;
	a->outcome = HELD;
	if (a->proof.other_shown)
		return ours ? give_up(s, a, err) : 0;
	if (a->proof.garbled)
		return mrt_fail(err, MRT_UNREACHABLE,
		                "%s: whether the school '%s' shows its token cannot be said: an "
		                "answer was damaged",
		                a->name, a->claim.holder_slug);
	if (ours && a->claim.over) {
		a->event.action = "domain.activate";
		a->outcome = ACTIVE;
		return move(s, a, err);
	}
	if (a->claim.rival && !ours && a->proof.rival_shown)
		return 0;
	a->outcome = CHALLENGED;
	return ours ? 0 : challenge(s, a, err);
}

static int settle(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct activating *a = context;
	int rc = look_again(s, a, err);
	snprintf(a->event.tenant, sizeof(a->event.tenant), "%s", a->claim.id ? a->claim.id : "");
	if (rc == 0)
		rc = !a->claim.holder  ? take_name(s, a, err)
		     : a->claim.active ? keep_name(s, a, err)
		                       : contend(s, a, err);
	if (rc < 0)
		return rc;
	return read_claim(s, a, err);
}

static int explain(const struct activating *a, struct mrt_error *err)
{
	const json_t *running = json_object_get(a->claim.json, "challenge");
	const char *until = mrt_json_text_or(running, "until", "");
	if (a->outcome == CHALLENGED) {
		mrt_fail(err, MRT_EXISTS,
		         "%s is the school '%s''s, which has until %s to show its token", a->name,
		         a->claim.holder_slug, until);
		return mrt_hint(err,
		                "the same command moves it to '%s' then, if the record of '%s' "
		                "is gone and that of '%s' is there",
		                a->slug, a->claim.holder_slug, a->slug);
	}
	if (a->outcome != HELD)
		return 0;
	if (a->proof.other_shown)
		return mrt_fail(err, MRT_EXISTS, "%s is the school '%s''s, which shows its token%s",
		                a->name, a->claim.holder_slug,
		                a->changed ? ": the notice has ended" : "");
	return mrt_fail(err, MRT_EXISTS, "%s is the school '%s''s, and another school is to get it",
	                a->name, a->claim.holder_slug);
}

static int activate(struct mrt_session *s, struct activating *a, struct mrt_error *err)
{
	int rc = mrt_session_look(s, find, a, err);
	if (rc == 0)
		rc = mrt_domain_ask(s->ctx, s->config, &a->claim, &a->proof, err);
	if (rc == 0)
		rc = mrt_domain_judge(&a->claim, &a->proof, err);
	if (rc == 0)
		rc = mrt_json_set_text(a->payload, "name", a->name, err);
	if (rc == 0)
		rc = mrt_json_set_text(a->payload, "by", a->slug, err);
	if (rc == 0)
		rc = mrt_json_set_text(a->payload, "method",
		                       mrt_domain_method_name(a->proof.method), err);
	if (rc < 0)
		return rc;
	rc = mrt_session_change(s, settle, a, &a->event, err);
	if (rc < 0) {
		/* nothing was done: it is told as it is */
		a->changed = false;
		a->unknown = mrt_session_look(s, read_claim, a, NULL) < 0;
	}
	return rc;
}

int mrt_domain_activate(const struct mrt_context *ctx, const struct mrt_config *config,
                        const char *slug, const char *name, bool primary, json_t **ret,
                        struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(activating_release) struct activating a = { .slug = slug,
		                                                .primary = primary,
		                                                .payload = json_object() };
	mrt_auto_json report = NULL;
	int rc = a.payload ? mrt_domain_check(config, name, a.name, err) : mrt_no_memory(err);
	a.event.action = "domain.activate";
	a.event.payload = a.payload;
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &s, err);
	if (rc == 0)
		rc = mrt_tenant_lock(&s, slug, err);
	if (rc < 0)
		return rc;
	rc = activate(&s, &a, err);
	if (rc == 0)
		rc = explain(&a, err);
	if (rc == 0)
		rc = mrt_domain_follow(&s, slug, a.name, err);
	if (rc == 0 && a.proof.way_known && !a.proof.here)
		mrt_warn(ctx, "%s does not lead to this platform yet", a.name);
	if (!a.proof.answers || a.unknown)
		return rc;
	struct mrt_error second;
	int made = mrt_domain_report(config, &a.claim, &a.proof, &report, &second);
	if (made == 0)
		made = mrt_json_set(report, "changed", json_boolean(a.changed), &second);
	if (made == 0)
		*ret = mrt_steal(report);
	else if (rc == 0 && err)
		*err = second;
	return rc < 0 ? rc : made;
}
