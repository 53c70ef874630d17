/* cmd.h - a command is one const table entry: parser, help, man page check and completion read it.
 */
#ifndef MRT_CMD_CMD_H
#define MRT_CMD_CMD_H

#include "codec/json.h"
#include "config/settings.h"
#include "maratea/output.h"

enum mrt_opt_kind {
	MRT_OPT_END_KIND,
	MRT_OPT_KIND_FLAG,    /* bool */
	MRT_OPT_KIND_TEXT,    /* const char * */
	MRT_OPT_KIND_LIST,    /* struct mrt_texts: may be given several times */
	MRT_OPT_KIND_NUMBER,  /* int64_t */
	MRT_OPT_KIND_OPERAND, /* const char *, must be given */
	MRT_OPT_KIND_MAYBE,   /* const char *, may be given */
	MRT_OPT_KIND_REST     /* struct mrt_texts: everything after "--", at least one */
};

/* What the shell is offered for a value: names that there are now, or its own files. */
enum mrt_offer {
	MRT_OFFER_NOTHING,
	MRT_OFFER_BACKUPS,
	MRT_OFFER_TENANTS,
	MRT_OFFER_PLANS,
	MRT_OFFER_DOMAINS,
	MRT_OFFER_TARGETS,
	MRT_OFFER_STORES,
	MRT_OFFER_FILES,
	MRT_OFFER_DIRECTORIES
};

struct mrt_texts {
	const char **items;
	size_t n;
};

struct mrt_opt {
	enum mrt_opt_kind kind;
	size_t offset;
	char letter;       /* 0: none */
	const char *name;  /* of an option; NULL for operands */
	const char *value; /* "TEXT": how the value is called */
	const char *help;
	enum mrt_offer offers; /* what completion offers for the value */
	const char *choices;   /* the values that there are, "a|b|c"; of an operand suggestions */
	const char *setting;   /* the option sets this setting ("store.url") */
	bool url;              /* a text that may hold a password: see mrt_parsed_hide() */
	int64_t min, max;
};

#define MRT_OPT_FLAG(type, field, letter_, name_, help_)                                       \
	{                                                                                      \
		.kind = MRT_OPT_KIND_FLAG, .offset = offsetof(type, field), .letter = letter_, \
		.name = name_, .help = help_                                                   \
	}
#define MRT_OPT_TEXT(type, field, letter_, name_, value_, help_, ...)                          \
	{                                                                                      \
		.kind = MRT_OPT_KIND_TEXT, .offset = offsetof(type, field), .letter = letter_, \
		.name = name_, .value = value_, .help = help_, __VA_ARGS__                     \
	}
#define MRT_OPT_LIST(type, field, letter_, name_, value_, help_)                               \
	{                                                                                      \
		.kind = MRT_OPT_KIND_LIST, .offset = offsetof(type, field), .letter = letter_, \
		.name = name_, .value = value_, .help = help_                                  \
	}
#define MRT_OPT_NUMBER(type, field, letter_, name_, value_, help_, min_, max_)                   \
	{                                                                                        \
		.kind = MRT_OPT_KIND_NUMBER, .offset = offsetof(type, field), .letter = letter_, \
		.name = name_, .value = value_, .help = help_, .min = min_, .max = max_          \
	}
#define MRT_OPERAND(type, field, value_, help_, ...)                                            \
	{                                                                                       \
		.kind = MRT_OPT_KIND_OPERAND, .offset = offsetof(type, field), .value = value_, \
		.help = help_, __VA_ARGS__                                                      \
	}
#define MRT_OPERAND_MAYBE(type, field, value_, help_, ...)                                    \
	{                                                                                     \
		.kind = MRT_OPT_KIND_MAYBE, .offset = offsetof(type, field), .value = value_, \
		.help = help_, __VA_ARGS__                                                    \
	}
#define MRT_OPERAND_REST(type, field, value_, help_)                                         \
	{                                                                                    \
		.kind = MRT_OPT_KIND_REST, .offset = offsetof(type, field), .value = value_, \
		.help = help_                                                                \
	}
