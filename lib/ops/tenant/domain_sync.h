/* domain_sync.h - a school's own list of its domains, made equal to the platform's. */
#ifndef MRT_OPS_TENANT_DOMAIN_SYNC_H
#define MRT_OPS_TENANT_DOMAIN_SYNC_H

#include "ops/config/config.h"

/* May be done again. without: a name that counts as gone already; NULL: none. The caller keeps
 * others from changing the school's domains meanwhile. */
int mrt_domain_sync(const struct mrt_run *run, const struct mrt_config *config, const char *slug,
                    const char *without, struct mrt_error *err);

#endif
