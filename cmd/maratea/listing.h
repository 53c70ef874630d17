/* listing.h - a list that may be long: a table or one JSON document, which are held in memory until
 * the end, or an item a line (-o jsonl, -o name), which are not. */
#ifndef MRT_CMD_LISTING_H
#define MRT_CMD_LISTING_H

#include "maratea/output.h"

struct mrt_listing {
	struct mrt_output *out;
	const char *list,
	        *name;       /* "tenants": the member of the document; "slug": what -o name shows */
	const char *nothing; /* what people are told where there is none */
	const struct mrt_column *columns;
	size_t n_columns;
	void (*row)(struct mrt_table *table, const json_t *item);
	struct mrt_table *table;
	json_t *items;
	size_t n;
};
void mrt_listing_release(struct mrt_listing *listing);
/* listing: a struct mrt_listing. */
int mrt_listing_add(const json_t *item, void *listing, struct mrt_error *err);
int mrt_listing_end(struct mrt_listing *listing, struct mrt_error *err);

#endif
