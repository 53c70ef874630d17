/* create.c - "tenant create": steps that can be done again, each noted when it is done. */
#include "base/text.h"
#include "codec/digest.h"
#include "ops/tenant/migrations.h"
#include "ops/tenant/places.h"
#include "ops/tenant/slug.h"
#include "ops/tenant/sql.h"
#include "ops/tenant/tenant.h"
#include "ops/tenant/tenants.h"

#include <stdio.h>
#include <string.h>

#define OWN_SCHEMA "school" /* in a database of its own */
#define TOKEN_BYTES 16
/* "mara", "scho" as an int4 key, before the slug's hash */
#define LOCK_CLASS "1935894639"

enum step { RESERVE, SCHEMA, DATABASE, MIGRATE, FILL, ACTIVATE, N_STEPS };
static const char *const step_names[N_STEPS] = { "reserve", "schema", "database",
	                                         "migrate", "fill",   "activate" };

struct creating {
	struct mrt_session s;
	const char *slug;
	const struct mrt_tenant_create_options *options;
	char id[MRT_UUID_SIZE];
	char *isolation, *schema, *database; /* database NULL: the platform's */
	char *invitation;
	bool done[N_STEPS];
	enum step step; /* that is at work */
	json_t *request;
	struct mrt_audit_event event;
};

static void creating_release(struct creating *c)
{
	mrt_session_release(&c->s);
	free(c->isolation);
	free(c->schema);
	free(c->database);
	if (c->invitation)
		explicit_bzero(c->invitation, strlen(c->invitation));
	free(c->invitation);
	json_decref(c->request);
}

static bool is_part(const struct creating *c, enum step step)
{
	return (step != SCHEMA || strcmp(c->isolation, "schema") == 0) &&
	       (step != DATABASE || strcmp(c->isolation, "database") == 0) &&
	       (step != MIGRATE || strcmp(c->isolation, "shared") != 0);
}

static int check_email(const char *email, struct mrt_error *err)
{
	const char *at = strrchr(email, '@');
	size_t n = strlen(email);
	bool bad = n > 254 || !at || at == email || !at[1] || at - email > 64 ||
	           strpbrk(email, " \t\r\n<>,;\"") || strchr(at + 1, '.') == at + 1 ||
	           email[n - 1] == '.' || strstr(at, "..");
	for (const unsigned char *p = (const unsigned char *)email; *p && !bad; p++)
		bad = *p < 32 || *p == 127;
	return !bad ? 0
	            : mrt_fail(err, MRT_USAGE, "'%.80s%s' is no e-mail address", email,
	                       n > 80 ? "..." : "");
}

static int note(struct creating *c, const char *state, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { c->id, step_names[c->step], state, c->s.who.actor };
	mrt_autofree char *detail =
	        c->step == RESERVE ? json_dumps(c->request, JSON_COMPACT) : NULL;
	const char *const all[] = { values[0], values[1], values[2], values[3], detail };
	return mrt_session_query(&c->s,
	                         "INSERT INTO " MRT_PLATFORM_SCHEMA
	                         ".journal (tenant_id, step, state, actor, detail) VALUES ($1, $2, "
	                         "$3, $4, $5)",
	                         all, 5, &r, err);
}

static int note_alone(struct mrt_session *s, void *context, struct mrt_error *err)
{
	(void)s;
	return note(context, "done", err);
}

static int note_begun(struct mrt_session *s, void *context, struct mrt_error *err)
{
	(void)s;
	return note(context, "begun", err);
}

