/* dns_ask.h - questions of DNS: what a server says of a name, and which servers know it best. */
#ifndef MRT_CLIENT_DNS_ASK_H
#define MRT_CLIENT_DNS_ASK_H

#include "client/dns.h"

#define MRT_DNS_SERVERS_MAX 16
#define MRT_DNS_NAME_SIZE 256

enum mrt_dns_type { MRT_DNS_TXT, MRT_DNS_A, MRT_DNS_AAAA };

struct mrt_dns_answer {
	char **items; /* of TXT a record each, its strings put together; else addresses */
	size_t n;
	bool authoritative;            /* the server says that it is */
	int rcode;                     /* 0: no error, 3: there is no such name, ... */
	char alias[MRT_DNS_NAME_SIZE]; /* where CNAMEs lead to, as far as it says; "": none */
	char **links;                  /* all that they name on the way there */
	size_t n_links;
};
/* server: "ADDRESS:PORT", "[ADDRESS]:PORT", or NULL: the resolver. Without recursion where a server
 * is given. 0 for any answer, also for one that refuses; MRT_UNREACHABLE: none; MRT_CORRUPT: a
 * damaged one. */
int mrt_dns_ask(const struct mrt_run *run, const struct mrt_dns_options *options,
                const char *server, const char *name, enum mrt_dns_type type,
                struct mrt_dns_answer *ret, struct mrt_error *err);
void mrt_dns_answer_release(struct mrt_dns_answer *answer);
/* "NXDOMAIN" */
const char *mrt_dns_rcode(int rcode);

struct mrt_dns_servers {
	char zone[MRT_DNS_NAME_SIZE]; /* that the name is in */
	size_t n;
	char names[MRT_DNS_SERVERS_MAX][MRT_DNS_NAME_SIZE];
};
/* The servers of the zone that the name is in, as the resolver has them. MRT_NOT_FOUND: there is no
 * such zone; MRT_UNREACHABLE: the resolver does not answer, or could not find out. */
int mrt_dns_find_servers(const struct mrt_run *run, const struct mrt_dns_options *options,
                         const char *name, struct mrt_dns_servers *ret, struct mrt_error *err);

#endif
