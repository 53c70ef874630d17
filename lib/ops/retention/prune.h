/* prune.h - "backup prune". */
#ifndef MRT_OPS_RETENTION_PRUNE_H
#define MRT_OPS_RETENTION_PRUNE_H

#include "codec/json.h"
#include "config/settings.h"
#include "ops/retention/options.h"

/* Removes what the policy of backup.retention does not keep, and what unfinished runs left, in each
 * store. MRT_FAILED, and the answer all the same, when some of it could not be removed; of several
 * stores, the first failure's code and the answer of the others. */
int mrt_backup_prune(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_prune_options *options, json_t **ret, struct mrt_error *err);

#endif
