/* audit.h - who did what to whom, in a chain that cannot be cut or changed unnoticed.
 *
 * Two tables in each schema: audit_log, a row an event, and audit_heads, the end of each tenant's
 * chain. The head is locked last before the commit, which makes the sequence gapless. What a row
 * says beyond who, what and whence is its payload, which can be erased: the chain holds a salted
 * digest of it.
 *
 * digest = SHA-256(chain, tenant, seq, at, actor, action, origin, payload_digest, digest of the row
 * before), where chain is "platform" or "school", seq and at, microseconds since 1970, are 8 bytes
 * each, big-endian, texts have their length before them, 4 bytes, and the first row has nothing
 * before it. payload_digest = SHA-256(salt, payload).
 */
#ifndef MRT_PLATFORM_AUDIT_H
#define MRT_PLATFORM_AUDIT_H

#include "client/pg/connection.h"
#include "codec/json.h"

struct mrt_audit_who {
	char actor[320];  /* "user anna", "GitHub Actions example/platform, workflow deploy, by
	                     anna, as user runner" */
	char origin[320]; /* "host.example", "host.example, from 10.0.0.7" */
};
/* As the environment of the process says it. */
void mrt_audit_who(struct mrt_audit_who *ret);

/* Where a chain is: in the platform's tables, or with the school's own. */
#define MRT_CHAIN_PLATFORM "platform"
#define MRT_CHAIN_TENANT "school"

struct mrt_audit_event {
	const char *chain;          /* NULL: the platform's */
	char tenant[MRT_UUID_SIZE]; /* of the platform as a whole: its id */
	bool begins;                /* it may be the first of its chain */
	const char *action;         /* "tenant.create" */
	json_t *payload;            /* an object; not owned */
};
/* Inside the transaction that did it, as its last statements; the schema is the search_path's. */
int mrt_audit_append(struct mrt_pg *pg, const struct mrt_context *ctx,
                     const struct mrt_audit_who *who, const struct mrt_audit_event *event,
                     struct mrt_error *err);

/* The first row of a chain, for those who insert it and its head themselves. at: microseconds since
 * 1970, by the server's clock; the rest is hex. */
struct mrt_audit_first {
	char salt[33], payload_digest[65], digest[65];
};
int mrt_audit_make_first(const struct mrt_audit_who *who, const struct mrt_audit_event *event,
                         const char *payload, int64_t at, struct mrt_audit_first *ret,
                         struct mrt_error *err);

struct mrt_audit_state {
	uint64_t rows, erased; /* erased: rows whose payload is no longer there */
	char *fault;           /* what is wrong with it first, NULL: nothing; to be freed */
};
/* Follows one chain from its first row to its head, in the schema of the search_path, inside a
 * REPEATABLE READ transaction. */
int mrt_audit_follow(struct mrt_pg *pg, const struct mrt_context *ctx, const char *chain,
                     const char *tenant, struct mrt_audit_state *ret, struct mrt_error *err);

#endif
