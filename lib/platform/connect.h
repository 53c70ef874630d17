/* connect.h - a connection as the role that migrates. */
#ifndef MRT_PLATFORM_CONNECT_H
#define MRT_PLATFORM_CONNECT_H

#include "client/pg/connection.h"
#include "config/settings.h"

/* A connection as the role that migrates, straight to the server. MRT_CONFIG: none is configured,
 * it is another role, or a pooler is in between. */
int mrt_platform_connect(const struct mrt_context *ctx, const struct mrt_config *config,
                         const char *database, struct mrt_pg **ret, struct mrt_error *err);

#endif
