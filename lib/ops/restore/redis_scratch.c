/* redis_scratch.c - a snapshot into a file, redis-server over it, and what it says it has. */
#include "ops/restore/redis_scratch.h"
#include "base/file.h"
#include "base/text.h"
#include "client/redis/server.h"
#include "repository/redis_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define LONGEST_PATH 80 /* of the directory: a socket's path has 107 bytes */

struct mrt_redis_scratch {
	const struct mrt_context *ctx;
	char *dir;
	struct mrt_redis_server *server;
	struct mrt_redis *redis;
};

void mrt_redis_scratch_free(struct mrt_redis_scratch *s)
{
	struct mrt_error why;
	if (!s)
		return;
	mrt_redis_free(s->redis);
	mrt_redis_server_free(s->server);
	if (s->dir && mrt_dir_remove(s->dir, &why) < 0)
		mrt_warn_because(s->ctx, &why, "%s stays", s->dir);
	free(s->dir);
	free(s);
}

struct mrt_redis *mrt_redis_scratch_redis(const struct mrt_redis_scratch *s)
{
	return s->redis;
}

/* An older server does not know newer snapshots, none knows the values of modules it has not. */
static int check_server(const struct mrt_context *ctx, const struct mrt_manifest *m,
                        struct mrt_error *err)
{
	const json_t *redis = json_object_get(m->json, "redis");
	const char *made = mrt_json_text_or(json_object_get(m->json, "server"), "version", "");
	const json_t *modules = json_object_get(redis, "modules");
	char here[32];
	if (json_array_size(modules) > 0)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "the snapshot holds values of the module %s, which a private "
		                "redis-server does not have",
		                json_string_value(json_array_get(modules, 0)));
	int rc = mrt_redis_server_version(ctx, here, sizeof(here), err);
	if (rc == MRT_NOT_FOUND) {
		mrt_fail(err, MRT_UNSUPPORTED, "no redis-server is installed to load it");
		return mrt_hint(err, "install redis-server (Debian, Ubuntu) or redis (RHEL)");
	}
	/* the format changes with the second number */
	size_t minor = strcspn(made, ".");
	minor += made[minor] ? 1 + strcspn(made + minor + 1, ".") : 0;
	mrt_autofree char *needed = NULL;
	if (rc == 0)
		rc = mrt_text_printf(&needed, err, "%.*s", (int)minor, made);
	if (rc == 0 && strverscmp(here, needed) < 0)
		rc = mrt_fail(err, MRT_UNSUPPORTED,
		              "the snapshot is of Redis %s; redis-server here is %s", made, here);
	return rc;
}

static int check_space(const char *dir, uint64_t needed, struct mrt_error *err)
{
	uint64_t free = 0;
	char have[MRT_SIZE_SIZE], want[MRT_SIZE_SIZE];
	int rc = mrt_dir_free_space(dir, &free, err);
	if (rc < 0 || free >= needed)
		return rc;
	mrt_size_format(free, have);
	mrt_size_format(needed, want);
	mrt_fail(err, MRT_NO_SPACE, "%s has %s free; the snapshot has %s", dir, have, want);
	return mrt_hint(err, "set TMPDIR to a directory with more room");
}

static int write_on(void *context, const void *data, size_t len, struct mrt_error *err)
{
	return mrt_fd_write(*(const int *)context, MRT_REDIS_SERVER_FILE, data, len, err);
}

static int read_snapshot(const struct mrt_context *ctx, struct mrt_store *store,
                         const struct mrt_manifest *m, const char *dir, struct mrt_error *err)
{
	mrt_autofree char *path = NULL;
	int rc = mrt_text_printf(&path, err, "%s/" MRT_REDIS_SERVER_FILE, dir);
	if (rc < 0)
		return rc;
	mrt_autofd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return mrt_fail_errno(err, errno, "create %s", path);
	return mrt_redis_read(ctx, store, m, write_on, &fd, err);
}

static int compare(const struct mrt_redis_scratch *s, const struct mrt_manifest *m,
                   struct mrt_error *err)
{
	static const char *const info[] = { "INFO", "keyspace", NULL };
	mrt_auto_buf text = MRT_BUF_INIT;
	const json_t *d;
	size_t i;
	int rc = mrt_redis_command(s->redis, s->ctx, info, &text, err);
	json_array_foreach (m->databases, i, d) {
		const char *name = mrt_json_text_or(d, "name", "");
		uint64_t keys = mrt_json_size_or(d, "keys", 0), found_keys;
		uint64_t expires = mrt_json_size_or(d, "expires", 0), found_expires;
		if (rc < 0)
			break;
		mrt_redis_keyspace(mrt_buf_text(&text), name, &found_keys, &found_expires);
		if (found_keys - found_expires != keys - expires || found_expires > expires)
			rc = mrt_fail(err, MRT_BAD,
			              "database %s has %" PRIu64 " keys once loaded, %" PRIu64
			              " of them with a time to live; the manifest says %" PRIu64
			              " and %" PRIu64,
			              name, found_keys, found_expires, keys, expires);
	}
	return rc;
}

static uint64_t databases(const struct mrt_manifest *m)
{
	const json_t *d;
	size_t i;
	int64_t most = 0, n = 0;
	json_array_foreach (m->databases, i, d)
		if (mrt_number_parse(mrt_json_text_or(d, "name", ""), 0, INT32_MAX - 1, &n, NULL) ==
		            0 &&
		    n > most)
			most = n;
	return (uint64_t)most + 1;
}

int mrt_redis_scratch_open(const struct mrt_context *ctx, const struct mrt_config *config,
                           struct mrt_store *store, const struct mrt_manifest *m,
                           struct mrt_redis_scratch **ret, struct mrt_error *err)
{
	mrt_auto(mrt_redis_scratch) *s = calloc(1, sizeof(*s));
	if (!s)
		return mrt_no_memory(err);
	s->ctx = ctx;
	int rc = check_server(ctx, m, err);
	if (rc == 0)
		rc = mrt_dir_temporary("maratea-redis", LONGEST_PATH, &s->dir, err);
	if (rc == 0)
		rc = check_space(s->dir, m->size, err);
	if (rc == 0)
		rc = read_snapshot(ctx, store, m, s->dir, err);
	const struct mrt_redis_server_options server = {
		.dir = s->dir,
		.load = true,
		.databases = databases(m),
		.start_timeout = config->limits_server_start,
		.load_timeout = config->limits_recovery,
	};
	const struct mrt_redis_options options = { .connect_timeout = config->limits_connect,
		                                   .stall_timeout = config->limits_stall };
	if (rc == 0)
		rc = mrt_redis_server_start(ctx, &server, &s->server, err);
	if (rc == 0)
		rc = mrt_redis_server_connect(s->server, ctx, &options, &s->redis, err);
	if (rc == 0)
		rc = compare(s, m, err);
	if (rc == 0)
		*ret = mrt_steal(s);
	return rc;
}
