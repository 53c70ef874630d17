/* settle.h - texts of settings into values, and what only shows when all are there. */
#ifndef MRT_CONFIG_SETTLE_H
#define MRT_CONFIG_SETTLE_H

#include "config/settings.h"

/* A setting's text into its field; what only shows when all are there. */
int mrt_config_settle(struct mrt_config *config, size_t index, struct mrt_error *err);
int mrt_config_check(const struct mrt_config *config, struct mrt_error *err);

#endif
