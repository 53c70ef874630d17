/* backup_prune.h - "backup prune". */
#ifndef MRT_OPS_BACKUP_BACKUP_PRUNE_H
#define MRT_OPS_BACKUP_BACKUP_PRUNE_H

#include "codec/json.h"
#include "ops/config/config.h"

struct mrt_prune_options {
	const char *target;      /* NULL: all of the platform */
	const char *const *tags; /* keep labels that match these, besides backup.retention's */
	size_t n_tags;
	int64_t grace; /* ns: what is unfinished for longer goes */
	bool dry_run, force_last, accept_shrink, no_store_lock;
	/* told the plan so far ("backups" of the answer) before anything is removed; may be NULL */
	void (*plan)(void *context, const json_t *backups);
	/* asked before anything is removed; NULL: yes. MRT_USAGE refuses */
	int (*confirm)(void *context, const char *question, struct mrt_error *err);
	void *context;
};
/* Removes what the policy of backup.retention does not keep, and what unfinished runs left, in each
 * store. MRT_FAILED, and the answer all the same, when some of it could not be removed; of several
 * stores, the first failure's code and the answer of the others. */
int mrt_backup_prune(const struct mrt_run *run, const struct mrt_config *config,
                     const struct mrt_prune_options *options, json_t **ret, struct mrt_error *err);

#endif
