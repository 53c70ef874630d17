/* audit_heads.h - the ends of audit chains: a backup remembers them, so that a chain that was cut
 * or made anew since is found (maratea-audit(1)). */
#ifndef MRT_REPOSITORY_AUDIT_HEADS_H
#define MRT_REPOSITORY_AUDIT_HEADS_H

#include "client/pg/connection.h"
#include "codec/json.h"
#include "config/settings.h"

/* In a transaction of a connection to one database: adds "audit_heads" to database, an object of a
 * text a schema, where there are any: a line a tenant, "UUID SEQ HEX"; and "audit_platform", the
 * id, where it is a platform's. */
int mrt_audit_heads_read(struct mrt_pg *pg, const struct mrt_context *ctx, json_t *database,
                         struct mrt_error *err);

struct mrt_manifest;
struct mrt_audit_heads {
	struct mrt_manifest **backups; /* that remember chains of the platform, the newest first */
	size_t n;
	char *platform;
};
/* id: one backup's, or NULL: all. One that cannot be read is warned of. MRT_NOT_FOUND: no backup
 * has the id. */
int mrt_audit_heads_open(const struct mrt_context *ctx, const struct mrt_config *config,
                         const char *id, const char *platform, struct mrt_audit_heads *ret,
                         struct mrt_error *err);
void mrt_audit_heads_release(struct mrt_audit_heads *heads);
const char *mrt_audit_heads_id(const struct mrt_audit_heads *heads, size_t i);
/* The text of the i-th, or NULL. database NULL: the platform's, whatever its name was then. */
const char *mrt_audit_heads_text(const struct mrt_audit_heads *heads, size_t i,
                                 const char *database, const char *schema);

#endif
