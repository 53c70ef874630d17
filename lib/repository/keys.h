/* keys.h - to whom backups are encrypted, and with what they are opened again. */
#ifndef MRT_REPOSITORY_KEYS_H
#define MRT_REPOSITORY_KEYS_H

#include "codec/age/stream.h"
#include "codec/json.h"
#include "config/settings.h"
#include "repository/manifest.h"

/* Those given (each "age1..." or "@FILE" with one a line), or, n 0, those of backup.recipients;
 * *ret stays NULL when there are none: nothing is encrypted. */
int mrt_keys_recipients(const struct mrt_config *config, const char *const *given, size_t n,
                        struct mrt_age_recipients **ret, struct mrt_error *err);
/* What backup.identity names: a file, which may itself be encrypted with a passphrase that is then
 * asked for, or the key itself. Not set: a set without any key. */
int mrt_keys_identities(const struct mrt_context *ctx, const struct mrt_config *config,
                        struct mrt_age_identities **ret, struct mrt_error *err);
/* The same for a backup that is going to be read, when it is encrypted; manifest->identities then
 * points to it. MRT_CONFIG when none of them is one of its recipients, which are named. */
int mrt_keys_for(const struct mrt_context *ctx, const struct mrt_config *config,
                 struct mrt_manifest *manifest, struct mrt_age_identities **ret,
                 struct mrt_error *err);
/* 0: the object is not encrypted, or to one of the identities (which may be NULL). */
int mrt_keys_check(const struct mrt_manifest_object *object,
                   const struct mrt_age_identities *identities, struct mrt_error *err);
/* As a list of texts. */
int mrt_keys_json(const struct mrt_age_recipients *recipients, json_t **ret, struct mrt_error *err);

#endif
