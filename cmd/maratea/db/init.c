/* init.c - "maratea db init": make a database a platform's. */
#include "maratea/commands.h"
#include "ops/db/commands.h"

#include <stdlib.h>

struct args {
	const char *admin_url, *passwords;
	bool dry_run, yes;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_TEXT(struct args, admin_url, 0, "admin-url", "URL",
	             "who may create roles, to the platform's database ($MARATEA_ADMIN_URL)",
	             .url = true),
	MRT_OPT_TEXT(struct args, passwords, 0, "passwords", "DIR",
	             "a file for each role that logs in; made where it is missing",
	             .offers = MRT_OFFER_DIRECTORIES),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what would be done; do nothing"),
	MRT_OPT_FLAG(struct args, yes, 'y', "yes", "do not ask"), MRT_OPT_END
};

static int show_roles(struct mrt_output *out, const json_t *report, bool dry_run,
                      struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "ROLE", MRT_LEFT },
		                                     { "ACTION", MRT_LEFT },
		                                     { "PASSWORD", MRT_LEFT } };
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 3, &table, err);
	const json_t *item;
	size_t i;
	json_array_foreach (json_object_get(report, "roles"), i, item) {
		const char *password = mrt_json_text_or(item, "password", NULL);
		const char *const cells[] = { mrt_json_text_or(item, "name", ""),
			                      mrt_json_text_or(item, "action", ""),
			                      password ? password : "does not log in" };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	if (rc == 0)
		rc = mrt_table_show(out, table, err);
	if (rc == 0 && dry_run)
		mrt_buf_add_text(&out->text, "nothing was changed (--dry-run)\n");
	else if (rc == 0)
		mrt_show_field(out, "platform.id", "%s",
		               mrt_json_text_or(report, "platform_id", ""));
	if (rc == 0 && !dry_run)
		mrt_buf_add_text(&out->text,
		                 "next: put platform.id and postgres.migrate-url, as "
		                 "maratea_migrate, into the configuration; then 'maratea db "
		                 "migrate'\n");
	return rc;
}

struct asking {
	const struct mrt_cmd_env *env;
	bool yes;
};

static int confirm(void *context, const char *question, struct mrt_error *err)
{
	const struct asking *a = context;
	return mrt_confirm(a->env, a->yes, question, err);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const char *variable = getenv("MARATEA_ADMIN_URL");
	struct asking asking = { env, a->yes };
	const struct mrt_db_init_options how = {
		.admin_url = a->admin_url ? a->admin_url : variable,
		.passwords = a->passwords,
		.dry_run = a->dry_run,
		.confirm = confirm,
		.context = &asking,
	};
	mrt_auto_json report = NULL;
	if (!how.admin_url || !*how.admin_url) {
		mrt_fail(err, MRT_USAGE, "which server, and as whom?");
		return mrt_hint(err,
		                "--admin-url postgresql://postgres@host/database; with a password "
		                "in $MARATEA_ADMIN_URL or in a password file of libpq");
	}
	int rc = mrt_db_init(env->ctx, env->config, &how, &report, err);
	if (rc < 0)
		return rc;
	return env->out->json ? mrt_show_json(env->out, report, err)
	                      : show_roles(env->out, report, a->dry_run, err);
}

const struct mrt_cmd mrt_cmd_db_init = {
	.group = "db",
	.verb = "init",
	.summary = "make a database a platform's: roles, schemas, its id",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
