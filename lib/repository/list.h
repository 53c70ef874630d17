/* list.h - "backup list" and "backup show". */
#ifndef MRT_REPOSITORY_LIST_H
#define MRT_REPOSITORY_LIST_H

#include "codec/json.h"
#include "config/settings.h"

/* The listing: {"backups": [...], "incomplete": n}, newest last. */
int mrt_backup_list(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *target, bool all_platforms, json_t **ret, struct mrt_error *err);
int mrt_backup_show(const struct mrt_context *ctx, const struct mrt_config *config, const char *id,
                    json_t **ret, struct mrt_error *err);

#endif
