/* redis.c - a Redis snapshot, walked through as it passes, into the store. */
#include "ops/backup/redis.h"
#include "base/rate.h"
#include "base/text.h"
#include "client/redis/connection.h"
#include "codec/rdb.h"
#include "ops/backup/stores.h"
#include "repository/keys.h"
#include "repository/redis_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct redis_work {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_backup_options *options;
	char id[MRT_BACKUP_ID_SIZE];
	char *folder;
	int64_t started, next_beat;
	unsigned alive;
	struct mrt_backup_run_stores *stores;
	struct mrt_store *store; /* all of them */
	struct mrt_age_recipients *recipients;
	struct mrt_content_options content;
	struct mrt_content_writer *writer;
	struct mrt_rate rate;
	struct mrt_redis *redis;
	struct mrt_rdb *rdb;
	char version[32], run_id[64], role[16];
	json_t *object;
};

static void work_release(struct redis_work *w)
{
	json_decref(w->object);
	mrt_content_writer_free(w->writer);
	mrt_rdb_free(w->rdb);
	mrt_rate_release(&w->rate);
	mrt_redis_free(w->redis);
	mrt_backup_run_stores_free(w->stores);
	mrt_age_recipients_free(w->recipients);
	free(w->folder);
}

int mrt_backup_run_redis_options(const struct mrt_backup_options *o, struct mrt_error *err)
{
	if (o->n_databases > 0 || o->plain_role_passwords || o->allow_warnings ||
	    o->adopt_cluster || o->spread || o->allow_damaged || o->server_compression ||
	    o->max_wal_retained || o->manifest_checksums)
		return mrt_fail(err, MRT_USAGE,
		                "with redis go --label, --recipient, --max-rate, --accept-shrink, "
		                "--dry-run and what tells monitoring only");
	return 0;
}

static int may_not(int rc, struct mrt_error *err)
{
	if (rc == MRT_REFUSED && mrt_error_has_peer_code(err, "NOPERM"))
		mrt_hint(err,
		         "the user needs: ACL SETUSER NAME +psync +sync +replconf +ping +info");
	return rc;
}

static int connect_server(struct redis_work *w, struct mrt_error *err)
{
	static const char *const info[] = { "INFO", "server", NULL };
	static const char *const replication[] = { "INFO", "replication", NULL };
	const struct mrt_redis_options options = { .dns = mrt_config_dns(w->config),
		                                   .ca_file = w->config->redis_ca_file,
		                                   .connect_timeout = w->config->limits_connect,
		                                   .stall_timeout = w->config->limits_stall };
	mrt_auto_buf text = MRT_BUF_INIT;
	if (!w->config->redis_url) {
		mrt_fail(err, MRT_CONFIG, "there is no Redis to back up");
		return mrt_hint(err, "set redis.url, or REDIS_URL");
	}
	int rc = mrt_redis_connect(w->ctx, w->config->redis_url, &options, &w->redis, err);
	if (rc == 0)
		rc = mrt_redis_command(w->redis, w->ctx, info, &text, err);
	if (rc == 0)
		rc = mrt_redis_command(w->redis, w->ctx, replication, &text, err);
	if (rc < 0)
		return may_not(rc, err);
	mrt_redis_info(mrt_buf_text(&text), "redis_version", w->version, sizeof(w->version));
	mrt_redis_info(mrt_buf_text(&text), "run_id", w->run_id, sizeof(w->run_id));
	mrt_redis_info(mrt_buf_text(&text), "role", w->role, sizeof(w->role));
	return 0;
}

