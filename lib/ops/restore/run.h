/* run.h - "backup restore": what is to be restored, and where to. */
#ifndef MRT_OPS_RESTORE_RUN_H
#define MRT_OPS_RESTORE_RUN_H

#include "codec/json.h"
#include "config/settings.h"
#include "ops/restore/options.h"

int mrt_backup_restore(const struct mrt_context *ctx, const struct mrt_config *config,
                       const struct mrt_restore_options *options, json_t **ret,
                       struct mrt_error *err);

#endif
