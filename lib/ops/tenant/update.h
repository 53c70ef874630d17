/* update.h - schools, changed. */
#ifndef MRT_OPS_TENANT_UPDATE_H
#define MRT_OPS_TENANT_UPDATE_H

#include "platform/session.h"

#define MRT_REASON_PRUNED "no longer in the inventory " /* with the inventory's name */

struct mrt_tenant_change {
	const char *status, *reason;    /* "active", "suspended", "archived" */
	const char *name, *plan, *slug; /* NULL: stays */
	uint64_t version;               /* that it had when this was decided; 0: whichever it has */
	bool dry_run;
};
/* *ret: the school as it is then, and "changed". The old slug is nobody else's for 365 days. */
int mrt_tenant_update(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const struct mrt_tenant_change *change, json_t **ret,
                      struct mrt_error *err);

/* What the audit log calls a change to that status. */
const char *mrt_tenant_status_action(const char *status);
/* mrt_tenant_update() in a session that is open. */
int mrt_tenant_update_in(struct mrt_session *session, const char *slug,
                         const struct mrt_tenant_change *change, json_t **ret,
                         struct mrt_error *err);

#endif
