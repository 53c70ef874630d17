/* read.h - chains that are read: all, or those of one school. */
#ifndef MRT_OPS_AUDIT_READ_H
#define MRT_OPS_AUDIT_READ_H

#include "platform/session.h"

struct mrt_audit_reading {
	struct mrt_session s;
	const char *slug;                 /* NULL: all */
	char *tenant, *schema, *database; /* of that school */
	bool made;                        /* it has a chain of its own */
};
/* MRT_NOT_FOUND: no school has the slug. */
int mrt_audit_open(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   struct mrt_audit_reading *ret, struct mrt_error *err);
void mrt_audit_reading_release(struct mrt_audit_reading *reading);

/* In one snapshot: a chain that grows meanwhile is not a broken one. As the owner, unfiltered. */
int mrt_audit_enter(struct mrt_pg *pg, const struct mrt_context *ctx, const char *schema,
                    struct mrt_error *err);
/* Gives rc, or what went wrong with leaving. */
int mrt_audit_leave(struct mrt_pg *pg, const struct mrt_context *ctx, int rc,
                    struct mrt_error *err);

#endif
