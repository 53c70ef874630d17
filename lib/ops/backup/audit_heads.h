/* audit_heads.h - the ends of audit chains: a backup remembers them, so that a chain that was cut
 * or made anew since is found (maratea-audit(1)). */
#ifndef MRT_OPS_BACKUP_AUDIT_HEADS_H
#define MRT_OPS_BACKUP_AUDIT_HEADS_H

#include "client/pg.h"
#include "codec/json.h"
#include "ops/config/config.h"

/* In a transaction of a connection to one database: adds "audit_heads" to database, an object of a
 * text a schema, where there are any: a line a tenant, "UUID SEQ HEX". */
int mrt_audit_heads_read(struct mrt_pg *pg, const struct mrt_run *run, json_t *database,
                         struct mrt_error *err);

struct mrt_manifest;
/* id "latest": the newest backup that has the heads of that database, NULL when there is none.
 * MRT_NOT_FOUND: no backup has the id. */
int mrt_audit_heads_find(const struct mrt_run *run, const struct mrt_config *config, const char *id,
                         const char *database, struct mrt_manifest **ret, struct mrt_error *err);
/* The text, or NULL. */
const char *mrt_audit_heads_of(const struct mrt_manifest *manifest, const char *database,
                               const char *schema);

#endif
