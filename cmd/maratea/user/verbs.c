/* verbs.c - "maratea user": the people of a school. */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/user/change.h"

#include <string.h>

#define ROLES "owner|admin|instructor|student"

struct args {
	const char *slug, *email, *role, *name, *password_file, *status;
};

#define SLUG MRT_OPERAND(struct args, slug, "SLUG", "the school's", .complete = "tenant")
#define EMAIL MRT_OPERAND(struct args, email, "EMAIL", "the user's")
#define NAME MRT_OPT_TEXT(struct args, name, 0, "name", "TEXT", "what the person is called")

static const struct mrt_opt add_opts[] = {
	MRT_OPT_TEXT(struct args, role, 0, "role", "ROLE", "default: student", .complete = ROLES),
	NAME,
	MRT_OPT_TEXT(struct args, password_file, 0, "password-file", "FILE",
	             "where the password is (default: ask at the terminal)", .complete = "file"),
	SLUG,
	EMAIL,
	MRT_OPT_END
};
static const struct mrt_opt invite_opts[] = { MRT_OPT_TEXT(struct args, role, 0, "role", "ROLE",
	                                                   "default: student, or what it is",
	                                                   .complete = ROLES),
	                                      NAME, SLUG, EMAIL, MRT_OPT_END };
static const struct mrt_opt list_opts[] = {
	MRT_OPT_TEXT(struct args, role, 0, "role", "ROLE", "only those who have it",
	             .complete = ROLES),
	MRT_OPT_TEXT(struct args, status, 0, "status", "STATUS", "only those who are",
	             .complete = "invited|active|disabled"),
	SLUG, MRT_OPT_END
};
static const struct mrt_opt role_opts[] = {
	SLUG, EMAIL, MRT_OPERAND(struct args, role, "ROLE", ROLES, .complete = ROLES), MRT_OPT_END
};
static const struct mrt_opt remove_opts[] = { SLUG, EMAIL, MRT_OPT_END };

static void add_roles(const json_t *user, struct mrt_buf *to)
{
	const json_t *role;
	size_t i;
	json_array_foreach (json_object_get(user, "roles"), i, role)
		mrt_buf_printf(to, "%s%s", i ? ", " : "", json_string_value(role));
}

static int show_user(const struct mrt_cmd_env *env, const json_t *user, struct mrt_error *err)
{
	mrt_auto_buf roles = MRT_BUF_INIT;
	const char *name = mrt_json_text_or(user, "name", ""),
	           *invitation = mrt_json_text_or(user, "invitation", NULL);
	const json_t *changed = json_object_get(user, "changed");
	if (env->out->json)
		return mrt_show_json(env->out, user, err);
	add_roles(user, &roles);
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

/* One line; its end is not part of it. */
static int read_password(const char *path, char **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = { .ceiling = 1 << 20 };
	int rc = mrt_file_read(path, &text, err);
	if (rc < 0)
		return rc;
	size_t len = strcspn(mrt_buf_text(&text), "\r\n");
	const char *rest = mrt_buf_text(&text) + len;
	if (strlen(mrt_buf_text(&text)) != text.len || rest[strspn(rest, "\r\n")])
		return mrt_fail(err, MRT_USAGE, "%s: a password is one line of text", path);
	return mrt_text_printf(ret, err, "%.*s", (int)len, mrt_buf_text(&text));
}

static int ask_password(const struct mrt_cmd_env *env, char **ret, struct mrt_error *err)
{
	mrt_auto_secret again = NULL;
	if (!env->ctx->ask) {
		mrt_fail(err, MRT_USAGE, "there is no terminal to ask for the password at");
		return mrt_hint(err, "--password-file says where it is; 'maratea user invite' lets "
		                     "its owner choose it");
	}
	int rc = env->ctx->ask("Password: ", ret, err);
	if (rc == 0)
		rc = env->ctx->ask("Once more: ", &again, err);
	return rc < 0 || strcmp(*ret, again) == 0
	               ? rc
	               : mrt_fail(err, MRT_USAGE, "they are not the same");
}

static int run_add(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_secret password = NULL;
	mrt_auto_json user = NULL;
	int rc = a->password_file ? read_password(a->password_file, &password, err)
	                          : ask_password(env, &password, err);
	const struct mrt_user_options how = { .role = a->role,
		                              .name = a->name,
		                              .password = password };
	if (rc == 0)
		rc = mrt_user_add(env->ctx, env->config, a->slug, a->email, &how, &user, err);
	return rc < 0 ? rc : show_user(env, user, err);
}

static int run_invite(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_user_options how = { .role = a->role, .name = a->name };
	mrt_auto_json user = NULL;
	int rc = mrt_user_invite(env->ctx, env->config, a->slug, a->email, &how, &user, err);
	return rc < 0 ? rc : show_user(env, user, err);
}

static int run_set_role(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json user = NULL;
	int rc = mrt_user_set_role(env->ctx, env->config, a->slug, a->email, a->role, &user, err);
	return rc < 0 ? rc : show_user(env, user, err);
}

static int run_remove(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json user = NULL;
	int rc = mrt_user_remove(env->ctx, env->config, a->slug, a->email, &user, err);
	return rc < 0 ? rc : show_user(env, user, err);
}

static void row(struct mrt_table *table, const json_t *user)
{
	mrt_auto_buf roles = MRT_BUF_INIT;
	add_roles(user, &roles);
	const char *const cells[] = { mrt_json_text_or(user, "email", ""),
		                      mrt_json_text_or(user, "name", ""),
		                      mrt_json_text_or(user, "status", ""), mrt_buf_text(&roles),
		                      mrt_json_text_or(user, "created_at", "") };
	mrt_table_row(table, cells);
}

static int run_list(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "EMAIL", MRT_LEFT }, { "NAME", MRT_LEFT },    { "STATUS", MRT_LEFT },
		{ "ROLE", MRT_LEFT },  { "CREATED", MRT_LEFT },
	};
	const struct args *a = args;
	const struct mrt_user_filter filter = { .role = a->role, .status = a->status };
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "users",
		.name = "email",
		.nothing = a->role || a->status ? "no users like that" : "no users",
		.columns = columns,
		.n_columns = 5,
		.row = row,
	};
	int rc = mrt_user_list(env->ctx, env->config, a->slug, &filter, mrt_listing_add, &listing,
	                       err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

const struct mrt_cmd mrt_cmd_user_add = {
	.group = "user",
	.verb = "add",
	.summary = "make a user who can sign in",
	.opts = add_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_add,
};
const struct mrt_cmd mrt_cmd_user_invite = {
	.group = "user",
	.verb = "invite",
	.summary = "make an invitation, and the user where there is none",
	.opts = invite_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_invite,
};
const struct mrt_cmd mrt_cmd_user_list = {
	.group = "user",
	.verb = "list",
	.summary = "list the users of a school",
	.opts = list_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run_list,
};
const struct mrt_cmd mrt_cmd_user_set_role = {
	.group = "user",
	.verb = "set-role",
	.summary = "give a user one role, and take away others",
	.opts = role_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_set_role,
};
const struct mrt_cmd mrt_cmd_user_remove = {
	.group = "user",
	.verb = "remove",
	.summary = "take a user out of a school; what he did stays",
	.opts = remove_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_remove,
};
