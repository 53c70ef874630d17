/* create.c - "tenant create": steps that can be done again, each noted when it is done. */
#include "ops/tenant/create.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/digest.h"
#include "ops/tenant/creating.h"
#include "ops/tenant/update.h"
#include "platform/claims.h"
#include "platform/invitation.h"
#include "platform/migrations.h"
#include "platform/places.h"
#include "platform/sql.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <string.h>

static void creating_release(struct mrt_creating *c)
{
	free(c->isolation);
	free(c->schema);
	free(c->database);
	if (c->invitation)
		explicit_bzero(c->invitation, strlen(c->invitation));
	free(c->invitation);
	json_decref(c->request);
	json_decref(c->claim);
}

static bool is_part(const struct mrt_creating *c, enum mrt_create_step step)
{
	return (step != MRT_STEP_CLAIM || *c->domain) &&
	       (step != MRT_STEP_SCHEMA || strcmp(c->isolation, "schema") == 0) &&
	       (step != MRT_STEP_DATABASE || strcmp(c->isolation, "database") == 0) &&
	       (step != MRT_STEP_MIGRATE || strcmp(c->isolation, "shared") != 0);
}

static int note_alone(struct mrt_session *s, void *context, struct mrt_error *err)
{
	(void)s;
	return mrt_creating_note(context, "done", err);
}

static int note_begun(struct mrt_session *s, void *context, struct mrt_error *err)
{
	(void)s;
	return mrt_creating_note(context, "begun", err);
}

static int schema(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct mrt_creating *c = context;
	int rc = mrt_place_make_schema(s->pg, s->ctx, c->schema, err);
	return rc < 0 ? rc : mrt_creating_note(c, "done", err);
}

static int database(struct mrt_creating *c, struct mrt_error *err)
{
	int rc = mrt_session_look(c->s, note_begun, c, err);
	if (rc == 0)
		rc = mrt_place_make_database(c->s->pg, c->s->ctx, c->s->config, c->database,
		                             c->schema, err);
	return rc < 0 ? rc : mrt_session_look(c->s, note_alone, c, err);
}

static int migrate(struct mrt_creating *c, struct mrt_error *err)
{
	const struct mrt_migrate_options options = {
		.give_up_after = 120 * MRT_SECOND,
		.retry_first = c->s->config->limits_retry_first,
		.retry_longest = c->s->config->limits_retry_longest,
		.unused = true,
	};
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	unsigned applied;
	int rc = mrt_place_connect(c->s->ctx, c->s->config, c->s->pg, c->database, &own, &pg, err);
	if (rc == 0)
		rc = mrt_migrate_apply(pg, c->s->ctx, "tenant", c->schema, &options, &applied, err);
	return rc < 0 ? rc : mrt_session_look(c->s, note_alone, c, err);
}

struct filling {
	struct mrt_creating *c;
	char digest[MRT_SHA256_HEX];
};

static int fill_rows(struct mrt_pg *pg, void *context, struct mrt_error *err)
{
	struct filling *f = context;
	struct mrt_creating *c = f->c;
	const char *const values[] = { c->id, c->options->owner_email, f->digest };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_exec(pg, c->s->ctx, err, "SET LOCAL row_security = off");
	if (rc == 0)
		rc = mrt_pg_query(pg, c->s->ctx, mrt_sql_new_tenant, values, 3, &r, err);
	/* only the first time is it something new */
	if (rc < 0 || strcmp(PQgetvalue(r, 0, 0), "t") != 0)
		return rc;
	struct mrt_audit_event event = { .chain = MRT_CHAIN_TENANT,
		                         .begins = true,
		                         .action = "tenant.create",
		                         .payload = c->request };
	snprintf(event.tenant, sizeof(event.tenant), "%s", c->id);
	return mrt_audit_append(pg, c->s->ctx, &c->s->who, &event, err);
}

