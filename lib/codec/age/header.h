/* header.h - the header of an age file, made and opened; only for age's own files.
 *
 *   age-encryption.org/v1
 *   -> X25519 <ephemeral share>      one stanza a recipient, each wraps the same file key
 *   <file key, sealed>
 *   --- <HMAC of everything before the blank>
 */
#ifndef MRT_CODEC_AGE_HEADER_H
#define MRT_CODEC_AGE_HEADER_H

#include "codec/age/crypto.h"
#include "codec/age/pairs.h"

#define MRT_AGE_HEADER_MAX ((size_t)1 << 20)

/* Does this begin an age file? */
bool mrt_age_header_begins(const void *data, size_t len);
/* Appends a header that wraps file_key for each recipient. */
int mrt_age_header_make(const struct mrt_age_recipients *recipients,
                        const unsigned char file_key[MRT_AGE_FILE_KEY], struct mrt_buf *buf,
                        struct mrt_error *err);
/* Length of the header that text begins with, its last line feed included; 0: more is needed. */
size_t mrt_age_header_length(const char *text, size_t len);
/* text: exactly a header. MRT_CORRUPT, MRT_UNSUPPORTED, MRT_CONFIG as mrt_age_source(). */
int mrt_age_header_open(const char *text, size_t len, const struct mrt_age_identities *identities,
                        unsigned char ret[MRT_AGE_FILE_KEY], struct mrt_error *err);

#endif
