/* apply.h - "tenant apply": schools become what a file declares. */
#ifndef MRT_OPS_TENANT_APPLY_H
#define MRT_OPS_TENANT_APPLY_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_apply_options {
	const char *file;  /* see inventory.h */
	bool prune;        /* archive those that this inventory made and the file no longer has */
	int64_t max_prune; /* so many at the most; -1: 5, or 5 % of the inventory's schools */
	bool dry_run;
	/* Called with the answer as it will be, before anything is done; what it gives but 0 ends
	 * it. May be NULL. */
	int (*approve)(const json_t *report, void *context, struct mrt_error *err);
	/* Called with the invitation of each new school's owner, a link or a token, which is not
	 * told again; what it gives but 0 ends all, and that school is not active. May be NULL. */
	int (*invited)(const char *slug, const char *email, const char *invitation, void *context,
	               struct mrt_error *err);
	/* Called after some of those, before their schools are there for good: what was told must
	 * not get lost from then on. May be NULL. */
	int (*keep)(void *context, struct mrt_error *err);
	void *context;
};
/* *ret, NULL before: {"inventory", "dry_run", "unchanged", "left", "actions": [{"slug", "action",
 * "changes", "state", "error"}]}. action: "create", "update", "archive"; changes: {"plan": [from,
 * to]}; state: "to do", "done", "failed"; left: so many that prune would archive. One that fails
 * does not stop the others: MRT_FAILED, with the answer; so it is when it was interrupted.
 * MRT_CONFIG: the file; MRT_NOT_FOUND: a plan; MRT_UNSUPPORTED: another isolation than it has;
 * MRT_CHANGED: a school of another inventory, or more to archive than allowed; MRT_LOCKED: another
 * is at it. Then nothing was done;
 * more to archive than allowed with dry_run, and the answer is given. */
int mrt_tenant_apply(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_apply_options *options, json_t **ret, struct mrt_error *err);

#endif
