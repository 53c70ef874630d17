/* programs.c - finding and calling PostgreSQL's client programs. */
#include "client/pg/programs.h"
#include "base/secret.h"
#include "base/text.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 24

static const char *const usual_dirs[] = { "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
	                                  "/usr/local/pgsql/bin", "/opt/postgresql*/bin",
	                                  "/usr/libexec/postgresql*" };

struct best {
	char *path;
	int major;
};

/* "pg_dump (PostgreSQL) 15.20 (Debian ...)" */
static int program_major(const struct mrt_context *ctx, const char *path)
{
	const char *const argv[] = { path, "--version", NULL };
	mrt_auto_buf out = MRT_BUF_INIT;
	if (mrt_spawn_capture(ctx, argv, &out, NULL) < 0)
		return 0;
	const char *number = strstr(mrt_buf_text(&out), "(PostgreSQL) ");
	return number ? (int)strtol(number + 13, NULL, 10) : 0;
}

static void consider(const struct mrt_context *ctx, const char *dir, const char *name, int major,
                     struct best *best, int *ret_older)
{
	mrt_autofree char *path = NULL;
	if (mrt_text_printf(&path, NULL, "%s/%s", dir, name) < 0 || access(path, X_OK) < 0)
		return;
	int found = program_major(ctx, path);
	if (found == 0)
		return;
	if (major > 0 && found < major) {
		*ret_older = found > *ret_older ? found : *ret_older;
		return;
	}
	bool better = !best->path || (major == 0 ? found > best->major : found < best->major);
	if (better) {
		free(best->path);
		best->path = mrt_steal(path);
		best->major = found;
	}
}

int mrt_pg_find_program(const struct mrt_context *ctx, const char *name, int major,
                        const char *bin_dir, char **ret_path, int *ret_major, struct mrt_error *err)
{
	struct best best = { 0 };
	int older = 0;
	glob_t dirs = { 0 };
	for (size_t i = 0; !bin_dir && i < MRT_COUNT(usual_dirs); i++)
		glob(usual_dirs[i], i > 0 ? GLOB_APPEND : 0, NULL, &dirs);
	if (bin_dir)
		consider(ctx, bin_dir, name, major, &best, &older);
	for (size_t i = 0; i < dirs.gl_pathc; i++)
		consider(ctx, dirs.gl_pathv[i], name, major, &best, &older);
	globfree(&dirs);
	/* PATH last: Debian's /usr/bin/pg_dump is a wrapper that picks a version of its own */
	mrt_autofree char *in_path = NULL;
	if (!bin_dir && best.major != major && mrt_find_program(name, &in_path, NULL) == 0) {
		*strrchr(in_path, '/') = '\0';
		consider(ctx, in_path, name, major, &best, &older);
	}
	int rc = mrt_context_check(ctx, err);
	if (rc < 0 || best.path) {
		if (rc == 0) {
			*ret_path = mrt_steal(best.path);
			*ret_major = best.major;
		}
		free(best.path);
		return rc;
	}
	if (older > 0)
		mrt_fail(err, MRT_UNSUPPORTED,
		         "%s of major version %d or newer is needed; only %d is installed", name,
		         major, older);
	else
		mrt_fail(err, MRT_UNSUPPORTED, "no %s is installed%s%s", name,
		         bin_dir ? " in " : "", bin_dir ? bin_dir : "");
	bool server = strcmp(name, "initdb") == 0;
	if (major > 0)
		mrt_hint(err, "install postgresql-%s%d (Debian, Ubuntu) or postgresql%d%s (RHEL)",
		         server ? "" : "client-", major, major, server ? "-server" : "");
	else
		mrt_hint(err, "install the package postgresql");
	return MRT_UNSUPPORTED;
}

/* Where Kerberos keeps its tickets; what libpq needs else is in the conninfo. */
static bool is_for_client(const char *entry)
{
	return mrt_spawn_harmless(entry) || strncmp(entry, "KRB5", 4) == 0;
}

int mrt_pg_client(const struct mrt_context *ctx, const struct mrt_pg_client_options *o,
                  struct mrt_child **ret, struct mrt_error *err)
{
	const char
	        *argv[ARGUMENTS_MAX + 6]; /* stdbuf and its option, --no-password, --dbname, NULL */
	size_t n = 0;
	/* pg_dump writes to a pipe in stdio's 4 KiB pieces, which costs it and us half a CPU second
	 * a GiB (measured); where coreutils' stdbuf is at hand it gets a buffer worth a pipe's */
	mrt_autofree char *stdbuf = NULL;
	if (o->out == MRT_FD_PIPE && mrt_find_program("stdbuf", &stdbuf, NULL) == 0) {
		argv[n++] = stdbuf;
		argv[n++] = "--output=256K";
	}
	for (size_t i = 0; o->argv[i]; i++) {
		mrt_assert(i < ARGUMENTS_MAX);
		argv[n++] = o->argv[i];
	}
	mrt_autofree char *conninfo = NULL, *dbname = NULL, *variable = NULL;
	mrt_auto_secret passfile = NULL;
	mrt_autofd fd = -1;
	int rc = mrt_pg_params_child(o->params, o->database, &conninfo, &passfile, err);
	if (rc == 0)
		rc = mrt_text_printf(&dbname, err, "--dbname=%s", conninfo);
	if (rc == 0 && *passfile)
		rc = mrt_secret_file("maratea-pgpass", passfile, strlen(passfile), &fd, err);
	if (rc == 0 && fd >= 0)
		rc = mrt_text_printf(&variable, err, "PGPASSFILE=/proc/self/fd/%d", fd);
	if (rc < 0)
		return rc;
	argv[n++] = "--no-password";
	argv[n++] = o->operand ? conninfo : dbname;
	argv[n] = NULL;
	/* its messages are parsed; everything else is in the conninfo */
	const char *const set[] = { "LC_ALL=C.UTF-8", variable, NULL };
	const struct mrt_spawn_options spawn = {
		.argv = argv,
		.name = o->argv[0],
		.set = set,
		.inherits = is_for_client,
		.in = o->in,
		.out = o->out,
		.own_group = true,
		.nice = o->nice,
		.pass = &fd,
		.n_pass = fd >= 0,
		.on_line = o->on_line,
		.context = o->context,
	};
	return mrt_spawn(ctx, &spawn, ret, err);
}
