/* audit.c - a chain of what was done. */
#include "platform/audit.h"
#include "base/text.h"
#include "codec/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SALT_SIZE 16
#define PAGE "1000"

struct row {
	const char *chain, *tenant;
	int64_t seq, at; /* at: microseconds since 1970 */
	const char *actor, *action, *origin;
	unsigned char payload_digest[MRT_SHA256_SIZE];
};

static void add_number(struct mrt_buf *buf, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		mrt_buf_add_char(buf, (char)(value >> (8 * i)));
}

static void add_text(struct mrt_buf *buf, const char *text)
{
	add_number(buf, strlen(text), 4);
	mrt_buf_add_text(buf, text);
}

static int digest_of(const struct row *row, const unsigned char *before, size_t len,
                     unsigned char ret[MRT_SHA256_SIZE], struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	add_text(&text, row->chain);
	add_text(&text, row->tenant);
	add_number(&text, (uint64_t)row->seq, 8);
	add_number(&text, (uint64_t)row->at, 8);
	add_text(&text, row->actor);
	add_text(&text, row->action);
	add_text(&text, row->origin);
	mrt_buf_add(&text, row->payload_digest, sizeof(row->payload_digest));
	mrt_buf_add(&text, before, len);
	int rc = mrt_buf_check(&text, err);
	return rc < 0 ? rc : mrt_sha256(text.data, text.len, ret, err);
}

static int digest_of_payload(const unsigned char salt[SALT_SIZE], const char *payload,
                             unsigned char ret[MRT_SHA256_SIZE], struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_buf_add(&text, salt, SALT_SIZE);
	mrt_buf_add_text(&text, payload);
	int rc = mrt_buf_check(&text, err);
	return rc < 0 ? rc : mrt_sha256(text.data, text.len, ret, err);
}

/* The head's row, locked, made where there is none, and the server's clock. */
static int lock_head(struct mrt_pg *pg, const struct mrt_context *ctx,
                     const struct mrt_audit_event *event, PGresult **ret, struct mrt_error *err)
{
	const char *const values[] = { event->tenant };
	mrt_auto_pgresult made = NULL;
	int rc = event->begins ? mrt_pg_query(pg, ctx,
	                                      "INSERT INTO audit_heads VALUES ($1, 0, '') ON "
	                                      "CONFLICT DO NOTHING",
	                                      values, 1, &made, err)
	                       : 0;
	return rc < 0 ? rc
	              : mrt_pg_query(pg, ctx,
	                             "SELECT seq, encode(digest, 'hex'), (extract(epoch FROM "
	                             "clock_timestamp()) * 1000000)::bigint FROM "
	                             "audit_heads WHERE "
	                             "tenant_id = $1 FOR UPDATE",
	                             values, 1, ret, err);
}

static int insert(struct mrt_pg *pg, const struct mrt_context *ctx, const char *tenant,
                  const struct row *row, const char *payload, const unsigned char salt[SALT_SIZE],
                  const unsigned char digest[MRT_SHA256_SIZE], struct mrt_error *err)
{
	char seq[24], at[24], salt_hex[2 * SALT_SIZE + 1], payload_hex[MRT_SHA256_HEX],
	        digest_hex[MRT_SHA256_HEX];
	mrt_auto_pgresult r = NULL;
	snprintf(seq, sizeof(seq), "%" PRId64, row->seq);
	snprintf(at, sizeof(at), "%" PRId64, row->at);
	mrt_hex(salt, SALT_SIZE, salt_hex);
	mrt_hex(row->payload_digest, MRT_SHA256_SIZE, payload_hex);
	mrt_hex(digest, MRT_SHA256_SIZE, digest_hex);
	const char *const values[] = { tenant,      seq,     at,       row->actor,  row->action,
		                       row->origin, payload, salt_hex, payload_hex, digest_hex };
	int rc = mrt_pg_query(
	        pg, ctx,
	        "WITH head AS (UPDATE audit_heads SET seq = $2::bigint, digest = "
	        "decode($10, 'hex') WHERE tenant_id = $1) INSERT INTO audit_log "
	        "(tenant_id, seq, at, actor, action, origin, payload, salt, "
	        "payload_digest, digest) VALUES ($1, $2, '1970-01-01 00:00Z'::timestamptz "
	        "+ $3::bigint * interval '1 microsecond', $4, $5, $6, $7, decode($8, "
	        "'hex'), decode($9, 'hex'), decode($10, 'hex'))",
	        values, 10, &r, err);
	/* a trigger or rule of somebody's may have made nothing of it */
	return rc < 0 || strcmp(PQcmdTuples(r), "1") == 0
	               ? rc
	               : mrt_fail(err, MRT_FAILED, "%s: the audit log did not take a row",
	                          pg->where);
}

