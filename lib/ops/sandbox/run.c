/* run.c - private servers for one command. */
#include "ops/sandbox/run.h"
#include "base/file.h"
#include "base/text.h"
#include "client/pg/programs.h"
#include "client/redis/server.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define SOCKET_PATH_MAX 107 /* sun_path, less the NUL */
#define LONGEST_NAME 22     /* "/.s.PGSQL.5432.lock" and some air */

struct sandbox {
	char *dir;
	struct mrt_pg_server *postgres;
	struct mrt_redis_server *redis;
};

static int start_redis(const struct mrt_context *ctx, const struct mrt_config *config,
                       struct sandbox *s, struct mrt_error *err)
{
	mrt_autofree char *dir = NULL;
	char version[32];
	if (mrt_redis_server_version(ctx, version, sizeof(version), NULL) == MRT_NOT_FOUND) {
		mrt_info(ctx, "redis-server is not installed: the sandbox has no Redis");
		return 0;
	}
	int rc = mrt_text_printf(&dir, err, "%s/redis", s->dir);
	if (rc == 0)
		rc = mrt_dir_make(dir, 0700, err);
	const struct mrt_redis_server_options options = { .dir = dir,
		                                          .start_timeout =
		                                                  config->limits_server_start };
	return rc < 0 ? rc : mrt_redis_server_start(ctx, &options, &s->redis, err);
}

static int create_tenant(const struct mrt_context *ctx, const struct mrt_config *config,
                         const struct sandbox *s, struct mrt_error *err)
{
	const struct mrt_pg_options options = { .connect_timeout = config->limits_connect };
	mrt_auto(mrt_pg_params) *params = NULL;
	mrt_auto(mrt_pg) *pg = NULL;
	int rc = mrt_pg_server_params(s->postgres, &params, err);
	if (rc == 0)
		rc = mrt_pg_connect(ctx, &options, params, NULL, &pg, err);
	return rc < 0 ? rc : mrt_pg_exec(pg, ctx, err, "CREATE DATABASE school");
}

static int start(const struct mrt_context *ctx, const struct mrt_config *config, struct sandbox *s,
                 struct mrt_error *err)
{
	/* so that a physical backup can be tried, too */
	static const char *const settings[] = { "wal_level=replica", "max_wal_senders=4", NULL };
	const struct mrt_pg_server_options options = {
		.bin_dir = config->postgres_bin_dir,
		.start_timeout = config->limits_server_start,
		.settings = settings,
	};
	int rc = mrt_dir_temporary("maratea-sandbox", SOCKET_PATH_MAX - LONGEST_NAME, &s->dir, err);
	if (rc == 0) /* gives the directory to the user that the servers run as */
		rc = mrt_pg_server_start(ctx, &options, s->dir, &s->postgres, err);
	if (rc == 0)
		rc = create_tenant(ctx, config, s, err);
	return rc < 0 ? rc : start_redis(ctx, config, s, err);
}

/* "MARATEA_STORE_URL" of "store.url" */
static bool is_variable_of(const struct mrt_setting *setting, const char *variable)
{
	static const char prefix[] = "MARATEA_";
	const char *name = setting->name;
	if (strncmp(variable, prefix, sizeof(prefix) - 1) != 0)
		return false;
	for (variable += sizeof(prefix) - 1; *name && *variable != '='; name++, variable++)
		if (*variable !=
		    (*name == '.' || *name == '-' ? '_' : toupper((unsigned char)*name)))
			return false;
	return !*name && *variable == '=';
}

/* COMMAND keeps the caller's environment, but for what would lead it to real servers. */
static bool stays_inside(const char *entry)
{
	static const char *const outside[] = { "DATABASE_URL", "REDIS_URL", "MARATEA_ADMIN_URL",
		                               "MARATEA_STORE_DRIVER", "MARATEA_STORE_ENDPOINT" };
	const char *const *of_libpq = mrt_pg_environment();
	size_t n = strcspn(entry, "=");
	for (size_t i = 0; of_libpq[i]; i++)
		if (strlen(of_libpq[i]) == n && strncmp(of_libpq[i], entry, n) == 0)
			return false;
	for (size_t i = 0; i < MRT_COUNT(outside); i++)
		if (strlen(outside[i]) == n && strncmp(outside[i], entry, n) == 0)
			return false;
	for (size_t i = 0; i < mrt_n_settings; i++)
		if ((mrt_settings[i].kind == MRT_URL || mrt_settings[i].kind == MRT_SECRET) &&
		    is_variable_of(&mrt_settings[i], entry))
			return false;
	return true;
}

static int run_command(const struct mrt_context *ctx, const struct sandbox *s,
                       const char *const *argv, int *ret_status, struct mrt_error *err)
{
	mrt_autofree char *database = NULL, *redis = NULL, *store = NULL, *dir = NULL;
	int rc =
	        mrt_text_printf(&database, err, "DATABASE_URL=postgresql:///school?host=%s&user=%s",
	                        s->dir, mrt_pg_server_user(s->postgres));
	if (rc == 0)
		rc = mrt_text_printf(&redis, err, "REDIS_URL=%s?db=0",
		                     s->redis ? mrt_redis_server_url(s->redis) : "");
	if (rc == 0)
		rc = mrt_text_printf(&store, err, "MARATEA_STORE=file://%s/store", s->dir);
	if (rc == 0)
		rc = mrt_text_printf(&dir, err, "MARATEA_SANDBOX=%s", s->dir);
	if (rc < 0)
		return rc;
	const char *const set[] = {
		database, store, dir, "MARATEA_CONFIG=/dev/null", s->redis ? redis : NULL, NULL
	};
	const struct mrt_spawn_options spawn = { .argv = argv,
		                                 .set = set,
		                                 .inherits = stays_inside,
		                                 .in = MRT_FD_INHERIT,
		                                 .out = MRT_FD_INHERIT,
		                                 .inherit_stderr = true };
	mrt_auto(mrt_child) *child = NULL;
	int status = 0;
	rc = mrt_spawn(ctx, &spawn, &child, err);
	if (rc == 0)
		rc = mrt_child_status(child, ctx, -1, &status, err);
	if (rc == 0)
		*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return rc;
}

static void stop(const struct mrt_context *ctx, struct sandbox *s)
{
	struct mrt_error why;
	mrt_redis_server_free(s->redis);
	mrt_pg_server_free(s->postgres);
	if (s->dir && mrt_dir_remove(s->dir, &why) < 0)
		mrt_warn_because(ctx, &why, "%s stays", s->dir);
	free(s->dir);
}

int mrt_sandbox_run(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *const *argv, int *ret_status, struct mrt_error *err)
{
	struct sandbox s = { 0 };
	int rc = start(ctx, config, &s, err);
	if (rc < 0)
		mrt_prefix(err, rc, "start the sandbox");
	if (rc == 0)
		rc = run_command(ctx, &s, argv, ret_status, err);
	stop(ctx, &s);
	return rc;
}
