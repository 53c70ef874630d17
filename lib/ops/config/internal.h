/* internal.h - what the files of ops/config share. */
#ifndef MRT_OPS_CONFIG_INTERNAL_H
#define MRT_OPS_CONFIG_INTERNAL_H

#include "codec/yaml.h"
#include "ops/config/config.h"

/* Sets a setting's text (copied); secrets are registered with the log. */
int mrt_config_set(const struct mrt_run *run, struct mrt_config *config, size_t index,
                   const char *text, const char *source, struct mrt_error *err);
size_t mrt_config_index(const char *name); /* of a setting that exists */
/* Remembers that an ambient variable was not used, and why. */
int mrt_config_note(struct mrt_config *config, const char *variable, const char *because,
                    struct mrt_error *err);
/* Finds and parses the file, and sets config->path; *ret stays NULL where there is none. given:
 * --config, or NULL. */
int mrt_config_parse_file(const char *given, struct mrt_config *config, struct mrt_yaml **ret,
                          struct mrt_error *err);
/* Its settings, and the names of its targets and stores; of_view: the settings of the target and
 * the store that the configuration is a view of. */
int mrt_config_read_file(const struct mrt_run *run, struct mrt_config *config,
                         const struct mrt_yaml *yaml, bool of_view, struct mrt_error *err);
/* A setting's text into its field; what only shows when all are there. */
int mrt_config_settle(struct mrt_config *config, size_t index, struct mrt_error *err);
int mrt_config_check(const struct mrt_config *config, struct mrt_error *err);
/* Credentials and region of the store, as one whole set from one source. */
int mrt_config_credentials(const struct mrt_run *run, struct mrt_config *config,
                           struct mrt_error *err);

#endif
