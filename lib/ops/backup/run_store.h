/* run_store.h - what every backup run does with its store, whatever it backs up. */
#ifndef MRT_OPS_BACKUP_RUN_STORE_H
#define MRT_OPS_BACKUP_RUN_STORE_H

#include "ops/backup/content.h"

/* Opens the store for a run of so many jobs at a time; content's compressor and volumes are fitted
 * to backup.memory. */
int mrt_run_open_store(const struct mrt_config *config, unsigned jobs,
                       struct mrt_content_options *content, struct mrt_store **ret,
                       struct mrt_error *err);
/* MRT_REFUSED when our clock is too far off the store's; ret_skew in ns. */
int mrt_run_check_clock(const struct mrt_run *run, const struct mrt_config *config,
                        struct mrt_store *store, int64_t *ret_skew, struct mrt_error *err);
/* The last object of a backup: from now on there is one. folder ends in "/". */
int mrt_run_put_manifest(const struct mrt_run *run, struct mrt_store *store, const char *folder,
                         const json_t *json, struct mrt_error *err);
/* What a failed run committed is invisible without a manifest; takes it away all the same, within
 * 2 s, even when the run was cancelled. */
void mrt_run_clean_up(const struct mrt_run *run, struct mrt_store *store, const char *folder);

#endif
