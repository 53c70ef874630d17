/* test_digest.c - SHA-256, MD5, CRC32C, HMAC, and the tallies that measure what passes. */
#include "unit.h"
#include "streams.h"

#include "codec/digest.h"

#include <sys/mman.h>

#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void sha256_gives_the_vectors_of_fips_180(void **state)
{
	(void)state;
	static const char *const vectors[][2] = {
		{ "", EMPTY_SHA256 },
		{ "abc", ABC_SHA256 },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		unsigned char raw[MRT_SHA256_SIZE];
		char hex[MRT_SHA256_HEX];
		assert_ok(mrt_sha256(vectors[i][0], strlen(vectors[i][0]), raw, &err));
		mrt_hex(raw, sizeof(raw), hex);
		assert_string_equal(hex, vectors[i][1]);
	}
}

static void md5_gives_the_vectors_of_rfc_1321(void **state)
{
	(void)state;
	static const char *const vectors[][2] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	};
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		unsigned char raw[MRT_MD5_SIZE];
		char hex[33];
		assert_ok(mrt_md5(vectors[i][0], strlen(vectors[i][0]), raw, &err));
		mrt_hex(raw, sizeof(raw), hex);
		assert_string_equal(hex, vectors[i][1]);
	}
}

static void crc32c_gives_the_vectors_of_rfc_3720(void **state)
{
	(void)state;
	unsigned char bytes[32];
	assert_int_equal(mrt_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(mrt_crc32c(0, "", 0), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(mrt_crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(mrt_crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(mrt_crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(31 - i);
	assert_int_equal(mrt_crc32c(0, bytes, sizeof(bytes)), 0x113fdb5c);
}

/* Bit by bit, to compare with. */
static uint32_t slow_crc32c(const unsigned char *data, size_t len)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void crc32c_does_not_care_about_pieces_and_alignment(void **state)
{
	(void)state;
	unsigned char data[600];
	fill_noise(data, sizeof(data), 10);
	for (size_t from = 0; from < 17; from++)
		for (size_t len = 0; len < sizeof(data) - 17; len += 1 + len / 40) {
			uint32_t crc = slow_crc32c(data + from, len);
			assert_int_equal(mrt_crc32c(0, data + from, len), crc);
			for (size_t at = 0; at <= len; at += 1 + at / 5) {
				uint32_t first = mrt_crc32c(0, data + from, at);
				assert_int_equal(mrt_crc32c(first, data + from + at, len - at),
				                 crc);
			}
		}
}

/* ISA-L counts with an int: more than a gigabyte goes in parts. */
static void crc32c_takes_more_than_two_gigabytes_at_once(void **state)
{
	(void)state;
	const size_t size = ((size_t)2 << 30) + 12345, half = (size_t)1 << 29;
	/* never written, so that it is one page of zeros again and again */
	char *data =
	        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(data != MAP_FAILED);
	uint32_t crc = 0;
	for (size_t at = 0; at < size; at += half)
		crc = mrt_crc32c(crc, data, half < size - at ? half : size - at);
	assert_int_equal(mrt_crc32c(0, data, size), crc);
	munmap(data, size);
}

static void hmac_gives_the_vectors_of_rfc_4231(void **state)
{
	(void)state;
	struct mrt_error err;
	unsigned char raw[MRT_SHA256_SIZE], key[131];
	char hex[MRT_SHA256_HEX];
	assert_ok(mrt_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, raw, &err));
	mrt_hex(raw, sizeof(raw), hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c7"
	                         "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	assert_ok(mrt_hmac_sha256(key, sizeof(key),
	                          "Test Using Larger Than Block-Size Key - Hash Key First", 54, raw,
	                          &err));
	mrt_hex(raw, sizeof(raw), hex);
	assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f"
	                         "8e0bc6213728c5140546040f0ee37f54");
}

static void the_result_of_an_hmac_may_replace_its_key(void **state)
{
	(void)state;
	struct mrt_error err;
	unsigned char key[MRT_SHA256_SIZE], apart[MRT_SHA256_SIZE];
	memset(key, 7, sizeof(key));
	assert_ok(mrt_hmac_sha256(key, sizeof(key), "x", 1, apart, &err));
	assert_ok(mrt_hmac_sha256(key, sizeof(key), "x", 1, key, &err));
	assert_memory_equal(key, apart, sizeof(key));
}

static void a_running_digest_does_not_care_about_the_pieces(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_digest) *digest = NULL;
	char hex[MRT_SHA256_HEX];
	assert_ok(mrt_digest_new(&digest, &err));
	assert_ok(mrt_digest_add(digest, "a", 1, &err));
	assert_ok(mrt_digest_add(digest, "", 0, &err));
	assert_ok(mrt_digest_add(digest, "bc", 2, &err));
	assert_ok(mrt_digest_end(digest, hex, &err));
	assert_string_equal(hex, ABC_SHA256);
	mrt_digest_free(NULL);
}

static void a_copy_goes_on_by_itself(void **state)
{
	(void)state;
	struct mrt_error err;
	char first[MRT_SHA256_HEX], second[MRT_SHA256_HEX];
	mrt_auto(mrt_digest) *digest = NULL, *copy = NULL;
	assert_ok(mrt_digest_new(&digest, &err));
	assert_ok(mrt_digest_add(digest, "a", 1, &err));
	assert_ok(mrt_digest_copy(digest, &copy, &err));
	assert_ok(mrt_digest_add(digest, "xyz", 3, &err));
	assert_ok(mrt_digest_add(copy, "bc", 2, &err));
	assert_ok(mrt_digest_end(copy, second, &err));
	assert_ok(mrt_digest_end(digest, first, &err));
	assert_string_equal(second, ABC_SHA256);
	assert_string_not_equal(first, second);
}

static void a_tally_measures_what_is_read(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct memory_source from = MEMORY_SOURCE("abc", 3, 1);
	struct mrt_tally tally;
	mrt_auto(mrt_source) *source = NULL;
	mrt_auto_buf got = MRT_BUF_INIT;
	char more;
	size_t n = 1;
	assert_ok(mrt_tally_source(&from.source, &tally, &source, &err));
	assert_ok(mrt_stream_slurp(&ctx, source, &got, &err));
	assert_string_equal(mrt_buf_text(&got), "abc");
	assert_int_equal(tally.size, 3);
	assert_string_equal(tally.sha256, ABC_SHA256);
	assert_ok(mrt_source_read(source, &more, 1, &n, &err));
	assert_int_equal(n, 0);
	assert_string_equal(tally.sha256, ABC_SHA256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_vectors_of_fips_180),
		cmocka_unit_test(md5_gives_the_vectors_of_rfc_1321),
		cmocka_unit_test(crc32c_gives_the_vectors_of_rfc_3720),
		cmocka_unit_test(crc32c_does_not_care_about_pieces_and_alignment),
		cmocka_unit_test(crc32c_takes_more_than_two_gigabytes_at_once),
		cmocka_unit_test(hmac_gives_the_vectors_of_rfc_4231),
		cmocka_unit_test(the_result_of_an_hmac_may_replace_its_key),
		cmocka_unit_test(a_running_digest_does_not_care_about_the_pieces),
		cmocka_unit_test(a_copy_goes_on_by_itself),
		cmocka_unit_test(a_tally_measures_what_is_read),
	};
	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
