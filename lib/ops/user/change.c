/* change.c - the people of a school. */
#include "ops/user/change.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/password.h"
#include "ops/user/row.h"
#include "platform/invitation.h"
#include "platform/slug.h"
#include "platform/tenant_session.h"

#include <stdio.h>
#include <string.h>

#define NORM(value) "lower(normalize(" value "::text, NFC) COLLATE \"und-x-icu\")"

struct changing {
	const char *email, *role, *name, *hash, *token; /* token: its digest */
	json_t *user, *payload;
	bool changed;
	struct mrt_audit_event event;
};

static void changing_release(struct changing *c)
{
	json_decref(c->user);
	json_decref(c->payload);
}

static int check(const char *email, const struct mrt_user_options *o, struct mrt_error *err)
{
	int rc = mrt_email_check(email, err);
	if (rc == 0)
		rc = mrt_user_check_role(o->role, err);
	if (rc == 0 && o->name)
		rc = mrt_words_check("--name", o->name, MRT_WORDS_MAX, err);
	return rc;
}

/* The user of that e-mail, locked; c->user stays NULL where there is none. */
static int find(struct mrt_tenant_session *s, struct changing *c, struct mrt_error *err)
{
	const char *const values[] = { c->email };
	mrt_auto_pgresult lock = NULL;
	mrt_auto_pgresult r = NULL;
	json_decref(c->user);
	c->user = NULL;
	/* what is read then is what there is when the lock is ours */
	int rc = mrt_tenant_session_query(
	        s,
	        "SELECT FROM users WHERE tenant_id = $1 AND email_norm = " NORM("$2") " FOR UPDATE",
	        values, 1, &lock, err);
	if (rc == 0)
		rc = mrt_tenant_session_query(s, MRT_USER_COLUMNS "AND u.email_norm = " NORM("$2"),
		                              values, 1, &r, err);
	return rc < 0 || PQntuples(r) == 0 ? rc : mrt_user_describe(r, 0, &c->user, err);
}

static int must_find(struct mrt_tenant_session *s, struct changing *c, struct mrt_error *err)
{
	int rc = find(s, c, err);
	if (rc < 0 || c->user)
		return rc;
	mrt_fail(err, MRT_NOT_FOUND, "the school '%s' has no user %s", s->slug, c->email);
	return mrt_hint(err, "'maratea user list %s' shows those that there are", s->slug);
}

static const char *status_of(const struct changing *c)
{
	return c->user ? mrt_json_text_or(c->user, "status", "") : "";
}

static const char *id_of(const struct changing *c)
{
	return mrt_json_text_or(c->user, "id", "");
}

static int note_change(struct changing *c, const char *name, json_t *value, struct mrt_error *err)
{
	return mrt_json_set(c->payload, name, value, err);
}

/* A school that nobody owns, nobody can repair: one who can sign in stays, and where there was
 * none, one who is invited. Owners are locked, so that two at a time do not each leave the other.
 */
static int check_last_owner(struct mrt_tenant_session *s, const struct changing *c,
                            struct mrt_error *err)
{
	const char *const values[] = { id_of(c) };
	mrt_auto_pgresult r = NULL;
	bool active = strcmp(status_of(c), "active") == 0, one = false, other = false;
	int rc = mrt_tenant_session_query(
	        s,
	        "SELECT m.user_id = $2::uuid, u.status FROM memberships m JOIN "
	        "users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id WHERE "
	        "m.tenant_id = $1 AND m.role = 'owner' AND u.status <> "
	        "'disabled' ORDER BY m.user_id FOR UPDATE OF m",
	        values, 1, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		bool self = strcmp(PQgetvalue(r, i, 0), "t") == 0;
		one = one || self;
		other = other || (!self && (!active || strcmp(PQgetvalue(r, i, 1), "active") == 0));
	}
	if (rc < 0 || !one || other)
		return rc;
	mrt_fail(err, MRT_CHANGED, "%s is the only%s owner of the school '%s'", c->email,
	         active ? " active" : "", s->slug);
	return mrt_hint(err,
	                "make another one first: maratea user invite %s EMAIL --role owner, or "
	                "maratea user set-role %s EMAIL owner",
	                s->slug, s->slug);
}

