/* sync.h - a school's own list of its domains, made equal to the platform's. */
#ifndef MRT_OPS_DOMAIN_SYNC_H
#define MRT_OPS_DOMAIN_SYNC_H

#include "platform/session.h"

/* In work that changes who has that name: a school's own list is to follow. */
int mrt_domain_sync_later(struct mrt_session *session, const char *tenant, const char *name,
                          struct mrt_error *err);
/* Sees to all that are to follow, whoever changed them; the caller has the school's lock. Only an
 * error of that school, or of another that lost the name, is one: others are warned of. */
int mrt_domain_sync_all(struct mrt_session *session, const char *slug, const char *name,
                        struct mrt_error *err);
/* Is that school's own list to follow for that name? */
int mrt_domain_sync_waits(struct mrt_session *session, const char *slug, const char *name,
                          bool *ret, struct mrt_error *err);

#endif
