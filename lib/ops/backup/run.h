/* run.h - "backup run": what is to be backed up, and how. */
#ifndef MRT_OPS_BACKUP_RUN_H
#define MRT_OPS_BACKUP_RUN_H

#include "codec/json.h"
#include "config/settings.h"
#include "ops/backup/options.h"

/* Backs up; *ret, NULL before, is the manifest, or for a dry run the plan; with several stores also
 * "stores"; of several targets {"targets": [{"target", "status", "error", "backup"}]}. Where it is
 * set, the backup exists; a failure then says what is wrong with it all the same: MRT_BAD, that it
 * is suspiciously small; MRT_FAILED, that it is not in every store, or not all targets have one. */
int mrt_backup_run(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_backup_options *options, json_t **ret, struct mrt_error *err);

#endif
