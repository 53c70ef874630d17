/* audit_note.h - what was done to the platform as a whole, by commands that are no transaction of
 * its database. */
#ifndef MRT_PLATFORM_AUDIT_NOTE_H
#define MRT_PLATFORM_AUDIT_NOTE_H

#include "codec/json.h"
#include "config/settings.h"

/* Adds an event to the platform's chain, where postgres.migrate-url is configured. payload, an
 * object, is taken over. One that cannot be written is warned of, and is no failure: what it tells
 * of has happened, or must, as a restore of that very database. */
void mrt_audit_note(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *action, json_t *payload);

#endif
