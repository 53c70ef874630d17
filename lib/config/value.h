/* value.h - one value of the configuration file. */
#ifndef MRT_CONFIG_VALUE_H
#define MRT_CONFIG_VALUE_H

#include "codec/yaml.h"
#include "config/settings.h"

struct mrt_config_reading {
	const struct mrt_context *ctx;
	struct mrt_config *config;
	const char *file;
	char *base_dir;
	bool of_view; /* this is the section that the view is of */
};

/* MRT_CONFIG with the place and what is expected there: "names are", "one value is". */
int mrt_config_expect(const struct mrt_config_reading *r, const struct mrt_yaml *value,
                      enum mrt_yaml_kind kind, const char *what, struct mrt_error *err);
/* Has the map this key, with a value that is not null? */
bool mrt_config_has(const struct mrt_yaml *map, const char *key);
/* A setting's value, unless something that goes before set it already. */
int mrt_config_read_value(const struct mrt_config_reading *r, size_t index,
                          const struct mrt_yaml *value, struct mrt_error *err);

#endif
