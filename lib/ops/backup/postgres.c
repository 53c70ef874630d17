/* postgres.c - "backup run postgres": lock, dump every database, manifest last. */
#include "ops/backup/postgres.h"
#include "base/text.h"
#include "base/workers.h"
#include "client/pg/programs.h"
#include "codec/zstd.h"
#include "ops/backup/stores.h"
#include "platform/identity.h"
#include "repository/access.h"
#include "repository/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void backup_release(struct mrt_backup_work *b)
{
	mrt_pg_lock_free(b->lock);
	for (size_t i = 0; i < b->n_jobs; i++) {
		json_decref(b->jobs[i].database);
		json_decref(b->jobs[i].object);
	}
	free(b->jobs);
	json_decref(b->server.object);
	json_decref(b->context.warnings);
	json_decref(b->audit_heads);
	mrt_physical_slot_free(b->slot);
	mrt_physical_facts_release(&b->facts);
	mrt_physical_result_release(&b->physical);
	mrt_backup_run_stores_free(b->stores);
	mrt_age_recipients_free(b->recipients);
	mrt_pg_params_free(b->context.access.params);
	mrt_pg_cluster_release(&b->cluster);
	mrt_pg_databases_release(&b->databases);
	free(b->pg_dump);
	free(b->pg_dumpall);
	free(b->folder);
	pthread_mutex_destroy(&b->context.lock);
	mrt_rate_release(&b->context.rate);
	pthread_mutex_destroy(&b->mutex);
	pthread_cond_destroy(&b->changed);
}

static const char *job_name(const void *arg, size_t i)
{
	const struct mrt_pg_databases *d = arg;
	return i < d->n ? d->items[i].name : NULL;
}

/* Those asked for, or all that can be dumped. */
static int choose_databases(struct mrt_backup_work *b, struct mrt_error *err)
{
	const struct mrt_backup_options *o = b->options;
	b->jobs = calloc(b->databases.n + o->n_databases + 1, sizeof(*b->jobs));
	if (!b->jobs)
		return mrt_no_memory(err);
	for (size_t i = 0; o->n_databases == 0 && i < b->databases.n; i++)
		if (!b->databases.items[i].reason)
			b->jobs[b->n_jobs++].name = b->databases.items[i].name;
	for (size_t k = 0; k < o->n_databases; k++) {
		const struct mrt_pg_database *found = NULL;
		for (size_t i = 0; i < b->databases.n; i++)
			if (strcmp(b->databases.items[i].name, o->databases[k]) == 0)
				found = &b->databases.items[i];
		if (!found) {
			const char *near = mrt_nearest(o->databases[k], job_name, &b->databases);
			return mrt_fail(err, MRT_NOT_FOUND, "there is no database '%s'%s%s%s",
			                o->databases[k], near ? "; did you mean '" : "",
			                near ? near : "", near ? "'?" : "");
		}
		if (found->reason)
			return mrt_fail(err, MRT_FAILED, "database %s cannot be dumped: %s",
			                found->name, found->reason);
		bool twice = false;
		for (size_t i = 0; i < b->n_jobs; i++)
			twice = twice || b->jobs[i].name == found->name;
		if (!twice)
			b->jobs[b->n_jobs++].name = found->name;
	}
	return 0;
}

static uint64_t plan_size(const struct mrt_backup_work *b)
{
	uint64_t sum = 0;
	for (size_t k = 0; k < b->n_jobs; k++)
		for (size_t i = 0; i < b->databases.n; i++)
			if (b->databases.items[i].name == b->jobs[k].name)
				sum += b->databases.items[i].size;
	return sum;
}

static int look_at_server(struct mrt_backup_work *b, struct mrt_error *err)
{
	const struct mrt_context *ctx = b->ctx;
	mrt_auto(mrt_pg) *pg = NULL;
	int rc = mrt_pg_connect(ctx, &b->context.access.options, b->context.access.params, NULL,
	                        &pg, err);
	if (rc == 0)
		rc = mrt_platform_check_database(pg, ctx, b->config, err);
	if (rc == 0)
		rc = mrt_pg_cluster_read(pg, ctx, &b->cluster, err);
	if (rc == 0)
		rc = mrt_pg_databases_read(pg, ctx, &b->databases, err);
	if (rc == 0 && b->is_physical)
		return mrt_backup_run_physical_look(b, pg, err);
	if (rc == 0)
		rc = choose_databases(b, err);
	if (rc == 0)
		rc = mrt_pg_find_program(ctx, "pg_dump", b->cluster.major,
		                         b->config->postgres_bin_dir, &b->pg_dump, &b->client_major,
		                         err);
	if (rc == 0)
		rc = mrt_text_printf(&b->pg_dumpall, err, "%sall", b->pg_dump);
	if (rc == 0 && b->client_major != b->cluster.major)
		mrt_warn(ctx, "the server is PostgreSQL %d; the nearest pg_dump here is %d",
		         b->cluster.major, b->client_major);
	return rc;
}

