/* pruning.h - one prune while it goes on: shared by prune.c (the plan) and remove.c (the
 * doing).
 */
#ifndef MRT_OPS_RETENTION_PRUNING_H
#define MRT_OPS_RETENTION_PRUNING_H

#include "ops/retention/options.h"
#include "ops/retention/periods.h"
#include "repository/manifest.h"
#include "repository/store_lock.h"

struct mrt_prune_candidate {
	const struct mrt_backup_entry *entry;
	struct mrt_manifest *manifest; /* NULL: it cannot be read */
	json_t *json;                  /* its entry in the report */
};

struct mrt_prune {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_prune_options *options;
	struct mrt_store *store;
	const char *store_name; /* NULL: there is one */
	struct mrt_retention policy;
	int64_t skew, now; /* ns; seconds by the store's clock */
	bool versioned;    /* a plain delete would free nothing */
	/* of the target at hand */
	const char *target;
	struct mrt_backup_list list;
	struct mrt_prune_candidate *all; /* newest first */
	struct mrt_retention_item *items;
	size_t n;
	struct mrt_store_lock *lock;
	/* sums */
	uint64_t kept, removed, held, foreign, folders, leftovers, uploads, freed;
	size_t n_failed;
	struct mrt_error failure; /* the first */
};

/* Keeps whole what a lock of a versioned bucket still holds. */
int mrt_prune_keep_locked(struct mrt_prune *prune, struct mrt_error *err);
/* Removes what nothing keeps, the oldest first; a failure is counted, and the others go on. */
int mrt_prune_remove(struct mrt_prune *prune, struct mrt_error *err);
/* Removes, or in a dry run counts, what unfinished runs of the target left. */
int mrt_prune_leftovers(struct mrt_prune *prune, struct mrt_error *err);

#endif
