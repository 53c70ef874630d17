/* change.h - what "maratea tenant update", "suspend", "resume" and "archive" have in common. */
#ifndef MRT_MARATEA_TENANT_CHANGE_H
#define MRT_MARATEA_TENANT_CHANGE_H

#include "maratea/cmd.h"
#include "ops/tenant/update.h"

#define MRT_TENANT_DRY_RUN(type) \
	MRT_OPT_FLAG(type, dry_run, 0, "dry-run", "say what would be changed; change nothing")
#define MRT_TENANT_REASON(type) \
	MRT_OPT_TEXT(type, reason, 0, "reason", "TEXT", "why, for those who ask")
#define MRT_TENANT_SLUG(type) \
	MRT_OPERAND(type, slug, "SLUG", "the school's", .offers = MRT_OFFER_TENANTS)

/* Changes the school, and shows it as it is then. */
int mrt_tenant_apply_change(const struct mrt_cmd_env *env, const char *slug,
                            const struct mrt_tenant_change *how, struct mrt_error *err);

#endif