static void *work(void *arg)
{
	struct mrt_backup_work *b = arg;
	mrt_thread_batch(0); /* and so the pg_dump it starts */
	pthread_mutex_lock(&b->mutex);
	while (b->next < b->n_jobs && !b->abort) {
		struct mrt_backup_job *job = &b->jobs[b->next++];
		pthread_mutex_unlock(&b->mutex);
		job->rc = mrt_dump_database(&b->job_run, &b->context, job->name, &job->database,
		                            &job->object, &job->err);
		pthread_mutex_lock(&b->mutex);
		/* dropped while we were at it: no failure, when nobody asked for it by name */
		bool gone = job->rc == MRT_NOT_FOUND && b->options->n_databases == 0;
		if (job->rc < 0 && !gone)
			b->abort = 1;
	}
	b->ended++;
	pthread_cond_signal(&b->changed);
	pthread_mutex_unlock(&b->mutex);
	return NULL;
}

static void *globals_work(void *arg)
{
	struct mrt_backup_work *b = arg;
	struct mrt_backup_job *job = &b->server;
	job->rc = mrt_dump_globals(&b->job_run, &b->context, &job->object, &job->err);
	pthread_mutex_lock(&b->mutex);
	if (job->rc < 0)
		b->abort = 1;
	b->ended++;
	pthread_cond_signal(&b->changed);
	pthread_mutex_unlock(&b->mutex);
	return NULL;
}

static int beat(struct mrt_backup_work *b, struct mrt_error *err)
{
	mrt_autofree char *key = NULL;
	int rc = mrt_text_printf(&key, err, "%salive-%u", b->folder, b->alive++);
	return rc < 0 ? rc
	              : mrt_store_put_bytes(b->context.store, &b->job_run, key, b->id,
	                                    strlen(b->id), err);
}

/* While the jobs work: keep the lock, show that we live, notice signals. */
static int supervise(struct mrt_backup_work *b, struct mrt_error *err)
{
	int64_t ping = mrt_clock_monotonic() + b->config->limits_lock_ping;
	int64_t alive = mrt_clock_monotonic() + b->config->limits_alive;
	int64_t look = 0;
	int rc = 0;
	pthread_mutex_lock(&b->mutex);
	while (b->ended < b->threads) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 100 * MRT_MILLISECOND;
		until.tv_sec += until.tv_nsec / MRT_SECOND;
		until.tv_nsec %= MRT_SECOND;
		pthread_cond_timedwait(&b->changed, &b->mutex, &until);
		pthread_mutex_unlock(&b->mutex);
		int64_t now = mrt_clock_monotonic();
		if (rc == 0)
			rc = mrt_context_check(b->ctx, err);
		if (rc == 0 &&
		    b->is_physical) /* the lock's session is at work: it shows its life */
			rc = mrt_backup_run_physical_watch(b, &look, err);
		if (rc == 0 && !b->is_physical && now >= ping) {
			rc = mrt_pg_lock_ping(b->lock, b->ctx, err);
			ping = now + b->config->limits_lock_ping;
		}
		if (rc == 0)
			rc = mrt_backup_run_stores_renew(b->stores, b->ctx, err);
		if (rc == 0 && now >= alive) {
			rc = beat(b, err);
			alive = now + b->config->limits_alive;
		}
		if (rc < 0)
			b->abort = 1;
		pthread_mutex_lock(&b->mutex);
	}
	pthread_mutex_unlock(&b->mutex);
	return rc;
}

static int run_jobs(struct mrt_backup_work *b, struct mrt_error *err)
{
	unsigned wanted = (unsigned)b->config->backup_jobs;
	pthread_t threads[33];
	b->job_run = *b->ctx;
	b->job_run.abort = &b->abort;
	int failed = pthread_create(
	        &threads[0], NULL, b->is_physical ? mrt_backup_run_physical_work : globals_work, b);
	b->threads = failed == 0;
	for (; !failed && !b->is_physical && b->threads <= wanted && b->threads <= b->n_jobs;)
		failed = pthread_create(&threads[b->threads], NULL, work, b) || (b->threads++, 0);
	if (failed)
		b->abort = 1;
	int rc = supervise(b, err);
	for (unsigned i = 0; i < b->threads; i++)
		pthread_join(threads[i], NULL);
	if (failed)
		return mrt_fail(err, MRT_FAILED, "cannot start a thread");
	if (rc < 0)
		return rc;
	/* the failure that stopped the others, not theirs */
	const struct mrt_backup_job *worst = b->server.rc < 0 ? &b->server : NULL;
	for (size_t i = 0; i < b->n_jobs; i++) {
		const struct mrt_backup_job *job = &b->jobs[i];
		bool gone = job->rc == MRT_NOT_FOUND && b->options->n_databases == 0;
		if (job->rc < 0 && !gone && (!worst || worst->rc == MRT_CANCELLED))
			worst = job;
	}
	if (worst && err)
		*err = worst->err;
	return worst ? worst->rc : mrt_context_check(b->ctx, err);
}