/* One that was begun, with which steps done; *ret_there: there is one. */
static int find_begun(struct creating *c, bool *ret_there, struct mrt_error *err)
{
	const char *const values[] = { c->slug };
	mrt_auto_pgresult r = NULL;
	mrt_auto_pgresult steps = NULL;
	int rc = mrt_session_query(
	        &c->s,
	        "SELECT t.id, t.status, p.mode, p.schema_name, p.database_name, "
	        "j.detail FROM tenants t JOIN placements p ON p.tenant_id = t.id "
	        "LEFT JOIN journal j ON j.tenant_id = t.id AND j.step = 'reserve' "
	        "WHERE t.slug = $1",
	        values, 1, &r, err);
	*ret_there = rc == 0 && PQntuples(r) > 0;
	if (rc < 0 || !*ret_there)
		return rc;
	if (strcmp(PQgetvalue(r, 0, 1), "provisioning") != 0)
		return mrt_fail(err, MRT_EXISTS, "there is a school '%s' already", c->slug);
	mrt_auto_json before = NULL;
	rc = mrt_json_parse(PQgetvalue(r, 0, 5), strlen(PQgetvalue(r, 0, 5)), &before, err);
	if (rc == 0 && !json_equal(before, c->request)) {
		mrt_autofree char *text = json_dumps(before, JSON_COMPACT);
		mrt_fail(err, MRT_EXISTS, "the school '%s' was begun with other options", c->slug);
		return mrt_hint(err, "to finish it, say what was said then: %s", text ? text : "?");
	}
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
		        &c->s, "SELECT step FROM journal WHERE tenant_id = $1 AND state = 'done'",
		        id, 1, &steps, err);
	for (int i = 0; rc == 0 && i < PQntuples(steps); i++)
		for (int k = 0; k < N_STEPS; k++)
			if (strcmp(PQgetvalue(steps, i, 0), step_names[k]) == 0)
				c->done[k] = true;
	return rc;
}

static int choose_place(struct creating *c, struct mrt_error *err)
{
	mrt_autofree char *id = NULL;
	char hex[33];
	size_t n = 0;
	int rc = mrt_pg_value(c->s.pg, c->s.run, "SELECT gen_random_uuid()", &id, err);
	if (rc < 0)
		return rc;
	snprintf(c->id, sizeof(c->id), "%s", id);
	for (const char *p = c->id; *p; p++)
		if (*p != '-')
			hex[n++] = *p;
	hex[n] = '\0';
	if (strcmp(c->isolation, "shared") == 0)
		return mrt_text_dup(MRT_SHARED_SCHEMA, &c->schema, err);
	if (strcmp(c->isolation, "schema") == 0)
		return mrt_text_printf(&c->schema, err, "t_%s", hex);
	rc = mrt_text_dup(OWN_SCHEMA, &c->schema, err);
	return rc < 0 ? rc : mrt_text_printf(&c->database, err, "maratea_t_%s", hex);
}

/* The slug, the id, the place; or what an earlier call came to. */
static int reserve(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct creating *c = context;
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
	if (rc == 0)
		rc = choose_place(c, err);
	const char *const tenant[] = { c->id, c->slug, o->name, o->plan };
	const char *const place[] = { c->id, c->isolation, c->database, c->schema };
	if (rc == 0)
		rc = mrt_session_query(
		        s, "INSERT INTO tenants (id, slug, name, plan) VALUES ($1, $2, $3, $4)",
		        tenant, 4, &r, err);
	if (rc == 0)
		rc = mrt_session_query(s, "INSERT INTO placements VALUES ($1, $2, $3, $4)", place,
		                       4, &p, err);
	c->step = RESERVE;
	if (rc == 0)
		rc = note(c, "done", err);
	snprintf(c->event.tenant, sizeof(c->event.tenant), "%s", c->id);
	c->event.action = "tenant.create";
	c->event.payload = c->request;
	return rc;
}

/* Does it, and takes it back: what would be done is known then. */
static int try_reserve(struct mrt_session *s, void *context, struct mrt_error *err)
{
	int rc = mrt_pg_exec(s->pg, s->run, err, "SAVEPOINT try");
	if (rc == 0)
		rc = reserve(s, context, err);
	return rc < 0 ? rc : mrt_pg_exec(s->pg, s->run, err, "ROLLBACK TO try");
}

static int schema(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct creating *c = context;
	int rc = mrt_place_make_schema(s->pg, s->run, c->schema, err);
	return rc < 0 ? rc : note(c, "done", err);
}

static int database(struct creating *c, struct mrt_error *err)
{
	int rc = mrt_session_look(&c->s, note_begun, c, err);
	if (rc == 0)
		rc = mrt_place_make_database(c->s.pg, c->s.run, c->s.config, c->database, c->schema,
		                             err);
	return rc < 0 ? rc : mrt_session_look(&c->s, note_alone, c, err);
}

