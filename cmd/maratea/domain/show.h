/* show.h - a domain, and what there is to say of it. */
#ifndef MRT_MARATEA_DOMAIN_SHOW_H
#define MRT_MARATEA_DOMAIN_SHOW_H

#include "codec/json.h"
#include "maratea/output.h"

#define MRT_DOMAIN_SLUG(type) \
	MRT_OPERAND(type, slug, "SLUG", "the school's", .offers = MRT_OFFER_TENANTS)
#define MRT_DOMAIN_NAME(type) \
	MRT_OPERAND(type, name, "NAME", "such as learn.example.org", .offers = MRT_OFFER_DOMAINS)

/* A member; "" where it is missing or null. */
const char *mrt_domain_text(const json_t *domain, const char *name);
/* The name, and the claim to it. */
void mrt_domain_show_state(struct mrt_output *out, const json_t *domain);
/* The same, and what was found out about it. */
void mrt_domain_show(struct mrt_output *out, const json_t *domain);

#endif
