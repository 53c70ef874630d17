/* redis_snapshot.h - a stored Redis snapshot, read and compared. */
#ifndef MRT_REPOSITORY_REDIS_SNAPSHOT_H
#define MRT_REPOSITORY_REDIS_SNAPSHOT_H

#include "client/store/contract.h"
#include "codec/rdb.h"
#include "repository/manifest.h"

#define MRT_REDIS_OBJECT "dump.rdb.zst"

/* Reads it to its end and compares it with the manifest; each() gets the bytes, too, unless NULL.
 */
int mrt_redis_read(const struct mrt_context *ctx, struct mrt_store *store,
                   const struct mrt_manifest *manifest,
                   int (*each)(void *context, const void *data, size_t len, struct mrt_error *err),
                   void *context, struct mrt_error *err);

#endif
