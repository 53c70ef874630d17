/* apply_plan.h - what would have to be done for schools to be what a file declares. */
#ifndef MRT_OPS_TENANT_APPLY_PLAN_H
#define MRT_OPS_TENANT_APPLY_PLAN_H

#include "ops/tenant/inventory.h"
#include "ops/tenant/update.h"

struct mrt_apply_action {
	enum { MRT_APPLY_CREATE, MRT_APPLY_UPDATE, MRT_APPLY_ARCHIVE } kind;
	const char *slug;                         /* json's */
	const struct mrt_declared_tenant *tenant; /* NULL: the file does not have it */
	bool shared;                     /* create: a new one, of those that can be made together */
	struct mrt_tenant_change change; /* nothing in it: no change */
	json_t *json;                    /* of the report */
};
struct mrt_apply_plan {
	struct mrt_apply_action *actions; /* by slug */
	size_t n, room, unchanged, left;
	size_t live;  /* of this inventory, and not archived */
	json_t *list; /* the actions, for a report */
	char *reason_suspended;
	char *reason; /* what those are archived with */
};
/* In mrt_session_look(). The plan refers to inventory. path: for messages. */
int mrt_apply_plan(struct mrt_session *session, const struct mrt_inventory *inventory,
                   const char *path, bool prune, struct mrt_apply_plan *ret, struct mrt_error *err);
void mrt_apply_plan_release(struct mrt_apply_plan *plan);

#endif
