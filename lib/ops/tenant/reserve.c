/* reserve.c - the first step of a school: what is asked for, and its slug, id and place. */
#include "base/text.h"
#include "ops/tenant/creating.h"
#include "platform/claims.h"
#include "platform/invitation.h"
#include "platform/migrations.h"
#include "platform/places.h"
#include "platform/slug.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <string.h>

const char *const mrt_create_steps[MRT_N_STEPS] = { "reserve", "schema", "database", "migrate",
	                                            "fill",    "claim",  "activate" };

int mrt_tenant_request(const struct mrt_tenant_create_options *o, json_t **ret,
                       struct mrt_error *err)
{
	static const char *const names[] = { "name", "plan", "owner_email", "isolation" };
	const char *const texts[] = { o->name, o->plan, o->owner_email, o->isolation };
	mrt_auto_json request = json_object();
	int rc = request ? 0 : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < 4; i++)
		rc = mrt_json_set_text(request, names[i], texts[i], err);
	if (rc == 0)
		*ret = mrt_steal(request);
	return rc;
}

int mrt_creating_check(struct mrt_creating *c, struct mrt_error *err)
{
	const struct mrt_tenant_create_options *o = c->options;
	int rc = mrt_slug_check(c->slug, err);
	if (rc == 0)
		rc = mrt_isolation_check("--isolation", o->isolation, err);
	if (rc == 0)
		rc = mrt_words_check("--name", o->name, MRT_WORDS_MAX, err);
	if (rc == 0)
		rc = mrt_email_check(o->owner_email, err);
	if (rc == 0 && o->domain)
		rc = mrt_domain_check(c->config, o->domain, c->domain, err);
	if (rc == 0)
		rc = mrt_tenant_request(o, &c->request, err);
	return rc < 0 || !o->domain ? rc : mrt_json_set_text(c->request, "domain", c->domain, err);
}

int mrt_creating_note(struct mrt_creating *c, const char *state, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { c->id, mrt_create_steps[c->step], state, c->s->who.actor };
	mrt_autofree char *detail =
	        c->step == MRT_STEP_RESERVE ? json_dumps(c->request, JSON_COMPACT) : NULL;
	const char *const all[] = { values[0], values[1], values[2], values[3], detail };
	return mrt_session_query(c->s,
	                         "INSERT INTO " MRT_PLATFORM_SCHEMA
	                         ".journal (tenant_id, step, state, actor, detail) VALUES ($1, $2, "
	                         "$3, $4, $5)",
	                         all, 5, &r, err);
}

static void add_quoted(struct mrt_buf *buf, const char *option, const char *text)
{
	mrt_buf_printf(buf, " --%s '", option);
	for (const char *p = text; *p; p++)
		if (*p == '\'')
			mrt_buf_add_text(buf, "'\\''");
		else
			mrt_buf_add_char(buf, *p);
	mrt_buf_add_char(buf, '\'');
}

int mrt_tenant_request_compare(const char *slug, const json_t *before, const json_t *now,
                               const char *mode, const char *wanted, struct mrt_error *err)
{
	static const char *const names[] = { "name", "plan", "owner_email", "domain" };
	static const char *const options[] = { "name", "plan", "owner-email", "domain" };
	mrt_auto_buf line = MRT_BUF_INIT;
	bool same = strcmp(mode, wanted) == 0;
	for (size_t i = 0; i < 4; i++)
		same = same && strcmp(mrt_json_text_or(before, names[i], ""),
		                      mrt_json_text_or(now, names[i], "")) == 0;
	if (same)
		return 0;
	mrt_buf_printf(&line, "maratea tenant create %s", slug);
	for (size_t i = 0; i < 4; i++)
		if (mrt_json_text_or(before, names[i], NULL))
			add_quoted(&line, options[i], mrt_json_text_or(before, names[i], ""));
	add_quoted(&line, "isolation", mode);
	mrt_fail(err, MRT_EXISTS, "the school '%s' was begun with other options", slug);
	return mrt_hint(err, "to finish it: %s", mrt_buf_text(&line));
}

/* Was it begun like this? What is not given now is what the plan says now; without the plan, no. */
static int same_request(struct mrt_creating *c, const json_t *before, const char *mode,
                        struct mrt_error *err)
{
	const struct mrt_tenant_create_options *o = c->options;
	mrt_autofree char *of_plan = NULL;
	bool same = strcmp(mrt_json_text_or(before, "plan", ""), o->plan) == 0;
	int rc = same && !o->isolation ? mrt_tenant_plan_check(c->s, o->plan, &of_plan, err) : 0;
	return rc < 0 ? rc
	              : mrt_tenant_request_compare(c->slug, before, c->request, mode,
	                                           o->isolation ? o->isolation
	                                           : of_plan    ? of_plan
	                                                        : mode,
	                                           err);
}

