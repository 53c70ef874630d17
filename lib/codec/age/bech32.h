/* bech32.h - Bech32 (BIP 173) without its 90 character limit, as age writes its keys. */
#ifndef MRT_CODEC_AGE_BECH32_H
#define MRT_CODEC_AGE_BECH32_H

#include "base/buf.h"

/* Appends prefix "1" data checksum in lower case; prefix is lower case. */
void mrt_bech32_encode(const char *prefix, const unsigned char *data, size_t len,
                       struct mrt_buf *buf);
/* The bytes of a text, in one case, of that prefix (lower case), which must be exactly len.
 * MRT_CORRUPT says what is wrong without repeating the text, which may be a secret. */
int mrt_bech32_decode(const char *text, const char *prefix, unsigned char *ret, size_t len,
                      struct mrt_error *err);

#endif
