/* file.h - the configuration file: found, parsed, read. */
#ifndef MRT_CONFIG_FILE_H
#define MRT_CONFIG_FILE_H

#include "codec/yaml.h"
#include "config/settings.h"

/* Finds and parses the file, and sets config->path; *ret stays NULL where there is none. given:
 * --config, or NULL. */
int mrt_config_parse_file(const char *given, struct mrt_config *config, struct mrt_yaml **ret,
                          struct mrt_error *err);
/* Its settings, and the names of its targets and stores; of_view: the settings of the target and
 * the store that the configuration is a view of. */
int mrt_config_read_file(const struct mrt_context *ctx, struct mrt_config *config,
                         const struct mrt_yaml *yaml, bool of_view, struct mrt_error *err);

#endif