static int migrate(struct creating *c, struct mrt_error *err)
{
	const struct mrt_migrate_options options = {
		.give_up_after = 120 * MRT_SECOND,
		.retry_first = c->s.config->limits_retry_first,
		.retry_longest = c->s.config->limits_retry_longest,
	};
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	unsigned applied;
	int rc = mrt_place_connect(c->s.run, c->s.config, c->s.pg, c->database, &own, &pg, err);
	if (rc == 0)
		rc = mrt_migrate_apply(pg, c->s.run, "tenant", c->schema, &options, &applied, err);
	return rc < 0 ? rc : mrt_session_look(&c->s, note_alone, c, err);
}

struct filling {
	struct creating *c;
	char token[2 * TOKEN_BYTES + 1], digest[MRT_SHA256_HEX];
};

static int fill_rows(struct mrt_pg *pg, void *context, struct mrt_error *err)
{
	struct filling *f = context;
	struct creating *c = f->c;
	const char *const values[] = { c->id, c->options->owner_email, f->digest };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_exec(pg, c->s.run, err, "SET LOCAL row_security = off");
	if (rc == 0)
		rc = mrt_pg_query(pg, c->s.run, mrt_sql_new_school, values, 3, &r, err);
	/* only the first time is it something new */
	if (rc < 0 || strcmp(PQgetvalue(r, 0, 0), "t") != 0)
		return rc;
	struct mrt_audit_event event = { .action = "tenant.create", .payload = c->request };
	snprintf(event.tenant, sizeof(event.tenant), "%s", c->id);
	return mrt_audit_append(pg, c->s.run, &c->s.who, &event, err);
}

static int make_token(struct filling *f, struct mrt_error *err)
{
	unsigned char random[TOKEN_BYTES], digest[MRT_SHA256_SIZE];
	mrt_random(random, sizeof(random));
	mrt_hex(random, sizeof(random), f->token);
	int rc = mrt_sha256(f->token, strlen(f->token), digest, err);
	if (rc == 0)
		rc = mrt_log_secret(f->c->s.run->log, f->token, err);
	mrt_hex(digest, sizeof(digest), f->digest);
	return rc;
}

static int fill(struct creating *c, struct mrt_error *err)
{
	struct filling f = { .c = c };
	const struct mrt_tenant_scope scope = { c->id, c->schema, MRT_OWNER };
	const char *domain = c->s.config->platform_domain;
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	int rc = make_token(&f, err);
	if (rc == 0)
		rc = mrt_place_connect(c->s.run, c->s.config, c->s.pg, c->database, &own, &pg, err);
	if (rc == 0)
		rc = mrt_migrate_is_current(pg, c->s.run, "tenant", c->schema, err);
	if (rc == 0)
		rc = mrt_tenant_txn(pg, c->s.run, &scope, fill_rows, &f, err);
	if (rc == 0)
		rc = domain ? mrt_text_printf(&c->invitation, err, "https://%s.%s/invitation/%s",
		                              c->slug, domain, f.token)
		            : mrt_text_dup(f.token, &c->invitation, err);
	explicit_bzero(f.token, sizeof(f.token));
	return rc < 0 ? rc : mrt_session_look(&c->s, note_alone, c, err);
}

static int activate(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct creating *c = context;
	const char *const values[] = { c->id };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(s,
	                           "UPDATE tenants SET status = 'active', version = version + 1, "
	                           "updated_at = now() WHERE id = $1 AND status = 'provisioning'",
	                           values, 1, &r, err);
	return rc < 0 ? rc : note(c, "done", err);
}

static int do_step(struct creating *c, struct mrt_error *err)
{
	switch (c->step) {
	case SCHEMA:
		return mrt_session_look(&c->s, schema, c, err);
	case DATABASE:
		return database(c, err);
	case MIGRATE:
		return migrate(c, err);
	case FILL:
		return fill(c, err);
	case ACTIVATE:
		c->event.action = "tenant.activate";
		snprintf(c->event.tenant, sizeof(c->event.tenant), "%s", c->id);
		c->event.payload = c->request;
		return mrt_session_change(&c->s, activate, c, &c->event, err);
	default:
		return 0;
	}
}

/* The token is told once, and only its digest kept: who was killed before he could say it begins
 * that step anew. */
