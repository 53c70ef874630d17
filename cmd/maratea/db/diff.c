/* diff.c - "maratea db diff": did somebody change the schema by hand? */
#include "maratea/commands.h"
#include "ops/db/commands.h"

#include <string.h>

static const struct mrt_opt opts[] = { MRT_OPT_END };

static void show_differences(struct mrt_output *out, const json_t *report)
{
	const json_t *item;
	const char *before = "", *whose = NULL;
	size_t i;
	json_array_foreach (json_object_get(report, "differences"), i, item) {
		const char *schema = mrt_json_text_or(item, "schema", ""),
		           *tenant = mrt_json_text_or(item, "tenant", NULL);
		if (strcmp(schema, before) != 0 ||
		    (tenant && whose ? strcmp(tenant, whose) != 0 : tenant != whose))
			mrt_buf_printf(&out->text, "%s%s%s%s\n", schema, tenant ? " (" : "",
			               tenant ? tenant : "", tenant ? ")" : "");
		before = schema;
		whose = tenant;
		const char *change = mrt_json_text_or(item, "change", "");
		mrt_buf_printf(&out->text, "%s %s\n",
		               strcmp(change, "missing") == 0      ? "-"
		               : strcmp(change, "unexpected") == 0 ? "+"
		                                                   : "?",
		               mrt_json_text_or(item, "text", ""));
	}
	if (i == 0)
		mrt_buf_add_text(&out->text, "no difference\n");
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	(void)args;
	mrt_auto_json report = NULL;
	struct mrt_error other;
	int shown = 0, rc = mrt_db_diff(env->ctx, env->config, &report, err);
	if (report && env->out->json)
		shown = mrt_show_json(env->out, report, &other);
	else if (report)
		show_differences(env->out, report);
	if (rc == 0 && shown < 0 && err)
		*err = other;
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_db_diff = {
	.group = "db",
	.verb = "diff",
	.summary = "what is not as the migrations make it",
	.opts = opts,
	.args_size = 0,
	.needs_config = true,
	.run = run,
};
