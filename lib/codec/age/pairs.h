/* pairs.h - what recipients and identities are made of; only for age's own files. */
#ifndef MRT_CODEC_AGE_PAIRS_H
#define MRT_CODEC_AGE_PAIRS_H

#include "codec/age/crypto.h"

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

#endif
