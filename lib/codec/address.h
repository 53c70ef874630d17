/* address.h - which network an address is in. */
#ifndef MRT_CODEC_ADDRESS_H
#define MRT_CODEC_ADDRESS_H

#include <stdbool.h>

/* Is it one of the public internet: not private, loopback, link-local, shared, multicast, reserved
 * or for documentation (RFC 6890 and IANA's registries of special-purpose addresses)? An IPv6
 * address that has an IPv4 one in it (RFC 4291, 6052, 3056) is what that one is. What is no address
 * is not. */
bool mrt_address_is_public(const char *text);
/* Is it one? */
bool mrt_address_check(const char *text);
/* The same address, however it is written. */
bool mrt_address_equal(const char *a, const char *b);

#endif
