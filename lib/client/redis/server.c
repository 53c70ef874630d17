/* server.c - starting a private Redis and waiting until it has loaded its snapshot. */
#include "client/redis/server.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/text.h"
#include "client/pg/programs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define LOG_MAX ((size_t)4 << 20)

struct mrt_redis_server {
	struct mrt_child *child;
	char *url, *log;
};

void mrt_redis_server_free(struct mrt_redis_server *s)
{
	if (!s)
		return;
	mrt_child_free(s->child);
	free(s->url);
	free(s->log);
	free(s);
}

const char *mrt_redis_server_url(const struct mrt_redis_server *s)
{
	return s->url;
}

int mrt_redis_server_connect(const struct mrt_redis_server *s, const struct mrt_context *ctx,
                             const struct mrt_redis_options *options, struct mrt_redis **ret,
                             struct mrt_error *err)
{
	struct mrt_redis_options exact = *options;
	exact.peer = mrt_child_pid(s->child);
	return mrt_redis_connect(ctx, s->url, &exact, ret, err);
}

int mrt_redis_server_version(const struct mrt_context *ctx, char *ret, size_t size,
                             struct mrt_error *err)
{
	static const char *const argv[] = { "redis-server", "--version", NULL };
	mrt_autofree char *program = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	int rc = mrt_find_program("redis-server", &program, err);
	if (rc == 0)
		rc = mrt_spawn_capture(ctx, argv, &text, err);
	if (rc < 0)
		return rc;
	/* "Redis server v=7.0.15 sha=..." */
	const char *version = strstr(mrt_buf_text(&text), " v=");
	if (!version)
		return mrt_fail(err, MRT_FAILED, "redis-server --version does not say which");
	snprintf(ret, size, "%.*s", (int)strcspn(version + 3, " \n"), version + 3);
	return 0;
}

/* Its log's last line that is a warning: why it gave up. Is it about what it loaded? */
static bool last_words(const struct mrt_redis_server *s, char *ret, size_t size)
{
	static const char *const about[] = { "RDB", "rdb", "loading", "Loading", "Short read" };
	mrt_auto_buf text = { .ceiling = LOG_MAX };
	const char *line = "it left no word";
	bool found = false;
	snprintf(ret, size, "%s", line);
	if (mrt_file_read(s->log, &text, NULL) < 0)
		return false;
	for (const char *p = mrt_buf_text(&text); *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *end = p + strcspn(p, "\n"), *mark = strstr(p, " # ");
		if (mark && mark < end)
			line = mark + 3;
	}
	snprintf(ret, size, "%.*s", (int)strcspn(line, "\n"), line);
	for (size_t i = 0; i < MRT_COUNT(about); i++)
		found = found || strstr(ret, about[i]);
	return found;
}

/* Does it answer, and has it loaded? *ret_loading is true when it answers, but has not. */
static int ping_server(const struct mrt_redis_server *s, const struct mrt_context *ctx,
                       bool *ret_loading, struct mrt_error *err)
{
	static const char *const ping[] = { "PING", NULL };
	const struct mrt_redis_options options = { .connect_timeout = MRT_SECOND,
		                                   .stall_timeout = 10 * MRT_SECOND };
	mrt_auto(mrt_redis) *redis = NULL;
	int rc = mrt_redis_server_connect(s, ctx, &options, &redis, err);
	if (rc == 0)
		rc = mrt_redis_command(redis, ctx, ping, NULL, err);
	*ret_loading = rc == MRT_REFUSED && mrt_error_has_peer_code(err, "LOADING");
	return rc;
}

