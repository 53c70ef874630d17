/* set_role.c - "maratea user set-role". */
#include "maratea/commands.h"
#include "maratea/user/show.h"
#include "ops/user/change.h"

struct args {
	const char *slug, *email, *role;
};

static const struct mrt_opt opts[] = { MRT_USER_SLUG(struct args), MRT_USER_EMAIL(struct args),
	                               MRT_OPERAND(struct args, role, "ROLE", MRT_USER_ROLES,
	                                           .choices = MRT_USER_ROLES),
	                               MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json user = NULL;
	int rc = mrt_user_set_role(env->ctx, env->config, a->slug, a->email, a->role, &user, err);
	return rc < 0 ? rc : mrt_user_show(env, user, err);
}

const struct mrt_cmd mrt_cmd_user_set_role = {
	.group = "user",
	.verb = "set-role",
	.summary = "give a user one role, and take away others",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
