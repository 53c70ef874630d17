/* stores.h - what every backup run does with its stores, whatever it backs up.
 *
 * Mostly there is one. Of several each commits alone: one that fails is left out from then on, and
 * said so at the end; only when none is left does the run fail.
 */
#ifndef MRT_OPS_BACKUP_STORES_H
#define MRT_OPS_BACKUP_STORES_H

#include "repository/content.h"

struct mrt_backup_run_stores;
/* The configured store and those of "stores:", or the one that --store chose, for a run of so many
 * jobs at a time; content's compressor and volumes are fitted to backup.memory. The manifest is
 * held as content is. */
int mrt_backup_run_stores_open(const struct mrt_context *ctx, const struct mrt_config *config,
                               unsigned jobs, struct mrt_content_options *content,
                               struct mrt_backup_run_stores **ret, struct mrt_error *err);
void mrt_backup_run_stores_free(struct mrt_backup_run_stores *stores);
MRT_DEFINE_AUTO(mrt_backup_run_stores)
/* What to put into: all that are left. */
struct mrt_store *mrt_backup_run_stores_all(const struct mrt_backup_run_stores *stores);

/* Each is asked for its time: MRT_REFUSED when our clock is too far off. */
int mrt_backup_run_stores_check_clock(struct mrt_backup_run_stores *stores,
                                      const struct mrt_context *ctx, struct mrt_error *err);
/* Against prune, and against runs that know the server under another name. overrule: holders that
 * are dead, see store_lock.h; or NULL. */
int mrt_backup_run_stores_lock(struct mrt_backup_run_stores *stores, const struct mrt_context *ctx,
                               const char *target, const char *who, const char *overrule,
                               struct mrt_error *err);
/* Whose backups these are, see mrt_cluster_claim(). */
int mrt_backup_run_stores_claim(struct mrt_backup_run_stores *stores, const struct mrt_context *ctx,
                                const char *target, const char *system_identifier, const char *id,
                                bool adopt, struct mrt_error *err);
int mrt_backup_run_stores_renew(struct mrt_backup_run_stores *stores, const struct mrt_context *ctx,
                                struct mrt_error *err);
/* The last object of a backup, while the lock is still ours: from now on there is one. folder ends
 * in "/". */
int mrt_backup_run_stores_put_manifest(struct mrt_backup_run_stores *stores,
                                       const struct mrt_context *ctx, const char *folder,
                                       const json_t *json, struct mrt_error *err);
/* At the end, whatever it was: what was committed where no manifest came is invisible; takes it
 * away all the same, within 2 s, even when the run was cancelled. */
void mrt_backup_run_stores_clean_up(struct mrt_backup_run_stores *stores,
                                    const struct mrt_context *ctx, const char *folder);
/* Is what was stored suspiciously small? See shrink.h; MRT_BAD. */
int mrt_backup_run_stores_check_shrink(const struct mrt_backup_run_stores *stores,
                                       const struct mrt_context *ctx, const char *target,
                                       const char *id, struct mrt_error *err);
/* Where there are several, answer's "stores": [{"name", "url", "stored", "error"}]. */
int mrt_backup_run_stores_report(const struct mrt_backup_run_stores *stores,
                                 const struct mrt_context *ctx, json_t *answer,
                                 struct mrt_error *err);
/* The same of a run whose backup is stored. code: what else there is to say of it, 0 or err's code.
 * MRT_FAILED names the stores that were left out. */
int mrt_backup_run_stores_result(const struct mrt_backup_run_stores *stores,
                                 const struct mrt_context *ctx, int code, json_t *answer,
                                 struct mrt_error *err);

#endif
