/* tenants.h - a school's row in the platform, for those who look for one. */
#ifndef MRT_OPS_TENANT_TENANTS_H
#define MRT_OPS_TENANT_TENANTS_H

#include "ops/tenant/session.h"
#include "ops/tenant/tenant.h"

#define MRT_REASON_PRUNED "no longer in the inventory " /* with the inventory's name */

/* As mrt_tenant_show() describes it. Inside mrt_session_look() or _change(). lock: FOR UPDATE. */
int mrt_tenant_fetch(struct mrt_session *session, const char *slug, bool lock, json_t **ret,
                     struct mrt_error *err);
/* Can one work on a school of that status? MRT_CHANGED: it is not made yet, or writes, and it is
 * archived. */
int mrt_tenant_is_usable(const char *slug, const char *status, bool writes, struct mrt_error *err);
/* May a new or renamed school have that slug? id: whose it may have been; NULL: nobody's.
 * MRT_EXISTS. */
int mrt_tenant_slug_free(struct mrt_session *session, const char *slug, const char *id,
                         struct mrt_error *err);
/* Only: is it kept for another? */
int mrt_tenant_slug_kept(struct mrt_session *session, const char *slug, const char *id,
                         struct mrt_error *err);
/* MRT_NOT_FOUND; *ret_isolation, which may be NULL, is to be freed. The plan stays until the
 * transaction ends. */
int mrt_tenant_plan_check(struct mrt_session *session, const char *plan, char **ret_isolation,
                          struct mrt_error *err);

/* What the audit log calls a change to that status. */
const char *mrt_tenant_status_action(const char *status);
/* mrt_tenant_update() in a session that is open. */
int mrt_tenant_update_in(struct mrt_session *session, const char *slug,
                         const struct mrt_tenant_change *change, json_t **ret,
                         struct mrt_error *err);

#endif
