/* programs.h - PostgreSQL's own programs: which ones are there, and how to call them. */
#ifndef MRT_CLIENT_PG_PROGRAMS_H
#define MRT_CLIENT_PG_PROGRAMS_H

#include "base/spawn.h"
#include "client/pg/connection.h"

/* The program whose major version equals major, else the nearest newer one, looked up in bin_dir
 * (when given, only there), the usual versioned directories, and PATH. MRT_UNSUPPORTED names what
 * to install. major 0: the newest there is. */
int mrt_pg_find_program(const struct mrt_context *ctx, const char *name, int major,
                        const char *bin_dir, char **ret_path, int *ret_major,
                        struct mrt_error *err);

/* Starts a client program: its argv gets --no-password and --dbname with a quoted conninfo, its
 * environment no PG* variable but PGPASSFILE, a memory file. */
struct mrt_pg_client_options {
	const char *const *argv;            /* argv[0] the path; NULL-terminated, at most 24 */
	const struct mrt_pg_params *params; /* resolved */
	const char *database;
	bool operand; /* the conninfo as the last operand: pg_amcheck knows no --dbname */
	int in, out;
	int nice; /* added to its nice value */
	void (*on_line)(void *context, const char *line);
	void *context;
};
int mrt_pg_client(const struct mrt_context *ctx, const struct mrt_pg_client_options *options,
                  struct mrt_child **ret, struct mrt_error *err);

/* A private server on a unix socket in a directory of its own: the sandbox, and what verification
 * restores into. */
struct mrt_pg_server;
struct mrt_pg_server_options {
	int major;             /* 0: the newest installed */
	const char *bin_dir;   /* or NULL */
	int64_t start_timeout; /* ns */
	/* DIR/data is there, restored from elsewhere, and recovers when it starts: nothing in its
	 * configuration counts, and these settings are given ("name=value", NULL-terminated) */
	bool restored;
	const char *superuser; /* its name there */
	const char *const *settings;
};
int mrt_pg_server_start(const struct mrt_context *ctx, const struct mrt_pg_server_options *options,
                        const char *dir, struct mrt_pg_server **ret, struct mrt_error *err);
/* Stops (fast, then at once) and leaves the directory. */
void mrt_pg_server_free(struct mrt_pg_server *server);
MRT_DEFINE_AUTO(mrt_pg_server)
/* Parameters that lead to this server and to no other, whatever the environment says: the socket,
 * and the process that must listen there. */
int mrt_pg_server_params(const struct mrt_pg_server *server, struct mrt_pg_params **ret,
                         struct mrt_error *err);
const char *mrt_pg_server_user(const struct mrt_pg_server *server);

/* Who an unprivileged server runs as (IMPLEMENTATION of the sandbox): we, when not root; else
 * postgres or nobody. uid 0 means "as we are". */
struct mrt_unprivileged {
	uid_t uid;
	gid_t gid;
	bool user_namespace;
	char name[64];
};
int mrt_unprivileged_find(struct mrt_unprivileged *ret, struct mrt_error *err);
/* initdb's directory, where the other programs of the server are, for exactly this major version
 * (0: the newest); MRT_UNSUPPORTED. */
int mrt_pg_server_programs(const struct mrt_context *ctx, int major, const char *bin_dir,
                           char **ret, struct mrt_error *err);

#endif
