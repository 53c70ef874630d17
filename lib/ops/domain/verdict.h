/* verdict.h - what a verification of a domain comes to, and by what a claim was shown.
 *
 * JSON and the database have the names; code has the enums.
 */
#ifndef MRT_OPS_DOMAIN_VERDICT_H
#define MRT_OPS_DOMAIN_VERDICT_H

#include "codec/json.h"

enum mrt_domain_verdict {
	MRT_DOMAIN_UNKNOWN, /* nothing could be said */
	MRT_DOMAIN_GOOD,
	MRT_DOMAIN_CHALLENGED, /* another school is to get it */
	MRT_DOMAIN_MISSING,    /* the token is not shown */
	MRT_DOMAIN_EXPIRED
};
enum mrt_domain_method { MRT_SHOWN_BY_NOTHING, MRT_SHOWN_BY_DNS, MRT_SHOWN_BY_FILE };

const char *mrt_domain_verdict_name(enum mrt_domain_verdict verdict);
/* NULL for MRT_SHOWN_BY_NOTHING. */
const char *mrt_domain_method_name(enum mrt_domain_method method);
/* name may be NULL: nothing. */
enum mrt_domain_method mrt_domain_method_of(const char *name);
/* "verdict" and "method" of what mrt_domain_verify() gives. */
enum mrt_domain_verdict mrt_domain_verdict_in(const json_t *domain);
enum mrt_domain_method mrt_domain_method_in(const json_t *domain);

#endif