/* A sign of life for prune, and for whoever waits for the lock. */
static int beat(struct redis_work *w, struct mrt_error *err)
{
	mrt_autofree char *key = NULL;
	int64_t now = mrt_clock_monotonic();
	int rc = mrt_backup_run_stores_renew(w->stores, w->ctx, err);
	if (rc < 0 || now < w->next_beat)
		return rc;
	w->next_beat = now + w->config->limits_alive;
	rc = mrt_text_printf(&key, err, "%salive-%u", w->folder, w->alive++);
	return rc < 0 ? rc : mrt_store_put_bytes(w->store, w->ctx, key, w->id, strlen(w->id), err);
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct redis_work *w = context;
	int rc = mrt_context_check(w->ctx, err);
	if (rc == 0)
		rc = mrt_rdb_feed(w->rdb, data, len, err);
	if (rc == 0)
		rc = mrt_sink_write(mrt_content_sink(w->writer), data, len, err);
	mrt_context_progress(w->ctx, len);
	if (rc == 0)
		rc = mrt_rate_spend(&w->rate, w->ctx, len, err);
	return rc < 0 ? rc : beat(w, err);
}

static int add_databases(const struct mrt_rdb_info *info, json_t *list, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < info->n_databases; i++) {
		const struct mrt_rdb_database *d = &info->databases[i];
		json_t *item = json_object();
		char name[24];
		snprintf(name, sizeof(name), "%" PRIu64, d->number);
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", name, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "keys", d->keys, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "expires", d->expires, err);
	}
	return rc;
}

static int add_redis(const struct mrt_rdb_info *info, json_t *redis, struct mrt_error *err)
{
	json_t *modules = json_array();
	int rc = mrt_json_set_size(redis, "keys", info->keys, err);
	if (rc == 0)
		rc = mrt_json_set_size(redis, "functions", info->functions, err);
	if (rc == 0)
		rc = mrt_json_set_size(redis, "rdb_version", info->version, err);
	if (rc == 0)
		rc = mrt_json_set_text(redis, "crc", info->checksum ? "checked" : "disabled", err);
	if (rc == 0)
		rc = mrt_json_set_text(redis, "replication_id", info->replication_id, err);
	if (rc == 0)
		rc = mrt_json_set_text(redis, "replication_offset", info->replication_offset, err);
	if (rc == 0)
		rc = mrt_json_set(redis, "modules", modules, err);
	for (const char *p = mrt_buf_text(&info->modules); rc == 0 && *p; p += 10)
		rc = mrt_json_append(modules, json_stringn(p, 9), err);
	return rc;
}

