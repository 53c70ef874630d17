/* attempts.h - two schools that do not exist try to reach each other's rows. */
#ifndef MRT_OPS_ISOLATION_ATTEMPTS_H
#define MRT_OPS_ISOLATION_ATTEMPTS_H

#include "client/pg/connection.h"
#include "ops/isolation/findings.h"

/* The attempts of two schools in one schema; changes nothing. */
int mrt_tenant_check_live(struct mrt_tenant_checking *c, struct mrt_pg *pg, const char *schema,
                          struct mrt_error *err);

#endif
