/* apply_shared.h - many schools in shared tables at once. */
#ifndef MRT_OPS_TENANT_APPLY_SHARED_H
#define MRT_OPS_TENANT_APPLY_SHARED_H

#include "ops/tenant/inventory.h"
#include "platform/session.h"

struct mrt_apply_batch {
	const char *inventory;
	const struct mrt_declared_tenant *const *tenants;
	size_t n;
	/* see apply.h; called before the commit. May be NULL. */
	int (*invited)(const char *slug, const char *email, const char *invitation, void *context,
	               struct mrt_error *err);
	int (*keep)(void *context, struct mrt_error *err);
	void *context;
};
/* Makes all of them in one transaction, with their journal and audit rows, or none. The shared
 * tables must be this maratea's. */
int mrt_apply_shared(struct mrt_session *session, const struct mrt_apply_batch *batch,
                     struct mrt_error *err);

#endif
