/* redis_live.h - a Redis snapshot into a server that runs. */
#ifndef MRT_OPS_RESTORE_REDIS_LIVE_H
#define MRT_OPS_RESTORE_REDIS_LIVE_H

#include "ops/restore/options.h"
#include "repository/manifest.h"

/* options.to_redis, .replace and .dry_run; see ops/restore/options.h. */
int mrt_restore_redis_live(const struct mrt_context *ctx, const struct mrt_config *config,
                           struct mrt_store *store, const struct mrt_manifest *manifest,
                           const struct mrt_restore_options *options, json_t **ret,
                           struct mrt_error *err);

#endif
