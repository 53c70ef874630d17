/* basebackup.c - BASE_BACKUP of the streaming replication protocol. */
#include "client/pg/basebackup.h"
#include "base/text.h"
#include "codec/pg/manifest.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

struct basebackup {
	struct mrt_pg *pg;
	const struct mrt_context *ctx;
	const struct mrt_pg_basebackup_options *options;
	const struct mrt_pg_basebackup_ops *ops;
	void *context;
};

static int wait_input(struct basebackup *b, struct mrt_error *err)
{
	short events;
	int rc = mrt_context_poll(b->ctx, PQsocket(b->pg->conn), POLLIN, -1, &events, err);
	if (rc < 0) {
		mrt_pg_cancel(b->pg);
		return rc;
	}
	return PQconsumeInput(b->pg->conn) ? 0 : mrt_pg_fail(b->pg, NULL, err);
}

/* The next result; NULL in *ret: there is none. */
static int next_result(struct basebackup *b, PGresult **ret, struct mrt_error *err)
{
	while (PQisBusy(b->pg->conn)) {
		int rc = wait_input(b, err);
		if (rc < 0)
			return rc;
	}
	*ret = PQgetResult(b->pg->conn);
	return 0;
}

static int expect(struct basebackup *b, ExecStatusType status, int columns, const char *what,
                  PGresult **ret, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = next_result(b, &r, err);
	if (rc < 0)
		return rc;
	ExecStatusType got = PQresultStatus(r);
	if (got == PGRES_FATAL_ERROR || got == PGRES_NONFATAL_ERROR)
		return mrt_pg_fail(b->pg, r, err);
	if (got != status || PQnfields(r) < columns ||
	    (status == PGRES_TUPLES_OK && PQntuples(r) < 1))
		return mrt_fail(err, MRT_FAILED, "PostgreSQL at %s: it did not answer with %s",
		                b->pg->where, what);
	*ret = mrt_steal(r);
	return 0;
}

static int position_of(const PGresult *r, uint64_t *ret_lsn, unsigned *ret_timeline,
                       struct mrt_error *err)
{
	int64_t timeline;
	int rc = mrt_lsn_parse(PQgetvalue(r, 0, 0), ret_lsn, err);
	if (rc == 0)
		rc = mrt_number_parse(PQgetvalue(r, 0, 1), 1, UINT32_MAX, &timeline, err);
	if (rc == 0)
		*ret_timeline = (unsigned)timeline;
	return rc;
}

static int tell_start(struct basebackup *b, const PGresult *position, const PGresult *list,
                      struct mrt_error *err)
{
	struct mrt_pg_basebackup_start start = { .n_tablespaces = (size_t)PQntuples(list) };
	mrt_autofree struct mrt_pg_tablespace *spaces =
	        calloc(start.n_tablespaces, sizeof(*spaces));
	if (!spaces)
		return mrt_no_memory(err);
	start.tablespaces = spaces;
	int rc = position_of(position, &start.lsn, &start.timeline, err);
	for (int i = 0; rc == 0 && i < PQntuples(list); i++) {
		int64_t kib = 0;
		if (!PQgetisnull(list, i, 2))
			rc = mrt_number_parse(PQgetvalue(list, i, 2), 0, INT64_MAX >> 10, &kib,
			                      err);
		spaces[i] = (struct mrt_pg_tablespace) {
			.oid = PQgetisnull(list, i, 0) ? NULL : PQgetvalue(list, i, 0),
			.location = PQgetisnull(list, i, 1) ? NULL : PQgetvalue(list, i, 1),
			.size = (uint64_t)kib << 10,
		};
	}
	return rc < 0 ? rc : b->ops->start(b->context, &start, err);
}

static int begin_archive(struct basebackup *b, const char *message, size_t len,
                         struct mrt_error *err)
{
	/* name and location, each with its NUL: base.tar, 16384.tar, with the server's compression
	 * base.tar.zst */
	size_t n = strnlen(message, len);
	size_t digits = strspn(message, "0123456789");
	char oid[16] = "";
	if (n == len)
		return mrt_fail(err, MRT_FAILED, "the server sent an archive without a name");
	if (digits > 0 && digits < sizeof(oid) && message[digits] == '.') {
		memcpy(oid, message, digits);
		return b->ops->archive(b->context, oid, err);
	}
	if (strncmp(message, "base.", 5) != 0)
		return mrt_fail(err, MRT_FAILED, "the server sent an archive named '%.40s'",
		                message);
	return b->ops->archive(b->context, NULL, err);
}

