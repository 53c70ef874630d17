/* inventory.h - schools as a file declares them.
 *
 *   inventory: spring          whose schools these are
 *   tenants:
 *     - slug: alpha
 *       name: Scuola Alpha
 *       plan: basic
 *       owner-email: anna@example.org   for one that is to be made
 *       isolation: schema               shared, schema, database; not given: the plan's
 *       status: suspended               active, suspended, archived; not given: as it is
 *   ...
 */
#ifndef MRT_OPS_TENANT_INVENTORY_H
#define MRT_OPS_TENANT_INVENTORY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct mrt_declared_tenant {
	char *slug, *name, *plan, *owner_email, *isolation,
	        *status; /* the last three may be NULL */
	size_t line, plan_line;
};
struct mrt_inventory {
	char *name;
	bool ended; /* a line "..." says that this is all of it */
	struct mrt_declared_tenant *tenants;
	size_t n; /* by slug, none twice */
};
/* path "-": standard input. MRT_CONFIG names file, line and column of all that is wrong;
 * MRT_NOT_FOUND, MRT_IO. At most 64 MiB. */
int mrt_inventory_read(const char *path, struct mrt_inventory *ret, struct mrt_error *err);
void mrt_inventory_release(struct mrt_inventory *inventory);
/* Nothing else is declared. */
bool mrt_declared_is_active(const struct mrt_declared_tenant *tenant);

#endif
