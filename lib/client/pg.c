/* pg.c - connections to PostgreSQL by libpq. */
#include "client/pg.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/text.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PLAIN_NAME "abcdefghijklmnopqrstuvwxyz0123456789_"

void mrt_pg_free(struct mrt_pg *pg)
{
	if (!pg)
		return;
	PQfinish(pg->conn);
	free(pg->where);
	free(pg);
}

/* The line that would let us in: the server's words are 'no pg_hba.conf entry for host "10.0.0.7",
 * user "x", database "y", no encryption'. */
static void hint_hba(const char *words, struct mrt_error *err)
{
	char host[64] = "", user[256] = "", database[256] = "";
	const char *p = strstr(words, "no pg_hba.conf entry for host \"");
	if (!p || sscanf(p,
	                 "no pg_hba.conf entry for host \"%63[^\"]\", user \"%255[^\"]\", database "
	                 "\"%255[^\"]\"",
	                 host, user, database) != 3) {
		mrt_hint(err, "add a line for this role, database and address to the server's "
		              "pg_hba.conf and reload it");
		return;
	}
	const char *quote[2] = { strspn(user, PLAIN_NAME) == strlen(user) ? "" : "\"",
		                 strspn(database, PLAIN_NAME) == strlen(database) ? "" : "\"" };
	mrt_hint(
	        err,
	        "add this line to the server's pg_hba.conf and reload it: host %s%s%s %s%s%s %s/%d "
	        "scram-sha-256",
	        quote[1], database, quote[1], quote[0], user, quote[0], host,
	        strchr(host, ':') ? 128 : 32);
}

/* libpq's message says "connection to server at ... failed: FATAL:  ..." */
static int explain(struct mrt_pg *pg, const struct mrt_pg_options *options, struct mrt_error *err)
{
	static const struct {
		const char *words;
		int code;
		const char *hint;
	} known[] = {
		{ "no pg_hba.conf entry", MRT_REFUSED, NULL },
		{ "password authentication failed", MRT_REFUSED,
		  "is the password the role's, without a newline at its end?" },
		{ "no password supplied", MRT_REFUSED, NULL },
		{ "does not exist", MRT_REFUSED, NULL },
		{ "too many clients", MRT_REFUSED, "max_connections of the server is used up" },
		{ "remaining connection slots", MRT_REFUSED,
		  "max_connections of the server is used up" },
		{ "not accepting connections", MRT_REFUSED, NULL },
		{ "certificate", MRT_UNREACHABLE,
		  "sslmode and sslrootcert decide what is trusted" },
		{ "SSL", MRT_UNREACHABLE, "sslmode decides whether TLS is asked for" },
		{ "Connection refused", MRT_UNREACHABLE,
		  "is the server running there, and does listen_addresses include this address?" },
		{ "timed out", MRT_UNREACHABLE,
		  "a firewall or NetworkPolicy may drop the packets" },
		{ "FATAL", MRT_REFUSED, NULL },
	};
	const char *words = PQerrorMessage(pg->conn);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(words, known[i].words)) {
			mrt_fail(err, known[i].code, "PostgreSQL at %s: %s", pg->where, words);
			if (i == 0)
				hint_hba(words, err);
			if (strcmp(known[i].words, "no password supplied") == 0)
				mrt_hint(err, "set %s, PGPASSWORD or a ~/.pgpass line",
				         options->password_from ? options->password_from
				                                : "postgres.password");
			if (known[i].hint)
				mrt_hint(err, "%s", known[i].hint);
			return known[i].code;
		}
	return mrt_fail(err, MRT_UNREACHABLE, "PostgreSQL at %s: %s", pg->where, words);
}

static int finish_connect(struct mrt_pg *pg, const struct mrt_run *run,
                          const struct mrt_pg_options *options, struct mrt_error *err)
{
	int64_t timeout = options->connect_timeout;
	int64_t end = mrt_clock_monotonic() + timeout;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	while (state != PGRES_POLLING_OK) {
		int64_t left = end - mrt_clock_monotonic();
		short events = 0;
		int rc = mrt_run_poll(run, PQsocket(pg->conn),
		                      state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
		                      left > 0 ? left : 0, &events, err);
		if (rc < 0)
			return rc;
		if (!events) {
			char limit[MRT_DURATION_SIZE];
			mrt_duration_format(timeout, limit);
			mrt_fail(err, MRT_UNREACHABLE,
			         "PostgreSQL at %s: connecting timed out after %s", pg->where,
			         limit);
			return mrt_hint(err, "a firewall or NetworkPolicy may drop the packets");
		}
		state = PQconnectPoll(pg->conn);
		if (state == PGRES_POLLING_FAILED)
			return explain(pg, options, err);
	}
	return 0;
}

