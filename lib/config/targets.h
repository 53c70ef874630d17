/* targets.h - what can be backed up: the configured PostgreSQL and Redis, and the file's targets.
 */
#ifndef MRT_CONFIG_TARGETS_H
#define MRT_CONFIG_TARGETS_H

#include "config/settings.h"

struct mrt_target {
	const char *name;
	bool redis;                      /* else PostgreSQL */
	const struct mrt_config *config; /* with the target's servers */
	struct mrt_config *view;         /* the same, where it is the target's own */
};
void mrt_target_release(struct mrt_target *target);

/* "postgres", "redis", or a name of the file's "targets:"; MRT_USAGE names what there is. */
int mrt_target_find(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *name, struct mrt_target *ret, struct mrt_error *err);
/* The i-th that is configured; NULL after the last. */
const char *mrt_target_configured(const struct mrt_config *config, size_t i);

#endif
