/* age_header.h - the header of an age file, made and opened; only for age's own files.
 *
 *   age-encryption.org/v1
 *   -> X25519 <ephemeral share>      one stanza a recipient, each wraps the same file key
 *   <file key, sealed>
 *   --- <HMAC of everything before the blank>
 */
#ifndef MRT_CODEC_AGE_HEADER_H
#define MRT_CODEC_AGE_HEADER_H

#include "codec/age.h"
#include "codec/age_crypto.h"

#define MRT_AGE_HEADER_MAX ((size_t)1 << 20)

struct mrt_age_pair {
	unsigned char secret[MRT_AGE_KEY], public[MRT_AGE_KEY];
	char *recipient; /* the public key as text */
};
struct mrt_age_identities {
	struct mrt_age_pair *pairs;
	size_t n;
	char *passphrase; /* or NULL */
};
struct mrt_age_recipients {
	struct mrt_age_pair *pairs; /* secret is not known */
	size_t n;
};

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
