/* redis.h - "backup run redis": a snapshot over the replication link. */
#ifndef MRT_OPS_BACKUP_REDIS_H
#define MRT_OPS_BACKUP_REDIS_H

#include "config/settings.h"
#include "ops/backup/options.h"

/* MRT_USAGE for options that are PostgreSQL's. */
int mrt_backup_run_redis_options(const struct mrt_backup_options *options, struct mrt_error *err);
int mrt_backup_run_redis(const struct mrt_context *ctx, const struct mrt_config *config,
                         const struct mrt_backup_options *options, json_t **ret,
                         struct mrt_error *err);

#endif
