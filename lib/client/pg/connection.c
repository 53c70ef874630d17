/* connection.c - connections to PostgreSQL by libpq. */
#include "client/pg/connection.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/text.h"

#include <arpa/inet.h>
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

/* What libpq says of a connection that failed, told with PQERRORS_VERBOSE:
 *
 *   connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  28P01: the server's words
 *   LOCATION:  auth_failed, auth.c:331
 *
 * The words are in the server's language, SQLSTATE and the name of the function are not. Without
 * an SQLSTATE no server has spoken. */
struct refusal {
	char state[6];
	char function[64];
};

static bool is_state(const char *p)
{
	return strspn(p, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && p[5] == ':' && p[6] == ' ';
}

/* "LOCATION:  function, file.c:line" and no more; its first word may be translated. */
static bool take_location(const char *line, struct refusal *ret)
{
	static const char word[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *function = line + strcspn(line, ": \n");
	if (strncmp(function, ":  ", 3) != 0)
		return false;
	function += 3;
	size_t n = strspn(function, word);
	const char *file = function + n;
	if (n == 0 || strncmp(file, ", ", 2) != 0)
		return false;
	file += 2 + strspn(file + 2, word);
	if (strncmp(file, ".c:", 3) != 0)
		return false;
	file += 3 + strspn(file + 3, "0123456789");
	if (*file && *file != '\n')
		return false;
	snprintf(ret->function, sizeof(ret->function), "%.*s", (int)n, function);
	return true;
}

/* The first ":  SQLSTATE: " of a line; what looks like one further on is part of the words. */
static void take_state(char *line, struct refusal *ret)
{
	char *end = strchr(line, '\n'), *p = strstr(line, ":  ");
	while (p && (!end || p < end) && !is_state(p + 3))
		p = strstr(p + 3, ":  ");
	if (!p || (end && p > end))
		return;
	memcpy(ret->state, p + 3, 5);
	memmove(p + 3, p + 10, strlen(p + 10) + 1);
}

/* Takes the codes out of the text, which keeps the words. Of several attempts the last counts. */
static void take_codes(char *text, struct refusal *ret)
{
	*ret = (struct refusal) { 0 };
	for (char *line = text, *end; *line; line = end) {
		take_state(line, ret);
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (*ret->state && take_location(line, ret)) {
			memmove(line, end, strlen(end) + 1);
			end = line;
		}
	}
}

/* The address by which the server knows us is in its words. */
static void find_address(const char *words, char *ret, size_t size)
{
	unsigned char raw[16];
	*ret = '\0';
	while (*words && !*ret) {
		size_t n = strspn(words, "0123456789abcdefABCDEF.:");
		char part[64];
		snprintf(part, sizeof(part), "%.*s", (int)n, words);
		if (inet_pton(AF_INET, part, raw) == 1 || inet_pton(AF_INET6, part, raw) == 1)
			snprintf(ret, size, "%s", part);
		words += n > 0 ? n : 1;
	}
}

/* The line of pg_hba.conf that would let us in. */
static void hint_hba(const char *words, const struct mrt_pg_params *params, const char *database,
                     struct mrt_error *err)
{
	const char *user = mrt_pg_params_get(params, "user");
	const char *name = database ? database : mrt_pg_params_get(params, "dbname");
	/* the server's words come last; before them stand its own addresses */
	const char *line = strstr(words, "failed: ");
	char address[64];
	find_address(line ? line : words, address, sizeof(address));
	name = name ? name : user;
	if (!user || !*address) {
		mrt_hint(err, "add a line for this role, database and address to the server's "
		              "pg_hba.conf and reload it");
		return;
	}
	const char *quote[2] = { strspn(user, PLAIN_NAME) == strlen(user) ? "" : "\"",
		                 strspn(name, PLAIN_NAME) == strlen(name) ? "" : "\"" };
	mrt_hint(
	        err,
	        "add this line to the server's pg_hba.conf and reload it: host %s%s%s %s%s%s %s/%d "
	        "scram-sha-256",
	        quote[1], name, quote[1], quote[0], user, quote[0], address,
	        strchr(address, ':') ? 128 : 32);
}

/* A server has answered, and said no. */
static int explain_refusal(const struct mrt_pg *pg, const struct mrt_pg_params *params,
                           const char *database, const char *words, const struct refusal *refusal,
                           struct mrt_error *err)
{
	static const struct {
		const char *state, *hint;
	} hints[] = {
		{ "28P01", "is the password the role's, without a newline at its end?" },
		{ "53300", "max_connections of the server is used up" },
	};
	mrt_fail(err, MRT_REFUSED, "PostgreSQL at %s: %s", pg->where, words);
	mrt_error_set_peer_code(err, refusal->state, -1);
	if (strcmp(refusal->state, "28000") == 0 &&
	    strcmp(refusal->function, "ClientAuthentication") == 0)
		hint_hba(words, params, database, err);
	for (size_t i = 0; i < MRT_COUNT(hints); i++)
		if (strcmp(refusal->state, hints[i].state) == 0)
			mrt_hint(err, "%s", hints[i].hint);
	return MRT_REFUSED;
}

/* libpq itself gave up; its words are English here. They choose a hint, nothing else. */
static int explain_unreachable(const struct mrt_pg *pg, const char *words, struct mrt_error *err)
{
	static const char *const hints[][2] = {
		{ "certificate", "sslmode and sslrootcert decide what is trusted" },
		{ "SSL", "sslmode decides whether TLS is asked for" },
		{ "Connection refused",
		  "is the server running there, and does listen_addresses include this address?" },
		{ "timed out", "a firewall or NetworkPolicy may drop the packets" },
	};
	mrt_fail(err, MRT_UNREACHABLE, "PostgreSQL at %s: %s", pg->where, words);
	for (size_t i = 0; i < MRT_COUNT(hints); i++)
		if (strstr(words, hints[i][0]))
			return mrt_hint(err, "%s", hints[i][1]);
	return MRT_UNREACHABLE;
}

static int explain(struct mrt_pg *pg, const struct mrt_pg_params *params, const char *database,
                   const struct mrt_pg_options *options, struct mrt_error *err)
{
	mrt_autofree char *words = NULL;
	struct refusal refusal;
	int rc = mrt_text_dup(PQerrorMessage(pg->conn), &words, err);
	if (rc < 0)
		return rc;
	take_codes(words, &refusal);
	if (*refusal.state)
		return explain_refusal(pg, params, database, words, &refusal, err);
	if (!PQconnectionNeedsPassword(pg->conn))
		return explain_unreachable(pg, words, err);
	mrt_fail(err, MRT_REFUSED, "PostgreSQL at %s: %s", pg->where, words);
	return mrt_hint(err, "set %s, PGPASSWORD or a ~/.pgpass line",
	                options->password_from ? options->password_from : "postgres.password");
}

static int finish_connect(struct mrt_pg *pg, const struct mrt_context *ctx,
                          const struct mrt_pg_params *params, const char *database,
                          const struct mrt_pg_options *options, struct mrt_error *err)
{
	int64_t timeout = options->connect_timeout;
	int64_t end = mrt_clock_monotonic() + timeout;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	while (state != PGRES_POLLING_OK) {
		int64_t left = end - mrt_clock_monotonic();
		short events = 0;
		int rc = mrt_context_poll(ctx, PQsocket(pg->conn),
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
			return explain(pg, params, database, options, err);
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
	PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE); /* see struct refusal */
	return PQstatus(pg->conn) == CONNECTION_BAD ? explain(pg, params, database, options, err)
	                                            : 0;
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

int mrt_pg_connect(const struct mrt_context *ctx, const struct mrt_pg_options *options,
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
		rc = mrt_pg_params_resolve(resolved, ctx, &options->dns, err);
		if (rc == MRT_UNREACHABLE)
			mrt_prefix(err, rc, "PostgreSQL at %s", pg->where);
	}
	if (rc == 0)
		rc = start_connect(pg, resolved, database, options, err);
	if (rc == 0)
		rc = finish_connect(pg, ctx, resolved, database, options, err);
	if (rc == 0)
		rc = check_peer(pg, resolved, err);
	if (rc < 0)
		return rc;
	PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
	PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
	pg->replication = mrt_pg_params_get(params, "replication") != NULL;
	pg->version = PQserverVersion(pg->conn);
	/* what the role's or server's settings would do to a long-lived session of ours */
	rc = mrt_pg_exec(
	        pg, ctx, err,
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
	bool locked = strcmp(state, "55P03") == 0;
	int code = locked                           ? MRT_LOCKED
	           : strcmp(state, "42501") == 0    ? MRT_REFUSED
	           : strncmp(state, "57P0", 4) == 0 ? MRT_UNREACHABLE /* it ended us */
	                                            : MRT_FAILED;
	if (locked)
		mrt_fail(
		        err, MRT_LOCKED,
		        "PostgreSQL at %s: somebody holds a lock that is needed here (SQLSTATE %s)",
		        pg->where, state);
	else
		mrt_fail(err, code, "PostgreSQL at %s: %s (SQLSTATE %s)%s%s", pg->where, message,
		         state, detail ? ": " : "", detail ? detail : "");
	mrt_error_set_peer_code(err, state, -1);
	if (locked)
		mrt_hint(err, MRT_LOCK_HINT);
	return code;
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
static int take_result(struct mrt_pg *pg, const struct mrt_context *ctx, PGresult **ret,
                       struct mrt_error *err)
{
	mrt_auto_pgresult result = NULL;
	for (;;) {
		while (PQisBusy(pg->conn)) {
			short events;
			int rc =
			        mrt_context_poll(ctx, PQsocket(pg->conn), POLLIN, -1, &events, err);
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

int mrt_pg_query(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql,
                 const char *const *values, int n_values, PGresult **ret, struct mrt_error *err)
{
	if (pg->replication && n_values > 0)
		return mrt_fail(err, MRT_FAILED, "a replication connection takes no parameters");
	if (pg->replication
	            ? !PQsendQuery(pg->conn, sql)
	            : !PQsendQueryParams(pg->conn, sql, n_values, NULL, values, NULL, NULL, 0))
		return not_sent(pg, err);
	return take_result(pg, ctx, ret, err);
}

int mrt_pg_script(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql,
                  struct mrt_error *err)
{
	mrt_auto_pgresult result = NULL;
	return PQsendQuery(pg->conn, sql) ? take_result(pg, ctx, &result, err) : not_sent(pg, err);
}

int mrt_pg_exec(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err,
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
	return mrt_pg_query(pg, ctx, sql, NULL, 0, &result, err);
}

int mrt_pg_value(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql, char **ret,
                 struct mrt_error *err)
{
	mrt_auto_pgresult result = NULL;
	int rc = mrt_pg_query(pg, ctx, sql, NULL, 0, &result, err);
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
