/* redis_scratch.h - a private Redis that was started from a backup, in a directory of its own. */
#ifndef MRT_OPS_RESTORE_REDIS_SCRATCH_H
#define MRT_OPS_RESTORE_REDIS_SCRATCH_H

#include "client/redis/connection.h"
#include "repository/manifest.h"

struct mrt_redis_scratch;
/* Reads the snapshot, walks through it, starts redis-server from it, and compares the keys of each
 * database with the manifest; those that expired meanwhile may be missing. MRT_CORRUPT, MRT_BAD:
 * the backup is bad. MRT_UNSUPPORTED: no redis-server here can load it. */
int mrt_redis_scratch_open(const struct mrt_context *ctx, const struct mrt_config *config,
                           struct mrt_store *store, const struct mrt_manifest *manifest,
                           struct mrt_redis_scratch **ret, struct mrt_error *err);
/* A connection to it. */
struct mrt_redis *mrt_redis_scratch_redis(const struct mrt_redis_scratch *scratch);
/* Stops it and removes the directory. */
void mrt_redis_scratch_free(struct mrt_redis_scratch *scratch);
MRT_DEFINE_AUTO(mrt_redis_scratch)

#endif
