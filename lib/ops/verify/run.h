/* run.h - "backup verify": is what is stored what was stored, and can it be restored? */
#ifndef MRT_OPS_VERIFY_RUN_H
#define MRT_OPS_VERIFY_RUN_H

#include "codec/json.h"
#include "config/settings.h"

enum mrt_verify_level {
	MRT_VERIFY_CONTENT, /* every byte is read and compared */
	MRT_VERIFY_STORED,  /* every object is there with its size */
	MRT_VERIFY_RESTORE  /* and a server is started from it */
};
struct mrt_verify_options {
	const char *id;
	enum mrt_verify_level level;
	bool no_record; /* a good result of level stored is never recorded: it would hide a better
	                 */
};
/* 0 and the record: everything is as the manifest says. MRT_CORRUPT or MRT_BAD, and the record all
 * the same (*ret may stay NULL): the first thing that is not. Any other code: it could not be
 * verified, which says nothing about the backup. */
int mrt_backup_verify(const struct mrt_context *ctx, const struct mrt_config *config,
                      const struct mrt_verify_options *options, json_t **ret,
                      struct mrt_error *err);

#endif
