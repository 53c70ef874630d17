/* server.c - a private PostgreSQL server: unix socket only, not durable, gone with us. */
#include "base/file.h"
#include "base/text.h"
#include "client/pg/programs.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct mrt_pg_server {
	struct mrt_child *child;
	struct mrt_unprivileged who;
	char *dir, *data, *url;
};

int mrt_unprivileged_find(struct mrt_unprivileged *ret, struct mrt_error *err)
{
	*ret = (struct mrt_unprivileged) { 0 };
	struct passwd entry, *found = NULL;
	char room[4096];
	if (getuid() != 0) {
		getpwuid_r(getuid(), &entry, room, sizeof(room), &found);
		/* PostgreSQL refuses a uid without a passwd entry: 65534 is nobody everywhere */
		ret->user_namespace = !found;
		if (!found)
			getpwuid_r(65534, &entry, room, sizeof(room), &found);
		snprintf(ret->name, sizeof(ret->name), "%s", found ? found->pw_name : "nobody");
		return 0;
	}
	static const char *const names[] = { "postgres", "nobody" };
	for (size_t i = 0; i < 2 && !found; i++)
		getpwnam_r(names[i], &entry, room, sizeof(room), &found);
	if (!found)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "a private server cannot run as root, and "
		                "there is no user postgres or nobody to run it as");
	ret->uid = found->pw_uid;
	ret->gid = found->pw_gid;
	snprintf(ret->name, sizeof(ret->name), "%s", found->pw_name);
	return 0;
}

static int as_unprivileged(const struct mrt_context *ctx, const struct mrt_pg_server *s,
                           const char *const *argv, struct mrt_child **ret, struct mrt_error *err)
{
	static const char *const set[] = { "LC_ALL=C.UTF-8", NULL };
	const struct mrt_spawn_options spawn = {
		.argv = argv,
		.set = set,
		.dir = s->dir,
		.in = MRT_FD_NULL,
		.out = MRT_FD_NULL,
		.own_group = true,
		.uid = s->who.uid,
		.gid = s->who.gid,
		.user_namespace = s->who.user_namespace,
	};
	return mrt_spawn(ctx, &spawn, ret, err);
}

static int init_data(const struct mrt_context *ctx, const struct mrt_pg_server *s,
                     const char *initdb, struct mrt_error *err)
{
	mrt_autofree char *user = NULL;
	int rc = mrt_text_printf(&user, err, "--username=%s", s->who.name);
	const char *const argv[] = { initdb,
		                     "--pgdata",
		                     s->data,
		                     user,
		                     "--auth=trust",
		                     "--encoding=UTF8",
		                     "--locale=C.UTF-8",
		                     "--no-sync",
		                     "--no-instructions",
		                     NULL };
	mrt_auto(mrt_child) *child = NULL;
	if (rc == 0)
		rc = as_unprivileged(ctx, s, argv, &child, err);
	return rc < 0 ? rc : mrt_child_wait(child, ctx, err);
}

/* Nothing of it outlives us, so nothing needs to be durable; nobody else may connect. */
static const char *const private_settings[] = {
	"listen_addresses=",
	"port=5432",
	"unix_socket_permissions=0700",
	"fsync=off",
	"full_page_writes=off",
	"synchronous_commit=off",
	"max_wal_size=4GB",
	"shared_buffers=64MB",
	"shared_preload_libraries=",
	"max_logical_replication_workers=0",
	"archive_mode=off",
};
static const char *const fresh_settings[] = { "wal_level=minimal", "max_wal_senders=0",
	                                      "max_locks_per_transaction=256" };

#define ARGUMENTS 96

static void add_settings(const char **argv, size_t *n, const char *const *settings, size_t count)
{
	mrt_assert(*n + 2 * count < ARGUMENTS);
	for (size_t i = 0; i < count; i++) {
		argv[(*n)++] = "-c";
		argv[(*n)++] = settings[i];
	}
}