static int wait_for(struct mrt_redis_server *s, const struct mrt_context *ctx,
                    const struct mrt_redis_server_options *o, struct mrt_error *err)
{
	int64_t begun = mrt_clock_monotonic();
	bool loading = false;
	for (;;) {
		struct mrt_error why;
		bool now = false;
		int status, rc = ping_server(s, ctx, &now, &why);
		loading = loading || now;
		if (rc == 0)
			return 0;
		rc = mrt_context_check(ctx, err);
		if (rc == 0)
			rc = mrt_child_status(s->child, ctx, 20 * MRT_MILLISECOND, &status, err);
		if (rc < 0 && rc != MRT_DEADLINE)
			return rc;
		int64_t took = mrt_clock_monotonic() - begun;
		if (rc == 0) {
			char words[512];
			bool judged =
			        o->load && WIFEXITED(status) && last_words(s, words, sizeof(words));
			if (!judged)
				last_words(s, words, sizeof(words));
			/* killed, out of memory, no socket: that says nothing about the snapshot */
			return mrt_fail(err, judged ? MRT_BAD : MRT_UNSUPPORTED,
			                judged ? "redis-server does not load it: %s"
			                : WIFSIGNALED(status)
			                        ? "the private Redis was killed; its last words: %s"
			                        : "the private Redis does not start: %s",
			                words);
		}
		if (took > (loading ? o->load_timeout : o->start_timeout))
			return mrt_fail(err, MRT_DEADLINE,
			                "the private Redis was not ready within %" PRId64 " s",
			                took / MRT_SECOND);
	}
}

static int spawn(struct mrt_redis_server *s, const struct mrt_context *ctx, const char *program,
                 const struct mrt_redis_server_options *o, bool deep, struct mrt_error *err)
{
	char databases[24];
	snprintf(databases, sizeof(databases), "%" PRIu64, o->databases > 16 ? o->databases : 16);
	const char *argv[] = { program,
		               "--port",
		               "0",
		               "--unixsocket",
		               s->url + strlen("unix://"),
		               "--unixsocketperm",
		               "700",
		               "--dir",
		               o->dir,
		               "--save",
		               "",
		               "--appendonly",
		               "no",
		               "--daemonize",
		               "no",
		               "--logfile",
		               s->log,
		               "--databases",
		               databases,
		               "--dbfilename",
		               o->load ? MRT_REDIS_SERVER_FILE : "none.rdb",
		               NULL,
		               NULL,
		               NULL };
	size_t n = 0;
	while (argv[n])
		n++;
	if (deep) { /* every value, not only what holds it */
		argv[n] = "--sanitize-dump-payload";
		argv[n + 1] = "yes";
	}
	struct mrt_unprivileged who;
	mrt_autofree char *file = NULL;
	int rc = mrt_unprivileged_find(&who, err);
	if (rc == 0)
		rc = mrt_text_printf(&file, err, "%s/" MRT_REDIS_SERVER_FILE, o->dir);
	if (rc == 0 && who.uid != 0 &&
	    (chown(o->dir, who.uid, who.gid) < 0 || (o->load && chown(file, who.uid, who.gid) < 0)))
		rc = mrt_fail_errno(err, errno, "give %s to %s", o->dir, who.name);
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .dir = o->dir,
		                                   .in = MRT_FD_NULL,
		                                   .out = MRT_FD_NULL,
		                                   .own_group = true,
		                                   .uid = who.uid,
		                                   .gid = who.gid,
		                                   .user_namespace = who.user_namespace };
	return rc < 0 ? rc : mrt_spawn(ctx, &options, &s->child, err);
}

int mrt_redis_server_start(const struct mrt_context *ctx, const struct mrt_redis_server_options *o,
                           struct mrt_redis_server **ret, struct mrt_error *err)
{
	mrt_autofree char *program = NULL;
	char version[32];
	mrt_auto(mrt_redis_server) *s = calloc(1, sizeof(*s));
	if (!s)
		return mrt_no_memory(err);
	int rc = mrt_find_program("redis-server", &program, err);
	if (rc == 0)
		rc = mrt_redis_server_version(ctx, version, sizeof(version), err);
	if (rc == 0)
		rc = mrt_text_printf(&s->url, err, "unix://%s/redis.sock", o->dir);
	if (rc == 0)
		rc = mrt_text_printf(&s->log, err, "%s/log", o->dir);
	if (rc == 0) /* before 6.2 there is no such setting */
		rc = spawn(s, ctx, program, o, o->load && strverscmp(version, "6.2") >= 0, err);
	if (rc == 0)
		rc = wait_for(s, ctx, o, err);
	if (rc == 0)
		*ret = mrt_steal(s);
	return rc;
}
