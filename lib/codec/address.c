/* address.c - which network an address is in. */
#include "codec/address.h"
#include "base/assert.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

struct network {
	unsigned char prefix[8];
	unsigned bits;
};

static const struct network special4[] = {
	{ { 0 }, 8 },
	{ { 10 }, 8 },
	{ { 100, 64 }, 10 },
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 },
	{ { 172, 16 }, 12 },
	{ { 192, 0, 0 }, 24 },
	{ { 192, 0, 2 }, 24 },
	{ { 192, 88, 99 }, 24 },
	{ { 192, 168 }, 16 },
	{ { 198, 18 }, 15 },
	{ { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 },
	{ { 224 }, 4 },
	{ { 240 }, 4 },
};
/* of 2000::/3, which is all there is of global unicast */
static const struct network special6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },       /* protocols, Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static bool is_in(const unsigned char *address, const struct network *n)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);
	return memcmp(address, n->prefix, whole) == 0 &&
	       (rest == 0 || ((address[whole] ^ n->prefix[whole]) & mask) == 0);
}

static bool is_in_any(const unsigned char *address, const struct network *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_in(address, &list[i]))
			return true;
	return false;
}

static bool is_public4(const unsigned char *a)
{
	return !is_in_any(a, special4, MRT_COUNT(special4));
}

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_public6(const unsigned char *a)
{
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return is_public4(a + 12);
	if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
		return is_public4(a + 2);
	return (a[0] & 0xe0) == 0x20 && !is_in_any(a, special6, MRT_COUNT(special6));
}

/* As IPv6, IPv4 mapped into it. */
static bool parse(const char *text, unsigned char ret[sizeof(struct in6_addr)])
{
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, ret + sizeof(mapped)) == 1 ||
	       inet_pton(AF_INET6, text, ret) == 1;
}

bool mrt_address_check(const char *text)
{
	unsigned char raw[sizeof(struct in6_addr)];
	return parse(text, raw);
}

bool mrt_address_equal(const char *a, const char *b)
{
	unsigned char x[sizeof(struct in6_addr)], y[sizeof(struct in6_addr)];
	return parse(a, x) && parse(b, y) && memcmp(x, y, sizeof(x)) == 0;
}

bool mrt_address_is_public(const char *text)
{
	unsigned char raw[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, text, raw) == 1)
		return is_public4(raw);
	return inet_pton(AF_INET6, text, raw) == 1 && is_public6(raw);
}
