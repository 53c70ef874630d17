/* credentials.h - credentials and region of the store. */
#ifndef MRT_CONFIG_CREDENTIALS_H
#define MRT_CONFIG_CREDENTIALS_H

#include "config/settings.h"

/* Credentials and region of the store, as one whole set from one source. */
int mrt_config_credentials(const struct mrt_context *ctx, struct mrt_config *config,
                           struct mrt_error *err);

#endif
