/* redis.h - a Redis snapshot out of a backup, into a file or a running server. */
#ifndef MRT_OPS_RESTORE_REDIS_H
#define MRT_OPS_RESTORE_REDIS_H

#include "ops/restore/options.h"
#include "repository/manifest.h"

/* What options.to (a path), .to_redis (a URL) and .dry_run say: the file, or the server's
 * databases, appear whole, or nothing is changed. MRT_EXISTS. */
int mrt_restore_redis(const struct mrt_context *ctx, const struct mrt_config *config,
                      struct mrt_store *store, const struct mrt_manifest *manifest,
                      const struct mrt_restore_options *options, json_t **ret,
                      struct mrt_error *err);

#endif
