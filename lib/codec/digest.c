/* digest.c - digests by OpenSSL's EVP; CRC-32C by ISA-L. */
#include "codec/digest.h"
#include "base/text.h"

#include <isa-l/crc.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

struct mrt_digest {
	EVP_MD_CTX *context;
};

static int crypto_failed(struct mrt_error *err)
{
	return mrt_fail(err, MRT_FAILED, "OpenSSL cannot compute a digest");
}

int mrt_sha256(const void *data, size_t len, unsigned char ret[MRT_SHA256_SIZE],
               struct mrt_error *err)
{
	return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) ? 0 : crypto_failed(err);
}

int mrt_md5(const void *data, size_t len, unsigned char ret[MRT_MD5_SIZE], struct mrt_error *err)
{
	return EVP_Digest(data, len, ret, NULL, EVP_md5(), NULL) ? 0 : crypto_failed(err);
}

int mrt_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char ret[MRT_SHA256_SIZE], struct mrt_error *err)
{
	unsigned n = MRT_SHA256_SIZE;
	return HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &n) ? 0 : crypto_failed(err);
}

uint32_t mrt_crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	crc = ~crc;
	while (len > 0) {
		size_t n = len < ((size_t)1 << 30) ? len : (size_t)1 << 30;
		/* ISA-L only reads, but says so nowhere */
		crc = crc32_iscsi((unsigned char *)(uintptr_t)p, (int)n, crc);
		p += n;
		len -= n;
	}
	return ~crc;
}

int mrt_digest_new(struct mrt_digest **ret, struct mrt_error *err)
{
	mrt_auto(mrt_digest) *digest = calloc(1, sizeof(*digest));
	if (!digest)
		return mrt_no_memory(err);
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL))
		return crypto_failed(err);
	*ret = mrt_steal(digest);
	return 0;
}

void mrt_digest_free(struct mrt_digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

int mrt_digest_copy(const struct mrt_digest *digest, struct mrt_digest **ret, struct mrt_error *err)
{
	mrt_auto(mrt_digest) *copy = NULL;
	int rc = mrt_digest_new(&copy, err);
	if (rc == 0 && !EVP_MD_CTX_copy_ex(copy->context, digest->context))
		rc = crypto_failed(err);
	if (rc == 0)
		*ret = mrt_steal(copy);
	return rc;
}

int mrt_digest_add(struct mrt_digest *digest, const void *data, size_t len, struct mrt_error *err)
{
	return EVP_DigestUpdate(digest->context, data, len) ? 0 : crypto_failed(err);
}

int mrt_digest_end(struct mrt_digest *digest, char ret[MRT_SHA256_HEX], struct mrt_error *err)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!EVP_DigestFinal_ex(digest->context, raw, &n))
		return crypto_failed(err);
	mrt_hex(raw, MRT_SHA256_SIZE, ret);
	return 0;
}

struct tally_source {
	struct mrt_source source;
	struct mrt_source *from;
	struct mrt_tally *tally;
	struct mrt_digest *digest;
	bool ended;
};

static int tally_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                      struct mrt_error *err)
{
	struct tally_source *t = (struct tally_source *)source;
	size_t n = 0;
	int rc = mrt_source_read(t->from, data, cap, &n, err);
	if (rc == 0 && n > 0)
		rc = mrt_digest_add(t->digest, data, n, err);
	else if (rc == 0 && !t->ended) {
		t->ended = true;
		rc = mrt_digest_end(t->digest, t->tally->sha256, err);
	}
	if (rc < 0)
		return rc;
	t->tally->size += n;
	*ret_len = n;
	return 0;
}

static void tally_source_free(struct mrt_source *source)
{
	struct tally_source *t = (struct tally_source *)source;
	mrt_digest_free(t->digest);
	free(t);
}

int mrt_tally_source(struct mrt_source *from, struct mrt_tally *tally, struct mrt_source **ret,
                     struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { .read = tally_read, .free = tally_source_free };
	struct tally_source *t = calloc(1, sizeof(*t));
	if (!t)
		return mrt_no_memory(err);
	*t = (struct tally_source) { .source.ops = &ops, .from = from, .tally = tally };
	*tally = (struct mrt_tally) { 0 };
	int rc = mrt_digest_new(&t->digest, err);
	if (rc < 0)
		free(t);
	else
		*ret = &t->source;
	return rc;
}