static int launch(const struct mrt_context *ctx, struct mrt_pg_server *s,
                  const struct mrt_pg_server_options *o, const char *postgres,
                  struct mrt_error *err)
{
	mrt_autofree char *socket = NULL, *config = NULL, *hba = NULL, *ident = NULL;
	const char *argv[ARGUMENTS] = { postgres, "-D", s->data };
	size_t n = 3;
	int rc = mrt_text_printf(&socket, err, "unix_socket_directories=%s", s->dir);
	if (rc == 0)
		rc = mrt_text_printf(&config, err, "config_file=%s/postgresql.conf", s->dir);
	if (rc == 0)
		rc = mrt_text_printf(&hba, err, "hba_file=%s/pg_hba.conf", s->dir);
	if (rc == 0)
		rc = mrt_text_printf(&ident, err, "ident_file=%s/pg_ident.conf", s->dir);
	if (rc < 0)
		return rc;
	add_settings(argv, &n, (const char *const *)&socket, 1);
	add_settings(argv, &n, private_settings, MRT_COUNT(private_settings));
	if (o->restored) {
		const char *const own[] = { config,
			                    hba,
			                    ident,
			                    "primary_conninfo=",
			                    "restore_command=",
			                    "wal_level=replica",
			                    "logging_collector=off",
			                    "log_destination=stderr",
			                    "ssl=off",
			                    "autovacuum=off" };
		add_settings(argv, &n, own, MRT_COUNT(own));
	} else {
		add_settings(argv, &n, fresh_settings, MRT_COUNT(fresh_settings));
	}
	for (const char *const *p = o->settings; p && *p; p++)
		add_settings(argv, &n, p, 1);
	argv[n] = NULL;
	return as_unprivileged(ctx, s, argv, &s->child, err);
}

/* A restored server's own configuration may be of another machine: it gets one of ours. */
static int own_configuration(const struct mrt_pg_server *s, struct mrt_error *err)
{
	static const char *const files[][2] = { { "postgresql.conf", "" },
		                                { "pg_hba.conf", "local all all trust\n" },
		                                { "pg_ident.conf", "" } };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < 3; i++) {
		mrt_autofree char *path = NULL;
		rc = mrt_text_printf(&path, err, "%s/%s", s->dir, files[i][0]);
		if (rc == 0)
			rc = mrt_file_write(path, files[i][1], strlen(files[i][1]), 0644, err);
		if (rc == 0 && s->who.uid != 0 && chown(path, s->who.uid, s->who.gid) < 0)
			rc = mrt_fail_errno(err, errno, "give %s to %s", path, s->who.name);
	}
	return rc;
}