static int do_steps(struct creating *c, struct mrt_error *err)
{
	int rc = 0;
	c->done[FILL] = false;
	for (int k = RESERVE + 1; rc == 0 && k < N_STEPS; k++) {
		c->step = (enum step)k;
		if (c->done[k] || !is_part(c, c->step))
			continue;
		rc = mrt_run_check(c->s.run, err);
		if (rc == 0)
			rc = do_step(c, err);
		if (rc < 0)
			rc = mrt_context(err, rc, "step %s", step_names[k]);
	}
	if (rc < 0)
		mrt_hint(err, "the same command goes on from there");
	return rc;
}

static int lock(struct creating *c, struct mrt_error *err)
{
	const char *const values[] = { c->slug };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(
	        &c->s, "SELECT pg_try_advisory_lock(" LOCK_CLASS ", hashtext($1))::text", values, 1,
	        &r, err);
	if (rc == 0 && strcmp(PQgetvalue(r, 0, 0), "true") != 0)
		rc = mrt_fail(err, MRT_LOCKED, "another command is at work on the school '%s'",
		              c->slug);
	return rc < 0 ? rc : mrt_migrate_lock(c->s.pg, c->s.run, true, err);
}

static int describe(const struct creating *c, const bool before[N_STEPS], json_t **ret,
                    struct mrt_error *err)
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
	for (size_t i = 0; rc == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set(json, "owner", owner = json_object(), err);
	if (rc == 0)
		rc = mrt_json_set_text(owner, "email", o->owner_email, err);
	if (rc == 0)
		rc = mrt_json_set_text(owner, "invitation", c->invitation, err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_boolean(o->dry_run), err);
	if (rc == 0)
		rc = mrt_json_set(json, "steps", steps = json_array(), err);
	for (int k = 0; rc == 0 && k < N_STEPS; k++) {
		if (!is_part(c, (enum step)k))
			continue;
		json_t *one = json_object();
		rc = mrt_json_append(steps, one, err);
		if (rc == 0)
			rc = mrt_json_set_text(one, "step", step_names[k], err);
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

static int check_options(struct creating *c, struct mrt_error *err)
{
	const struct mrt_tenant_create_options *o = c->options;
	static const char *const modes[] = { "shared", "schema", "database" };
	bool known = !o->isolation;
	for (size_t i = 0; !known && i < 3; i++)
		known = strcmp(o->isolation, modes[i]) == 0;
	int rc = mrt_slug_check(c->slug, err);
	if (rc == 0 && !known)
		rc = mrt_fail(err, MRT_USAGE,
		              "--isolation: '%.80s' is not shared, schema or database",
		              o->isolation);
	if (rc == 0 && (!*o->name || strlen(o->name) > 1000))
		rc = mrt_fail(err, MRT_USAGE, "--name is %s",
		              *o->name ? "longer than 1000 bytes" : "empty");
	if (rc == 0)
		rc = check_email(o->owner_email, err);
	c->request = rc == 0 ? json_object() : NULL;
	/* not a document of the command's: what the audit row and the journal hold */
	static const char *const names[] = { "name", "plan", "owner_email", "isolation" };
	const char *const texts[] = { o->name, o->plan, o->owner_email, o->isolation };
	if (rc == 0 && !c->request)
		rc = mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < 4; i++)
		rc = mrt_json_set_text(c->request, names[i], texts[i], err);
	return rc;
}

int mrt_tenant_create(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                      const struct mrt_tenant_create_options *options, json_t **ret,
                      struct mrt_error *err)
{
	mrt_cleanup(creating_release) struct creating c = { .slug = slug, .options = options };
	bool before[N_STEPS];
	int rc = check_options(&c, err);
	if (rc == 0)
		rc = mrt_session_open(run, config, true, &c.s, err);
	if (rc == 0)
		rc = lock(&c, err);
	if (rc == 0)
		rc = options->dry_run ? mrt_session_look(&c.s, try_reserve, &c, err)
		                      : mrt_session_change(&c.s, reserve, &c, &c.event, err);
	if (rc < 0)
		return rc;
	memcpy(before, c.done, sizeof(before));
	before[FILL] = false;
	if (!options->dry_run)
		rc = do_steps(&c, err);
	return rc < 0 ? rc : describe(&c, before, ret, err);
}