int mrt_audit_append(struct mrt_pg *pg, const struct mrt_context *ctx,
                     const struct mrt_audit_who *who, const struct mrt_audit_event *event,
                     struct mrt_error *err)
{
	unsigned char salt[SALT_SIZE], before[MRT_SHA256_SIZE], digest[MRT_SHA256_SIZE];
	mrt_auto_pgresult head = NULL;
	struct row row = { .chain = event->chain ? event->chain : MRT_CHAIN_PLATFORM,
		           .tenant = event->tenant,
		           .actor = who->actor,
		           .action = event->action,
		           .origin = who->origin };
	mrt_autofree char *payload = json_dumps(event->payload, JSON_COMPACT);
	if (!payload)
		return mrt_no_memory(err);
	mrt_random(salt, sizeof(salt));
	int rc = digest_of_payload(salt, payload, row.payload_digest, err);
	if (rc == 0)
		rc = lock_head(pg, ctx, event, &head, err);
	if (rc < 0)
		return rc;
	if (PQntuples(head) == 0) {
		mrt_fail(err, MRT_CORRUPT, "the audit chain of %s has no head", event->tenant);
		return mrt_hint(err, "'maratea audit verify' tells what else is gone");
	}
	size_t len = strlen(PQgetvalue(head, 0, 1)) / 2;
	if (len > sizeof(before) || !mrt_unhex(PQgetvalue(head, 0, 1), before, len))
		return mrt_fail(err, MRT_CORRUPT, "the head of the audit chain of %s is no digest",
		                event->tenant);
	row.seq = strtoll(PQgetvalue(head, 0, 0), NULL, 10) + 1;
	row.at = strtoll(PQgetvalue(head, 0, 2), NULL, 10);
	rc = digest_of(&row, before, len, digest, err);
	return rc < 0 ? rc : insert(pg, ctx, event->tenant, &row, payload, salt, digest, err);
}

int mrt_audit_make_first(const struct mrt_audit_who *who, const struct mrt_audit_event *event,
                         const char *payload, int64_t at, struct mrt_audit_first *ret,
                         struct mrt_error *err)
{
	unsigned char salt[SALT_SIZE], digest[MRT_SHA256_SIZE];
	struct row row = { .chain = event->chain ? event->chain : MRT_CHAIN_PLATFORM,
		           .tenant = event->tenant,
		           .seq = 1,
		           .at = at,
		           .actor = who->actor,
		           .action = event->action,
		           .origin = who->origin };
	mrt_random(salt, sizeof(salt));
	int rc = digest_of_payload(salt, payload, row.payload_digest, err);
	if (rc == 0)
		rc = digest_of(&row, NULL, 0, digest, err);
	if (rc < 0)
		return rc;
	mrt_hex(salt, sizeof(salt), ret->salt);
	mrt_hex(row.payload_digest, MRT_SHA256_SIZE, ret->payload_digest);
	mrt_hex(digest, MRT_SHA256_SIZE, ret->digest);
	return 0;
}

struct following {
	const char *chain, *tenant;
	int64_t seq;                           /* of the last row that fits */
	unsigned char digest[MRT_SHA256_SIZE]; /* its */
	size_t len;
	uint64_t erased;
	char *fault;
};

static int fault(struct following *f, int64_t seq, const char *what, struct mrt_error *err)
{
	return mrt_text_printf(&f->fault, err, "row %" PRId64 " %s", seq, what);
}

static int check_payload(struct following *f, const struct row *row, const PGresult *r, int i,
                         struct mrt_error *err)
{
	unsigned char salt[SALT_SIZE], wanted[MRT_SHA256_SIZE];
	if (PQgetisnull(r, i, 5)) {
		f->erased++;
		return 0;
	}
	if (PQgetlength(r, i, 6) != 2 * SALT_SIZE ||
	    !mrt_unhex(PQgetvalue(r, i, 6), salt, SALT_SIZE))
		return fault(f, row->seq, "has no salt", err);
	int rc = digest_of_payload(salt, PQgetvalue(r, i, 5), wanted, err);
	return rc < 0 || memcmp(row->payload_digest, wanted, MRT_SHA256_SIZE) == 0
	               ? rc
	               : fault(f, row->seq, "has another payload", err);
}

