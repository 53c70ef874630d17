/* run.c - "backup verify": is what is stored what was stored, and can it be restored? */
#include "ops/verify/run.h"
#include "base/file.h"
#include "base/text.h"
#include "client/pg/programs.h"
#include "ops/backup/dump.h"
#include "ops/backup/metrics.h"
#include "ops/restore/build.h"
#include "ops/restore/redis_scratch.h"
#include "ops/verify/assertions.h"
#include "ops/verify/physical.h"
#include "repository/access.h"
#include "repository/keys.h"
#include "repository/manifest.h"
#include "repository/redis_snapshot.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

struct verification {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	struct mrt_store *store;
	struct mrt_manifest *manifest;
	int64_t begun, monotonic;
	uint64_t objects, tables, rows, assertions;
	bool is_physical, is_redis;
	struct mrt_physical_verdict physical;
};

/* Level stored: every volume is there with its size. */
static int check_stored(struct verification *v, struct mrt_error *err)
{
	for (size_t i = 0; i < v->manifest->n_objects; i++) {
		const struct mrt_manifest_object *o = &v->manifest->objects[i];
		for (size_t k = 0; k < o->n_volumes; k++) {
			mrt_autofree char *key = NULL;
			struct mrt_object found;
			int rc = mrt_manifest_key(v->manifest, o->volumes[k].key, &key, err);
			if (rc == 0)
				rc = mrt_store_head(v->store, v->ctx, key, &found, err);
			if (rc == MRT_NOT_FOUND)
				return mrt_fail(err, MRT_CORRUPT, "%s is missing in the store",
				                o->volumes[k].key);
			if (rc < 0)
				return rc;
			if (found.size != o->volumes[k].size)
				return mrt_fail(err, MRT_CORRUPT,
				                "%s has %" PRIu64 " bytes; the manifest "
				                "says %" PRIu64,
				                o->volumes[k].key, found.size, o->volumes[k].size);
		}
	}
	return 0;
}

static const json_t *database_of(const struct mrt_manifest *m, const char *key)
{
	const json_t *d;
	size_t i;
	json_array_foreach (m->databases, i, d)
		if (strcmp(mrt_json_text_or(d, "object", ""), key) == 0)
			return d;
	return NULL;
}

static const json_t *table_of(const json_t *tables, size_t hint, const char *schema,
                              const char *name)
{
	/* archive and manifest list the same tables, but in different orders */
	size_t n = json_array_size(tables);
	for (size_t i = 0; i < n; i++) {
		const json_t *t = json_array_get(tables, (hint + i) % n);
		if (strcmp(mrt_json_text_or(t, "name", ""), name) == 0 &&
		    strcmp(mrt_json_text_or(t, "schema", ""), schema) == 0)
			return t;
	}
	return NULL;
}

static int compare_archive(struct verification *v, const json_t *database,
                           const struct mrt_pgarchive_info *info, struct mrt_error *err)
{
	const json_t *tables = json_object_get(database, "tables");
	const char *name = mrt_json_text_or(database, "name", "");
	if (json_array_size(tables) != info->n_tables)
		return mrt_fail(err, MRT_CORRUPT,
		                "the archive of %s has %zu tables; the manifest says %zu", name,
		                info->n_tables, json_array_size(tables));
	for (size_t i = 0; i < info->n_tables; i++) {
		const struct mrt_pgarchive_table *t = &info->tables[i];
		const json_t *want = table_of(tables, i, t->schema, t->name);
		if (!want)
			return mrt_fail(err, MRT_CORRUPT, "the manifest has no table %s.%s in %s",
			                t->schema, t->name, name);
		uint64_t rows = mrt_json_size_or(want, "rows", 0);
		if (rows != t->rows)
			return mrt_fail(err, MRT_CORRUPT,
			                "%s.%s of %s has %" PRIu64 " rows in the archive; "
			                "the manifest says %" PRIu64,
			                t->schema, t->name, name, t->rows, rows);
		v->rows += t->rows;
	}
	v->tables += info->n_tables;
	return 0;
}

/* A damaged byte may disturb the archive before its digest is known: read on, so that the error
 * also says whether the stored bytes are the ones that were stored. */
