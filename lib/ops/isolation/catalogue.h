/* catalogue.h - "tenant check": are schools really kept apart?
 *
 * The catalogue is read for everything that would let one school see another's rows; then, in a
 * transaction that is rolled back, two schools that do not exist try it on each other. What this
 * cannot show: a setting of the session protects against a forgotten WHERE, not against somebody
 * who can run SQL of his own.
 */
#ifndef MRT_OPS_ISOLATION_CATALOGUE_H
#define MRT_OPS_ISOLATION_CATALOGUE_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_tenant_check_options {
	const char *slug; /* where that school's tables are; NULL: everywhere */
	bool all_tenants; /* besides, as each school that there is: does it see another? */
};
/* *ret, NULL before: {"schemas", "tables", "attempts", "findings": [{"check", "database",
 * "tenant", "object", "text"}], "reviewed": the same, of what tenant.reviewed names}. MRT_BAD, with
 * the answer, when there are findings. */
int mrt_tenant_check(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_tenant_check_options *options, json_t **ret,
                     struct mrt_error *err);

#endif
