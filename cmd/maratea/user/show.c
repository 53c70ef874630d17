/* show.c - a user of a school. */
#include "maratea/user/show.h"

void mrt_user_add_roles(const json_t *user, struct mrt_buf *to)
{
	const json_t *role;
	size_t i;
	json_array_foreach (json_object_get(user, "roles"), i, role)
		mrt_buf_printf(to, "%s%s", i ? ", " : "", json_string_value(role));
}

int mrt_user_show(const struct mrt_cmd_env *env, const json_t *user, struct mrt_error *err)
{
	mrt_auto_buf roles = MRT_BUF_INIT;
	const char *name = mrt_json_text_or(user, "name", ""),
	           *invitation = mrt_json_text_or(user, "invitation", NULL);
	const json_t *changed = json_object_get(user, "changed");
	if (env->out->json)
		return mrt_show_json(env->out, user, err);
	mrt_user_add_roles(user, &roles);
	mrt_show_field(env->out, "user", "%s", mrt_json_text_or(user, "email", ""));
	if (*name)
		mrt_show_field(env->out, "name", "%s", name);
	mrt_show_field(env->out, "id", "%s", mrt_json_text_or(user, "id", ""));
	mrt_show_field(env->out, "status", "%s", mrt_json_text_or(user, "status", ""));
	mrt_show_field(env->out, "role", "%s", roles.len > 0 ? mrt_buf_text(&roles) : "none");
	if (invitation)
		mrt_show_field(env->out, "invitation", "%s", invitation);
	if (changed && !json_is_true(changed))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	return mrt_buf_check(&roles, err);
}