static int fill(struct mrt_creating *c, struct mrt_error *err)
{
	struct filling f = { .c = c };
	const struct mrt_tenant_scope scope = { c->id, c->schema, MRT_OWNER };
	mrt_auto(mrt_pg) *own = NULL;
	mrt_auto_secret invitation = NULL;
	struct mrt_pg *pg = NULL;
	int rc = mrt_invitation_make(c->s, c->slug, &invitation, f.digest, err);
	if (rc == 0)
		rc = mrt_place_connect(c->s->ctx, c->s->config, c->s->pg, c->database, &own, &pg,
		                       err);
	if (rc == 0)
		rc = mrt_migrate_is_current(pg, c->s->ctx, "tenant", c->schema, err);
	if (rc == 0)
		rc = mrt_tenant_txn(pg, c->s->ctx, &scope, fill_rows, &f, err);
	if (rc == 0)
		rc = mrt_log_secret(c->s->ctx->log, invitation, err);
	if (rc < 0)
		return rc;
	c->invitation = mrt_steal(invitation);
	if (c->options->invited)
		rc = c->options->invited(c->slug, c->options->owner_email, c->invitation,
		                         c->options->context, err);
	return rc < 0 ? rc : mrt_session_look(c->s, note_alone, c, err);
}

static int claim(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct mrt_creating *c = context;
	bool new;
	int rc = mrt_domain_claim_make(s, c->id, c->domain, &new, err);
	if (!new)
		c->event.action = NULL;
	return rc < 0 ? rc : mrt_creating_note(c, "done", err);
}

static int find_claim(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct mrt_creating *c = context;
	mrt_cleanup(mrt_domain_claim_release) struct mrt_domain_claim claim = { 0 };
	int rc = mrt_domain_claim_find(s, c->slug, c->domain, &claim, err);
	if (rc == 0)
		rc = mrt_domain_instruct(s->config, &claim, claim.json, err);
	if (rc == 0)
		c->claim = mrt_steal(claim.json);
	return rc;
}

static int claim_domain(struct mrt_creating *c, struct mrt_error *err)
{
	mrt_auto_json payload = json_object();
	int rc = payload ? mrt_json_set_text(payload, "name", c->domain, err) : mrt_no_memory(err);
	c->event = (struct mrt_audit_event) { .action = "domain.add", .payload = payload };
	snprintf(c->event.tenant, sizeof(c->event.tenant), "%s", c->id);
	if (rc == 0)
		rc = mrt_session_change(c->s, claim, c, &c->event, err);
	c->event.payload = NULL;
	/* now: when the school is active nothing must be in the way of telling of it */
	return rc < 0 ? rc : mrt_session_look(c->s, find_claim, c, err);
}

static int activate(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct mrt_creating *c = context;
	const char *status = c->options->status;
	const char *const values[] = { c->id, status ? status : "active" };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(s,
	                           "UPDATE tenants SET status = $2, version = version + 1, "
	                           "updated_at = now() WHERE id = $1 AND status = 'provisioning'",
	                           values, 2, &r, err);
	return rc < 0 ? rc : mrt_creating_note(c, "done", err);
}

static int do_step(struct mrt_creating *c, struct mrt_error *err)
{
	switch (c->step) {
	case MRT_STEP_SCHEMA:
		return mrt_session_look(c->s, schema, c, err);
	case MRT_STEP_DATABASE:
		return database(c, err);
	case MRT_STEP_MIGRATE:
		return migrate(c, err);
	case MRT_STEP_FILL:
		return fill(c, err);
	case MRT_STEP_CLAIM:
		return claim_domain(c, err);
	case MRT_STEP_ACTIVATE:
		c->event.action = c->options->status ? mrt_tenant_status_action(c->options->status)
		                                     : "tenant.activate";
		snprintf(c->event.tenant, sizeof(c->event.tenant), "%s", c->id);
		c->event.payload = c->request;
		return mrt_session_change(c->s, activate, c, &c->event, err);
	default:
		return 0;
	}
}

/* The token is told once, and only its digest kept: who was killed before he could say it begins
 * that step anew. So is migrate: since then there may be another maratea; and a claim, which may
 * have expired. */
static int do_steps(struct mrt_creating *c, struct mrt_error *err)
{
	int rc = 0;
	c->done[MRT_STEP_FILL] = c->done[MRT_STEP_MIGRATE] = c->done[MRT_STEP_CLAIM] = false;
	for (int k = MRT_STEP_RESERVE + 1; rc == 0 && k < MRT_N_STEPS; k++) {
		c->step = (enum mrt_create_step)k;
		if (c->done[k] || !is_part(c, c->step))
			continue;
		rc = mrt_context_check(c->s->ctx, err);
		if (rc == 0)
			rc = do_step(c, err);
		if (rc < 0)
			rc = mrt_prefix(err, rc, "step %s", mrt_create_steps[k]);
	}
	if (rc < 0)
		mrt_hint(err, "the same command goes on from there");
	return rc;
}

