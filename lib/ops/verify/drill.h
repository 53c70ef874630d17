/* drill.h - "backup drill" and "backup verify --all". */
#ifndef MRT_OPS_VERIFY_DRILL_H
#define MRT_OPS_VERIFY_DRILL_H

#include "ops/verify/run.h"

/* All backups of the platform, or of one target, the newest first: {"backups": [record, or
 * {"id", "error"}], "good", "bad", "not_verified"}. Goes on after a bad one; MRT_BAD when there was
 * one, else the code of the first that could not be verified, with the answer all the same. */
int mrt_backup_verify_all(const struct mrt_context *ctx, const struct mrt_config *config,
                          const char *target, const struct mrt_verify_options *options,
                          json_t **ret, struct mrt_error *err);

struct mrt_drill_options {
	const char *target;           /* NULL: of any */
	int64_t rpo_limit, rto_limit; /* ns; 0: none */
	bool no_record;
};
/* The newest whole backup, verified by a restore: the record with "rpo_s", how old it is, and
 * "rto_s", how long it took to have it back. MRT_BAD, with the answer, when a limit is passed. */
int mrt_backup_drill(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_drill_options *options, json_t **ret, struct mrt_error *err);

#endif