/* One that was begun, with which steps done; *ret_there: there is one. */
static int find_begun(struct mrt_creating *c, bool *ret_there, struct mrt_error *err)
{
	const char *const values[] = { c->slug };
	mrt_auto_pgresult r = NULL;
	mrt_auto_pgresult steps = NULL;
	int rc = mrt_session_query(
	        c->s,
	        "SELECT t.id, t.status, p.mode, p.schema_name, p.database_name, "
	        "j.detail FROM tenants t JOIN placements p ON p.tenant_id = t.id "
	        "LEFT JOIN journal j ON j.tenant_id = t.id AND j.step = 'reserve' "
	        "WHERE t.slug = $1",
	        values, 1, &r, err);
	*ret_there = rc == 0 && PQntuples(r) > 0;
	if (rc < 0 || !*ret_there)
		return rc;
	if (strcmp(PQgetvalue(r, 0, 1), "provisioning") != 0) {
		mrt_fail(err, MRT_EXISTS, "there is a school '%s' already", c->slug);
		return mrt_hint(err,
		                "its owner's invitation, if that is what is missing: maratea user "
		                "invite %s EMAIL",
		                c->slug);
	}
	mrt_auto_json before = NULL;
	rc = mrt_json_parse(PQgetvalue(r, 0, 5), strlen(PQgetvalue(r, 0, 5)), &before, err);
	if (rc == 0)
		rc = same_request(c, before, PQgetvalue(r, 0, 2), err);
	snprintf(c->id, sizeof(c->id), "%s", PQgetvalue(r, 0, 0));
	const char *const id[] = { c->id };
	if (rc == 0)
		rc = mrt_text_dup(PQgetvalue(r, 0, 2), &c->isolation, err);
	if (rc == 0)
		rc = mrt_text_dup(PQgetvalue(r, 0, 3), &c->schema, err);
	if (rc == 0 && !PQgetisnull(r, 0, 4))
		rc = mrt_text_dup(PQgetvalue(r, 0, 4), &c->database, err);
	if (rc == 0)
		rc = mrt_session_query(
		        c->s, "SELECT step FROM journal WHERE tenant_id = $1 AND state = 'done'",
		        id, 1, &steps, err);
	for (int i = 0; rc == 0 && i < PQntuples(steps); i++)
		for (int k = 0; k < MRT_N_STEPS; k++)
			if (strcmp(PQgetvalue(steps, i, 0), mrt_create_steps[k]) == 0)
				c->done[k] = true;
	return rc;
}

static int choose_place(struct mrt_creating *c, struct mrt_error *err)
{
	struct mrt_place_names own;
	mrt_uuid_make(c->id);
	mrt_place_names(c->id, &own);
	if (strcmp(c->isolation, "shared") == 0)
		return mrt_text_dup(MRT_SHARED_SCHEMA, &c->schema, err);
	if (strcmp(c->isolation, "schema") == 0)
		return mrt_text_dup(own.schema, &c->schema, err);
	int rc = mrt_text_dup(MRT_OWN_SCHEMA, &c->schema, err);
	return rc < 0 ? rc : mrt_text_dup(own.database, &c->database, err);
}

/* The slug, the id, the place; or what an earlier call came to. */
int mrt_creating_reserve(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct mrt_creating *c = context;
	const struct mrt_tenant_create_options *o = c->options;
	mrt_auto_pgresult r = NULL;
	mrt_auto_pgresult p = NULL;
	mrt_autofree char *of_plan = NULL;
	bool there;
	int rc = find_begun(c, &there, err);
	c->event.action = NULL;
	if (rc < 0 || there)
		return rc;
	rc = mrt_tenant_slug_free(s, c->slug, NULL, err);
	if (rc == 0)
		rc = mrt_tenant_plan_check(s, o->plan, &of_plan, err);
	if (rc == 0)
		rc = mrt_text_dup(o->isolation ? o->isolation : of_plan, &c->isolation, err);
	if (rc == 0 && strcmp(c->isolation, "shared") == 0)
		rc = mrt_migrate_is_current(s->pg, s->ctx, "tenant", MRT_SHARED_SCHEMA, err);
	if (rc == 0)
		rc = choose_place(c, err);
	const char *const tenant[] = { c->id, c->slug, o->name, o->plan, o->inventory };
	const char *const place[] = { c->id, c->isolation, c->database, c->schema };
	if (rc == 0)
		rc = mrt_session_query(
		        s,
		        "INSERT INTO tenants (id, slug, name, plan, inventory) VALUES ($1, $2, "
		        "$3, $4, $5)",
		        tenant, 5, &r, err);
	if (rc == MRT_FAILED && strcmp(s->pg->sqlstate, "23505") == 0)
		rc = mrt_fail(err, MRT_EXISTS, "there is a school '%s' already", c->slug);
	/* again: a rename that was under way made one, and let go of its slug */
	if (rc == 0)
		rc = mrt_tenant_slug_kept(s, c->slug, NULL, err);
	if (rc == 0)
		rc = mrt_session_query(s, "INSERT INTO placements VALUES ($1, $2, $3, $4)", place,
		                       4, &p, err);
	c->step = MRT_STEP_RESERVE;
	if (rc == 0)
		rc = mrt_creating_note(c, "done", err);
	snprintf(c->event.tenant, sizeof(c->event.tenant), "%s", c->id);
	c->event.begins = true;
	c->event.action = "tenant.create";
	c->event.payload = c->request;
	return rc;
}

/* Does it, and takes it back: what would be done is known then. */
int mrt_creating_try(struct mrt_session *s, void *context, struct mrt_error *err)
{
	int rc = mrt_pg_exec(s->pg, s->ctx, err, "SAVEPOINT try");
	if (rc == 0)
		rc = mrt_creating_reserve(s, context, err);
	return rc < 0 ? rc : mrt_pg_exec(s->pg, s->ctx, err, "ROLLBACK TO try");
}