static int put_manifest(struct mrt_backup_work *b, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = NULL;
	int rc = mrt_backup_run_manifest(b, &json, err);
	if (rc == 0)
		rc = mrt_pg_lock_ping(b->lock, b->ctx,
		                      err); /* nobody else may have begun meanwhile */
	if (rc == 0)
		rc = mrt_backup_run_stores_put_manifest(b->stores, b->ctx, b->folder, json, err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int perform(struct mrt_backup_work *b, json_t **ret, struct mrt_error *err)
{
	mrt_progress_begin(b->ctx->progress, "backing up", b->is_physical ? 0 : plan_size(b));
	int rc = b->is_physical ? mrt_backup_run_physical_heads(b, err) : 0;
	if (rc == 0 && b->is_physical)
		rc = mrt_backup_run_physical_slot(b, err);
	if (rc == 0)
		rc = run_jobs(b, err);
	if (rc == 0)
		rc = put_manifest(b, ret, err);
	mrt_backup_run_stores_clean_up(b->stores, b->ctx, b->folder);
	mrt_progress_end(b->ctx->progress);
	return rc;
}

int mrt_backup_run_postgres(const struct mrt_context *ctx, const struct mrt_config *config,
                            const struct mrt_backup_options *options, json_t **ret,
                            struct mrt_error *err)
{
	mrt_cleanup(backup_release) struct mrt_backup_work b = { .ctx = ctx,
		                                                 .config = config,
		                                                 .options = options };
	pthread_mutex_init(&b.context.lock, NULL);
	mrt_rate_init(&b.context.rate, options->max_rate);
	pthread_mutex_init(&b.mutex, NULL);
	pthread_cond_init(&b.changed, NULL);
	b.started = ctx->wall() / MRT_SECOND;
	b.is_physical = strcmp(options->method, "physical") == 0;
	mrt_backup_id_new(ctx, b.id);
	char who[64];
	snprintf(who, sizeof(who), "backup run %s", b.id);
	b.context.warnings = json_array();
	int rc = b.context.warnings ? 0 : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_config_name_check("platform", config->platform_name, err);
	if (rc == 0)
		rc = mrt_keys_recipients(config, options->recipients, options->n_recipients,
		                         &b.recipients, err);
	b.context.content.recipients = b.recipients;
	b.context.content.locked_since = b.started;
	if (rc == 0)
		rc = mrt_backup_key(config->platform_name, options->target, b.id, "", &b.folder,
		                    err);
	if (rc == 0)
		rc = mrt_backup_run_stores_open(ctx, config, (unsigned)config->backup_jobs,
		                                &b.context.content, &b.stores, err);
	if (rc == 0)
		b.context.store = mrt_backup_run_stores_all(b.stores);
	if (rc == 0)
		rc = mrt_pg_access_backup(ctx, config, &b.context.access, err);
	if (rc == 0)
		rc = look_at_server(&b, err);
	if (rc == 0)
		rc = mrt_backup_run_stores_check_clock(b.stores, ctx, err);
	b.context.config = config;
	b.context.folder = b.folder;
	b.context.pg_dump = b.pg_dump;
	b.context.pg_dumpall = b.pg_dumpall;
	/* encrypted, they may be in it */
	b.context.role_passwords = options->plain_role_passwords || b.recipients;
	b.context.allow_warnings = options->allow_warnings;
	b.context.log = ctx->log;
	if (rc == 0 && options->dry_run) {
		rc = mrt_backup_run_plan(&b, ret, err);
		return rc < 0 ? rc : mrt_backup_run_stores_report(b.stores, ctx, *ret, err);
	}
	if (rc == 0 && b.is_physical)
		rc = mrt_backup_run_physical_lock(&b, who, err);
	else if (rc == 0)
		rc = mrt_pg_lock_take(ctx, &b.context.access.options, b.context.access.params,
		                      config->backup_lock_database, who, &b.lock, err);
	if (rc == 0)
		/* a run that holds the store's lock is dead: the server's own is ours */
		rc = mrt_backup_run_stores_lock(b.stores, ctx, options->target, who, "backup run",
		                                err);
	if (rc == 0)
		rc = mrt_backup_run_stores_claim(b.stores, ctx, options->target,
		                                 b.cluster.system_identifier, b.id,
		                                 options->adopt_cluster, err);
	if (rc == 0)
		rc = perform(&b, ret, err);
	if (rc == 0 && !options->accept_shrink)
		rc = mrt_backup_run_stores_check_shrink(b.stores, ctx, options->target, b.id, err);
	return rc < 0 && !*ret ? rc : mrt_backup_run_stores_result(b.stores, ctx, rc, *ret, err);
}
