/* whoami.c - "maratea store whoami": with which credentials is the store asked? */
#include "maratea/commands.h"
#include "ops/store/whoami.h"

static const struct mrt_opt opts[] = { MRT_OPT_END };

static int show_identity(struct mrt_output *out, const json_t *r, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "TRIED", MRT_LEFT },
		                                     { "RESULT", MRT_LEFT } };
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 2, &table, err);
	const json_t *item;
	size_t i;
	mrt_show_field(out, "store", "%s", mrt_json_text_or(r, "store", ""));
	mrt_show_field(out, "access key", "%s", mrt_json_text_or(r, "access_key", "none"));
	if (mrt_json_text_or(r, "source", NULL))
		mrt_show_field(out, "from", "%s", mrt_json_text_or(r, "source", ""));
	if (mrt_json_text_or(r, "expires", NULL))
		mrt_show_field(out, "expires", "%s", mrt_json_text_or(r, "expires", ""));
	mrt_buf_add_char(&out->text, '\n');
	json_array_foreach (json_object_get(r, "tried"), i, item) {
		const char *const cells[] = { mrt_json_text_or(item, "source", ""),
			                      mrt_json_text_or(item, "result", "") };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	(void)args;
	mrt_auto_json report = NULL;
	struct mrt_error other;
	int rc = mrt_store_whoami(env->ctx, env->config, &report, err);
	if (!report)
		return rc;
	int shown = env->out->json ? mrt_show_json(env->out, report, rc < 0 ? &other : err)
	                           : show_identity(env->out, report, rc < 0 ? &other : err);
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_store_whoami = {
	.group = "store",
	.verb = "whoami",
	.summary = "tell with which credentials the store is asked",
	.opts = opts,
	.args_size = 0,
	.needs_config = true,
	.run = run,
};
