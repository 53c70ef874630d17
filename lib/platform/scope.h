/* scope.h - the one way to a school's rows: its id, its schema and a role, for one transaction.
 *
 * All three are set with SET LOCAL, so that a connection that is used again, through a pooler or
 * not, brings nothing along; cursors that an earlier transaction held open are closed. The policies
 * let see what the id says, and nothing where it is empty.
 */
#ifndef MRT_PLATFORM_SCOPE_H
#define MRT_PLATFORM_SCOPE_H

#include "client/pg/connection.h"

#define MRT_LOCK_WAIT "20s" /* so long a command waits for who holds one */

struct mrt_tenant_scope {
	const char *tenant; /* UUID; "": of no school */
	const char *schema;
	const char *role; /* "maratea_app", ...; NULL: who logged in */
};
/* work in a transaction of its own: committed when it gives 0, else rolled back, with its error.
 * MRT_LOCKED: another holds a lock for longer than 20 s.
 * MRT_USAGE: tenant is no UUID. MRT_UNREACHABLE from the commit: it may have happened. */
int mrt_tenant_txn(struct mrt_pg *pg, const struct mrt_context *ctx,
                   const struct mrt_tenant_scope *scope,
                   int (*work)(struct mrt_pg *pg, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err);
/* Inside a transaction that was begun: from here on as that. */
int mrt_tenant_enter(struct mrt_pg *pg, const struct mrt_context *ctx,
                     const struct mrt_tenant_scope *scope, struct mrt_error *err);

#endif
