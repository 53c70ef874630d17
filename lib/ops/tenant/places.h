/* places.h - the schemas and databases that schools have for themselves. */
#ifndef MRT_OPS_TENANT_PLACES_H
#define MRT_OPS_TENANT_PLACES_H

#include "client/pg.h"

struct mrt_place {
	char *schema, *database, *tenant; /* database NULL: the platform's; tenant: its slug */
};
struct mrt_places {
	struct mrt_place *items; /* by slug */
	size_t n;
};
/* As the platform's own table says; none where it is not there yet. pg: as a role that may become
 * the owner. */
int mrt_places_read(struct mrt_pg *pg, const struct mrt_run *run, struct mrt_places *ret,
                    struct mrt_error *err);
void mrt_places_release(struct mrt_places *places);

#endif