static int name_damage(struct mrt_source *source, char *chunk, const char *key,
                       struct mrt_error *err)
{
	struct mrt_error why;
	size_t n = 1;
	int rc = 0;
	while (rc == 0 && n > 0)
		rc = mrt_source_read(source, chunk, MRT_CHUNK, &n, &why);
	if (rc == MRT_CORRUPT)
		mrt_error_append_error(err, &why);
	return mrt_prefix(err, MRT_CORRUPT, "%s", key);
}

static int read_archive(struct verification *v, struct mrt_source *source, const json_t *database,
                        const char *key, struct mrt_error *err)
{
	mrt_auto(mrt_pgarchive) *archive = NULL;
	mrt_autofree char *chunk = malloc(MRT_CHUNK);
	int rc = chunk ? mrt_pgarchive_new(&archive, err) : mrt_no_memory(err);
	size_t n = 1;
	while (rc == 0 && n > 0) {
		rc = mrt_source_read(source, chunk, MRT_CHUNK, &n, err);
		if (rc < 0 || n == 0)
			break;
		rc = mrt_pgarchive_feed(archive, chunk, n, err);
		if (rc == MRT_CORRUPT)
			return name_damage(source, chunk, key, err);
	}
	if (rc < 0)
		return rc;
	rc = mrt_pgarchive_end(archive, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s", key);
	return compare_archive(v, database, mrt_pgarchive_info(archive), err);
}

static int read_globals(struct mrt_source *source, struct mrt_error *err)
{
	struct mrt_globals_check check = { .len = 0 };
	mrt_autofree char *chunk = malloc(MRT_CHUNK);
	if (!chunk)
		return mrt_no_memory(err);
	size_t n = 1;
	while (n > 0) {
		int rc = mrt_source_read(source, chunk, MRT_CHUNK, &n, err);
		if (rc < 0)
			return rc;
		mrt_globals_feed(&check, chunk, n);
	}
	return mrt_globals_end(&check, err);
}

/* Level content: every byte is read, every digest compared, every archive parsed whole. */
static int check_content(struct verification *v, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < v->manifest->n_objects; i++) {
		const struct mrt_manifest_object *o = &v->manifest->objects[i];
		const json_t *database = database_of(v->manifest, o->key);
		mrt_auto(mrt_source) *source = NULL;
		rc = mrt_content_source(v->ctx, v->store, v->manifest, o, &source, err);
		if (rc == 0)
			rc = database ? read_archive(v, source, database, o->key, err)
			              : read_globals(source, err);
		v->objects++;
	}
	const json_t *d;
	size_t i;
	json_array_foreach (v->manifest->databases, i, d)
		if (rc == 0 && !mrt_manifest_object(v->manifest, mrt_json_text_or(d, "object", "")))
			rc = mrt_fail(err, MRT_CORRUPT,
			              "the manifest has no object for the database %s",
			              mrt_json_text_or(d, "name", ""));
	return rc;
}

static int restore_all(struct verification *v, struct mrt_restore_context *c, struct mrt_error *err)
{
	const struct mrt_globals_options globals = { .plan_only = false };
	mrt_auto_json plan = NULL;
	int rc = mrt_restore_connect(v->ctx, c, false, err);
	if (rc == 0)
		rc = mrt_restore_globals(v->ctx, c, &globals, &plan, err);
	const json_t *d;
	size_t i;
	json_array_foreach (v->manifest->databases, i, d) {
		mrt_autofree char *built = NULL;
		if (rc == 0)
			rc = mrt_restore_check(v->ctx, c, d, err);
		if (rc == 0)
			rc = mrt_restore_build(v->ctx, c, d, &built, err);
		if (rc ==
		    MRT_FAILED) /* pg_restore's own verdict, on a server of the same version */
			rc = mrt_recode(err, MRT_BAD);
		if (rc == 0)
			rc = mrt_restore_properties(v->ctx, c, d, built, err);
		if (rc == 0)
			rc = mrt_assertions_ask(v->ctx, v->config, v->manifest, &c->access,
			                        mrt_json_text_or(d, "name", ""), built,
			                        &v->assertions, err);
		if (rc == 0)
			rc = mrt_restore_drop(v->ctx, c, built,
			                      err); /* one at a time needs less disk */
		if (rc < 0)
			return mrt_prefix(err, rc, "database %s", mrt_json_text_or(d, "name", ""));
	}
	return rc;
}

