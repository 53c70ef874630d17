/* invite.c - "maratea user invite". */
#include "maratea/commands.h"
#include "maratea/user/show.h"
#include "ops/user/change.h"

struct args {
	const char *slug, *email, *role, *name;
};

static const struct mrt_opt opts[] = { MRT_OPT_TEXT(struct args, role, 0, "role", "ROLE",
	                                            "default: student, or what it is",
	                                            .choices = MRT_USER_ROLES),
	                               MRT_USER_NAME(struct args), MRT_USER_SLUG(struct args),
	                               MRT_USER_EMAIL(struct args), MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_user_options how = { .role = a->role, .name = a->name };
	mrt_auto_json user = NULL;
	int rc = mrt_user_invite(env->ctx, env->config, a->slug, a->email, &how, &user, err);
	return rc < 0 ? rc : mrt_user_show(env, user, err);
}

const struct mrt_cmd mrt_cmd_user_invite = {
	.group = "user",
	.verb = "invite",
	.summary = "make an invitation, and the user where there is none",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