static int set_only_role(struct mrt_tenant_session *s, const struct changing *c, const char *role,
                         struct mrt_error *err)
{
	const char *const values[] = { id_of(c), role };
	mrt_auto_pgresult gone = NULL;
	mrt_auto_pgresult made = NULL;
	int rc = mrt_tenant_session_query(
	        s,
	        "DELETE FROM memberships WHERE tenant_id = $1 AND user_id = $2 "
	        "AND role IS DISTINCT FROM $3",
	        values, 2, &gone, err);
	return rc < 0 || !role ? rc
	                       : mrt_tenant_session_query(
	                                 s,
	                                 "INSERT INTO memberships (tenant_id, user_id, "
	                                 "role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	                                 values, 2, &made, err);
}

/* Makes the user, unless there is one, and finds out who is there then, locked. */
static int make(struct mrt_tenant_session *s, struct changing *c, const char *status, bool *ret_new,
                struct mrt_error *err)
{
	const char *const values[] = { c->email, c->name, c->hash, status };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_tenant_session_query(
	        s,
	        "INSERT INTO users (tenant_id, email, email_norm, name, password_hash, status) "
	        "VALUES ($1, $2, " NORM("$2") ", coalesce($3, ''), $4, $5) ON CONFLICT (tenant_id, "
	                                      "email_norm) DO NOTHING RETURNING id",
	        values, 4, &r, err);
	*ret_new = rc == 0 && PQntuples(r) > 0;
	return rc < 0 ? rc : must_find(s, c, err);
}

/* Who was found, and is locked, becomes that. */
static int put(struct mrt_tenant_session *s, struct changing *c, const char *status,
               struct mrt_error *err)
{
	const char *const values[] = { id_of(c), c->email, c->name, c->hash, status };
	mrt_auto_pgresult r = NULL;
	return mrt_tenant_session_query(
	        s,
	        "UPDATE users SET email = $3, name = coalesce($4, name), "
	        "password_hash = $5, status = $6 WHERE tenant_id = $1 AND id = $2",
	        values, 5, &r, err);
}

static int drop_invitations(struct mrt_tenant_session *s, const struct changing *c,
                            struct mrt_error *err)
{
	const char *const values[] = { c->email };
	mrt_auto_pgresult r = NULL;
	return mrt_tenant_session_query(
	        s, "DELETE FROM invitations WHERE tenant_id = $1 AND email_norm = " NORM("$2"),
	        values, 1, &r, err);
}

static int add(struct mrt_tenant_session *s, void *context, struct mrt_error *err)
{
	struct changing *c = context;
	bool new;
	int rc = make(s, c, "active", &new, err);
	if (rc == 0 && !new &&strcmp(status_of(c), "disabled") != 0) {
		mrt_fail(err, MRT_EXISTS, "the school '%s' has a user %s already", s->slug,
		         c->email);
		return mrt_hint(err, "'maratea user set-role' gives another role, 'maratea user "
		                     "invite' another invitation to who is invited");
	}
	if (rc == 0 && !new)
		rc = put(s, c, "active", err);
	if (rc == 0)
		rc = set_only_role(s, c, c->role, err);
	return rc < 0 ? rc : find(s, c, err);
}

static int invite(struct mrt_tenant_session *s, void *context, struct mrt_error *err)
{
	struct changing *c = context;
	mrt_auto_pgresult r = NULL;
	bool new;
	int rc = make(s, c, "invited", &new, err);
	bool there = rc == 0 && !new &&strcmp(status_of(c), "invited") == 0;
	if (rc == 0 && strcmp(status_of(c), "active") == 0) {
		mrt_fail(err, MRT_EXISTS, "%s is an active user of the school '%s' already",
		         c->email, s->slug);
		return mrt_hint(err, "'maratea user set-role' gives another role");
	}
	if (rc == 0 && there && c->role && strcmp(c->role, "owner") != 0)
		rc = check_last_owner(s, c, err);
	if (rc == 0 && !new)
		rc = put(s, c, "invited", err);
	/* who is invited keeps the role, unless another is given */
	const char *role = c->role ? c->role : there ? NULL : "student";
	if (rc == 0 && role)
		rc = set_only_role(s, c, role, err);
	if (rc == 0)
		rc = drop_invitations(s, c, err);
	const char *const values[] = { c->email, c->token, role, id_of(c) };
	if (rc == 0)
		rc = mrt_tenant_session_query(
		        s,
		        "INSERT INTO invitations (tenant_id, email_norm, role, token_digest, "
		        "expires_at) VALUES ($1, " NORM(
		                "$2") ", coalesce($4, (SELECT role FROM "
		                      "memberships WHERE tenant_id = $1 AND user_id = $5 "
		                      "ORDER BY array_position("
		                      "ARRAY['owner', 'admin', 'instructor', 'student'], "
		                      "role) LIMIT 1)), "
		                      "decode($3, 'hex'), now() + interval '7 days')",
		        values, 4, &r, err);
	return rc < 0 ? rc : find(s, c, err);
}

/* Whoever comes by an invitation that is out has the new role. */
static int set_invited_role(struct mrt_tenant_session *s, const struct changing *c,
                            struct mrt_error *err)
{
	const char *const values[] = { c->email, c->role };
	mrt_auto_pgresult r = NULL;
	return mrt_tenant_session_query(s,
	                                "UPDATE invitations SET role = $3 WHERE tenant_id = $1 AND "
	                                "email_norm = " NORM("$2"),
	                                values, 2, &r, err);
}

static int set_role(struct mrt_tenant_session *s, void *context, struct mrt_error *err)
{
	struct changing *c = context;
	int rc = must_find(s, c, err);
	if (rc < 0)
		return rc;
	json_t *before = json_object_get(c->user, "roles");
	const char *only = json_string_value(json_array_get(before, 0));
	if (strcmp(status_of(c), "disabled") == 0) {
		mrt_fail(err, MRT_CHANGED, "%s was removed from the school '%s'", c->email,
		         s->slug);
		return mrt_hint(err, "'maratea user invite' or 'maratea user add' lets in again");
	}
	if (json_array_size(before) == 1 && only && strcmp(only, c->role) == 0) {
		c->event.action = NULL;
		return 0;
	}
	rc = note_change(c, "from", json_incref(before), err);
	if (rc == 0 && strcmp(c->role, "owner") != 0)
		rc = check_last_owner(s, c, err);
	if (rc == 0)
		rc = set_only_role(s, c, c->role, err);
	if (rc == 0)
		rc = set_invited_role(s, c, err);
	c->changed = true;
	return rc < 0 ? rc : find(s, c, err);
}

static int remove_user(struct mrt_tenant_session *s, void *context, struct mrt_error *err)
{
	struct changing *c = context;
	mrt_auto_pgresult r = NULL;
	int rc = must_find(s, c, err);
	if (rc < 0)
		return rc;
	if (strcmp(status_of(c), "disabled") == 0) {
		c->event.action = NULL;
		return 0;
	}
	const char *const values[] = { id_of(c) };
	rc = note_change(c, "roles", json_incref(json_object_get(c->user, "roles")), err);
	if (rc == 0)
		rc = check_last_owner(s, c, err);
	if (rc == 0)
		rc = drop_invitations(s, c, err);
	if (rc == 0)
		rc = set_only_role(s, c, NULL, err);
	if (rc == 0)
		rc = mrt_tenant_session_query(
		        s,
		        "UPDATE users SET status = 'disabled', password_hash = NULL "
		        "WHERE tenant_id = $1 AND id = $2",
		        values, 1, &r, err);
	c->changed = true;
	return rc < 0 ? rc : find(s, c, err);
}

static int perform(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   struct changing *c, const char *action, mrt_tenant_session_work *work,
                   struct mrt_error *err)
{
	mrt_cleanup(mrt_tenant_session_release) struct mrt_tenant_session s = { 0 };
	c->payload = json_object();
	int rc = c->payload ? note_change(c, "email", json_string(c->email), err)
	                    : mrt_no_memory(err);
	if (rc == 0 && c->role)
		rc = note_change(c, "role", json_string(c->role), err);
	c->event.action = action;
	c->event.payload = c->payload;
	if (rc == 0)
		rc = mrt_tenant_session_open(ctx, config, slug, true, &s, err);
	return rc < 0 ? rc : mrt_tenant_session_change(&s, work, c, &c->event, err);
}

int mrt_user_add(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                 const char *email, const struct mrt_user_options *options, json_t **ret,
                 struct mrt_error *err)
{
	char hash[MRT_PASSWORD_HASH_SIZE];
	mrt_cleanup(changing_release) struct changing c = {
		.email = email,
		.role = options->role ? options->role : "student",
		.name = options->name,
		.hash = hash,
	};
	int rc = check(email, options, err);
	if (rc == 0)
		rc = mrt_password_hash(options->password, hash, err);
	if (rc == 0)
		rc = perform(ctx, config, slug, &c, "user.add", add, err);
	explicit_bzero(hash, sizeof(hash));
	if (rc == 0)
		*ret = mrt_steal(c.user);
	return rc;
}

int mrt_user_invite(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *slug, const char *email, const struct mrt_user_options *options,
                    json_t **ret, struct mrt_error *err)
{
	char digest[65];
	mrt_auto_secret invitation = NULL;
	mrt_cleanup(changing_release) struct changing c = {
		.email = email, .role = options->role, .name = options->name, .token = digest
	};
	const struct mrt_session s = { .ctx = ctx, .config = config };
	int rc = check(email, options, err);
	if (rc == 0)
		rc = mrt_invitation_make(&s, slug, &invitation, digest, err);
	if (rc == 0)
		rc = mrt_log_secret(ctx->log, invitation, err);
	if (rc == 0)
		rc = perform(ctx, config, slug, &c, "user.invite", invite, err);
	if (rc == 0)
		rc = mrt_json_set_text(c.user, "invitation", invitation, err);
	if (rc == 0)
		*ret = mrt_steal(c.user);
	return rc;
}

static int finish(struct changing *c, int rc, json_t **ret, struct mrt_error *err)
{
	if (rc == 0)
		rc = mrt_json_set(c->user, "changed", json_boolean(c->changed), err);
	if (rc == 0)
		*ret = mrt_steal(c->user);
	return rc;
}

int mrt_user_set_role(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const char *email, const char *role, json_t **ret,
                      struct mrt_error *err)
{
	mrt_cleanup(changing_release) struct changing c = { .email = email, .role = role };
	int rc = mrt_email_check(email, err);
	if (rc == 0)
		rc = mrt_user_check_role(role, err);
	if (rc == 0)
		rc = perform(ctx, config, slug, &c, "user.set-role", set_role, err);
	return finish(&c, rc, ret, err);
}

int mrt_user_remove(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *slug, const char *email, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(changing_release) struct changing c = { .email = email };
	int rc = mrt_email_check(email, err);
	if (rc == 0)
		rc = perform(ctx, config, slug, &c, "user.remove", remove_user, err);
	return finish(&c, rc, ret, err);
}
