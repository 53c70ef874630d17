/* complete.c - candidates for the shell: commands, options, choices, backup ids.
 *
 * Nothing here may print an error or take long: the user is in the middle of a line.
 */
#include "maratea/cmd.h"
#include "ops/domain/commands.h"
#include "ops/tenant/list.h"
#include "ops/tenant/plan.h"
#include "repository/layout.h"

#include <string.h>

#define PATIENCE (2 * MRT_SECOND)

static void offer(struct mrt_output *out, const char *word, const char *prefix, const char *text)
{
	size_t n = strlen(prefix);
	if (strncmp(word, prefix, n < strlen(word) ? n : strlen(word)) == 0 &&
	    (strlen(word) <= n || strncmp(word + n, text, strlen(word) - n) == 0))
		mrt_buf_printf(&out->text, "%s%s\n", prefix, text);
}

static void offer_choices(struct mrt_output *out, const char *word, const char *choices)
{
	for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|') {
		mrt_auto_buf one = MRT_BUF_INIT;
		mrt_buf_add(&one, p, strcspn(p, "|"));
		offer(out, word, "", mrt_buf_text(&one));
	}
}

/* The configuration, and a context that ends soon; false: there is nothing to offer. */
static bool load_briefly(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                         struct mrt_context *ret_brief, struct mrt_config **ret)
{
	*ret_brief = *ctx;
	ret_brief->deadline = mrt_clock_monotonic() + PATIENCE;
	return mrt_config_load(ret_brief, parsed->globals.config, parsed->flags, parsed->n_flags,
	                       ret, NULL) == 0;
}

static void offer_backups(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                          struct mrt_output *out, const char *word)
{
	struct mrt_context brief;
	mrt_auto(mrt_config) *config = NULL;
	mrt_auto(mrt_store) *store = NULL;
	struct mrt_backup_list list = { 0 };
	offer(out, word, "", "latest");
	if (!load_briefly(ctx, parsed, &brief, &config) ||
	    mrt_repository_open(config, 4, &store, NULL) < 0 ||
	    mrt_repository_list(&brief, store, config->platform_name, NULL, &list, NULL) < 0)
		return;
	for (size_t i = list.n; i > 0; i--)
		offer(out, word, "", list.entries[i - 1].id);
	mrt_backup_list_release(&list);
}

static void offer_names(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                        struct mrt_output *out, const char *word, bool stores)
{
	mrt_auto(mrt_config) *config = NULL;
	if (mrt_config_load(ctx, parsed->globals.config, NULL, 0, &config, NULL) < 0)
		return;
	for (size_t i = 0; i < (stores ? config->n_stores : config->n_targets); i++)
		offer(out, word, "", stores ? config->stores[i] : config->targets[i]);
}

struct offering {
	struct mrt_output *out;
	const char *word;
};

static int offer_tenant(const json_t *tenant, void *context, struct mrt_error *err)
{
	const struct offering *o = context;
	(void)err;
	offer(o->out, o->word, "", mrt_json_text_or(tenant, "slug", ""));
	return 0;
}

static int offer_domain(const json_t *domain, void *context, struct mrt_error *err)
{
	const struct offering *o = context;
	(void)err;
	offer(o->out, o->word, "", mrt_json_text_or(domain, "name", ""));
	return 0;
}

/* The school that is named before, if one is. */
static const char *slug_of(const struct mrt_parsed *parsed)
{
	for (const struct mrt_opt *o = parsed->cmd->opts; o->kind; o++)
		if ((o->kind == MRT_OPT_KIND_OPERAND || o->kind == MRT_OPT_KIND_MAYBE) &&
		    o->offers == MRT_OFFER_TENANTS)
			return *(const char *const *)((const char *)parsed->args + o->offset);
	return NULL;
}

static void offer_domains(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                          struct mrt_output *out, const char *word)
{
	const struct mrt_domain_filter filter = { .slug = slug_of(parsed) };
	struct offering offering = { out, word };
	struct mrt_context brief;
	mrt_auto(mrt_config) *config = NULL;
	if (load_briefly(ctx, parsed, &brief, &config))
		mrt_domain_list(&brief, config, &filter, offer_domain, &offering, NULL);
}

static void offer_tenants(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                          struct mrt_output *out, const char *word)
{
	static const struct mrt_tenant_filter all = { 0 };
	struct offering offering = { out, word };
	struct mrt_context brief;
	mrt_auto(mrt_config) *config = NULL;
	if (load_briefly(ctx, parsed, &brief, &config))
		mrt_tenant_list(&brief, config, &all, offer_tenant, &offering, NULL);
}

