/* apply_shared.c - many schools in shared tables at once. */
#include "ops/tenant/apply_shared.h"
#include "base/secret.h"
#include "base/text.h"
#include "ops/tenant/creating.h"
#include "platform/invitation.h"
#include "platform/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int clock_of(struct mrt_session *s, int64_t *ret, struct mrt_error *err)
{
	mrt_autofree char *text = NULL;
	int rc = mrt_pg_value(s->pg, s->ctx,
	                      "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
	                      &text, err);
	if (rc == 0)
		*ret = strtoll(text, NULL, 10);
	return rc;
}

/* The first row of a chain; n: "" or "2", behind the members' names. */
static int set_row(json_t *one, const struct mrt_session *s, const char *chain, const char *id,
                   int64_t at, const char *payload, const char *n, struct mrt_error *err)
{
	static const char *const names[] = { "salt", "payload_digest", "digest" };
	struct mrt_audit_event event = { .chain = chain, .action = "tenant.create" };
	struct mrt_audit_first first;
	snprintf(event.tenant, sizeof(event.tenant), "%s", id);
	int rc = mrt_audit_make_first(&s->who, &event, payload, at, &first, err);
	const char *const texts[] = { first.salt, first.payload_digest, first.digest };
	for (size_t i = 0; rc == 0 && i < 3; i++) {
		char name[24];
		snprintf(name, sizeof(name), "%s%s", names[i], n);
		rc = mrt_json_set_text(one, name, texts[i], err);
	}
	return rc;
}

static int describe_batch(json_t *one, struct mrt_session *s,
                          const struct mrt_declared_tenant *tenant, int64_t at,
                          char **ret_invitation, struct mrt_error *err)
{
	static const char *const names[] = { "id",    "slug",  "name",   "plan",
		                             "email", "token", "payload" };
	const struct mrt_tenant_create_options options = { .name = tenant->name,
		                                           .plan = tenant->plan,
		                                           .owner_email = tenant->owner_email,
		                                           .isolation = tenant->isolation };
	mrt_auto_json request = NULL;
	mrt_autofree char *payload = NULL;
	char id[MRT_UUID_SIZE], token[65];
	mrt_uuid_make(id);
	int rc = mrt_tenant_request(&options, &request, err);
	if (rc == 0 && !(payload = json_dumps(request, JSON_COMPACT)))
		rc = mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_invitation_make(s, tenant->slug, ret_invitation, token, err);
	const char *const texts[] = { id,           tenant->slug,        tenant->name,
		                      tenant->plan, tenant->owner_email, token,
		                      payload };
	for (size_t i = 0; rc == 0 && i < 7; i++)
		rc = mrt_json_set_text(one, names[i], texts[i], err);
	if (rc == 0)
		rc = mrt_json_set_size(one, "at", (uint64_t)at, err);
	if (rc == 0)
		rc = set_row(one, s, MRT_CHAIN_PLATFORM, id, at, payload, "", err);
	return rc < 0 ? rc : set_row(one, s, MRT_CHAIN_TENANT, id, at, payload, "2", err);
}

struct making {
	const struct mrt_apply_batch *batch;
	char **invitations;
};

static void making_release(struct making *m)
{
	for (size_t i = 0; m->invitations && i < m->batch->n; i++)
		mrt_secret_free(m->invitations[i]);
	free(m->invitations);
}

/* $1: what "new_schools" has. */
static int check_tombstones(struct mrt_session *s, const char *list, struct mrt_error *err)
{
	const char *const values[] = { list };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(
	        s,
	        "SELECT k.slug FROM slug_tombstones k JOIN json_to_recordset($1::json) AS i (slug "
	        "text) ON i.slug = k.slug WHERE k.until > now() LIMIT 1",
	        values, 1, &r, err);
	return rc < 0 || PQntuples(r) == 0
	               ? rc
	               : mrt_fail(err, MRT_EXISTS, "the slug '%s' was another school's",
	                          PQgetvalue(r, 0, 0));
}

/* When they are in the tables, and before they are there for good. */
static int tell_invitations(const struct making *m, struct mrt_error *err)
{
	const struct mrt_apply_batch *b = m->batch;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->n && b->invited; i++)
		rc = b->invited(b->tenants[i]->slug, b->tenants[i]->owner_email, m->invitations[i],
		                b->context, err);
	return rc < 0 || !b->keep ? rc : b->keep(b->context, err);
}

static int make(struct mrt_session *s, void *context, struct mrt_error *err)
{
	const struct making *m = context;
	const struct mrt_apply_batch *b = m->batch;
	mrt_auto_json list = json_array();
	mrt_auto_pgresult r = NULL;
	int64_t at = 0;
	int rc = list ? clock_of(s, &at, err) : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		json_t *one = json_object();
		rc = mrt_json_append(list, one, err);
		if (rc == 0)
			rc = describe_batch(one, s, b->tenants[i], at, &m->invitations[i], err);
	}
	mrt_autofree char *text = rc == 0 ? json_dumps(list, JSON_COMPACT) : NULL;
	if (rc == 0 && !text)
		rc = mrt_no_memory(err);
	const char *const values[] = { text, s->who.actor, s->who.origin, b->inventory };
	if (rc == 0)
		rc = mrt_session_query(s, mrt_sql_new_tenants, values, 4, &r, err);
	/* afterwards: a rename that was under way made one, and let go of its slug */
	if (rc == 0)
		rc = check_tombstones(s, text, err);
	return rc < 0 ? rc : tell_invitations(m, err);
}

int mrt_apply_shared(struct mrt_session *session, const struct mrt_apply_batch *batch,
                     struct mrt_error *err)
{
	mrt_cleanup(making_release) struct making m = { batch,
		                                        calloc(batch->n + 1, sizeof(char *)) };
	return m.invitations ? mrt_session_look(session, make, &m, err) : mrt_no_memory(err);
}
