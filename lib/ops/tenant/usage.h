/* usage.h - what schools use, beside what their plans allow. */
#ifndef MRT_OPS_TENANT_USAGE_H
#define MRT_OPS_TENANT_USAGE_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_usage_filter {
	const char *slug; /* NULL: all that are active or suspended */
	bool passed;      /* only those that have passed a limit, or could not be looked at */
};
struct mrt_usage_counts {
	uint64_t passed;  /* so many have passed a limit */
	uint64_t unknown; /* all were gone through, but so many of them could not be looked at */
};
/* Calls each with every school, by slug: {"slug", "plan", "status", "isolation", "users",
 * "courses", "storage", "passed": [], "error"}. users, courses and storage, bytes, are {"used",
 * "limit"}; limit null: none; passed: the names of those that are over it; error: why it could not
 * be looked at, and then nothing is used. A page of them at a time is in memory. What each gives
 * but 0 ends it. MRT_FAILED with ret->unknown: some could not be looked at. */
int mrt_usage_list(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_usage_filter *filter,
                   int (*each)(const json_t *tenant, void *context, struct mrt_error *err),
                   void *context, struct mrt_usage_counts *ret, struct mrt_error *err);

#endif
