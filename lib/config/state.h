/* state.h - what each setting is at the moment, and where it came from. */
#ifndef MRT_CONFIG_STATE_H
#define MRT_CONFIG_STATE_H

#include "config/settings.h"

/* Sets a setting's text (copied); secrets are registered with the log. */
int mrt_config_set(const struct mrt_context *ctx, struct mrt_config *config, size_t index,
                   const char *text, const char *source, struct mrt_error *err);
size_t mrt_config_index(const char *name); /* of a setting that exists */
/* Remembers that an ambient variable was not used, and why. */
int mrt_config_note(struct mrt_config *config, const char *variable, const char *because,
                    struct mrt_error *err);

#endif
