/* domain_sync.h - a school's own list of its domains, made equal to the platform's. */
#ifndef MRT_OPS_TENANT_DOMAIN_SYNC_H
#define MRT_OPS_TENANT_DOMAIN_SYNC_H

#include "ops/tenant/session.h"

/* In work that changes what domains a school has: its own list is to follow. */
int mrt_domain_sync_later(struct mrt_session *session, const char *tenant, struct mrt_error *err);
/* Sees to all that are to follow, whoever changed them; the caller has the school's lock. *ret_n:
 * schools whose list was looked after. An error is the first one's; the others are seen to all the
 * same. */
int mrt_domain_sync_all(struct mrt_session *session, const char *slug, size_t *ret_n,
                        struct mrt_error *err);

#endif
