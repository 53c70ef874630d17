/* stream.h - encryption to public keys: age-encryption.org/v1 (C2SP age.md), as a filter and a
 * source.
 *
 * Who writes holds recipients only (public keys, "age1..."); who reads holds identities. A reader
 * gives out no byte before its chunk of 64 KiB is authenticated, and reports the end only of a
 * payload that has one. What is written here, the age command reads, and the other way round;
 * ASCII armour is not read.
 */
#ifndef MRT_CODEC_AGE_STREAM_H
#define MRT_CODEC_AGE_STREAM_H

#include "base/stream.h"
#include "codec/age/keys.h"

#define MRT_AGE_SUFFIX ".age"

/* A filter in front of next, which it does not own; at least one recipient. */
int mrt_age_encryptor(struct mrt_sink *next, const struct mrt_age_recipients *recipients,
                      struct mrt_sink **ret, struct mrt_error *err);
/* What from (not owned) holds, decrypted; identities must outlive it. MRT_CORRUPT: this is no age
 * file, or it was tampered with or cut. MRT_CONFIG: none of the identities opens it. */
int mrt_age_source(struct mrt_source *from, const struct mrt_age_identities *identities,
                   struct mrt_source **ret, struct mrt_error *err);
/* Did read() fail because no identity opens it, not for what from said? */
bool mrt_age_source_refused(const struct mrt_source *source);
/* Does this begin an age file? */
bool mrt_age_magic(const void *data, size_t len);

#endif
