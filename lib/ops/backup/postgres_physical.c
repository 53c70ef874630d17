/* postgres_physical.c - the physical method's part of a backup run. */
#include "base/text.h"
#include "ops/backup/postgres.h"
#include "repository/audit_heads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCH (2 * MRT_SECOND) /* how often the slot is looked at */

static const char *checksums_of(const struct mrt_backup_options *o)
{
	return o->manifest_checksums && strcmp(o->manifest_checksums, "sha256") == 0 ? "SHA256"
	                                                                             : "CRC32C";
}

static int add_warning(struct mrt_backup_work *b, const char *text, struct mrt_error *err)
{
	mrt_warn(b->ctx, "%s", text);
	return mrt_json_append(b->context.warnings, json_string(text), err);
}

int mrt_backup_run_physical_look(struct mrt_backup_work *b, struct mrt_pg *pg,
                                 struct mrt_error *err)
{
	int rc = mrt_physical_facts_read(pg, b->ctx, &b->facts, err);
	if (rc == 0 && !b->facts.page_checksums)
		rc = add_warning(
		        b,
		        "the server keeps no page checksums (data_checksums is off): a page "
		        "that its disk damaged is backed up as it is",
		        err);
	return rc;
}

/* Before the copy begins: whatever it has at its end, it has these. A role that may only replicate
 * cannot look; then nothing is remembered. */
int mrt_backup_run_physical_heads(struct mrt_backup_work *b, struct mrt_error *err)
{
	int rc = 0;
	b->audit_heads = json_object();
	if (!b->audit_heads)
		return mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < b->databases.n; i++) {
		const char *name = b->databases.items[i].name;
		mrt_auto(mrt_pg) *pg = NULL;
		mrt_auto_json database = json_object();
		struct mrt_error why;
		rc = mrt_context_check(b->ctx, err);
		if (rc < 0 || b->databases.items[i].reason)
			continue;
		int looked = mrt_pg_connect(b->ctx, &b->context.access.options,
		                            b->context.access.params, name, &pg, &why);
		if (looked == 0)
			looked = mrt_pg_exec(pg, b->ctx, &why, "BEGIN READ ONLY");
		if (looked == 0)
			looked = mrt_audit_heads_read(pg, b->ctx, database, &why);
		json_t *heads = json_object_get(database, "audit_heads");
		if (looked < 0)
			mrt_info_because(b->ctx, &why,
			                 "the audit chains of database %s are not remembered",
			                 name);
		else if (heads)
			rc = mrt_json_set(b->audit_heads, name, json_incref(database), err);
	}
	return rc;
}

/* Both sessions are walsenders, which still know SQL. */
static int replication_params(struct mrt_backup_work *b, struct mrt_pg_params **ret,
                              struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	int rc = mrt_pg_params_copy(b->context.access.params, &params, err);
	if (rc == 0)
		rc = mrt_pg_params_set(params, "replication", "database", err);
	if (rc == 0)
		*ret = mrt_steal(params);
	return rc;
}

int mrt_backup_run_physical_lock(struct mrt_backup_work *b, const char *who, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	const char *database = b->config->backup_lock_database;
	int rc = replication_params(b, &params, err);
	if (rc == 0)
		rc = mrt_pg_lock_take(b->ctx, &b->context.access.options, params, database, who,
		                      &b->lock, err);
	return rc;
}

int mrt_backup_run_physical_slot(struct mrt_backup_work *b, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	int rc = replication_params(b, &params, err);
	/* where the lock is: that database let us in */
	if (rc == 0)
		rc = mrt_physical_slot_open(b->ctx, &b->context.access.options, params,
		                            PQdb(mrt_pg_lock_session(b->lock)->conn), b->id,
		                            &b->slot, err);
	return rc;
}

