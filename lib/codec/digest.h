/* digest.h - SHA-256, MD5, HMAC (OpenSSL), and a filter that measures what passes. */
#ifndef MRT_CODEC_DIGEST_H
#define MRT_CODEC_DIGEST_H

#include "base/stream.h"

#define MRT_SHA256_SIZE 32
#define MRT_SHA256_HEX 65 /* with the NUL */
#define MRT_MD5_SIZE 16

int mrt_sha256(const void *data, size_t len, unsigned char ret[MRT_SHA256_SIZE],
               struct mrt_error *err);
int mrt_md5(const void *data, size_t len, unsigned char ret[MRT_MD5_SIZE], struct mrt_error *err);
int mrt_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char ret[MRT_SHA256_SIZE], struct mrt_error *err);

/* CRC-32C (Castagnoli, RFC 3720) going on from crc, which is 0 at first. */
uint32_t mrt_crc32c(uint32_t crc, const void *data, size_t len);

struct mrt_digest; /* a running SHA-256 */
int mrt_digest_new(struct mrt_digest **ret, struct mrt_error *err);
void mrt_digest_free(struct mrt_digest *digest);
MRT_DEFINE_AUTO(mrt_digest)
int mrt_digest_add(struct mrt_digest *digest, const void *data, size_t len, struct mrt_error *err);
/* A second one that goes on from the same state. */
int mrt_digest_copy(const struct mrt_digest *digest, struct mrt_digest **ret,
                    struct mrt_error *err);
/* Ends it; lower-case hex. */
int mrt_digest_end(struct mrt_digest *digest, char ret[MRT_SHA256_HEX], struct mrt_error *err);

/* What passed through a tally: size and SHA-256. */
struct mrt_tally {
	uint64_t size;
	char sha256[MRT_SHA256_HEX];
};
/* Fills *tally, which must outlive it, while from is read; complete once read() has returned the
 * end. Does not own from. */
int mrt_tally_source(struct mrt_source *from, struct mrt_tally *tally, struct mrt_source **ret,
                     struct mrt_error *err);

#endif
