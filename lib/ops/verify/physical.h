/* physical.h - a physical backup's verification: its content, and a server started from it.
 */
#ifndef MRT_OPS_VERIFY_PHYSICAL_H
#define MRT_OPS_VERIFY_PHYSICAL_H

#include "config/settings.h"
#include "ops/restore/physical_read.h"

struct mrt_physical_verdict {
	struct mrt_physical_found found;
	uint64_t databases;  /* read whole by pg_dump */
	uint64_t assertions; /* of the user's that hold */
	const char *level;   /* "content", "restore"; "started": there was no pg_amcheck */
};
/* MRT_CORRUPT, MRT_BAD: the backup's fault; other codes: it could not be verified. */
int mrt_verify_physical(const struct mrt_context *ctx, const struct mrt_config *config,
                        struct mrt_store *store, const struct mrt_manifest *manifest, bool restore,
                        struct mrt_physical_verdict *ret, struct mrt_error *err);

#endif
