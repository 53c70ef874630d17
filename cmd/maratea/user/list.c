/* list.c - "maratea user list". */
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "maratea/user/show.h"
#include "ops/user/change.h"

struct args {
	const char *slug, *role, *status;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_TEXT(struct args, role, 0, "role", "ROLE", "only those who have it",
	             .choices = MRT_USER_ROLES),
	MRT_OPT_TEXT(struct args, status, 0, "status", "STATUS", "only those who are",
	             .choices = "invited|active|disabled"),
	MRT_USER_SLUG(struct args), MRT_OPT_END
};

static void row(struct mrt_table *table, const json_t *user)
{
	mrt_auto_buf roles = MRT_BUF_INIT;
	mrt_user_add_roles(user, &roles);
	const char *const cells[] = { mrt_json_text_or(user, "email", ""),
		                      mrt_json_text_or(user, "name", ""),
		                      mrt_json_text_or(user, "status", ""), mrt_buf_text(&roles),
		                      mrt_json_text_or(user, "created_at", "") };
	mrt_table_row(table, cells);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
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

const struct mrt_cmd mrt_cmd_user_list = {
	.group = "user",
	.verb = "list",
	.summary = "list the users of a school",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run,
};
