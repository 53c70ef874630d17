/* site.h - the file that shows a claim. */
#ifndef MRT_OPS_DOMAIN_SITE_H
#define MRT_OPS_DOMAIN_SITE_H

#include "client/dns/resolve.h"
#include "config/settings.h"

/* Fetches it from those addresses and no others, whatever DNS says by then. *ret_text: what came of
 * it, in words that follow "the site"; to be freed. */
int mrt_domain_ask_site(const struct mrt_context *ctx, const struct mrt_config *config,
                        const char *name, const char *token, const struct mrt_addresses *addresses,
                        bool *ret_shown, char **ret_text, struct mrt_error *err);

#endif
