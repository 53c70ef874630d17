/* open.h - what the configuration leads to: the store, a PostgreSQL server. */
#ifndef MRT_CONFIG_OPEN_H
#define MRT_CONFIG_OPEN_H

#include "client/pg/connection.h"
#include "client/store/contract.h"
#include "config/settings.h"

/* Opens the configured store; buffers: how many part buffers it may use. */
int mrt_config_open_store(const struct mrt_config *config, unsigned buffers, struct mrt_store **ret,
                          struct mrt_error *err);
struct mrt_config_pg {
	const char *url;           /* NULL: the environment alone */
	const char *password;      /* where the URL has none; NULL: none */
	const char *password_from; /* where one would be set, for a hint */
	const char *database;      /* NULL: the URL's */
	const char *application;
};
/* The password is registered as a secret. */
int mrt_config_open_pg(const struct mrt_context *ctx, const struct mrt_config *config,
                       const struct mrt_config_pg *how, struct mrt_pg **ret, struct mrt_error *err);
/* A target's or platform's name: letters, digits, "_", "-". MRT_USAGE otherwise. */
int mrt_config_name_check(const char *what, const char *name, struct mrt_error *err);

#endif
