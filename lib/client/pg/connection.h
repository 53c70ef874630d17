/* connection.h - connections to PostgreSQL by libpq, with our deadlines, cancellation and words. */
#ifndef MRT_CLIENT_PG_CONNECTION_H
#define MRT_CLIENT_PG_CONNECTION_H

#include "client/dns/resolve.h"

#include <libpq-fe.h>

/* Connection parameters with nothing left open: URL, then PG* variables, then defaults. A
 * connection made with them depends on nothing else: no variable, no service file. */
#define MRT_PG_PARAMS_MAX 64
struct mrt_pg_params {
	size_t n;
	char *keys[MRT_PG_PARAMS_MAX], *values[MRT_PG_PARAMS_MAX];
	pid_t peer; /* the process that must listen at the other end of the socket; 0: any */
};

struct mrt_pg_options {
	struct mrt_dns_options dns;
	int64_t connect_timeout; /* ns */
	const char *application;
	const char *password_from; /* for a hint; NULL: "postgres.password" */
};

/* What PG* variables, the service that PGSERVICE names, and libpq's defaults say. */
int mrt_pg_params_ambient(struct mrt_pg_params **ret, struct mrt_error *err);
/* Removes from this process the variables that libpq applies whatever the parameters say
 * (PGSERVICE, PGTZ and their like). main calls it once the configuration has them, before it starts
 * a thread. */
void mrt_pg_environment_clear(void);
/* The names of all variables that libpq and PostgreSQL's programs read, NULL-terminated. */
const char *const *mrt_pg_environment(void);
/* url: a URL or keyword/value string, "" or NULL: ambient alone. password: used when the URL has
 * none; may be NULL. ambient: fills what the URL omits (an address only where the URL names no
 * host, or it would lead elsewhere); NULL: only the URL and libpq's built-in defaults count. Names
 * the wrong part on MRT_CONFIG, never the password. */
int mrt_pg_params_make(const char *url, const char *password, const struct mrt_pg_params *ambient,
                       struct mrt_pg_params **ret, struct mrt_error *err);
void mrt_pg_params_free(struct mrt_pg_params *params);
MRT_DEFINE_AUTO(mrt_pg_params)
const char *mrt_pg_params_get(const struct mrt_pg_params *params, const char *key);
int mrt_pg_params_set(struct mrt_pg_params *params, const char *key, const char *value,
                      struct mrt_error *err);
int mrt_pg_params_copy(const struct mrt_pg_params *params, struct mrt_pg_params **ret,
                       struct mrt_error *err);
/* Fills hostaddr (and expands host and port to match) by mrt_dns_resolve(), so that neither we nor
 * a child resolves again. */
int mrt_pg_params_resolve(struct mrt_pg_params *params, const struct mrt_context *ctx,
                          const struct mrt_dns_options *dns, struct mrt_error *err);
/* A conninfo with a value for every parameter that a variable could set otherwise; secret. */
int mrt_pg_params_conninfo(const struct mrt_pg_params *params, const char *database,
                           const char *application, char **ret, struct mrt_error *err);
/* "host:port" or the socket's directory, for messages. */
int mrt_pg_params_where(const struct mrt_pg_params *params, struct mrt_buf *buf);

/* What a client program needs: a quoted conninfo without secrets for its argv, and the content of a
 * password file ("" when there is no password). */
int mrt_pg_params_child(const struct mrt_pg_params *params, const char *database,
                        char **ret_conninfo, char **ret_passfile, struct mrt_error *err);

struct mrt_pg {
	PGconn *conn;
	int version;      /* 150020 */
	bool replication; /* of params: a walsender, which knows simple queries only */
	char *where;      /* host:port, database */
	char sqlstate[6]; /* of the last statement that failed */
};
/* database: NULL: the one of params. MRT_UNREACHABLE: refused, timed out, name unknown, TLS;
 * MRT_REFUSED: authentication, no such database, too many connections; MRT_FAILED: another process
 * than params->peer listens there. */
int mrt_pg_connect(const struct mrt_context *ctx, const struct mrt_pg_options *options,
                   const struct mrt_pg_params *params, const char *database, struct mrt_pg **ret,
                   struct mrt_error *err);
void mrt_pg_free(struct mrt_pg *pg);
MRT_DEFINE_AUTO(mrt_pg)

static inline void mrt_pgresult_auto(PGresult **result)
{
	PQclear(*result);
}
#define mrt_auto_pgresult mrt_cleanup(mrt_pgresult_auto) PGresult *

/* One statement with text parameters; rows or none. The error has SQLSTATE and the server's
 * message; a lost connection is MRT_UNREACHABLE, a missing privilege MRT_REFUSED. */
int mrt_pg_query(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql,
                 const char *const *values, int n_values, PGresult **ret, struct mrt_error *err);
/* Several statements in one text; outside a transaction block they are one transaction. */
int mrt_pg_script(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql,
                  struct mrt_error *err);
/* One statement, built by format, whose rows do not matter. Quote with mrt_pg_name/_literal. */
int mrt_pg_exec(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The single value of a query, copied; "" for NULL or no row. */
int mrt_pg_value(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql, char **ret,
                 struct mrt_error *err);
/* Peer codes of errors: SQLSTATEs (PostgreSQL's manual, appendix A). */
#define MRT_SQLSTATE_NO_DATABASE "3D000"
#define MRT_SQLSTATE_STARTING "57P03" /* or stopping, or recovering */
#define MRT_LOCK_HINT "pg_stat_activity and pg_blocking_pids() tell who"
/* What a result that is no success says; NULL: the connection. MRT_LOCKED: lock_timeout. */
int mrt_pg_fail(struct mrt_pg *pg, const PGresult *result, struct mrt_error *err);
/* Ends what runs in the session at the moment, from outside. */
void mrt_pg_cancel(struct mrt_pg *pg);
/* A quoted identifier or literal; to be freed. */
int mrt_pg_name(struct mrt_pg *pg, const char *text, char **ret, struct mrt_error *err);
int mrt_pg_literal(struct mrt_pg *pg, const char *text, char **ret, struct mrt_error *err);

#endif
