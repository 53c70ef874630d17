/* proof.h - what DNS, and the site at a name, say of a school's claim to it. */
#ifndef MRT_OPS_DOMAIN_PROOF_H
#define MRT_OPS_DOMAIN_PROOF_H

#include "codec/json.h"
#include "config/settings.h"
#include "ops/domain/verdict.h"

struct mrt_domain_question {
	const char *name; /* as mrt_domain_normal() has it */
	const char *slug; /* of the school that claims it */
	const char *token;
	bool held;         /* another school has the name: then no file will do */
	const char *other; /* its token */
	const char *rival; /* of one that is to get it; NULL: none is */
};
struct mrt_domain_proof {
	bool shown;
	enum mrt_domain_method method;
	bool answered;    /* an authoritative server did */
	bool other_shown; /* by any of them */
	bool rival_shown;
	bool garbled;               /* a server's answer was damaged: what it has is not known */
	bool here;                  /* the name leads to this platform */
	bool way_known;             /* whether it does could be found out */
	bool refused;               /* a server at a private address was not asked */
	json_t *answers, *leads_to; /* as maratea-domain(1) says */
	char *site;   /* what came of the file, in words; NULL: it was not looked for */
	char *why;    /* why nothing could be said; NULL */
	char *zone;   /* that the record is in; NULL: not known */
	char *advice; /* what is wrong with what was found, in words; NULL */
};
/* That nobody answers is an answer, too. */
int mrt_domain_prove(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_domain_question *question, struct mrt_domain_proof *ret,
                     struct mrt_error *err);
void mrt_domain_proof_release(struct mrt_domain_proof *proof);

#endif
