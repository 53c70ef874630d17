/* sections.h - what the file names besides settings: targets, stores, assertions. */
#ifndef MRT_CONFIG_SECTIONS_H
#define MRT_CONFIG_SECTIONS_H

#include "config/value.h"

/* Each section is checked whole; of the target and store that the configuration is a view of, the
 * values are set when r->of_view, the names are collected otherwise. */
int mrt_config_read_targets(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                            struct mrt_error *err);
int mrt_config_read_stores(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                           struct mrt_error *err);
int mrt_config_read_assertions(const struct mrt_config_reading *r, const struct mrt_yaml *list,
                               struct mrt_error *err);

#endif
