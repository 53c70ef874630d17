/* shrink.h - is the newest backup suspiciously small? Then it may be a disaster that was backed up.
 */
#ifndef MRT_REPOSITORY_SHRINK_H
#define MRT_REPOSITORY_SHRINK_H

#include "repository/manifest.h"

/* Has it under half of the bytes or tables of an older one of the same server? Then ret says so in
 * a sentence. */
bool mrt_backup_shrunk(const struct mrt_manifest *newer, const struct mrt_manifest *older,
                       char *ret, size_t size);
/* The backup of that id with the whole one of its method before it; MRT_BAD. */
int mrt_backup_check_shrink(const struct mrt_context *ctx, struct mrt_store *store,
                            const char *platform, const char *target, const char *id,
                            struct mrt_error *err);

#endif
