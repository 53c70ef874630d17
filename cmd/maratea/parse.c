/* parse.c - the command line against the tables. */
#include "base/secret.h"
#include "base/text.h"
#include "maratea/cmd.h"

#include <stddef.h>
#include <string.h>

#define G struct mrt_globals
const struct mrt_opt mrt_global_opts[] = {
	MRT_OPT_TEXT(G, config, 'c', "config", "FILE", "read this configuration file",
	             .offers = MRT_OFFER_FILES),
	MRT_OPT_TEXT(G, output, 'o', "output", "FORMAT",
	             "table (default) or json; a list: jsonl, name", .choices = MRT_OUTPUT_FORMATS),
	MRT_OPT_TEXT(G, store, 0, "store", "URL",
	             "file:///path, s3://bucket/prefix, or the name of a configured store",
	             .offers = MRT_OFFER_STORES, .setting = "store.url"),
	MRT_OPT_TEXT(G, platform, 0, "platform", "NAME", "whose backups",
	             .setting = "platform.name"),
	MRT_OPT_TEXT(G, memory, 0, "memory", "SIZE", "bound of this process, 128MiB by default",
	             .setting = "backup.memory"),
	MRT_OPT_TEXT(G, timeout, 0, "timeout", "TIME", "give up after this time (30s, 15m, 2h)"),
	MRT_OPT_FLAG(G, quiet, 'q', "quiet", "only errors on standard error"),
	MRT_OPT_FLAG(G, verbose, 'v', "verbose", "say more on standard error"),
	MRT_OPT_TEXT(G, log_format, 0, "log-format", "FORMAT", "text (default) or json",
	             .choices = "text|json"),
	MRT_OPT_TEXT(G, color, 0, "color", "WHEN", "auto (default), always or never",
	             .choices = "auto|always|never"),
	MRT_OPT_FLAG(G, help, 'h', "help", "show this help"),
	MRT_OPT_FLAG(G, version, 0, "version", "show the version"),
	MRT_OPT_END
};

const struct mrt_group *mrt_group_find(const char *word)
{
	for (const struct mrt_group *g = mrt_groups; g->name; g++)
		if (strcmp(g->name, word) == 0 || strcmp(g->plural, word) == 0)
			return g;
	return NULL;
}

const struct mrt_cmd *mrt_cmd_find(const struct mrt_group *group, const char *verb)
{
	for (const struct mrt_cmd *const *c = mrt_commands; *c; c++)
		if (strcmp((*c)->group, group->name) == 0 && strcmp((*c)->verb, verb) == 0)
			return *c;
	return NULL;
}

static const char *group_name(const void *arg, size_t i)
{
	(void)arg;
	return mrt_groups[i].name;
}

static const char *verb_name(const void *arg, size_t wanted)
{
	const struct mrt_group *g = arg;
	for (const struct mrt_cmd *const *c = mrt_commands; *c; c++)
		if (strcmp((*c)->group, g->name) == 0 && wanted-- == 0)
			return (*c)->verb;
	return NULL;
}

static const char *option_name(const void *arg, size_t wanted)
{
	const struct mrt_opt *const tables[] = { arg, mrt_global_opts };
	for (size_t t = 0; t < 2; t++)
		for (const struct mrt_opt *o = tables[t]; o && o->kind; o++)
			if (o->name && wanted-- == 0)
				return o->name;
	return NULL;
}

static int unknown(const char *what, const char *word,
                   const char *(*names)(const void *arg, size_t i), const void *arg,
                   const char *prefix, const char *help, struct mrt_error *err)
{
	const char *near = mrt_nearest(word, names, arg);
	mrt_fail(err, MRT_USAGE, "unknown %s '%s%.80s'%s%s%s%s", what, prefix, word,
	         near ? "; did you mean '" : "", near ? prefix : "", near ? near : "",
	         near ? "'?" : "");
	return mrt_hint(err, "'maratea %s--help' shows what there is", help);
}

struct parsing {
	struct mrt_parsed *to;
	int argc, at;
	char **argv;
	size_t operands;
};

static const struct mrt_opt *find_in(const struct mrt_opt *table, const char *name, size_t len,
                                     char letter)
{
	for (const struct mrt_opt *o = table; o && o->kind; o++)
		if (o->name &&
		    ((letter && o->letter == letter) ||
		     (name && strlen(o->name) == len && strncmp(o->name, name, len) == 0)))
			return o;
	return NULL;
}

