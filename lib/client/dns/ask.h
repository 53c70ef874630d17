/* ask.h - questions of DNS: what a server says of a name, and which servers know it best. */
#ifndef MRT_CLIENT_DNS_ASK_H
#define MRT_CLIENT_DNS_ASK_H

#include "client/dns/resolve.h"
#include "codec/dns_message.h"

#define MRT_DNS_SERVERS_MAX 16

enum mrt_dns_type { MRT_DNS_TXT, MRT_DNS_A, MRT_DNS_AAAA };

/* server: "ADDRESS:PORT", "[ADDRESS]:PORT", or NULL: the resolver. Without recursion where a server
 * is given. 0 for any answer, also for one that refuses; MRT_UNREACHABLE: none; MRT_CORRUPT: a
 * damaged one. */
int mrt_dns_ask(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                const char *server, const char *name, enum mrt_dns_type type,
                struct mrt_dns_answer *ret, struct mrt_error *err);

struct mrt_dns_servers {
	char zone[MRT_DNS_NAME_SIZE]; /* that the name is in */
	size_t n;
	char names[MRT_DNS_SERVERS_MAX][MRT_DNS_NAME_SIZE];
};
/* The servers of the zone that the name is in, as the resolver has them. MRT_NOT_FOUND: there is no
 * such zone; MRT_UNREACHABLE: the resolver does not answer, or could not find out. */
int mrt_dns_find_servers(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                         const char *name, struct mrt_dns_servers *ret, struct mrt_error *err);

#endif
