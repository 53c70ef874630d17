/* resolve.h - names to addresses under a deadline, by c-ares.
 *
 * The resolvers of libc, libpq and libcurl block past every timeout of theirs; this one does not.
 * It reads /etc/hosts and the search domains of resolv.conf as they do.
 */
#ifndef MRT_CLIENT_DNS_RESOLVE_H
#define MRT_CLIENT_DNS_RESOLVE_H

#include "client/dns/options.h"

#define MRT_ADDRESS_SIZE 48
#define MRT_ADDRESSES_MAX 8

struct mrt_addresses {
	size_t n;
	char text[MRT_ADDRESSES_MAX][MRT_ADDRESS_SIZE]; /* IPv4 before IPv6 */
};

/* A literal address resolves to itself. MRT_UNREACHABLE: "DNS did not answer" or "name unknown". */
int mrt_dns_resolve(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                    const char *host, struct mrt_addresses *ret, struct mrt_error *err);

#endif
