/* dns_message.h - answers of DNS (RFC 1035), read by the records' owners.
 *
 * The answer to a question about a name has records of other names, too, when that is an alias, and
 * may have any, when somebody wants them believed.
 */
#ifndef MRT_CODEC_DNS_MESSAGE_H
#define MRT_CODEC_DNS_MESSAGE_H

#include "base/error.h"

#define MRT_DNS_NAME_SIZE 256

struct mrt_dns_answer {
	char **items; /* of TXT a record each, its strings put together; else addresses, names */
	size_t n;
	bool authoritative;            /* the server says that it is */
	int rcode;                     /* 0: no error, 3: there is no such name, ... */
	char alias[MRT_DNS_NAME_SIZE]; /* where CNAMEs lead to, as far as it says; "": none */
	char **links;                  /* all that they name on the way there */
	size_t n_links;
};
/* The records of that name, or of what it is an alias of, and of that type: ns_t_txt, ns_t_a,
 * ns_t_aaaa or ns_t_ns of <arpa/nameser.h>. MRT_CORRUPT: a damaged answer. */
int mrt_dns_message_read(const void *data, size_t len, const char *name, int type,
                         struct mrt_dns_answer *ret, struct mrt_error *err);
void mrt_dns_answer_release(struct mrt_dns_answer *answer);
/* "NXDOMAIN" */
const char *mrt_dns_rcode(int rcode);

#endif
