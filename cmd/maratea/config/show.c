/* show.c - "maratea config show" and "maratea config check". */
#include "base/text.h"
#include "maratea/commands.h"

#include <string.h>

struct args {
	bool all;
};

static const struct mrt_opt show_opts[] = {
	MRT_OPT_FLAG(struct args, all, 'a', "all", "settings that are not set as well"), MRT_OPT_END
};
static const struct mrt_opt check_opts[] = { MRT_OPT_END };

static void masked(const struct mrt_cmd_env *env, const struct mrt_setting *s, const char *text,
                   struct mrt_buf *buf)
{
	if (s->kind == MRT_SECRET && text)
		mrt_buf_add_text(buf, "***");
	else if (text)
		mrt_log_mask(env->ctx->log, text, buf); /* a password inside a URL */
	while (s->kind == MRT_LIST && buf->len > 0 && buf->data[buf->len - 1] == '\n')
		buf->data[--buf->len] = '\0';
	for (char *p = buf->data; s->kind == MRT_LIST && p && *p; p++)
		*p = *p == '\n' ? ' ' : *p;
}

static int show_json(const struct mrt_cmd_env *env, bool all, struct mrt_error *err)
{
	const struct mrt_config *c = env->config;
	mrt_auto_json json = json_object();
	json_t *settings = json_object(), *notes = json_array();
	int rc = json ? mrt_json_set_text(json, "file", c->path, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "settings", settings, err);
	if (rc == 0)
		rc = mrt_json_set(json, "notes", notes, err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++) {
		const struct mrt_setting_state *state = &c->states[i];
		mrt_auto_buf text = MRT_BUF_INIT;
		json_t *item = json_object();
		masked(env, &mrt_settings[i], state->text, &text);
		if (!state->text && !all) {
			json_decref(item);
			continue;
		}
		rc = mrt_json_set(settings, mrt_settings[i].name, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "value",
			                       state->text ? mrt_buf_text(&text) : NULL, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "source", state->source, err);
	}
	for (size_t i = 0; rc == 0 && i < c->n_notes; i++)
		rc = mrt_json_append(notes, json_string(c->notes[i]), err);
	return rc < 0 ? rc : mrt_show_json(env->out, json, err);
}

static int run_show(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "SETTING", MRT_LEFT },
		                                     { "VALUE", MRT_LEFT },
		                                     { "FROM", MRT_LEFT } };
	const struct args *a = args;
	const struct mrt_config *c = env->config;
	if (env->out->json)
		return show_json(env, a->all, err);
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 3, &table, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < mrt_n_settings; i++) {
		const struct mrt_setting_state *state = &c->states[i];
		mrt_auto_buf text = MRT_BUF_INIT;
		masked(env, &mrt_settings[i], state->text, &text);
		const char *const cells[] = { mrt_settings[i].name, mrt_buf_text(&text),
			                      state->source };
		if (state->text || a->all)
			mrt_table_row(table, cells);
	}
	rc = mrt_table_show(env->out, table, err);
	for (size_t i = 0; i < c->n_notes; i++)
		mrt_buf_printf(&env->out->text, "note: %s\n", c->notes[i]);
	return rc;
}

static int check_view(const struct mrt_cmd_env *env, const char *target, const char *store,
                      struct mrt_error *err)
{
	mrt_auto(mrt_config) *view = NULL;
	int rc = mrt_config_view(env->ctx, env->config, target, store, &view, err);
	return rc < 0 ? mrt_prefix(err, rc, "%s %s", target ? "target" : "store",
	                           target ? target : store)
	              : 0;
}

/* That it could be loaded is the check, with each target and each store. */
static int run_check(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	(void)args;
	const struct mrt_config *c = env->config;
	const char *path = c->path;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < c->n_targets; i++)
		rc = check_view(env, c->targets[i], NULL, err);
	for (size_t i = 0; rc == 0 && i < c->n_stores; i++)
		rc = check_view(env, NULL, c->stores[i], err);
	if (rc < 0)
		return rc;
	if (env->out->json)
		return show_json(env, false, err);
	mrt_buf_printf(&env->out->text, "%s: good\n", path ? path : "no file; the environment");
	for (size_t i = 0; i < env->config->n_notes; i++)
		mrt_buf_printf(&env->out->text, "note: %s\n", env->config->notes[i]);
	return 0;
}

const struct mrt_cmd mrt_cmd_config_show = {
	.group = "config",
	.verb = "show",
	.summary = "show every setting and where it comes from",
	.opts = show_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_show,
};
const struct mrt_cmd mrt_cmd_config_check = {
	.group = "config",
	.verb = "check",
	.summary = "check the configuration file",
	.opts = check_opts,
	.args_size = 0,
	.needs_config = true,
	.run = run_check,
};
