/* access.h - how backups reach the server. */
#ifndef MRT_REPOSITORY_ACCESS_H
#define MRT_REPOSITORY_ACCESS_H

#include "client/pg/programs.h"
#include "config/settings.h"
#include "repository/pg_catalog.h"

/* By backup.postgres-url, else postgres.url, else the PG* variables. */
int mrt_pg_access_backup(const struct mrt_context *ctx, const struct mrt_config *config,
                         struct mrt_pg_access *ret, struct mrt_error *err);
/* By a URL; its password is registered as a secret. */
int mrt_pg_access_url(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *url, const char *password, struct mrt_pg_access *ret,
                      struct mrt_error *err);
/* To a private server, and to no other. */
int mrt_pg_access_private(const struct mrt_config *config, const struct mrt_pg_server *server,
                          struct mrt_pg_access *ret, struct mrt_error *err);

#endif
