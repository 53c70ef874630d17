/* directory.h - a physical backup into a directory. */
#ifndef MRT_OPS_RESTORE_DIRECTORY_H
#define MRT_OPS_RESTORE_DIRECTORY_H

#include "ops/restore/options.h"
#include "ops/restore/physical_read.h"
#include "repository/manifest.h"

/* What options.to_dir, .tablespaces, .owner, .dry_run say. */
int mrt_restore_dir(const struct mrt_context *ctx, struct mrt_store *store,
                    const struct mrt_manifest *manifest, const struct mrt_restore_options *options,
                    json_t **ret, struct mrt_error *err);

/* For a verification: into dir/data, tablespaces into dir/tablespaces/<oid>. uid 0: as we are. */
int mrt_restore_scratch(const struct mrt_context *ctx, struct mrt_store *store,
                        const struct mrt_manifest *manifest, const char *dir, uid_t uid, gid_t gid,
                        struct mrt_physical_found *ret, struct mrt_error *err);

#endif
