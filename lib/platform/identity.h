/* identity.h - whose database and store are these? Compared before the first write, so that one
 * platform's configuration never changes another's. "db init" writes the id into both. */
#ifndef MRT_PLATFORM_IDENTITY_H
#define MRT_PLATFORM_IDENTITY_H

#include "client/pg/connection.h"
#include "client/store/contract.h"
#include "config/settings.h"

#define MRT_PLATFORM_SCHEMA "maratea"

/* Is the database that of platform.id? MRT_CHANGED names both, and, for who writes, a copy of it;
 * MRT_CONFIG: it is none's. Where the configuration has no id who writes gets MRT_CONFIG, with a
 * hint that names the database's. */
int mrt_platform_check(struct mrt_pg *pg, const struct mrt_context *ctx,
                       const struct mrt_config *config, bool writes, struct mrt_error *err);
/* The same of a database that may be none's, or not for this role to read: then, and without
 * platform.id, it is fine. */
int mrt_platform_check_database(struct mrt_pg *pg, const struct mrt_context *ctx,
                                const struct mrt_config *config, struct mrt_error *err);
/* The store's <platform.name>/platform.json; fine where it or platform.id is missing. */
int mrt_platform_check_store(struct mrt_store *store, const struct mrt_context *ctx,
                             const struct mrt_config *config, struct mrt_error *err);
/* "" : it has none. */
int mrt_platform_of_store(struct mrt_store *store, const struct mrt_context *ctx,
                          const struct mrt_config *config, char **ret, struct mrt_error *err);

#endif