/* Level restore: a private server is started from the backup, and compared with the manifest. */
static int check_restore(struct verification *v, struct mrt_error *err)
{
	mrt_autofree char *dir = NULL;
	mrt_auto(mrt_pg_server) *server = NULL;
	const struct mrt_pg_server_options options = {
		.major = v->manifest->server_major,
		.bin_dir = v->config->postgres_bin_dir,
		.start_timeout = v->config->limits_server_start,
	};
	int rc = mrt_dir_temporary("maratea-verify", 80, &dir, err);
	if (rc < 0)
		return rc;
	struct mrt_restore_context c = { .config = v->config,
		                         .store = v->store,
		                         .manifest = v->manifest,
		                         .jobs = 1,
		                         .no_tablespaces = true };
	rc = mrt_pg_server_start(v->ctx, &options, dir, &server, err);
	if (rc == 0)
		rc = mrt_pg_access_private(v->config, server, &c.access, err);
	if (rc == 0)
		rc = restore_all(v, &c, err);
	mrt_restore_context_release(&c);
	mrt_pg_server_free(mrt_steal(server));
	struct mrt_error why;
	if (mrt_dir_remove(dir, &why) < 0)
		mrt_warn_because(v->ctx, &why, "%s stays", dir);
	return rc;
}

static int check_redis(struct verification *v, struct mrt_error *err)
{
	mrt_auto(mrt_redis_scratch) *scratch = NULL;
	return mrt_redis_scratch_open(v->ctx, v->config, v->store, v->manifest, &scratch, err);
}

/* Who verifies, as the system knows him: a name, or the number where there is none. */
static void user_name(char *ret, size_t size)
{
	struct passwd entry, *found = NULL;
	char room[4096];
	getpwuid_r(getuid(), &entry, room, sizeof(room), &found);
	if (found)
		snprintf(ret, size, "%s", found->pw_name);
	else
		snprintf(ret, size, "%u", (unsigned)getuid());
}