static const struct mrt_opt *find_option(const struct parsing *p, const char *name, size_t len,
                                         char letter, void **ret_base)
{
	const struct mrt_opt *o = p->to->cmd ? find_in(p->to->cmd->opts, name, len, letter) : NULL;
	*ret_base = o ? p->to->args : (void *)&p->to->globals;
	return o ? o : find_in(mrt_global_opts, name, len, letter);
}

static int add_text(struct mrt_texts *texts, const char *text, struct mrt_error *err)
{
	const char **grown = realloc(texts->items, (texts->n + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	texts->items = grown;
	grown[texts->n++] = text;
	return 0;
}

static int check_choice(const struct mrt_opt *o, const char *value, struct mrt_error *err)
{
	/* of an operand they are suggestions: the command knows what there may be */
	if (!o->name || !o->choices)
		return 0;
	size_t n = strlen(value);
	for (const char *p = o->choices; *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == n && strncmp(p, value, n) == 0)
			return 0;
	return mrt_fail(err, MRT_USAGE, "--%s '%.80s': one of %s", o->name, value, o->choices);
}

static int set_value(struct parsing *p, const struct mrt_opt *o, void *base, const char *value,
                     struct mrt_error *err)
{
	void *field = (char *)base + o->offset;
	int rc = check_choice(o, value, err);
	if (rc < 0)
		return rc;
	if (!*value && o->name)
		return mrt_fail(err, MRT_USAGE, "--%s has an empty value", o->name);
	if (o->setting) { /* the last one given counts */
		size_t i = 0;
		while (i < p->to->n_flags && strcmp(p->to->flags[i].name, o->setting) != 0)
			i++;
		if (i == MRT_COUNT(p->to->flags))
			return mrt_fail(err, MRT_USAGE, "too many options");
		p->to->flags[i] = (struct mrt_config_flag) { o->setting, value };
		p->to->n_flags += i == p->to->n_flags;
	}
	switch (o->kind) {
	case MRT_OPT_KIND_LIST:
		return add_text(field, value, err);
	case MRT_OPT_KIND_NUMBER:
		rc = mrt_number_parse(value, o->min, o->max, field, err);
		return rc < 0 ? mrt_prefix(err, rc, "--%s", o->name) : 0;
	default:
		*(const char **)field = value;
		return 0;
	}
}

/* One option word; value: what stood after "=" or the letter, or NULL. */
static int take_option(struct parsing *p, const struct mrt_opt *o, void *base, const char *shown,
                       const char *value, struct mrt_error *err)
{
	if (o->kind == MRT_OPT_KIND_FLAG) {
		if (value)
			return mrt_fail(err, MRT_USAGE, "%s takes no value", shown);
		*(bool *)((char *)base + o->offset) = true;
		return 0;
	}
	if (!value) {
		if (p->at >= p->argc)
			return mrt_fail(err, MRT_USAGE, "%s needs a value: %s", shown, o->value);
		value = p->argv[p->at++];
	}
	return set_value(p, o, base, value, err);
}

static int help_path(const struct mrt_parsed *to, struct mrt_buf *buf)
{
	if (to->group)
		mrt_buf_printf(buf, "%s ", to->group->name);
	if (to->cmd)
		mrt_buf_printf(buf, "%s ", to->cmd->verb);
	return 0;
}

static int parse_long(struct parsing *p, const char *word, struct mrt_error *err)
{
	void *base;
	size_t len = strcspn(word, "=");
	const struct mrt_opt *o = find_option(p, word, len, 0, &base);
	if (!o) {
		mrt_auto_buf help = MRT_BUF_INIT, name = MRT_BUF_INIT;
		help_path(p->to, &help);
		mrt_buf_add(&name, word, len);
		return unknown("option", mrt_buf_text(&name), option_name,
		               p->to->cmd ? p->to->cmd->opts : NULL, "--", mrt_buf_text(&help),
		               err);
	}
	mrt_auto_buf shown = MRT_BUF_INIT;
	mrt_buf_printf(&shown, "--%s", o->name);
	return take_option(p, o, base, mrt_buf_text(&shown),
	                   word[len] == '=' ? word + len + 1 : NULL, err);
}

static int parse_letters(struct parsing *p, const char *letters, struct mrt_error *err)
{
	for (; *letters; letters++) {
		void *base;
		const struct mrt_opt *o = find_option(p, NULL, 0, *letters, &base);
		const char shown[] = { '-', *letters, '\0' };
		if (!o) {
			mrt_auto_buf help = MRT_BUF_INIT;
			help_path(p->to, &help);
			mrt_fail(err, MRT_USAGE, "unknown option '%s'", shown);
			return mrt_hint(err, "'maratea %s--help' shows what there is",
			                mrt_buf_text(&help));
		}
		bool flag = o->kind == MRT_OPT_KIND_FLAG;
		int rc = take_option(p, o, base, shown, !flag && letters[1] ? letters + 1 : NULL,
		                     err);
		if (rc < 0 || !flag)
			return rc;
	}
	return 0;
}

static const struct mrt_opt *operand(const struct mrt_cmd *cmd, size_t wanted)
{
	for (const struct mrt_opt *o = cmd->opts; o->kind; o++)
		if ((o->kind == MRT_OPT_KIND_OPERAND || o->kind == MRT_OPT_KIND_MAYBE) &&
		    wanted-- == 0)
			return o;
	return NULL;
}

static const struct mrt_opt *rest_of(const struct mrt_cmd *cmd)
{
	for (const struct mrt_opt *o = cmd->opts; o->kind; o++)
		if (o->kind == MRT_OPT_KIND_REST)
			return o;
	return NULL;
}

static int take_word(struct parsing *p, const char *word, struct mrt_error *err)
{
	struct mrt_parsed *to = p->to;
	if (!to->group) {
		to->group = mrt_group_find(word);
		return to->group ? 0 : unknown("group", word, group_name, NULL, "", "", err);
	}
	if (!to->cmd) {
		mrt_auto_buf help = MRT_BUF_INIT;
		help_path(to, &help);
		to->cmd = mrt_cmd_find(to->group, word);
		if (!to->cmd)
			return unknown("command", word, verb_name, to->group, mrt_buf_text(&help),
			               mrt_buf_text(&help), err);
		to->args = calloc(1, to->cmd->args_size + 1);
		return to->args ? 0 : mrt_no_memory(err);
	}
	const struct mrt_opt *o = operand(to->cmd, p->operands++);
	if (!o && rest_of(to->cmd))
		return mrt_fail(err, MRT_USAGE, "write '--' before the command to run: %s %s -- %s",
		                to->group->name, to->cmd->verb, word);
	if (!o)
		return mrt_fail(err, MRT_USAGE, "unexpected operand '%.80s'", word);
	return set_value(p, o, to->args, word, err);
}

static int check_complete(const struct parsing *p, struct mrt_error *err)
{
	const struct mrt_parsed *to = p->to;
	if (to->globals.help || to->globals.version || !to->cmd)
		return 0;
	for (const struct mrt_opt *o = to->cmd->opts; o->kind; o++) {
		const void *field = (const char *)to->args + o->offset;
		bool missing =
		        (o->kind == MRT_OPT_KIND_OPERAND && !*(const char *const *)field) ||
		        (o->kind == MRT_OPT_KIND_REST && ((const struct mrt_texts *)field)->n == 0);
		if (!missing)
			continue;
		mrt_fail(err, MRT_USAGE, "%s is missing: %s", o->value, o->help);
		return mrt_hint(err, "'maratea %s %s --help' shows how it is called",
		                to->group->name, to->cmd->verb);
	}
	return 0;
}

int mrt_parse(int argc, char **argv, struct mrt_parsed *ret, struct mrt_error *err)
{
	struct parsing p = { .to = ret, .argc = argc, .at = 1, .argv = argv };
	*ret = (struct mrt_parsed) { 0 };
	bool options_over = false;
	int rc = 0;
	while (rc == 0 && p.at < argc) {
		const char *word = argv[p.at++];
		const struct mrt_opt *rest = ret->cmd ? rest_of(ret->cmd) : NULL;
		if (options_over && rest)
			rc = add_text((struct mrt_texts *)((char *)ret->args + rest->offset), word,
			              err);
		else if (options_over || word[0] != '-' || word[1] == '\0')
			rc = take_word(&p, word, err);
		else if (strcmp(word, "--") == 0)
			options_over = true;
		else
			rc = word[1] == '-' ? parse_long(&p, word + 2, err)
			                    : parse_letters(&p, word + 1, err);
	}
	return rc < 0 ? rc : check_complete(&p, err);
}

void mrt_parsed_release(struct mrt_parsed *parsed)
{
	for (const struct mrt_opt *o = parsed->args ? parsed->cmd->opts : NULL; o && o->kind; o++)
		if (o->kind == MRT_OPT_KIND_LIST || o->kind == MRT_OPT_KIND_REST)
			free(((struct mrt_texts *)((char *)parsed->args + o->offset))->items);
	for (size_t i = 0; i < parsed->n_expanded; i++)
		mrt_secret_free(parsed->expanded[i]);
	free(parsed->args);
}
