/* way.h - where a name leads, and whether that is this platform. */
#ifndef MRT_OPS_DOMAIN_WAY_H
#define MRT_OPS_DOMAIN_WAY_H

#include "client/dns/ask.h"
#include "config/settings.h"

struct mrt_domain_way {
	struct mrt_addresses addresses;
	char alias[MRT_DNS_NAME_SIZE]; /* "": none */
	bool here;                     /* this platform, as the school of that slug has it */
	bool known;                    /* whether it is could be found out */
};
/* By what the servers that serve the name say; first: one of them that has answered before. */
int mrt_domain_find_way(const struct mrt_context *ctx, const struct mrt_config *config,
                        const char *name, const char *slug, const char *first,
                        struct mrt_domain_way *ret, struct mrt_error *err);

#endif
