/* bech32.c - five bits a character, and a checksum of six characters over everything. */
#include "codec/age/bech32.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define CHECKSUM 6
static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t step(uint32_t sum, unsigned value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
		                              0x2a1462b3 };
	uint32_t top = sum >> 25;
	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

/* The prefix goes in as its high bits, a zero, its low bits. */
static uint32_t begin(const char *prefix)
{
	uint32_t sum = 1;
	for (const char *p = prefix; *p; p++)
		sum = step(sum, (unsigned char)*p >> 5);
	sum = step(sum, 0);
	for (const char *p = prefix; *p; p++)
		sum = step(sum, *p & 31);
	return sum;
}

void mrt_bech32_encode(const char *prefix, const unsigned char *data, size_t len,
                       struct mrt_buf *buf)
{
	uint32_t sum = begin(prefix), bits = 0;
	unsigned held = 0;
	mrt_buf_printf(buf, "%s1", prefix);
	for (size_t i = 0; i < len || held > 0;) {
		if (held < 5 && i < len) {
			bits = bits << 8 | data[i++];
			held += 8;
		} else if (held < 5) {
			bits <<= 5 - held;
			held = 5;
		}
		for (; held >= 5; held -= 5) {
			unsigned value = bits >> (held - 5) & 31;
			sum = step(sum, value);
			mrt_buf_add_char(buf, alphabet[value]);
		}
	}
	for (unsigned i = 0; i < CHECKSUM; i++)
		sum = step(sum, 0);
	sum ^= 1;
	for (unsigned i = 0; i < CHECKSUM; i++)
		mrt_buf_add_char(buf, alphabet[sum >> 5 * (CHECKSUM - 1 - i) & 31]);
}

static int one_case(const char *text, struct mrt_error *err)
{
	bool lower = false, upper = false;
	for (const char *p = text; *p; p++) {
		lower = lower || islower((unsigned char)*p);
		upper = upper || isupper((unsigned char)*p);
	}
	return lower && upper ? mrt_fail(err, MRT_CORRUPT, "it mixes upper and lower case") : 0;
}

int mrt_bech32_decode(const char *text, const char *prefix, unsigned char *ret, size_t len,
                      struct mrt_error *err)
{
	int rc = one_case(text, err);
	if (rc < 0)
		return rc;
	size_t n = strlen(prefix);
	if (strncasecmp(text, prefix, n) != 0 || text[n] != '1')
		return mrt_fail(err, MRT_CORRUPT, "it does not begin with %s1", prefix);
	const char *p = text + n + 1;
	size_t digits = strlen(p);
	if (digits != (len * 8 + 4) / 5 + CHECKSUM)
		return mrt_fail(err, MRT_CORRUPT, "it has %zu characters, not %zu", strlen(text),
		                n + 1 + (len * 8 + 4) / 5 + CHECKSUM);
	uint32_t sum = begin(prefix), bits = 0;
	unsigned held = 0;
	size_t made = 0;
	for (size_t i = 0; i < digits; i++) {
		const char *at = strchr(alphabet, tolower((unsigned char)p[i]));
		if (!at)
			return mrt_fail(err, MRT_CORRUPT, "character %zu is none of Bech32's",
			                n + 2 + i);
		unsigned value = (unsigned)(at - alphabet);
		sum = step(sum, value);
		if (i + CHECKSUM >= digits)
			continue;
		bits = bits << 5 | value;
		held += 5;
		if (held >= 8 && made < len) {
			held -= 8;
			ret[made++] = (unsigned char)(bits >> held);
		}
	}
	if (sum != 1)
		return mrt_fail(err, MRT_CORRUPT, "its checksum is wrong: is it complete?");
	if (bits & ((1U << held) - 1))
		return mrt_fail(err, MRT_CORRUPT, "its last character holds stray bits");
	return 0;
}
