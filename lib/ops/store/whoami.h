/* whoami.h - "store whoami". */
#ifndef MRT_OPS_STORE_WHOAMI_H
#define MRT_OPS_STORE_WHOAMI_H

#include "codec/json.h"
#include "config/settings.h"

/* With which credentials the store is asked: {"store", "access_key", "source", "expires", "tried"}.
 * MRT_CONFIG, with the answer, when there are none. */
int mrt_store_whoami(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                     struct mrt_error *err);

#endif
