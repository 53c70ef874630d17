/* options.h - what is to be pruned, and who is asked. */
#ifndef MRT_OPS_RETENTION_OPTIONS_H
#define MRT_OPS_RETENTION_OPTIONS_H

#include "codec/json.h"

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

#endif
