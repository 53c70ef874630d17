/* change.c - what "maratea tenant update", "suspend", "resume" and "archive" have in common. */
#include "maratea/tenant/change.h"
#include "maratea/commands.h"

int mrt_tenant_apply_change(const struct mrt_cmd_env *env, const char *slug,
                            const struct mrt_tenant_change *how, struct mrt_error *err)
{
	mrt_auto_json tenant = NULL;
	int rc = mrt_tenant_update(env->ctx, env->config, slug, how, &tenant, err);
	if (rc == 0)
		rc = mrt_tenant_print(env->out, tenant, err);
	if (rc == 0 && !env->out->json && !json_is_true(json_object_get(tenant, "changed")))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	else if (rc == 0 && !env->out->json && how->dry_run)
		mrt_buf_add_text(&env->out->text, "nothing was changed (--dry-run)\n");
	return rc;
}
