/* crypto.c - HKDF, scrypt, X25519, ChaCha20-Poly1305 by OpenSSL 3; strict base64. */
#include "codec/age/crypto.h"
#include "base/auto.h"
#include "base/text.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

static int crypto_failed(const char *what, struct mrt_error *err)
{
	ERR_clear_error();
	return mrt_fail(err, MRT_FAILED, "OpenSSL cannot compute %s", what);
}

/* OpenSSL's parameters are not const, and it does not write to them. */
static void *unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

static int derive(const char *kdf_name, const OSSL_PARAM *params, unsigned char ret[MRT_AGE_KEY],
                  struct mrt_error *err)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done = context && EVP_KDF_derive(context, ret, MRT_AGE_KEY, params) > 0;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return done ? 0 : crypto_failed(kdf_name, err);
}

int mrt_age_hkdf(const void *key, size_t key_len, const void *salt, size_t salt_len,
                 const char *info, unsigned char ret[MRT_AGE_KEY], struct mrt_error *err)
{
	OSSL_PARAM params[5], *p = params;
	char digest[] = "SHA256";
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(key), key_len);
	if (salt_len > 0)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, unconst(salt),
		                                         salt_len);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, unconst(info), strlen(info));
	*p = OSSL_PARAM_construct_end();
	return derive("HKDF", params, ret, err);
}

int mrt_age_scrypt(const char *passphrase, const void *salt, size_t salt_len, unsigned log_n,
                   unsigned char ret[MRT_AGE_KEY], struct mrt_error *err)
{
	uint64_t n = UINT64_C(1) << log_n, memory = UINT64_C(128) * 8 * (n + 64);
	uint32_t r = 8, parallel = 1;
	OSSL_PARAM params[7], *p = params;
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, unconst(passphrase),
	                                         strlen(passphrase));
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, unconst(salt), salt_len);
	*p++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n);
	*p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r);
	*p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &parallel);
	*p++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory);
	*p = OSSL_PARAM_construct_end();
	return derive("SCRYPT", params, ret, err);
}

int mrt_age_public(const unsigned char secret[MRT_AGE_KEY], unsigned char ret[MRT_AGE_KEY],
                   struct mrt_error *err)
{
	size_t len = MRT_AGE_KEY;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, MRT_AGE_KEY);
	bool done = key && EVP_PKEY_get_raw_public_key(key, ret, &len) > 0;
	EVP_PKEY_free(key);
	return done ? 0 : crypto_failed("X25519", err);
}

int mrt_age_shared(const unsigned char secret[MRT_AGE_KEY], const unsigned char point[MRT_AGE_KEY],
                   unsigned char ret[MRT_AGE_KEY], struct mrt_error *err)
{
	size_t len = MRT_AGE_KEY;
	EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, MRT_AGE_KEY);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, MRT_AGE_KEY);
	EVP_PKEY_CTX *context = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	bool ready = context && theirs && EVP_PKEY_derive_init(context) > 0 &&
	             EVP_PKEY_derive_set_peer(context, theirs) > 0;
	/* fails when the result would be zero: a point of low order */
	bool done = ready && EVP_PKEY_derive(context, ret, &len) > 0;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	if (!ready)
		return crypto_failed("X25519", err);
	ERR_clear_error();
	return done ? 0 : mrt_fail(err, MRT_CORRUPT, "a public key is a point of low order");
}

struct mrt_age_aead {
	EVP_CIPHER_CTX *context;
	unsigned char key[MRT_AGE_KEY];
};

int mrt_age_aead_new(const unsigned char key[MRT_AGE_KEY], struct mrt_age_aead **ret,
                     struct mrt_error *err)
{
	mrt_auto(mrt_age_aead) *aead = calloc(1, sizeof(*aead));
	if (!aead)
		return mrt_no_memory(err);
	memcpy(aead->key, key, MRT_AGE_KEY);
	aead->context = EVP_CIPHER_CTX_new();
	if (!aead->context)
		return mrt_no_memory(err);
	*ret = mrt_steal(aead);
	return 0;
}

void mrt_age_aead_free(struct mrt_age_aead *aead)
{
	if (!aead)
		return;
	EVP_CIPHER_CTX_free(aead->context);
	explicit_bzero(aead->key, sizeof(aead->key));
	free(aead);
}

int mrt_age_seal(struct mrt_age_aead *aead, const unsigned char nonce[12],
                 const unsigned char *data, size_t len, unsigned char *ret, struct mrt_error *err)
{
	EVP_CIPHER_CTX *c = aead->context;
	int n = 0;
	bool done = EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL, aead->key, nonce) > 0 &&
	            EVP_EncryptUpdate(c, ret, &n, data, (int)len) > 0 && (size_t)n == len &&
	            EVP_EncryptFinal_ex(c, ret + len, &n) > 0 && n == 0 &&
	            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, MRT_AGE_TAG, ret + len) > 0;
	return done ? 0 : crypto_failed("ChaCha20-Poly1305", err);
}

int mrt_age_open(struct mrt_age_aead *aead, const unsigned char nonce[12],
                 const unsigned char *data, size_t len, unsigned char *ret, struct mrt_error *err)
{
	EVP_CIPHER_CTX *c = aead->context;
	int n = 0;
	if (len < MRT_AGE_TAG)
		return mrt_fail(err, MRT_CORRUPT, "a sealed message is too short");
	len -= MRT_AGE_TAG;
	bool ready = EVP_DecryptInit_ex(c, EVP_chacha20_poly1305(), NULL, aead->key, nonce) > 0 &&
	             EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, MRT_AGE_TAG,
	                                 unconst(data + len)) > 0 &&
	             EVP_DecryptUpdate(c, ret, &n, data, (int)len) > 0 && (size_t)n == len;
	if (!ready)
		return crypto_failed("ChaCha20-Poly1305", err);
	if (EVP_DecryptFinal_ex(c, ret + len, &n) > 0 && n == 0)
		return 0;
	ERR_clear_error();
	return mrt_fail(err, MRT_CORRUPT, "a message does not authenticate");
}

void mrt_age_base64(const unsigned char *data, size_t len, struct mrt_buf *buf)
{
	mrt_base64(buf, data, len);
	while (buf->len > 0 && buf->data[buf->len - 1] == '=')
		buf->data[--buf->len] = '\0';
}

bool mrt_age_unbase64(const char *text, size_t chars, unsigned char *ret, size_t len)
{
	static const char digits[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (chars != (len * 8 + 5) / 6)
		return false;
	unsigned bits = 0, held = 0;
	size_t made = 0;
	for (size_t i = 0; i < chars; i++) {
		const char *at = text[i] ? strchr(digits, text[i]) : NULL;
		if (!at)
			return false;
		bits = (bits << 6 | (unsigned)(at - digits)) & 0xffff;
		held += 6;
		if (held >= 8 && made < len) {
			held -= 8;
			ret[made++] = (unsigned char)(bits >> held);
		}
	}
	return made == len && (bits & ((1U << held) - 1)) == 0;
}