static int take_message(struct basebackup *b, const char *message, size_t len,
                        struct mrt_error *err)
{
	uint64_t done;
	switch (len > 0 ? message[0] : 0) {
	case 'd':
		return b->ops->data(b->context, message + 1, len - 1, err);
	case 'n':
		return begin_archive(b, message + 1, len - 1, err);
	case 'm':
		return b->ops->manifest(b->context, err);
	case 'p':
		if (len < 9)
			break;
		memcpy(&done, message + 1, sizeof(done));
		b->ops->progress(b->context, __builtin_bswap64(done));
		return 0;
	default:
		break;
	}
	return mrt_fail(err, MRT_FAILED, "the server sent a message of an unknown kind");
}

static int copy(struct basebackup *b, struct mrt_error *err)
{
	for (;;) {
		char *message = NULL;
		int n = PQgetCopyData(b->pg->conn, &message, 1);
		if (n == 0) {
			int rc = wait_input(b, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (n == -1)
			return 0;
		if (n < 0)
			return mrt_pg_fail(b->pg, NULL, err);
		int rc = take_message(b, message, (size_t)n, err);
		PQfreemem(message);
		if (rc == 0)
			rc = mrt_context_check(b->ctx, err);
		if (rc < 0) {
			mrt_pg_cancel(b->pg);
			return rc;
		}
	}
}

static int send_command(struct basebackup *b, struct mrt_error *err)
{
	const struct mrt_pg_basebackup_options *o = b->options;
	mrt_auto_buf sql = MRT_BUF_INIT;
	mrt_autofree char *label = NULL;
	int rc = mrt_pg_literal(b->pg, o->label, &label, err);
	if (rc < 0)
		return rc;
	mrt_buf_printf(&sql,
	               "BASE_BACKUP (LABEL %s, PROGRESS, CHECKPOINT '%s', WAL, WAIT false, "
	               "TABLESPACE_MAP, MANIFEST 'yes', MANIFEST_CHECKSUMS '%s'",
	               label, o->spread ? "spread" : "fast", o->manifest_checksums);
	if (o->max_rate > 0)
		mrt_buf_printf(&sql, ", MAX_RATE %" PRIu64, o->max_rate >> 10);
	if (o->compression_level > 0)
		mrt_buf_printf(&sql, ", COMPRESSION 'zstd', COMPRESSION_DETAIL 'level=%d'",
		               o->compression_level);
	mrt_buf_add_text(&sql, ")");
	rc = mrt_buf_check(&sql, err);
	if (rc == 0 && !PQsendQuery(b->pg->conn, sql.data))
		rc = mrt_pg_fail(b->pg, NULL, err);
	return rc;
}

/* After all data: the end's position, or what went wrong. */
static int finish(struct basebackup *b, struct mrt_pg_basebackup_end *ret, struct mrt_error *err)
{
	mrt_auto_pgresult end = NULL;
	struct mrt_pg_basebackup_end found = { 0 };
	int rc = expect(b, PGRES_TUPLES_OK, 2, "where the backup ends", &end, err);
	if (rc == 0)
		rc = position_of(end, &found.lsn, &found.timeline, err);
	for (bool more = true; rc == 0 && more;) {
		mrt_auto_pgresult r = NULL;
		rc = next_result(b, &r, err);
		more = r != NULL;
		ExecStatusType status = PQresultStatus(r);
		const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
		if (rc < 0 || !r || status == PGRES_COMMAND_OK)
			continue;
		bool pages = state && strcmp(state, "XX001") == 0;
		found.damaged = found.damaged || pages;
		rc = mrt_pg_fail(b->pg, r, err);
		if (pages)
			rc = b->options->allow_damaged ? 0 : mrt_recode(err, MRT_BAD);
	}
	if (rc == 0)
		*ret = found;
	return rc;
}

int mrt_pg_basebackup(struct mrt_pg *pg, const struct mrt_context *ctx,
                      const struct mrt_pg_basebackup_options *options,
                      const struct mrt_pg_basebackup_ops *ops, void *context,
                      struct mrt_pg_basebackup_end *ret, struct mrt_error *err)
{
	struct basebackup b = { pg, ctx, options, ops, context };
	mrt_auto_pgresult position = NULL;
	mrt_auto_pgresult list = NULL;
	mrt_auto_pgresult out = NULL;
	if (pg->version < 150000)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "a physical backup needs PostgreSQL 15 or newer; this is %d",
		                pg->version / 10000);
	int rc = send_command(&b, err);
	if (rc == 0)
		rc = expect(&b, PGRES_TUPLES_OK, 2, "where the backup begins", &position, err);
	if (rc == 0)
		rc = expect(&b, PGRES_TUPLES_OK, 3, "its tablespaces", &list, err);
	if (rc == 0)
		rc = tell_start(&b, position, list, err);
	if (rc == 0)
		rc = expect(&b, PGRES_COPY_OUT, 0, "the backup", &out, err);
	if (rc == 0)
		rc = copy(&b, err);
	return rc < 0 ? rc : finish(&b, ret, err);
}
