/* server.h - servers that somebody else has chosen, asked. */
#ifndef MRT_OPS_DOMAIN_SERVER_H
#define MRT_OPS_DOMAIN_SERVER_H

#include "client/dns/ask.h"
#include "config/settings.h"

struct mrt_domain_reply {
	struct mrt_dns_answer answer;
	char address[MRT_ADDRESS_SIZE]; /* the one that is spoken of; "": none was found */
	bool private;                   /* one at a private address was not asked */
};
void mrt_domain_reply_release(struct mrt_domain_reply *reply);
/* The first answer of a server, from whichever of its addresses. As mrt_dns_ask(). */
int mrt_domain_ask_server(const struct mrt_context *ctx, const struct mrt_config *config,
                          const char *server, const char *name, enum mrt_dns_type type,
                          struct mrt_domain_reply *ret, struct mrt_error *err);
/* Past the search domains of this machine. */
int mrt_domain_resolve(const struct mrt_context *ctx, const struct mrt_config *config,
                       const char *name, struct mrt_addresses *ret, struct mrt_error *err);

#endif
