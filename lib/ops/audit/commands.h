/* commands.h - "audit list" and "audit verify". */
#ifndef MRT_OPS_AUDIT_COMMANDS_H
#define MRT_OPS_AUDIT_COMMANDS_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_audit_filter {
	const char *since;  /* a duration, a day, or a time; NULL: from the beginning */
	const char *actor;  /* a part of who; NULL: anybody */
	const char *action; /* what its name begins with; NULL: any */
	uint64_t limit;     /* only the newest; 0: all */
};
/* Calls each with every event, by time, {"id", "chain", "slug", "tenant", "seq", "at", "actor",
 * "action", "origin", "payload"}; chain: "platform" or "school"; slug null: of no school; payload
 * null: erased. slug: what was done to that school, in the platform and in its own tables; NULL:
 * all that was done in the platform. A page of them at a time is in memory, or those that limit
 * says. MRT_USAGE: since is no time. */
int mrt_audit_list(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   const struct mrt_audit_filter *filter,
                   int (*each)(const json_t *event, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err);
/* What remembers where chains ended once: backups, by number. */
struct mrt_audit_memory {
	/* Finds those that remember chains of that platform; *ret_n counts. */
	int (*find)(void *context, const char *platform, size_t *ret_n, struct mrt_error *err);
	const char *(*id)(void *context, size_t i);
	/* A line a chain, "UUID SEQ HEX"; NULL: it has none. database NULL: the platform's. */
	const char *(*heads)(void *context, size_t i, const char *database, const char *schema);
	void *context;
};
/* Follows every chain, or those of one school, misses those that must be and are not, and compares
 * with memory, unless that is NULL. *ret, NULL before: {"chains", "rows", "erased", "backups": [],
 * "not_compared": [], "faults": [{"chain", "schema", "database", "tenant", "slug", "text"}]};
 * backups: ids; not_compared: schemas, as "SCHEMA" or "DATABASE.SCHEMA", that none of them has.
 * MRT_BAD, with the answer, when there are faults. */
int mrt_audit_verify(const struct mrt_context *ctx, const struct mrt_config *config,
                     const char *slug, const struct mrt_audit_memory *memory, json_t **ret,
                     struct mrt_error *err);

#endif
