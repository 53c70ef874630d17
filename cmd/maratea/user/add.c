/* add.c - "maratea user add". */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "maratea/commands.h"
#include "maratea/user/show.h"
#include "ops/user/change.h"

#include <string.h>

struct args {
	const char *slug, *email, *role, *name, *password_file;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_TEXT(struct args, role, 0, "role", "ROLE", "default: student",
	             .choices = MRT_USER_ROLES),
	MRT_USER_NAME(struct args),
	MRT_OPT_TEXT(struct args, password_file, 0, "password-file", "FILE",
	             "where the password is (default: ask at the terminal)",
	             .offers = MRT_OFFER_FILES),
	MRT_USER_SLUG(struct args),
	MRT_USER_EMAIL(struct args),
	MRT_OPT_END
};

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

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
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
	return rc < 0 ? rc : mrt_user_show(env, user, err);
}

const struct mrt_cmd mrt_cmd_user_add = {
	.group = "user",
	.verb = "add",
	.summary = "make a user who can sign in",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