static void offer_plans(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                        struct mrt_output *out, const char *word)
{
	struct mrt_context brief;
	mrt_auto(mrt_config) *config = NULL;
	mrt_auto_json list = NULL;
	const json_t *plan;
	size_t i;
	if (!load_briefly(ctx, parsed, &brief, &config) ||
	    mrt_plan_list(&brief, config, &list, NULL) < 0)
		return;
	json_array_foreach (json_object_get(list, "plans"), i, plan)
		offer(out, word, "", mrt_json_text_or(plan, "name", ""));
}

static void offer_value(const struct mrt_context *ctx, const struct mrt_parsed *parsed,
                        struct mrt_output *out, const struct mrt_opt *o, const char *word)
{
	if (!o)
		return;
	switch (o->offers) {
	case MRT_OFFER_BACKUPS:
		offer_backups(ctx, parsed, out, word);
		break;
	case MRT_OFFER_TENANTS:
		offer_tenants(ctx, parsed, out, word);
		break;
	case MRT_OFFER_PLANS:
		offer_plans(ctx, parsed, out, word);
		break;
	case MRT_OFFER_DOMAINS:
		offer_domains(ctx, parsed, out, word);
		break;
	case MRT_OFFER_TARGETS:
		offer_choices(out, word, "postgres|redis");
		offer_names(ctx, parsed, out, word, false);
		break;
	case MRT_OFFER_STORES:
		offer_names(ctx, parsed, out, word, true);
		break;
	case MRT_OFFER_FILES: /* the shell knows files best */
		mrt_buf_add_text(&out->text, ":file\n");
		break;
	case MRT_OFFER_DIRECTORIES:
		mrt_buf_add_text(&out->text, ":dir\n");
		break;
	case MRT_OFFER_NOTHING:
		break;
	}
	bool all_formats = parsed->cmd && parsed->cmd->lists;
	if (o->choices && strcmp(o->choices, MRT_OUTPUT_FORMATS) == 0 && !all_formats)
		offer_choices(out, word, "table|json");
	else if (o->choices)
		offer_choices(out, word, o->choices);
}

static void offer_options(struct mrt_output *out, const struct mrt_opt *opts, const char *word)
{
	for (const struct mrt_opt *o = opts; o && o->kind; o++)
		if (o->name)
			offer(out, word, "--", o->name);
}

/* The option whose value the last word is, if the word before it is one that takes a value. */
static const struct mrt_opt *waiting_option(const struct mrt_cmd *cmd, const char *before)
{
	const struct mrt_opt *const tables[] = { cmd ? cmd->opts : NULL, mrt_global_opts };
	if (before[0] != '-' || strchr(before, '='))
		return NULL;
	for (size_t t = 0; t < 2; t++)
		for (const struct mrt_opt *o = tables[t]; o && o->kind; o++) {
			bool named = o->name && strncmp(before, "--", 2) == 0 &&
			             strcmp(o->name, before + 2) == 0;
			bool lettered = o->letter && before[1] == o->letter && !before[2];
			if (named || lettered)
				return o->kind == MRT_OPT_KIND_FLAG ? NULL : o;
		}
	return NULL;
}

static const struct mrt_opt *next_operand(const struct mrt_parsed *parsed)
{
	for (const struct mrt_opt *o = parsed->cmd->opts; o->kind; o++)
		if ((o->kind == MRT_OPT_KIND_OPERAND || o->kind == MRT_OPT_KIND_MAYBE) &&
		    !*(const char *const *)((const char *)parsed->args + o->offset))
			return o;
	return NULL;
}

static void offer_words(const struct mrt_parsed *parsed, struct mrt_output *out, const char *word)
{
	for (const struct mrt_group *g = mrt_groups; !parsed->group && g->name; g++)
		offer(out, word, "", g->name);
	for (const struct mrt_cmd *const *c = mrt_commands; parsed->group && *c; c++)
		if (strcmp((*c)->group, parsed->group->name) == 0)
			offer(out, word, "", (*c)->verb);
}

int mrt_complete(int argc, char **argv, const struct mrt_context *ctx, struct mrt_output *out)
{
	if (argc < 1)
		return 0;
	/* argv[-1] stands where a program name does; the last word is the one being written */
	const char *word = argv[argc - 1], *before = argc > 1 ? argv[argc - 2] : "";
	struct mrt_parsed parsed;
	mrt_parse(argc, argv - 1, &parsed, NULL); /* what it understood before it failed will do */
	const struct mrt_opt *waiting = waiting_option(parsed.cmd, before);
	if (waiting) {
		offer_value(ctx, &parsed, out, waiting, word);
	} else if (word[0] == '-') {
		offer_options(out, parsed.cmd ? parsed.cmd->opts : NULL, word);
		offer_options(out, mrt_global_opts, word);
	} else if (parsed.cmd) {
		offer_value(ctx, &parsed, out, next_operand(&parsed), word);
	} else {
		offer_words(&parsed, out, word);
	}
	mrt_parsed_release(&parsed);
	return 0;
}
