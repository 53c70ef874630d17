/* report.h - what DNS says of a claim, judged and told. */
#ifndef MRT_OPS_DOMAIN_REPORT_H
#define MRT_OPS_DOMAIN_REPORT_H

#include "ops/domain/proof.h"
#include "platform/claims.h"

int mrt_domain_ask(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_domain_claim *claim, struct mrt_domain_proof *ret,
                   struct mrt_error *err);
/* 0: it is shown, or an active one that was shown by a file leads here still; MRT_UNREACHABLE:
 * nothing could be said; MRT_BAD. */
int mrt_domain_judge(const struct mrt_domain_claim *claim, const struct mrt_domain_proof *proof,
                     struct mrt_error *err);
/* All of it, as maratea-domain(1) says of verify. */
int mrt_domain_report(const struct mrt_config *config, const struct mrt_domain_claim *claim,
                      const struct mrt_domain_proof *proof, json_t **ret, struct mrt_error *err);

#endif
