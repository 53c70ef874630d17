/* places.h - the schemas and databases that schools have for themselves. */
#ifndef MRT_PLATFORM_PLACES_H
#define MRT_PLATFORM_PLACES_H

#include "client/pg/connection.h"
#include "config/settings.h"

#define MRT_OWN_SCHEMA "school" /* in a database of its own */

struct mrt_place {
	char *schema, *database, *tenant; /* database NULL: the platform's; tenant: its slug */
	bool provisioning;                /* 'tenant create' is not through with it */
};
void mrt_place_release(struct mrt_place *place);

struct mrt_places {
	struct mrt_place *items; /* by slug */
	size_t n;
};
/* A school's own schema, or database with MRT_OWN_SCHEMA in it, has its name from its id. */
struct mrt_place_names {
	char schema[40], database[48];
};
void mrt_place_names(const char *id, struct mrt_place_names *ret);
/* As the platform's own table says; none where it is not there yet. pg: as a role that may become
 * the owner. */
int mrt_places_read(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_places *ret,
                    struct mrt_error *err);
void mrt_places_release(struct mrt_places *places);

/* A connection to where a school's tables are: the platform's, or, where it has a database, *own,
 * which is to be freed. */
int mrt_place_connect(const struct mrt_context *ctx, const struct mrt_config *config,
                      struct mrt_pg *platform, const char *database, struct mrt_pg **own,
                      struct mrt_pg **ret, struct mrt_error *err);
/* Both may be done again. The schema is made in pg's database, as the owner. */
int mrt_place_make_schema(struct mrt_pg *pg, const struct mrt_context *ctx, const char *schema,
                          struct mrt_error *err);
/* With that schema in it. platform: as a role that may become the owner; in no transaction. The
 * name needs no quotes. */
int mrt_place_make_database(struct mrt_pg *platform, const struct mrt_context *ctx,
                            const struct mrt_config *config, const char *database,
                            const char *schema, struct mrt_error *err);

#endif
