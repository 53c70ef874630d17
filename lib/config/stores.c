/* stores.c - the stores that the configuration names. */
#include "config/stores.h"

#include <stdlib.h>
#include <string.h>

static const char *name_of(const struct mrt_config *config)
{
	return config->store ? config->store : MRT_MAIN_STORE;
}

int mrt_store_views_open(const struct mrt_context *ctx, const struct mrt_config *config,
                         struct mrt_store_views *ret, struct mrt_error *err)
{
	size_t more = config->store_chosen ? 0 : config->n_stores;
	mrt_cleanup(mrt_store_views_release) struct mrt_store_views v = { 0 };
	int rc = 0;
	v.items = calloc(more + 1, sizeof(*v.items));
	if (!v.items)
		return mrt_no_memory(err);
	v.items[v.n++] = (struct mrt_store_view) { .name = name_of(config), .config = config };
	for (size_t i = 0; rc == 0 && i < more; i++) {
		if (config->store && strcmp(config->store, config->stores[i]) == 0)
			continue; /* it is the configured one */
		struct mrt_store_view *item = &v.items[v.n];
		rc = mrt_config_view(ctx, config, NULL, config->stores[i], &item->own, err);
		if (rc < 0)
			return mrt_prefix(err, rc, "store %s", config->stores[i]);
		item->config = item->own;
		item->name = name_of(item->own);
		v.n++;
	}
	*ret = v;
	v = (struct mrt_store_views) { 0 };
	return 0;
}

void mrt_store_views_release(struct mrt_store_views *v)
{
	for (size_t i = 0; i < v->n; i++)
		mrt_config_free(v->items[i].own);
	free(v->items);
	*v = (struct mrt_store_views) { 0 };
}
