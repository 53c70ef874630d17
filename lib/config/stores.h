/* stores.h - the stores that the configuration names: "store:" and those of "stores:". */
#ifndef MRT_CONFIG_STORES_H
#define MRT_CONFIG_STORES_H

#include "config/settings.h"

struct mrt_store_view {
	const char *name;                /* "store", or as "stores:" calls it */
	const struct mrt_config *config; /* its store.* settings */
	struct mrt_config *own;          /* the same, where it had to be made */
};
struct mrt_store_views {
	struct mrt_store_view *items;
	size_t n;
};
/* The configured one first, then the others; that of --store alone where it was given. */
int mrt_store_views_open(const struct mrt_context *ctx, const struct mrt_config *config,
                         struct mrt_store_views *ret, struct mrt_error *err);
void mrt_store_views_release(struct mrt_store_views *views);

#endif
