/* scope.h - the one way to a school's rows: its id, its schema and a role, for one transaction.
 *
 * All three are set with SET LOCAL, so that a connection that is used again, through a pooler or
 * not, brings nothing along. The policies let see what the id says, and nothing where it is empty.
 */
#ifndef MRT_OPS_TENANT_SCOPE_H
#define MRT_OPS_TENANT_SCOPE_H

#include "client/pg.h"

struct mrt_tenant_scope {
	const char *tenant; /* UUID; "": of no school */
	const char *schema;
	const char *role; /* "maratea_app", ... */
};
/* Inside a transaction that was begun; may be called again in it. MRT_USAGE: tenant is no UUID. */
int mrt_tenant_enter(struct mrt_pg *pg, const struct mrt_run *run,
                     const struct mrt_tenant_scope *scope, struct mrt_error *err);

#endif