/* Where monitoring is told what came of it. */
#define MRT_OPT_METRICS(type, textfile, gateway)                                       \
	MRT_OPT_TEXT(type, textfile, 0, "metrics-textfile", "FILE",                    \
	             "keep metrics in this file of node_exporter's collector",         \
	             .offers = MRT_OFFER_FILES, .setting = "backup.metrics-textfile"), \
	        MRT_OPT_TEXT(type, gateway, 0, "pushgateway", "URL",                   \
	                     "push metrics to this Pushgateway", .setting = "backup.pushgateway")
/* What opens an encrypted backup: the same for every command that reads one. */
#define MRT_OPT_IDENTITY(type, field)                                      \
	MRT_OPT_TEXT(type, field, 'i', "identity", "FILE",                 \
	             "the age private key that opens an encrypted backup", \
	             .offers = MRT_OFFER_FILES, .setting = "backup.identity")
#define MRT_OPT_END                      \
	{                                \
		.kind = MRT_OPT_END_KIND \
	}

#define MRT_OUTPUT_FORMATS "table|json|jsonl|name" /* the latter two: see .lists */

/* Options that every command takes. */
struct mrt_globals {
	const char *config, *output, *log_format, *color, *timeout;
	const char *store, *platform, *memory;
	bool quiet, verbose, help, version;
};
extern const struct mrt_opt mrt_global_opts[];

struct mrt_cmd_env {
	const struct mrt_context *ctx;
	const struct mrt_config *config; /* NULL for commands without .needs_config */
	struct mrt_output *out;
	bool terminal; /* somebody can be asked */
};

struct mrt_cmd {
	const char *group, *verb, *summary;
	const struct mrt_opt *opts;
	size_t args_size;
	bool needs_config;
	bool lists; /* knows -o jsonl and -o name */
	int (*run)(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err);
};
struct mrt_group {
	const char *name, *plural, *summary;
};

extern const struct mrt_cmd *const mrt_commands[];
extern const struct mrt_group mrt_groups[];
const struct mrt_group *mrt_group_find(const char *word);
const struct mrt_cmd *mrt_cmd_find(const struct mrt_group *group, const char *verb);

/* A parsed command line. */
struct mrt_parsed {
	const struct mrt_group *group;
	const struct mrt_cmd *cmd;
	void *args;
	struct mrt_globals globals;
	struct mrt_config_flag flags[16];
	size_t n_flags;
	char *expanded[4]; /* values of options with .url */
	size_t n_expanded;
};
int mrt_parse(int argc, char **argv, struct mrt_parsed *ret, struct mrt_error *err);
void mrt_parsed_release(struct mrt_parsed *parsed);

/* Options with .url: expands ${env:NAME} and ${file:PATH}, registers the password as a secret, and
 * warns where it stood in argv itself. */
int mrt_parsed_hide(struct mrt_parsed *parsed, const struct mrt_context *ctx,
                    struct mrt_error *err);

/* Help for the whole, a group, or a command, whichever was recognised. */
void mrt_help(const struct mrt_parsed *parsed, struct mrt_buf *buf);
/* "maratea __complete WORD...": candidates for the last word, a line each. */
int mrt_complete(int argc, char **argv, const struct mrt_context *ctx, struct mrt_output *out);
/* "maratea __commands": the table as JSON, for the test of man pages and help. */
int mrt_commands_json(json_t **ret, struct mrt_error *err);

/* Asks on the controlling terminal for a secret, without echo. NULL where mrt_ask_possible() says
 * no; see base/context.h. */
int mrt_ask(const char *question, char **ret, struct mrt_error *err);
bool mrt_ask_possible(void);

/* Asks on the terminal; yes: already agreed. MRT_USAGE when not confirmed or nobody is there. */
int mrt_confirm(const struct mrt_cmd_env *env, bool yes, const char *question,
                struct mrt_error *err);

#endif