static int make_record(const struct verification *v, const char *level,
                       const struct mrt_error *failure, json_t **ret, struct mrt_error *err)
{
	char time[MRT_TIME_SIZE], host[256] = "", user[64];
	mrt_time_format(v->begun, MRT_TIME_RFC3339, time);
	gethostname(host, sizeof(host) - 1);
	user_name(user, sizeof(user));
	mrt_auto_json json = json_object();
	int rc = json ? mrt_json_set_text(json, "id", v->manifest->id, err) : mrt_no_memory(err);
	const char *const texts[][2] = { { "manifest_sha256", v->manifest->sha256 },
		                         { "time", time },
		                         { "level", level },
		                         { "method", v->manifest->method },
		                         { "host", host },
		                         { "user", user },
		                         { "maratea", MRT_VERSION } };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set_error(json, "failure", v->ctx->log, failure, err);
	if (rc == 0)
		rc = mrt_json_set(json, "passed", json_boolean(!failure), err);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "databases", json_array_size(v->manifest->databases) },
		{ "objects", v->objects },
		{ "tables", v->tables },
		{ "rows", v->rows },
		{ "keys",
		  mrt_json_size_or(json_object_get(v->manifest->json, "redis"), "keys", 0) },
		{ "assertions", v->assertions + v->physical.assertions },
		{ "files", v->physical.found.files },
		{ "wal_segments", v->physical.found.wal_segments },
		{ "duration_ms",
		  (uint64_t)((mrt_clock_monotonic() - v->monotonic) / MRT_MILLISECOND) },
	};
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(numbers); i++)
		rc = mrt_json_set_size(json, numbers[i].name, numbers[i].value, err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

/* Kept beside the backup; a store that refuses is only a warning. */
static void put_record(const struct verification *v, const json_t *record)
{
	char time[MRT_TIME_SIZE], rest[80];
	int64_t now = v->ctx->wall();
	char random[7];
	mrt_time_format(now / MRT_SECOND, MRT_TIME_BASIC, time);
	mrt_random_hex(3, random);
	snprintf(rest, sizeof(rest), "verified-%.15s.%06dZ-%s.json", time,
	         (int)(now % MRT_SECOND / 1000), random);
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_autofree char *key = NULL;
	struct mrt_error why;
	int rc = mrt_json_print(record, &text, &why);
	if (rc == 0)
		rc = mrt_manifest_key(v->manifest, rest, &key, &why);
	if (rc == 0)
		rc = mrt_store_put_bytes_locked(v->store, v->ctx, key, v->manifest->started,
		                                text.data, text.len, &why); /* as long as it */
	if (rc < 0)
		mrt_warn_because(v->ctx, &why,
		                 "the result of the verification could not be stored");
}

static int verify(struct verification *v, enum mrt_verify_level level, struct mrt_error *err)
{
	bool restore = level == MRT_VERIFY_RESTORE, once = v->is_physical || v->is_redis;
	mrt_progress_begin(v->ctx->progress, "verifying",
	                   v->manifest->stored_size * (restore && !once ? 2 : 1));
	int rc = check_stored(v, err);
	if (rc == 0 && restore && !v->is_redis)
		rc = mrt_assertions_check(v->config, v->manifest, err);
	if (level == MRT_VERIFY_STORED) {
		mrt_progress_end(v->ctx->progress);
		return rc;
	}
	if (rc == 0 && v->is_physical) {
		rc = mrt_verify_physical(v->ctx, v->config, v->store, v->manifest, restore,
		                         &v->physical, err);
		v->objects = v->physical.found.objects;
	} else if (rc == 0 && v->is_redis) {
		rc = restore ? check_redis(v, err)
		             : mrt_redis_read(v->ctx, v->store, v->manifest, NULL, NULL, err);
		v->objects = v->manifest->n_objects;
	} else if (rc == 0) {
		rc = check_content(v, err);
	}
	if (rc == 0 && restore && !once)
		rc = check_restore(v, err);
	mrt_progress_end(v->ctx->progress);
	return rc;
}

int mrt_backup_verify(const struct mrt_context *ctx, const struct mrt_config *config,
                      const struct mrt_verify_options *options, json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	mrt_auto(mrt_manifest) *manifest = NULL;
	mrt_auto(mrt_age_identities) *identities = NULL;
	mrt_auto_json record = NULL;
	struct mrt_error why = { 0 }, other;
	unsigned buffers = 0, threads = 0;
	int rc = mrt_content_fit(config, &threads, &buffers, err);
	if (rc == 0)
		rc = mrt_repository_open(config, buffers, &store, err);
	if (rc == 0)
		rc = mrt_manifest_find(ctx, store, config->platform_name, options->id, NULL,
		                       &manifest, err);
	if (rc == 0 && options->level != MRT_VERIFY_STORED)
		rc = mrt_keys_for(ctx, config, manifest, &identities, err);
	if (rc < 0)
		return rc;
	manifest->threads = threads;
	struct verification v = { .ctx = ctx,
		                  .config = config,
		                  .store = store,
		                  .manifest = manifest,
		                  .begun = ctx->wall() / MRT_SECOND,
		                  .monotonic = mrt_clock_monotonic(),
		                  .is_physical = strcmp(manifest->method, "physical") == 0,
		                  .is_redis = strcmp(manifest->method, "rdb") == 0 };
	static const char *const levels[] = { "content", "stored", "restore" };
	rc = verify(&v, options->level, &why);
	bool judged = rc == 0 || rc == MRT_BAD || rc == MRT_CORRUPT;
	const char *level =
	        v.is_physical && v.physical.level ? v.physical.level : levels[options->level];
	int made = judged ? make_record(&v, level, rc < 0 ? &why : NULL, &record, &other) : 0;
	bool hides = rc == 0 && options->level == MRT_VERIFY_STORED;
	if (judged && made == 0 && !options->no_record && !hides)
		put_record(&v, record);
	if (rc < 0) {
		mrt_prefix(&why, rc, "backup %s", manifest->id);
		if (err)
			*err = why;
		if (judged && made == 0)
			*ret = mrt_steal(record);
		return rc;
	}
	if (made < 0) {
		if (err)
			*err = other;
		return made;
	}
	if (!hides)
		mrt_backup_metrics_verified(ctx, config, manifest->target, v.begun,
		                            (double)(mrt_clock_monotonic() - v.monotonic) /
		                                    (double)MRT_SECOND,
		                            manifest->started);
	*ret = mrt_steal(record);
	return 0;
}