/* Columns: seq, at, actor, action, origin, payload, salt, payload_digest, digest. */
static int check_row(struct following *f, const PGresult *r, int i, struct mrt_error *err)
{
	unsigned char there[MRT_SHA256_SIZE], wanted[MRT_SHA256_SIZE];
	struct row row = { .chain = f->chain,
		           .tenant = f->tenant,
		           .seq = strtoll(PQgetvalue(r, i, 0), NULL, 10),
		           .at = strtoll(PQgetvalue(r, i, 1), NULL, 10),
		           .actor = PQgetvalue(r, i, 2),
		           .action = PQgetvalue(r, i, 3),
		           .origin = PQgetvalue(r, i, 4) };
	if (row.seq != f->seq + 1)
		return fault(f, f->seq + 1, "is missing", err);
	if (PQgetlength(r, i, 7) != 2 * MRT_SHA256_SIZE ||
	    PQgetlength(r, i, 8) != 2 * MRT_SHA256_SIZE ||
	    !mrt_unhex(PQgetvalue(r, i, 7), row.payload_digest, MRT_SHA256_SIZE) ||
	    !mrt_unhex(PQgetvalue(r, i, 8), there, MRT_SHA256_SIZE))
		return fault(f, row.seq, "has no digest", err);
	int rc = digest_of(&row, f->digest, f->len, wanted, err);
	if (rc < 0)
		return rc;
	if (memcmp(there, wanted, MRT_SHA256_SIZE) != 0)
		return fault(f, row.seq, "was changed", err);
	memcpy(f->digest, there, MRT_SHA256_SIZE);
	f->len = MRT_SHA256_SIZE;
	f->seq = row.seq;
	return check_payload(f, &row, r, i, err);
}

static int check_head(struct mrt_pg *pg, const struct mrt_context *ctx, struct following *f,
                      struct mrt_error *err)
{
	const char *const values[] = { f->tenant };
	mrt_auto_pgresult head = NULL;
	char hex[MRT_SHA256_HEX] = "";
	int rc = mrt_pg_query(pg, ctx,
	                      "SELECT seq, encode(digest, 'hex') FROM audit_heads WHERE tenant_id "
	                      "= $1",
	                      values, 1, &head, err);
	if (rc < 0)
		return rc;
	mrt_hex(f->digest, f->len, hex);
	bool there = PQntuples(head) > 0;
	int64_t seq = there ? strtoll(PQgetvalue(head, 0, 0), NULL, 10) : 0;
	if (f->seq == 0)
		return seq == 0 ? 0
		                : mrt_text_printf(&f->fault, err,
		                                  "there are no rows; the head says that there "
		                                  "are %" PRId64,
		                                  seq);
	if (!there)
		return fault(f, f->seq, "is the last, and the chain has no head", err);
	if (seq > f->seq)
		return fault(f, f->seq, "is the last; the head says that more followed", err);
	return seq == f->seq && strcmp(PQgetvalue(head, 0, 1), hex) == 0
	               ? 0
	               : fault(f, f->seq, "is not what the head says", err);
}

int mrt_audit_follow(struct mrt_pg *pg, const struct mrt_context *ctx, const char *chain,
                     const char *tenant, struct mrt_audit_state *ret, struct mrt_error *err)
{
	struct following f = { .chain = chain, .tenant = tenant };
	char last[24];
	int n = 1, rc = 0;
	snprintf(last, sizeof(last), "%" PRId64, INT64_MIN);
	while (rc == 0 && n > 0 && !f.fault) {
		mrt_auto_pgresult r = NULL;
		const char *const values[] = { tenant, last };
		rc = mrt_pg_query(
		        pg, ctx,
		        "SELECT seq, (extract(epoch FROM at) * 1000000)::bigint, actor, "
		        "action, origin, payload, encode(salt, 'hex'), "
		        "encode(payload_digest, 'hex'), encode(digest, 'hex') FROM "
		        "audit_log WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT " PAGE,
		        values, 2, &r, err);
		n = rc == 0 ? PQntuples(r) : 0;
		for (int i = 0; rc == 0 && i < n && !f.fault; i++)
			rc = check_row(&f, r, i, err);
		snprintf(last, sizeof(last), "%" PRId64, f.seq);
	}
	if (rc == 0 && !f.fault)
		rc = check_head(pg, ctx, &f, err);
	if (rc < 0)
		return rc;
	*ret = (struct mrt_audit_state) { (uint64_t)f.seq, f.erased, f.fault };
	return 0;
}
