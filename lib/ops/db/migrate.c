/* migrate.c - "db migrate" and "db status": every schema that there is. */
#include "base/text.h"
#include "ops/db/commands.h"
#include "platform/audit_note.h"
#include "platform/connect.h"
#include "platform/identity.h"
#include "platform/migrations.h"
#include "platform/places.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define GIVE_UP_AFTER (120 * MRT_SECOND)

struct place {
	const char *set;
	struct mrt_place at; /* tenant NULL: not one's */
	unsigned applied;
	json_t *states;
	int rc;
	struct mrt_error err;
};

struct migrating {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	bool look_only, status; /* status: whatever it is, it is shown */
	struct place *places;
	size_t n, next;
	pthread_mutex_t lock;
};

static void migrating_release(struct migrating *m)
{
	for (size_t i = 0; i < m->n; i++) {
		mrt_place_release(&m->places[i].at);
		json_decref(m->places[i].states);
	}
	free(m->places);
	pthread_mutex_destroy(&m->lock);
}

/* Takes over what at holds. */
static int add_place(struct migrating *m, const char *set, struct mrt_place *at,
                     struct mrt_error *err)
{
	struct place *grown = realloc(m->places, (m->n + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	m->places = grown;
	grown[m->n++] = (struct place) { .set = set, .at = *at };
	*at = (struct mrt_place) { 0 };
	return 0;
}

static int add_common(struct migrating *m, const char *set, const char *schema,
                      struct mrt_error *err)
{
	mrt_cleanup(mrt_place_release) struct mrt_place at = { 0 };
	int rc = mrt_text_dup(schema, &at.schema, err);
	return rc < 0 ? rc : add_place(m, set, &at, err);
}

static int find_places(struct migrating *m, struct mrt_pg *pg, struct mrt_error *err)
{
	mrt_cleanup(mrt_places_release) struct mrt_places own = { 0 };
	int rc = mrt_places_read(pg, m->ctx, &own, err);
	for (size_t i = 0; rc == 0 && i < own.n; i++)
		rc = add_place(m, "tenant", &own.items[i], err);
	return rc;
}

static int visit(const struct migrating *m, struct mrt_pg *pg, struct place *p,
                 struct mrt_error *err)
{
	const struct mrt_migrate_options options = {
		.give_up_after = GIVE_UP_AFTER,
		.retry_first = m->config->limits_retry_first,
		.retry_longest = m->config->limits_retry_longest,
	};
	int rc = m->look_only ? 0
	                      : mrt_migrate_apply(pg, m->ctx, p->set, p->at.schema, &options,
	                                          &p->applied, err);
	return rc < 0 ? rc : mrt_migrate_state(pg, m->ctx, p->set, p->at.schema, &p->states, err);
}

/* One of those that schools have for themselves, over a connection of its own. */
static void visit_own(const struct migrating *m, struct place *p)
{
	mrt_auto(mrt_pg) *pg = NULL;
	if (p->at.provisioning) /* who makes it migrates it */
		return;
	p->rc = mrt_context_check(m->ctx, &p->err);
	if (p->rc == 0)
		p->rc = mrt_platform_connect(m->ctx, m->config, p->at.database, &pg, &p->err);
	if (p->rc == 0)
		p->rc = visit(m, pg, p, &p->err);
}

static void *work(void *arg)
{
	struct migrating *m = arg;
	for (;;) {
		pthread_mutex_lock(&m->lock);
		size_t at = m->next < m->n ? m->next++ : m->n;
		pthread_mutex_unlock(&m->lock);
		if (at == m->n)
			return NULL;
		visit_own(m, &m->places[at]);
	}
}

static void visit_others(struct migrating *m, unsigned jobs)
{
	pthread_t threads[32];
	unsigned n = 0;
	while (n + 1 < jobs && n < 31 && pthread_create(&threads[n], NULL, work, m) == 0)
		n++;
	work(m);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* What has no states was not come to. */
static int set_fault(const struct migrating *m, const struct place *p, json_t *to,
                     struct mrt_error *err)
{
	if (p->rc < 0)
		return mrt_json_set_error(to, "error", m->ctx->log, &p->err, err);
	bool missed = !p->states && !p->at.provisioning;
	return mrt_json_set_text(to, "error", missed ? "not looked at" : NULL, err);
}

static int describe_schemas(const struct migrating *m, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	int rc = json ? mrt_json_set(json, "schemas", list, err) : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		const struct place *p = &m->places[i];
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		const char *const texts[][2] = { { "set", p->set },
			                         { "schema", p->at.schema },
			                         { "database", p->at.database },
			                         { "tenant", p->at.tenant } };
		for (size_t k = 0; rc == 0 && k < MRT_COUNT(texts); k++)
			rc = mrt_json_set_text(item, texts[k][0], texts[k][1], err);
		if (rc == 0)
			rc = set_fault(m, p, item, err);
		if (rc == 0)
			rc = mrt_json_set(item, "provisioning", json_boolean(p->at.provisioning),
			                  err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "applied", p->applied, err);
		if (rc == 0)
			rc = mrt_json_set(item, "migrations",
			                  p->states ? json_incref(p->states) : json_array(), err);
	}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static size_t count_pending(const struct migrating *m)
{
	size_t n = 0, i;
	const json_t *item;
	for (size_t k = 0; k < m->n; k++)
		json_array_foreach (m->places[k].states, i, item)
			n += strcmp(mrt_json_text_or(item, "state", ""), "applied") != 0;
	return n;
}

/* Without the common ones there is nothing to do for others. */
static int keep_place(struct place *p, int rc, struct mrt_error *err)
{
	p->rc = rc;
	if (rc < 0 && err)
		*err = p->err;
	return rc;
}

static int visit_all(struct migrating *m, unsigned jobs, json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	size_t failed = 0, first = 0;
	int rc = mrt_platform_connect(m->ctx, m->config, NULL, &pg, err);
	if (rc == 0)
		rc = mrt_platform_check(pg, m->ctx, m->config, !m->look_only, err);
	if (rc == 0 && !m->look_only)
		rc = mrt_migrate_lock(pg, m->ctx, false, err);
	if (rc == 0)
		rc = add_common(m, "platform", MRT_PLATFORM_SCHEMA, err);
	if (rc == 0)
		rc = add_common(m, "tenant", MRT_SHARED_SCHEMA, err);
	/* both, before anything is applied to either */
	for (size_t i = 0; rc == 0 && i < 2 && !m->status; i++)
		rc = keep_place(&m->places[i],
		                mrt_migrate_check(pg, m->ctx, m->places[i].set,
		                                  m->places[i].at.schema, &m->places[i].err),
		                err);
	for (; rc == 0 && m->next < 2; m->next++)
		rc = keep_place(&m->places[m->next],
		                visit(m, pg, &m->places[m->next], &m->places[m->next].err), err);
	if (rc == 0)
		rc = find_places(m, pg, err);
	if (rc < 0) { /* what was done until then is told, too */
		if (m->n > 0)
			describe_schemas(m, ret, NULL);
		return rc;
	}
	visit_others(m, jobs);
	/* whose connection broke has had no lock since */
	if (!m->look_only)
		rc = mrt_pg_exec(pg, m->ctx, err, "SELECT");
	if (rc < 0)
		return mrt_prefix(err, rc, "the lock on migrations was lost on the way");
	for (size_t i = m->n; i > 0; i--)
		if (m->places[i - 1].rc < 0) {
			failed++;
			first = i - 1;
		}
	rc = describe_schemas(m, ret, err);
	if (rc == 0 && failed > 0) {
		const struct place *p = &m->places[first];
		rc = p->rc == MRT_CANCELLED || p->rc == MRT_DEADLINE
		             ? mrt_fail_because(err, (enum mrt_code)p->rc, &p->err, NULL)
		             : mrt_fail_because(err, MRT_FAILED, &p->err,
		                                "%zu of %zu schemas failed, the first: %s", failed,
		                                m->n, p->at.tenant);
	}
	return rc;
}

/* What was applied, and how often. */
static void note_migration(const struct mrt_context *ctx, const struct mrt_config *config,
                           const json_t *report)
{
	const json_t *item;
	uint64_t applied = 0, failed = 0;
	size_t i;
	json_array_foreach (json_object_get(report, "schemas"), i, item) {
		applied += mrt_json_size_or(item, "applied", 0);
		failed += mrt_json_text_or(item, "error", NULL) != NULL;
	}
	if (applied > 0)
		mrt_audit_note(ctx, config, "db.migrate",
		               json_pack("{s:s, s:I, s:I}", "maratea", MRT_VERSION, "applied",
		                         (json_int_t)applied, "failed", (json_int_t)failed));
}

int mrt_db_migrate(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_db_migrate_options *options, json_t **ret,
                   struct mrt_error *err)
{
	mrt_cleanup(migrating_release) struct migrating m = { .ctx = ctx,
		                                              .config = config,
		                                              .look_only = options->dry_run };
	pthread_mutex_init(&m.lock, NULL);
	int rc = visit_all(&m, options->jobs, ret, err);
	if (!options->dry_run)
		note_migration(ctx, config, *ret);
	return rc;
}

int mrt_db_status(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                  struct mrt_error *err)
{
	mrt_cleanup(migrating_release) struct migrating m = {
		.ctx = ctx, .config = config, .look_only = true, .status = true
	};
	pthread_mutex_init(&m.lock, NULL);
	int rc = visit_all(&m, 4, ret, err);
	size_t pending = rc == 0 ? count_pending(&m) : 0;
	return pending == 0 ? rc
	                    : mrt_fail(err, MRT_BAD, "%zu migration%s not as this maratea has %s",
	                               pending, pending == 1 ? " is" : "s are",
	                               pending == 1 ? "it" : "them");
}