/* Where nothing was done, only which name. */
static int describe_claim(struct mrt_creating *c, struct mrt_error *err)
{
	if (!*c->domain || !c->options->dry_run)
		return 0;
	c->claim = json_object();
	return c->claim ? mrt_json_set_text(c->claim, "name", c->domain, err) : mrt_no_memory(err);
}

static int describe_creation(const struct mrt_creating *c, const bool before[MRT_N_STEPS],
                             json_t **ret, struct mrt_error *err)
{
	const struct mrt_tenant_create_options *o = c->options;
	mrt_auto_json json = json_object();
	json_t *owner = NULL, *steps = NULL;
	int rc = json ? 0 : mrt_no_memory(err);
	const char *const texts[][2] = { { "id", o->dry_run ? NULL : c->id },
		                         { "slug", c->slug },
		                         { "name", o->name },
		                         { "plan", o->plan },
		                         { "isolation", c->isolation },
		                         { "database", o->dry_run ? NULL : c->database },
		                         { "schema", o->dry_run ? NULL : c->schema } };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set(json, "owner", owner = json_object(), err);
	if (rc == 0)
		rc = mrt_json_set_text(owner, "email", o->owner_email, err);
	if (rc == 0)
		rc = mrt_json_set_text(owner, "invitation", c->invitation, err);
	if (rc == 0)
		rc = mrt_json_set(json, "domain", c->claim ? json_incref(c->claim) : json_null(),
		                  err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_boolean(o->dry_run), err);
	if (rc == 0)
		rc = mrt_json_set(json, "steps", steps = json_array(), err);
	for (int k = 0; rc == 0 && k < MRT_N_STEPS; k++) {
		if (!is_part(c, (enum mrt_create_step)k))
			continue;
		json_t *one = json_object();
		rc = mrt_json_append(steps, one, err);
		if (rc == 0)
			rc = mrt_json_set_text(one, "step", mrt_create_steps[k], err);
		if (rc == 0)
			rc = mrt_json_set_text(one, "state",
			                       before[k]    ? "done before"
			                       : o->dry_run ? "to do"
			                                    : "done",
			                       err);
	}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_tenant_create_in(struct mrt_session *s, const char *slug,
                         const struct mrt_tenant_create_options *options, json_t **ret,
                         struct mrt_error *err)
{
	mrt_cleanup(creating_release) struct mrt_creating c = {
		.s = s, .config = s->config, .slug = slug, .options = options
	};
	bool before[MRT_N_STEPS];
	int rc = mrt_creating_check(&c, err);
	if (rc == 0)
		rc = mrt_tenant_lock(s, slug, err);
	if (rc < 0)
		return rc;
	rc = mrt_migrate_lock(s->pg, s->ctx, true, err);
	if (rc == 0)
		rc = options->dry_run
		             ? mrt_session_look(s, mrt_creating_try, &c, err)
		             : mrt_session_change(s, mrt_creating_reserve, &c, &c.event, err);
	memcpy(before, c.done, sizeof(before));
	before[MRT_STEP_FILL] = before[MRT_STEP_CLAIM] = false;
	if (rc == 0 && !options->dry_run)
		rc = do_steps(&c, err);
	if (rc == 0)
		rc = describe_claim(&c, err);
	if (rc == 0)
		rc = describe_creation(&c, before, ret, err);
	mrt_tenant_unlock(s, slug); /* another may be next in this session */
	return rc;
}

int mrt_tenant_create(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const struct mrt_tenant_create_options *options,
                      json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(creating_release) struct mrt_creating c = { .slug = slug,
		                                                .config = config,
		                                                .options = options };
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	/* what cannot be is said before anybody is connected to */
	int rc = mrt_creating_check(&c, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &s, err);
	return rc < 0 ? rc : mrt_tenant_create_in(&s, slug, options, ret, err);
}
