/* help.c - help texts and the JSON of the tables, from the tables. */
#include "maratea/cmd.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 28

static void add_option(struct mrt_buf *buf, const struct mrt_opt *o)
{
	char left[96];
	int n = o->name ? snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
	                           o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
	                           o->value ? " " : "", o->value ? o->value : "")
	                : snprintf(left, sizeof(left), "  %s", o->value);
	mrt_buf_add_text(buf, left);
	mrt_buf_printf(buf, n >= HELP_COLUMN ? "\n%*s%s\n" : "%*s%s\n",
	               n >= HELP_COLUMN ? HELP_COLUMN : HELP_COLUMN - n, "", o->help);
}

static void add_options(struct mrt_buf *buf, const char *title, const struct mrt_opt *opts,
                        bool operands)
{
	bool any = false;
	for (const struct mrt_opt *o = opts; o->kind; o++) {
		if (!o->name != operands)
			continue;
		if (!any)
			mrt_buf_printf(buf, "\n%s:\n", title);
		any = true;
		add_option(buf, o);
	}
}

static void help_command(const struct mrt_cmd *cmd, struct mrt_buf *buf)
{
	mrt_buf_printf(buf, "usage: maratea %s %s [options]", cmd->group, cmd->verb);
	for (const struct mrt_opt *o = cmd->opts; o->kind; o++)
		if (o->kind == MRT_OPT_KIND_OPERAND)
			mrt_buf_printf(buf, " %s", o->value);
		else if (o->kind == MRT_OPT_KIND_MAYBE)
			mrt_buf_printf(buf, " [%s]", o->value);
		else if (o->kind == MRT_OPT_KIND_REST)
			mrt_buf_printf(buf, " -- %s...", o->value);
	mrt_buf_printf(buf, "\n\n%s\n", cmd->summary);
	add_options(buf, "operands", cmd->opts, true);
	add_options(buf, "options", cmd->opts, false);
	add_options(buf, "options of every command", mrt_global_opts, false);
	mrt_buf_printf(buf, "\nThe manual: maratea-%s(1)\n", cmd->group);
}

static void help_group(const struct mrt_group *group, struct mrt_buf *buf)
{
	mrt_buf_printf(buf, "usage: maratea %s COMMAND [options] [operands]\n\n%s\n\ncommands:\n",
	               group->name, group->summary);
	for (const struct mrt_cmd *const *c = mrt_commands; *c; c++)
		if (strcmp((*c)->group, group->name) == 0)
			mrt_buf_printf(buf, "  %-10s %s\n", (*c)->verb, (*c)->summary);
	mrt_buf_printf(buf, "\n'maratea %s COMMAND --help' explains one.\n", group->name);
}

static void help_all(struct mrt_buf *buf)
{
	mrt_buf_add_text(buf,
	                 "usage: maratea [options] GROUP COMMAND [options] [operands]\n\n"
	                 "Operates a schools-as-a-service platform: backups that are only called "
	                 "done\nwhen they are.\n\ngroups:\n");
	for (const struct mrt_group *g = mrt_groups; g->name; g++) {
		mrt_buf_printf(buf, "  %-10s %s\n", g->name, g->summary);
		for (const struct mrt_cmd *const *c = mrt_commands; *c; c++)
			if (strcmp((*c)->group, g->name) == 0)
				mrt_buf_printf(buf, "    %-8s %s\n", (*c)->verb, (*c)->summary);
	}
	add_options(buf, "options of every command", mrt_global_opts, false);
	mrt_buf_add_text(buf,
	                 "\nThe first minute: maratea sandbox run -- sh -c 'maratea backup run "
	                 "postgres && maratea backup list'\nThe manual: maratea(1)\n");
}

void mrt_help(const struct mrt_parsed *parsed, struct mrt_buf *buf)
{
	if (parsed->cmd)
		help_command(parsed->cmd, buf);
	else if (parsed->group)
		help_group(parsed->group, buf);
	else
		help_all(buf);
}

static int add_opts(json_t *to, const struct mrt_opt *opts, struct mrt_error *err)
{
	json_t *list = json_array();
	int rc = mrt_json_set(to, "options", list, err);
	for (const struct mrt_opt *o = opts; rc == 0 && o->kind; o++) {
		const char letter[] = { o->letter, '\0' };
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", o->name, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "letter", o->letter ? letter : NULL, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "value", o->value, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "help", o->help, err);
	}
	return rc;
}

int mrt_commands_json(json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	json_t *list = json_array(), *settings = json_array();
	int rc = json ? mrt_json_set(json, "commands", list, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "settings", settings, err);
	if (rc == 0)
		rc = add_opts(json, mrt_global_opts, err);
	for (const struct mrt_cmd *const *c = mrt_commands; rc == 0 && *c; c++) {
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "group", (*c)->group, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "verb", (*c)->verb, err);
		if (rc == 0)
			rc = add_opts(item, (*c)->opts, err);
	}
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++) {
		json_t *item = json_object();
		rc = mrt_json_append(settings, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", mrt_settings[i].name, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "default", mrt_settings[i].otherwise, err);
	}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}