static int start_connect(struct mrt_pg *pg, const struct mrt_pg_params *params,
                         const char *database, const struct mrt_pg_options *options,
                         struct mrt_error *err)
{
	mrt_auto_secret conninfo = NULL;
	int rc = mrt_pg_params_conninfo(params, database,
	                                options->application ? options->application : "maratea",
	                                &conninfo, err);
	if (rc < 0)
		return rc;
	pg->conn = PQconnectStart(conninfo);
	if (!pg->conn)
		return mrt_no_memory(err);
	return PQstatus(pg->conn) == CONNECTION_BAD ? explain(pg, options, err) : 0;
}

/* The kernel knows which process listens on a unix socket. */
static int check_peer(const struct mrt_pg *pg, const struct mrt_pg_params *params,
                      struct mrt_error *err)
{
	return params->peer == 0 ? 0 : mrt_peer_check(PQsocket(pg->conn), params->peer, err);
}

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context, (void)result; /* libpq would print it */
}

int mrt_pg_connect(const struct mrt_run *run, const struct mrt_pg_options *options,
                   const struct mrt_pg_params *params, const char *database, struct mrt_pg **ret,
                   struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = calloc(1, sizeof(*pg));
	mrt_auto(mrt_pg_params) *resolved = NULL;
	if (!pg)
		return mrt_no_memory(err);
	mrt_auto_buf where = MRT_BUF_INIT;
	mrt_pg_params_where(params, &where);
	const char *name = database ? database : mrt_pg_params_get(params, "dbname");
	mrt_buf_printf(&where, ", database %s", name ? name : mrt_pg_params_get(params, "user"));
	int rc = mrt_buf_take(&where, &pg->where, err);
	if (rc == 0)
		rc = mrt_pg_params_copy(params, &resolved, err);
	if (rc == 0) {
		rc = mrt_pg_params_resolve(resolved, run, &options->dns, err);
		if (rc == MRT_UNREACHABLE)
			mrt_context(err, rc, "PostgreSQL at %s", pg->where);
	}
	if (rc == 0)
		rc = start_connect(pg, resolved, database, options, err);
	if (rc == 0)
		rc = finish_connect(pg, run, options, err);
	if (rc == 0)
		rc = check_peer(pg, resolved, err);
	if (rc < 0)
		return rc;
	PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
	pg->replication = mrt_pg_params_get(params, "replication") != NULL;
	pg->version = PQserverVersion(pg->conn);
	/* what the role's or server's settings would do to a long-lived session of ours */
	rc = mrt_pg_exec(
	        pg, run, err,
	        "SELECT set_config(n, v, false) FROM (VALUES ('statement_timeout', '0'), "
	        "('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), "
	        "('client_encoding', 'UTF8'), ('search_path', 'pg_catalog')%s) AS s (n, v)",
	        pg->version >= 140000 ? ", ('idle_session_timeout', '0')" : "");
	if (rc == 0)
		*ret = mrt_steal(pg);
	return rc;
}

int mrt_pg_fail(struct mrt_pg *pg, const PGresult *result, struct mrt_error *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", state ? state : "");
	if (!state || PQstatus(pg->conn) == CONNECTION_BAD)
		return mrt_fail(err, MRT_UNREACHABLE, "PostgreSQL at %s: %s", pg->where,
		                message ? message : PQerrorMessage(pg->conn));
	if (strcmp(state, "55P03") == 0) {
		mrt_fail(
		        err, MRT_LOCKED,
		        "PostgreSQL at %s: somebody holds a lock that is needed here (SQLSTATE %s)",
		        pg->where, state);
		return mrt_hint(err, MRT_LOCK_HINT);
	}
	int code = strcmp(state, "42501") == 0      ? MRT_REFUSED
	           : strncmp(state, "57P0", 4) == 0 ? MRT_UNREACHABLE /* it ended us */
	                                            : MRT_FAILED;
	return mrt_fail(err, code, "PostgreSQL at %s: %s (SQLSTATE %s)%s%s", pg->where, message,
	                state, detail ? ": " : "", detail ? detail : "");
}

