/* redis.c - a snapshot back into a file. */
#include "ops/restore/redis.h"
#include "base/file.h"
#include "base/text.h"
#include "ops/restore/redis_live.h"
#include "repository/redis_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct target {
	int fd;
	const char *path;
};

static int write_on(void *context, const void *data, size_t len, struct mrt_error *err)
{
	const struct target *t = context;
	return mrt_fd_write(t->fd, t->path, data, len, err);
}

static int write_file(const struct mrt_context *ctx, struct mrt_store *store,
                      const struct mrt_manifest *manifest, const char *path, struct mrt_error *err)
{
	mrt_autofree char *temporary = NULL;
	char suffix[13];
	mrt_random_hex(6, suffix);
	int rc = mrt_text_printf(&temporary, err, "%s.tmp-%s", path, suffix);
	if (rc < 0)
		return rc;
	mrt_autofd fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return mrt_fail_errno(err, errno, "create %s", temporary);
	struct target target = { fd, path };
	rc = mrt_redis_read(ctx, store, manifest, write_on, &target, err);
	if (rc == 0 && (fsync(fd) < 0 || link(temporary, path) < 0))
		rc = errno == EEXIST ? mrt_fail(err, MRT_EXISTS, "%s exists already", path)
		                     : mrt_fail_errno(err, errno, "write %s", path);
	unlink(temporary);
	return rc < 0 ? rc : mrt_dir_sync_parent(path, err);
}

static int report(const struct mrt_manifest *m, const char *path, json_t **ret,
                  struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	const json_t *redis = json_object_get(m->json, "redis");
	int rc = json ? mrt_json_set_text(json, "id", m->id, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "to_file", path, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "size", m->size, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "keys", mrt_json_size_or(redis, "keys", 0), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_restore_redis(const struct mrt_context *ctx, const struct mrt_config *config,
                      struct mrt_store *store, const struct mrt_manifest *manifest,
                      const struct mrt_restore_options *o, json_t **ret, struct mrt_error *err)
{
	if (o->database || o->swap || o->to_database || o->jobs || o->scratch || o->no_owner ||
	    o->no_tablespaces || o->to_dir || o->globals || o->replace_roles ||
	    o->force_downgrade || o->n_tablespaces > 0 || o->owner)
		return mrt_fail(err, MRT_USAGE,
		                "%s is a backup of Redis: with it go --to FILE or --to-redis URL, "
		                "--replace, --identity, --dry-run and --yes only",
		                manifest->id);
	if (!o->to == !o->to_redis) {
		mrt_fail(err, MRT_USAGE, "%s is a backup of Redis: where is it to go?",
		         manifest->id);
		return mrt_hint(err, "--to FILE writes the dump.rdb that redis-server starts from, "
		                     "--to-redis URL puts it into a server that runs");
	}
	if (o->to_redis)
		return mrt_restore_redis_live(ctx, config, store, manifest, o, ret, err);
	if (strstr(o->to, "://")) {
		mrt_fail(err, MRT_USAGE, "with a backup of Redis, --to takes a file");
		return mrt_hint(err, "into a server that runs: --to-redis URL");
	}
	if (access(o->to, F_OK) == 0)
		return mrt_fail(err, MRT_EXISTS, "%s exists already", o->to);
	if (!o->dry_run) {
		mrt_progress_begin(ctx->progress, "restoring", manifest->stored_size);
		int rc = write_file(ctx, store, manifest, o->to, err);
		mrt_progress_end(ctx->progress);
		if (rc < 0)
			return rc;
	}
	return report(manifest, o->to, ret, err);
}