static int describe_snapshot(const struct redis_work *w, json_t *json, struct mrt_error *err)
{
	char started[MRT_TIME_SIZE];
	mrt_time_format(w->started, MRT_TIME_RFC3339, started);
	json_t *server = json_object();
	const char *const texts[][2] = {
		{ "id", w->id },
		{ "platform", w->config->platform_name },
		{ "target", w->options->target },
		{ "method", "rdb" },
		{ "label", w->options->label },
		{ "maratea", MRT_VERSION },
		{ "started", started },
		{ "compression", w->config->backup_compression },
	};
	int rc = mrt_json_set_size(json, "format", MRT_MANIFEST_FORMAT, err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set(json, "whole", json_true(), err);
	if (rc == 0)
		rc = mrt_json_set(json, "server", server, err);
	if (rc == 0)
		rc = mrt_json_set_text(server, "version", w->version, err);
	if (rc == 0)
		rc = mrt_json_set_text(server, "run_id", w->run_id, err);
	return rc < 0 ? rc : mrt_json_set_text(server, "role", w->role, err);
}

static int make_manifest(struct redis_work *w, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	char ended[MRT_TIME_SIZE];
	const struct mrt_rdb_info *info = mrt_rdb_info(w->rdb);
	json_t *databases = json_array(), *objects = json_array(), *redis = json_object(),
	       *warnings = json_array();
	mrt_time_format(w->ctx->wall() / MRT_SECOND, MRT_TIME_RFC3339, ended);
	int rc = json ? describe_snapshot(w, json, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "ended", ended, err);
	if (rc == 0)
		rc = mrt_json_set(json, "databases", databases, err);
	if (rc == 0)
		rc = mrt_json_set(json, "redis", redis, err);
	if (rc == 0)
		rc = mrt_json_set(json, "objects", objects, err);
	if (rc == 0)
		rc = mrt_json_set(json, "warnings", warnings, err);
	if (rc == 0)
		rc = add_databases(info, databases, err);
	if (rc == 0)
		rc = add_redis(info, redis, err);
	if (rc == 0)
		rc = mrt_json_append(objects, json_incref(w->object), err);
	if (rc == 0 && !info->checksum)
		rc = mrt_json_append(warnings,
		                     json_string("the server makes no checksums (rdbchecksum no): "
		                                 "what it sent wrongly is not noticed"),
		                     err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int stream(struct redis_work *w, struct mrt_error *err)
{
	int rc = mrt_rdb_new(&w->rdb, err);
	if (rc == 0)
		rc = mrt_content_open(w->ctx, w->store, w->folder, MRT_REDIS_OBJECT, &w->content,
		                      &w->writer, err);
	if (rc == 0)
		rc = may_not(mrt_redis_snapshot(w->redis, w->ctx, on_data, w, err), err);
	if (rc == 0)
		rc = mrt_rdb_end(w->rdb, err);
	/* what came is bad; nothing that we keep is */
	if (rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED)
		rc = mrt_fail_because(err, MRT_FAILED, err, "the snapshot of %s is not whole",
		                      mrt_redis_where(w->redis));
	return rc < 0 ? rc : mrt_content_commit(w->writer, &w->object, err);
}

static int perform(struct redis_work *w, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = NULL;
	mrt_progress_begin(w->ctx->progress, "backing up", 0);
	w->next_beat = mrt_clock_monotonic() + w->config->limits_alive;
	int rc = stream(w, err);
	if (rc == 0)
		rc = make_manifest(w, &json, err);
	if (rc == 0)
		rc = mrt_backup_run_stores_put_manifest(w->stores, w->ctx, w->folder, json, err);
	mrt_content_writer_free(mrt_steal(w->writer));
	mrt_backup_run_stores_clean_up(w->stores, w->ctx, w->folder);
	mrt_progress_end(w->ctx->progress);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int plan(struct redis_work *w, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	int rc = json ? describe_snapshot(w, json, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_true(), err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "store", w->store->name, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "program", mrt_redis_where(w->redis), err);
	if (rc == 0)
		rc = mrt_json_set(json, "databases", json_array(), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_backup_run_redis(const struct mrt_context *ctx, const struct mrt_config *config,
                         const struct mrt_backup_options *options, json_t **ret,
                         struct mrt_error *err)
{
	mrt_cleanup(work_release) struct redis_work w = { .ctx = ctx,
		                                          .config = config,
		                                          .options = options };
	mrt_rate_init(&w.rate, options->max_rate);
	w.started = ctx->wall() / MRT_SECOND;
	char who[64];
	mrt_backup_id_new(ctx, w.id);
	snprintf(who, sizeof(who), "backup run %s", w.id);
	int rc = mrt_config_name_check("platform", config->platform_name, err);
	if (rc == 0)
		rc = mrt_keys_recipients(config, options->recipients, options->n_recipients,
		                         &w.recipients, err);
	w.content.recipients = w.recipients;
	w.content.locked_since = w.started;
	w.content.brisk = true;
	if (rc == 0)
		rc = mrt_backup_key(config->platform_name, options->target, w.id, "", &w.folder,
		                    err);
	if (rc == 0)
		rc = mrt_backup_run_stores_open(ctx, config, 1, &w.content, &w.stores, err);
	if (rc == 0)
		w.store = mrt_backup_run_stores_all(w.stores);
	if (rc == 0)
		rc = connect_server(&w, err);
	if (rc == 0)
		rc = mrt_backup_run_stores_check_clock(w.stores, ctx, err);
	if (rc == 0 && options->dry_run) {
		rc = plan(&w, ret, err);
		return rc < 0 ? rc : mrt_backup_run_stores_report(w.stores, ctx, *ret, err);
	}
	if (rc == 0)
		rc = mrt_backup_run_stores_lock(w.stores, ctx, options->target, who, NULL, err);
	if (rc == 0)
		rc = perform(&w, ret, err);
	if (rc == 0 && !options->accept_shrink)
		rc = mrt_backup_run_stores_check_shrink(w.stores, ctx, options->target, w.id, err);
	return rc < 0 && !*ret ? rc : mrt_backup_run_stores_result(w.stores, ctx, rc, *ret, err);
}