/* The running statement must end before the connection can do anything else. */
void mrt_pg_cancel(struct mrt_pg *pg)
{
	PGcancel *request = PQgetCancel(pg->conn);
	char why[256];
	if (request)
		PQcancel(request, why, sizeof(why));
	PQfreeCancel(request);
}

/* Waits for the answer to what was sent; the last result that is no success counts, else the last.
 */
static int take_result(struct mrt_pg *pg, const struct mrt_run *run, PGresult **ret,
                       struct mrt_error *err)
{
	mrt_auto_pgresult result = NULL;
	for (;;) {
		while (PQisBusy(pg->conn)) {
			short events;
			int rc = mrt_run_poll(run, PQsocket(pg->conn), POLLIN, -1, &events, err);
			if (rc < 0) {
				mrt_pg_cancel(pg);
				return rc;
			}
			if (!PQconsumeInput(pg->conn))
				return mrt_fail(err, MRT_UNREACHABLE, "PostgreSQL at %s: %s",
				                pg->where, PQerrorMessage(pg->conn));
		}
		PGresult *next = PQgetResult(pg->conn);
		if (!next)
			break;
		PQclear(result);
		result = next;
	}
	if (!result)
		return mrt_no_memory(err);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
		return mrt_pg_fail(pg, result, err);
	*ret = mrt_steal(result);
	return 0;
}

static int not_sent(const struct mrt_pg *pg, struct mrt_error *err)
{
	return mrt_fail(err, MRT_UNREACHABLE, "PostgreSQL at %s: %s", pg->where,
	                PQerrorMessage(pg->conn));
}

int mrt_pg_query(struct mrt_pg *pg, const struct mrt_run *run, const char *sql,
                 const char *const *values, int n_values, PGresult **ret, struct mrt_error *err)
{
	if (pg->replication && n_values > 0)
		return mrt_fail(err, MRT_FAILED, "a replication connection takes no parameters");
	if (pg->replication
	            ? !PQsendQuery(pg->conn, sql)
	            : !PQsendQueryParams(pg->conn, sql, n_values, NULL, values, NULL, NULL, 0))
		return not_sent(pg, err);
	return take_result(pg, run, ret, err);
}

int mrt_pg_script(struct mrt_pg *pg, const struct mrt_run *run, const char *sql,
                  struct mrt_error *err)
{
	mrt_auto_pgresult result = NULL;
	return PQsendQuery(pg->conn, sql) ? take_result(pg, run, &result, err) : not_sent(pg, err);
}

int mrt_pg_exec(struct mrt_pg *pg, const struct mrt_run *run, struct mrt_error *err,
                const char *format, ...)
{
	mrt_autofree char *sql = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&sql, format, args);
	va_end(args);
	if (n < 0) {
		sql = NULL;
		return mrt_no_memory(err);
	}
	mrt_auto_pgresult result = NULL;
	return mrt_pg_query(pg, run, sql, NULL, 0, &result, err);
}

int mrt_pg_value(struct mrt_pg *pg, const struct mrt_run *run, const char *sql, char **ret,
                 struct mrt_error *err)
{
	mrt_auto_pgresult result = NULL;
	int rc = mrt_pg_query(pg, run, sql, NULL, 0, &result, err);
	if (rc < 0)
		return rc;
	return mrt_text_dup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "", ret, err);
}

static int quoted(struct mrt_pg *pg, char *text, char **ret, struct mrt_error *err)
{
	if (!text)
		return mrt_fail(err, MRT_FAILED, "PostgreSQL: %s", PQerrorMessage(pg->conn));
	int rc = mrt_text_dup(text, ret, err);
	PQfreemem(text);
	return rc;
}

int mrt_pg_name(struct mrt_pg *pg, const char *text, char **ret, struct mrt_error *err)
{
	return quoted(pg, PQescapeIdentifier(pg->conn, text, strlen(text)), ret, err);
}

int mrt_pg_literal(struct mrt_pg *pg, const char *text, char **ret, struct mrt_error *err)
{
	return quoted(pg, PQescapeLiteral(pg->conn, text, strlen(text)), ret, err);
}