void *mrt_backup_run_physical_work(void *arg)
{
	struct mrt_backup_work *b = arg;
	const struct mrt_backup_options *o = b->options;
	struct mrt_backup_job *job = &b->server;
	char label[64];
	snprintf(label, sizeof(label), "maratea %s", b->id);
	const struct mrt_physical_options how = {
		.store = b->context.store,
		.folder = b->folder,
		.content = b->context.content,
		.system_identifier = strtoull(b->cluster.system_identifier, NULL, 10),
		.basebackup = {
			.label = label,
			.spread = o->spread,
			.allow_damaged = o->allow_damaged,
			.max_rate = o->max_rate,
			.manifest_checksums = checksums_of(o),
			.compression_level = o->server_compression ? b->context.content.zstd.level
			                                           : 0,
		},
	};
	job->rc = mrt_physical_backup(&b->job_run, mrt_pg_lock_session(b->lock), &how, &b->physical,
	                              &job->err);
	pthread_mutex_lock(&b->mutex);
	b->ended++;
	pthread_cond_signal(&b->changed);
	pthread_mutex_unlock(&b->mutex);
	return NULL;
}

int mrt_backup_run_physical_watch(struct mrt_backup_work *b, int64_t *next, struct mrt_error *err)
{
	uint64_t retained = 0, limit = b->options->max_wal_retained;
	if (mrt_clock_monotonic() < *next)
		return 0;
	*next = mrt_clock_monotonic() + WATCH;
	int rc = mrt_physical_slot_look(b->slot, b->ctx, &retained, err);
	if (rc < 0)
		return rc;
	if (retained > b->retained)
		b->retained = retained;
	if (limit == 0 || retained <= limit)
		return 0;
	char a[MRT_SIZE_SIZE], most[MRT_SIZE_SIZE];
	mrt_size_format(retained, a);
	mrt_size_format(limit, most);
	mrt_fail(err, MRT_FAILED,
	         "the server keeps %s of WAL for this backup, more than the %s of "
	         "--max-wal-retained",
	         a, most);
	return mrt_hint(err,
	                "without --max-rate, or with --server-compression where the network is "
	                "slow, the backup ends sooner");
}

int mrt_backup_run_physical_options(const struct mrt_backup_options *o, struct mrt_error *err)
{
	bool physical = strcmp(o->method, "physical") == 0;
	if (!physical && (o->spread || o->allow_damaged || o->server_compression ||
	                  o->max_wal_retained > 0 || o->manifest_checksums))
		return mrt_fail(err, MRT_USAGE,
		                "--checkpoint, --allow-damaged, --server-compression, "
		                "--max-wal-retained and --manifest-checksums go with --method "
		                "physical");
	if (physical && (o->n_databases > 0 || o->plain_role_passwords || o->allow_warnings))
		return mrt_fail(err, MRT_USAGE,
		                "--database, --plain-role-passwords and --allow-warnings go with "
		                "--method logical: a physical backup is the whole server");
	if (o->manifest_checksums && strcmp(o->manifest_checksums, "crc32c") != 0 &&
	    strcmp(o->manifest_checksums, "sha256") != 0)
		return mrt_fail(err, MRT_USAGE,
		                "--manifest-checksums is crc32c or sha256, not '%.40s'",
		                o->manifest_checksums);
	return 0;
}

int mrt_backup_run_physical_describe(const struct mrt_backup_work *b, json_t *physical,
                                     struct mrt_error *err)
{
	int rc = mrt_json_set_text(physical, "page_checksums",
	                           b->facts.page_checksums ? "on" : "off", err);
	if (rc == 0)
		rc = mrt_json_set_text(physical, "superuser", b->facts.superuser, err);
	if (rc == 0)
		rc = mrt_json_set(physical, "standby", json_boolean(b->facts.in_recovery), err);
	if (rc == 0)
		rc = mrt_json_set(physical, "server_compression",
		                  json_boolean(b->options->server_compression), err);
	if (rc == 0)
		rc = mrt_json_set(physical, "settings", json_incref(b->facts.settings), err);
	return rc;
}
