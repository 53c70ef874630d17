/* audit_report.h - "audit list" and "audit verify". */
#ifndef MRT_OPS_TENANT_AUDIT_REPORT_H
#define MRT_OPS_TENANT_AUDIT_REPORT_H

#include "codec/json.h"
#include "ops/config/config.h"

/* Calls each with every event, {"id", "chain", "slug", "tenant", "seq", "at", "actor", "action",
 * "origin", "payload"}; chain: "platform" or "school"; slug null: of no school; payload null:
 * erased. slug: what was done to that school, first in the platform, then in its own tables; NULL:
 * all that was done in the platform. A page of them at a time is in memory. */
int mrt_audit_list(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                   int (*each)(const json_t *event, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err);
/* Follows every chain, or those of one school, and misses those that must be and are not. *ret,
 * NULL before: {"chains", "rows", "erased", "faults": [{"chain", "schema", "database", "tenant",
 * "slug", "text"}]}. MRT_BAD, with the answer, when there are any. */
int mrt_audit_verify(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                     json_t **ret, struct mrt_error *err);

#endif
