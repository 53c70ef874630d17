/* run.c - "backup run": one target or all of them, and what monitoring is told. */
#include "ops/backup/run.h"
#include "config/targets.h"
#include "ops/backup/metrics.h"
#include "ops/backup/postgres.h"
#include "ops/backup/redis.h"
#include "platform/audit_note.h"

#include <string.h>

static int check_options(const struct mrt_backup_options *o, struct mrt_error *err)
{
	if (o->label && strlen(o->label) > 1024)
		return mrt_fail(err, MRT_USAGE, "the label is longer than 1,024 bytes");
	for (const char *p = o->label; p && *p; p++)
		if ((unsigned char)*p < 32)
			return mrt_fail(err, MRT_USAGE, "the label holds a control character");
	if (o->max_rate > 0 &&
	    (o->max_rate < ((uint64_t)32 << 10) || o->max_rate > (uint64_t)1 << 30))
		return mrt_fail(err, MRT_USAGE, "--max-rate is between 32 KiB and 1 GiB a second");
	if (!o->target && (o->n_databases > 0 || o->plain_role_passwords || o->allow_warnings ||
	                   o->adopt_cluster || o->spread || o->allow_damaged ||
	                   o->server_compression || o->max_wal_retained || o->manifest_checksums))
		return mrt_fail(err, MRT_USAGE,
		                "without a TARGET, all of them are backed up: what is of one only "
		                "needs its name");
	return 0;
}

/* What monitoring is told, whatever the end. */
static void tell_monitoring(const struct mrt_context *ctx, const struct mrt_config *config,
                            const char *target, int64_t took, const json_t *manifest, int code)
{
	struct mrt_backup_outcome outcome = {
		.target = target,
		.ended = ctx->wall() / MRT_SECOND,
		.duration = (double)took / (double)MRT_SECOND,
		.exit_status = mrt_code_exit_status((enum mrt_code)code),
	};
	const json_t *object;
	size_t i;
	json_array_foreach (json_object_get(manifest, "objects"), i, object) {
		outcome.size += mrt_json_size_or(object, "size", 0);
		outcome.stored += mrt_json_size_or(object, "stored_size", 0);
	}
	mrt_backup_metrics(ctx, config, &outcome);
}

static int run_one(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_backup_options *options, const char *name, json_t **ret,
                   struct mrt_error *err)
{
	mrt_cleanup(mrt_target_release) struct mrt_target target = { 0 };
	struct mrt_backup_options one = *options;
	int rc = mrt_target_find(ctx, config, name, &target, err);
	one.target = target.name;
	one.method = target.redis ? "rdb" : rc == 0 ? target.config->backup_method : NULL;
	if (rc == 0)
		rc = target.redis ? mrt_backup_run_redis_options(&one, err)
		                  : mrt_backup_run_physical_options(&one, err);
	if (rc < 0)
		return rc;
	int64_t begun = mrt_clock_monotonic();
	rc = target.redis ? mrt_backup_run_redis(ctx, target.config, &one, ret, err)
	                  : mrt_backup_run_postgres(ctx, target.config, &one, ret, err);
	if (!options->dry_run)
		tell_monitoring(ctx, target.config, name, mrt_clock_monotonic() - begun, *ret, rc);
	return rc;
}

/* Several failures have the code that they share, else that of a failure. */
static int common(int before, int code)
{
	if (before == 0)
		return code;
	return mrt_code_exit_status((enum mrt_code)before) ==
	                       mrt_code_exit_status((enum mrt_code)code)
	               ? before
	               : MRT_FAILED;
}

static int note_target(json_t *list, const char *name, const char *status, json_t *backup,
                       struct mrt_log *log, const struct mrt_error *why, struct mrt_error *err)
{
	mrt_auto_json owned = backup;
	json_t *item = json_object();
	int rc = mrt_json_append(list, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "target", name, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "status", status, err);
	if (rc == 0)
		rc = mrt_json_set_error(item, "error", log, why, err);
	return rc < 0 || !owned ? rc : mrt_json_set(item, "backup", mrt_steal(owned), err);
}

static int run_all(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_backup_options *options, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	mrt_auto_buf failed = MRT_BUF_INIT;
	json_t *list = json_array();
	size_t n = 0, n_failed = 0;
	int code = 0, rc = json ? mrt_json_set(json, "targets", list, err) : mrt_no_memory(err);
	if (rc == 0 && !mrt_target_configured(config, 0)) {
		mrt_fail(err, MRT_CONFIG, "there is nothing to back up: no target is configured");
		return mrt_hint(err, "set postgres.url, redis.url or targets");
	}
	for (const char *name; rc == 0 && (name = mrt_target_configured(config, n)); n++) {
		struct mrt_error why = { 0 };
		json_t *backup = NULL;
		bool tried = mrt_context_check(ctx, NULL) == 0;
		int one = tried ? run_one(ctx, config, options, name, &backup, &why)
		                : mrt_context_check(ctx, &why);
		if (tried && one < 0) {
			mrt_log_error(ctx->log, MRT_LOG_WARNING, &why, true, "%s", name);
		}
		rc = note_target(list, name,
		                 !tried    ? "not tried"
		                 : one < 0 ? "failed"
		                           : "done",
		                 backup, ctx->log, tried && one < 0 ? &why : NULL, err);
		if (one < 0) {
			mrt_buf_printf(&failed, "%s%s", n_failed++ ? ", " : "", name);
			code = one == MRT_CANCELLED ? one : common(code, one);
		}
	}
	if (rc == 0)
		rc = mrt_buf_check(&failed, err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	if (n_failed == 0)
		return 0;
	return mrt_fail(err, (enum mrt_code)code, "%zu of %zu targets failed: %s", n_failed, n,
	                mrt_buf_text(&failed));
}

static void note_backup(const struct mrt_context *ctx, const struct mrt_config *config,
                        const json_t *backup)
{
	const char *id = mrt_json_text_or(backup, "id", NULL);
	if (id)
		mrt_audit_note(ctx, config, "backup.run",
		               json_pack("{s:s, s:s}", "backup", id, "target",
		                         mrt_json_text_or(backup, "target", "")));
}

static void note_backups(const struct mrt_context *ctx, const struct mrt_config *config,
                         const json_t *report)
{
	const json_t *list = json_object_get(report, "targets"), *item;
	size_t i;
	if (!list)
		note_backup(ctx, config, report);
	json_array_foreach (list, i, item)
		note_backup(ctx, config, json_object_get(item, "backup"));
}

int mrt_backup_run(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_backup_options *options, json_t **ret, struct mrt_error *err)
{
	struct mrt_pinger pinger = { .id = "" };
	struct mrt_error local;
	err = err ? err : &local;
	int rc = check_options(options, err);
	if (rc < 0)
		return rc;
	if (!options->dry_run)
		mrt_ping(ctx, config, &pinger, MRT_PING_START, NULL);
	rc = options->target ? run_one(ctx, config, options, options->target, ret, err)
	                     : run_all(ctx, config, options, ret, err);
	if (!options->dry_run)
		note_backups(ctx, config, *ret);
	if (!options->dry_run)
		mrt_ping(ctx, config, &pinger, rc < 0 ? MRT_PING_FAIL : MRT_PING_OK,
		         rc < 0 ? err : NULL);
	return rc;
}
