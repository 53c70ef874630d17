/* assertions.h - what the user says a restored database must answer (backup.assertions). */
#ifndef MRT_OPS_VERIFY_ASSERTIONS_H
#define MRT_OPS_VERIFY_ASSERTIONS_H

#include "repository/manifest.h"
#include "repository/pg_catalog.h"

/* Before anything is restored: is each of the backup's target for a database that it has? Without a
 * target they are for "postgres"; one without a database is for the one that postgres.url names,
 * else for the only one besides postgres and template1. MRT_CONFIG: it cannot be said which;
 * MRT_BAD: a whole backup does not have it. */
int mrt_assertions_check(const struct mrt_config *config, const struct mrt_manifest *manifest,
                         struct mrt_error *err);
/* Asks those of one database, which goes by another name (at) on the server for now. *count grows
 * by those that hold; MRT_BAD names the first that does not. */
int mrt_assertions_ask(const struct mrt_context *ctx, const struct mrt_config *config,
                       const struct mrt_manifest *manifest, const struct mrt_pg_access *access,
                       const char *database, const char *at, uint64_t *count,
                       struct mrt_error *err);

#endif