static bool same_directory(const char *a, const char *b)
{
	struct stat of_a, of_b;
	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

/* Is it the server that was just started? The process was looked at already; so must be the files:
 * pg_control begins with the system identifier (PostgreSQL's pg_control.h). */
static int prove(const struct mrt_context *ctx, const struct mrt_pg_server *s, struct mrt_pg *pg,
                 struct mrt_error *err)
{
	static const char sql[] = "SELECT system_identifier, current_setting('data_directory') "
	                          "FROM pg_control_system()";
	mrt_auto_pgresult r = NULL;
	mrt_auto_buf control = { .ceiling = 1 << 20 };
	mrt_autofree char *path = NULL;
	uint64_t identifier;
	char text[24];
	int rc = mrt_pg_query(pg, ctx, sql, NULL, 0, &r, err);
	if (rc == 0)
		rc = mrt_text_printf(&path, err, "%s/global/pg_control", s->data);
	if (rc == 0)
		rc = mrt_file_read(path, &control, err);
	if (rc < 0)
		return rc;
	if (control.len < sizeof(identifier) || PQntuples(r) != 1)
		return mrt_fail(err, MRT_FAILED, "%s cannot be understood", path);
	memcpy(&identifier, control.data, sizeof(identifier));
	snprintf(text, sizeof(text), "%" PRIu64, identifier);
	if (strcmp(PQgetvalue(r, 0, 0), text) != 0 || !same_directory(PQgetvalue(r, 0, 1), s->data))
		return mrt_fail(err, MRT_FAILED,
		                "the private server's socket leads to another server (system "
		                "identifier %s, data directory %s); nothing was written",
		                PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
	return 0;
}

static int wait_ready(const struct mrt_context *ctx, struct mrt_pg_server *s, int64_t timeout,
                      struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	struct mrt_error local;
	err = err ? err : &local;
	int rc = mrt_pg_server_params(s, &params, err);
	const struct mrt_pg_options options = { .connect_timeout = timeout };
	int64_t end = mrt_clock_monotonic() + timeout;
	while (rc == 0) {
		mrt_auto(mrt_pg) *pg = NULL;
		int status;
		rc = mrt_pg_connect(ctx, &options, params, NULL, &pg, err);
		if (rc == 0)
			return prove(ctx, s, pg, err);
		bool starting = rc == MRT_UNREACHABLE ||
		                mrt_error_has_peer_code(err, MRT_SQLSTATE_STARTING);
		if (!starting)
			return mrt_prefix(err, rc, "the private server");
		if (mrt_clock_monotonic() > end)
			return mrt_prefix(err, MRT_FAILED, "the private server does not start");
		/* the wait for its end is also the pause between two tries */
		rc = mrt_child_status(s->child, ctx, 50 * MRT_MILLISECOND, &status, err);
		if (rc == 0)
			return mrt_fail(err, MRT_FAILED, "the private PostgreSQL server ended: %s",
			                mrt_child_words(s->child));
		rc = rc == MRT_DEADLINE ? mrt_context_check(ctx, err) : rc;
	}
	return rc;
}

int mrt_pg_server_programs(const struct mrt_context *ctx, int major, const char *bin_dir,
                           char **ret, struct mrt_error *err)
{
	mrt_autofree char *initdb = NULL;
	int found = 0;
	int rc = mrt_pg_find_program(ctx, "initdb", major, bin_dir, &initdb, &found, err);
	if (rc == 0 && major > 0 && found != major) {
		mrt_fail(err, MRT_UNSUPPORTED, "no PostgreSQL %d server is installed (there is %d)",
		         major, found);
		mrt_hint(err,
		         "install postgresql-%d (Debian, Ubuntu) or postgresql%d-server (RHEL)",
		         major, major);
		rc = MRT_UNSUPPORTED;
	}
	return rc < 0 ? rc
	              : mrt_text_printf(ret, err, "%.*s", (int)(strrchr(initdb, '/') - initdb),
	                                initdb);
}

static int make_url(struct mrt_pg_server *s, const struct mrt_pg_server_options *o,
                    struct mrt_error *err)
{
	mrt_auto_buf url = MRT_BUF_INIT;
	const char *user = o->superuser ? o->superuser : s->who.name;
	/* in a server from elsewhere there need not be a database postgres */
	mrt_buf_printf(&url,
	               "postgresql:///%s?host=%s&port=5432&sslmode=disable&gssencmode="
	               "disable&user=",
	               o->restored ? "template1" : "postgres", s->dir);
	mrt_percent_encode(&url, user, strlen(user), "-_");
	/* trust asks for no password, but without one libpq would look into ~/.pgpass */
	mrt_buf_add_text(&url, "&password=none");
	return mrt_buf_take(&url, &s->url, err);
}

int mrt_pg_server_start(const struct mrt_context *ctx, const struct mrt_pg_server_options *options,
                        const char *dir, struct mrt_pg_server **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_server) *s = calloc(1, sizeof(*s));
	if (!s)
		return mrt_no_memory(err);
	mrt_autofree char *programs = NULL, *initdb = NULL, *postgres = NULL;
	int rc = mrt_pg_server_programs(ctx, options->major, options->bin_dir, &programs, err);
	if (rc == 0)
		rc = mrt_text_printf(&initdb, err, "%s/initdb", programs);
	if (rc == 0)
		rc = mrt_text_printf(&postgres, err, "%s/postgres", programs);
	if (rc == 0)
		rc = mrt_unprivileged_find(&s->who, err);
	if (rc == 0)
		rc = mrt_text_dup(dir, &s->dir, err);
	if (rc == 0)
		rc = mrt_text_printf(&s->data, err, "%s/data", dir);
	if (rc == 0)
		rc = make_url(s, options, err);
	if (rc == 0 && s->who.uid != 0 && chown(dir, s->who.uid, s->who.gid) < 0)
		rc = mrt_fail_errno(err, errno, "give %s to %s", dir, s->who.name);
	if (rc == 0)
		rc = options->restored ? own_configuration(s, err) : init_data(ctx, s, initdb, err);
	if (rc == 0)
		rc = launch(ctx, s, options, postgres, err);
	if (rc == 0)
		rc = wait_ready(ctx, s, options->start_timeout, err);
	if (rc == 0)
		*ret = mrt_steal(s);
	return rc;
}

void mrt_pg_server_free(struct mrt_pg_server *s)
{
	if (!s)
		return;
	if (s->child) {
		const struct mrt_context ctx = { .deadline =
			                                 mrt_clock_monotonic() + 2 * MRT_SECOND };
		int status;
		mrt_child_signal(s->child, SIGINT); /* fast shutdown */
		if (mrt_child_status(s->child, &ctx, -1, &status, NULL) < 0)
			mrt_child_signal(s->child, SIGQUIT);
	}
	mrt_child_free(s->child);
	free(s->dir);
	free(s->data);
	free(s->url);
	free(s);
}

int mrt_pg_server_params(const struct mrt_pg_server *s, struct mrt_pg_params **ret,
                         struct mrt_error *err)
{
	int rc = mrt_pg_params_make(s->url, NULL, NULL, ret, err);
	if (rc == 0)
		(*ret)->peer = mrt_child_pid(s->child);
	return rc;
}

const char *mrt_pg_server_user(const struct mrt_pg_server *s)
{
	return s->who.name;
}
