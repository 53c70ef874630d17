/* claims.h - a claim's row in the platform, for those who look for one. */
#ifndef MRT_PLATFORM_CLAIMS_H
#define MRT_PLATFORM_CLAIMS_H

#include "codec/domain.h"
#include "codec/json.h"
#include "platform/session.h"

/* Where a school shows a claim: a TXT record under the first, a file at the second. */
#define MRT_CHALLENGE_LABEL "_maratea-challenge"
#define MRT_CHALLENGE_PATH "/.well-known/maratea-challenge"
#define MRT_DOMAIN_URL_SIZE 512
void mrt_domain_claim_url(const struct mrt_config *config, const char *name,
                          char ret[MRT_DOMAIN_URL_SIZE]);

struct mrt_domain_claim {
	json_t *json; /* as mrt_domain_list() gives it */
	char *slug, *name, *token;
	char *id, *status; /* of the school */
	bool active, expired;
	char *holder, *holder_slug, *holder_token; /* who has the name; NULL: nobody */
	char *method;                              /* by which its holder showed it */
	char *rival, *rival_token;                 /* of the school that is to get it; NULL: none */
	bool over;                                 /* the holder's time is */
};
void mrt_domain_claim_release(struct mrt_domain_claim *claim);

struct mrt_domain_claims {
	struct mrt_domain_claim *items;
	size_t n;
};
void mrt_domain_claims_release(struct mrt_domain_claims *claims);
/* Up to n behind that one; NULL: any, or from the first. In work. */
int mrt_domain_claims_read(struct mrt_session *session, const char *slug, const char *name,
                           const char *state, const struct mrt_domain_claim *after, int n,
                           struct mrt_domain_claims *ret, struct mrt_error *err);
/* In work. MRT_NOT_FOUND: the school, or its claim. */
int mrt_domain_claim_find(struct mrt_session *session, const char *slug, const char *name,
                          struct mrt_domain_claim *ret, struct mrt_error *err);
/* In work: makes one, or a new token for one that has expired; *ret_new: it did. */
int mrt_domain_claim_make(struct mrt_session *session, const char *tenant, const char *name,
                          bool *ret_new, struct mrt_error *err);

/* MRT_CONFIG: platform.domain is not set. */
int mrt_domain_ready(const struct mrt_config *config, struct mrt_error *err);
/* The name that a school can have: normal, not the platform's, not a public suffix, and not too
 * long for its record. */
int mrt_domain_check(const struct mrt_config *config, const char *text, char ret[MRT_DOMAIN_SIZE],
                     struct mrt_error *err);
/* Adds "record", "file" and "target". */
int mrt_domain_instruct(const struct mrt_config *config, const struct mrt_domain_claim *claim,
                        json_t *to, struct mrt_error *err);

#endif
