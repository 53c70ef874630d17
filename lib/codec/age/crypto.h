/* crypto.h - the primitives age is made of, by OpenSSL; only for age's own files. */
#ifndef MRT_CODEC_AGE_CRYPTO_H
#define MRT_CODEC_AGE_CRYPTO_H

#include "base/buf.h"

#include <openssl/evp.h>
#include <stdint.h>

#define MRT_AGE_KEY 32      /* X25519 and ChaCha20-Poly1305 keys */
#define MRT_AGE_FILE_KEY 16 /* one per file, never used twice */
#define MRT_AGE_TAG 16

/* HKDF-SHA256; salt_len 0: none. */
int mrt_age_hkdf(const void *key, size_t key_len, const void *salt, size_t salt_len,
                 const char *info, unsigned char ret[MRT_AGE_KEY], struct mrt_error *err);
int mrt_age_scrypt(const char *passphrase, const void *salt, size_t salt_len, unsigned log_n,
                   unsigned char ret[MRT_AGE_KEY], struct mrt_error *err);
int mrt_age_public(const unsigned char secret[MRT_AGE_KEY], unsigned char ret[MRT_AGE_KEY],
                   struct mrt_error *err);
/* MRT_CORRUPT: the shared secret would be all zeros. */
int mrt_age_shared(const unsigned char secret[MRT_AGE_KEY], const unsigned char point[MRT_AGE_KEY],
                   unsigned char ret[MRT_AGE_KEY], struct mrt_error *err);

/* ChaCha20-Poly1305 under one key, message by message. */
struct mrt_age_aead;
int mrt_age_aead_new(const unsigned char key[MRT_AGE_KEY], struct mrt_age_aead **ret,
                     struct mrt_error *err);
void mrt_age_aead_free(struct mrt_age_aead *aead);
MRT_DEFINE_AUTO(mrt_age_aead)
/* len bytes to len + MRT_AGE_TAG; ret may be data. */
int mrt_age_seal(struct mrt_age_aead *aead, const unsigned char nonce[12],
                 const unsigned char *data, size_t len, unsigned char *ret, struct mrt_error *err);
/* len (with the tag) to len - MRT_AGE_TAG; MRT_CORRUPT: not sealed under this key and nonce. */
int mrt_age_open(struct mrt_age_aead *aead, const unsigned char nonce[12],
                 const unsigned char *data, size_t len, unsigned char *ret, struct mrt_error *err);

/* Standard base64 without padding. */
void mrt_age_base64(const unsigned char *data, size_t len, struct mrt_buf *buf);
/* Canonical only: exactly len bytes, or false. */
bool mrt_age_unbase64(const char *text, size_t chars, unsigned char *ret, size_t len);

#endif
