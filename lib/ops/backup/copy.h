/* copy.h - "backup copy". */
#ifndef MRT_OPS_BACKUP_COPY_H
#define MRT_OPS_BACKUP_COPY_H

#include "codec/json.h"
#include "config/settings.h"

/* A backup, byte for byte, into another of the configuration's stores; records of verifications are
 * not copied. What an interrupted copy left is compared, and kept when it is right. MRT_CORRUPT: it
 * is not what its manifest says, and nothing came of it. MRT_EXISTS. */
int mrt_backup_copy(const struct mrt_context *ctx, const struct mrt_config *config, const char *id,
                    const char *to, json_t **ret, struct mrt_error *err);

#endif
