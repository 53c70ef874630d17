/* restore_redis.h - a Redis snapshot out of a backup, into a file or a running server. */
#ifndef MRT_OPS_BACKUP_RESTORE_REDIS_H
#define MRT_OPS_BACKUP_RESTORE_REDIS_H

#include "ops/backup/backup.h"

/* What options.to (a path), .to_redis (a URL) and .dry_run say: the file, or the server's
 * databases, appear whole, or nothing is changed. MRT_EXISTS. */
int mrt_restore_redis(const struct mrt_run *run, const struct mrt_config *config,
                      struct mrt_store *store, const struct mrt_manifest *manifest,
                      const struct mrt_restore_options *options, json_t **ret,
                      struct mrt_error *err);
/* Reads it to its end and compares it with the manifest; each() gets the bytes, too, unless NULL.
 */
int mrt_redis_read(const struct mrt_run *run, struct mrt_store *store,
                   const struct mrt_manifest *manifest,
                   int (*each)(void *context, const void *data, size_t len, struct mrt_error *err),
                   void *context, struct mrt_error *err);

#endif
