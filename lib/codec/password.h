/* password.h - digests of passwords, by Argon2id (RFC 9106). */
#ifndef MRT_CODEC_PASSWORD_H
#define MRT_CODEC_PASSWORD_H

#include "base/error.h"

#define MRT_PASSWORD_LEAST 8
#define MRT_PASSWORD_MOST 1024
#define MRT_PASSWORD_HASH_SIZE 128

/* "$argon2id$v=19$m=65536,t=2,p=1$...": takes 64 MiB, and some hundredths of a second. MRT_USAGE:
 * too short or too long. */
int mrt_password_hash(const char *password, char ret[MRT_PASSWORD_HASH_SIZE],
                      struct mrt_error *err);

#endif
