/* domain.c - "maratea domain": names of their own that schools are served at. */
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/tenant/domains.h"

#include <stdio.h>
#include <string.h>

#define STATES "pending|expired|active"
#define JOBS 8

struct args {
	const char *slug, *name, *state;
	int64_t jobs;
	bool primary;
};

#define SLUG MRT_OPERAND(struct args, slug, "SLUG", "the school's", .complete = "tenant")
#define NAME MRT_OPERAND(struct args, name, "NAME", "such as learn.example.org")

static const struct mrt_opt opts[] = { SLUG, NAME, MRT_OPT_END };
static const struct mrt_opt list_opts[] = { MRT_OPT_TEXT(struct args, state, 0, "state", "STATE",
	                                                 "only those that are", .complete = STATES),
	                                    MRT_OPERAND_MAYBE(struct args, slug, "SLUG",
	                                                      "only those of this school",
	                                                      .complete = "tenant"),
	                                    MRT_OPT_END };
static const struct mrt_opt verify_opts[] = {
	MRT_OPT_NUMBER(struct args, jobs, 'j', "jobs", "N", "so many names at a time (default: 8)",
	               1, 32),
	MRT_OPERAND_MAYBE(struct args, slug, "SLUG", "only those of this school",
	                  .complete = "tenant"),
	MRT_OPERAND_MAYBE(struct args, name, "NAME", "only this one, active or not"), MRT_OPT_END
};
static const struct mrt_opt activate_opts[] = {
	MRT_OPT_FLAG(struct args, primary, 0, "primary",
	             "the school's links have this name from now on"),
	SLUG, NAME, MRT_OPT_END
};

static const char *text_of(const json_t *domain, const char *name)
{
	return mrt_json_text_or(domain, name, "");
}

/* "active since ...", "pending until ...", "expired" */
static void show_state(struct mrt_output *out, const json_t *d)
{
	const char *state = text_of(d, "state"), *since = text_of(d, "active_since");
	const json_t *challenge = json_object_get(d, "challenge");
	mrt_show_field(out, "domain", "%s", text_of(d, "name"));
	mrt_show_field(out, "school", "%s", text_of(d, "slug"));
	if (*since)
		mrt_show_field(out, "state", "active since %s%s", since,
		               json_is_true(json_object_get(d, "primary")) ? ", primary" : "");
	else if (strcmp(state, "pending") == 0)
		mrt_show_field(out, "state", "pending, until %s", text_of(d, "expires_at"));
	else
		mrt_show_field(out, "state", "%s", state);
	if (challenge && !json_is_null(challenge))
		mrt_show_field(out, "challenge",
		               "'%s' is to get it from '%s', which has until %s to show its token",
		               text_of(challenge, "by"), text_of(challenge, "holder"),
		               text_of(challenge, "until"));
}

void mrt_domain_print_wanted(struct mrt_output *out, const json_t *d)
{
	const json_t *record = json_object_get(d, "record"), *file = json_object_get(d, "file");
	mrt_buf_printf(
	        &out->text,
	        "\nTo show that the name is the school's, a record in DNS, to stay there:\n\n"
	        "    %s.  %s  \"%s\"\n\n"
	        "or, as long as the name leads elsewhere, a file\n\n"
	        "    %s\n\n"
	        "with the same %zu characters in it. For the school to be there, the name is "
	        "to lead here:\n\n"
	        "    %s.  CNAME  %s.\n\n"
	        "or where that cannot be, at the top of a zone, by A and AAAA records as %s "
	        "has them.\n",
	        text_of(record, "name"), text_of(record, "type"), text_of(record, "value"),
	        text_of(file, "url"), strlen(text_of(file, "content")), text_of(d, "name"),
	        text_of(d, "target"), text_of(d, "target"));
}

static void show_answers(struct mrt_output *out, const json_t *d)
{
	const json_t *one, *record;
	size_t i, k;
	json_array_foreach (json_object_get(d, "answers"), i, one) {
		const char *server = text_of(one, "server"), *address = text_of(one, "address");
		mrt_show_field(out, i == 0 ? "answers" : "", "%s%s%s%s%s%s", server,
		               *address ? " (" : "", address, *address ? ")" : "",
		               *server ? " " : "", text_of(one, "text"));
		if (strcmp(text_of(one, "verdict"), "other") == 0)
			json_array_foreach (json_object_get(one, "records"), k, record)
				mrt_show_field(out, "", "  \"%s\"", json_string_value(record));
	}
	if (*text_of(d, "error"))
		mrt_show_field(out, "answers", "none: %s", text_of(d, "error"));
}

static void show_way(struct mrt_output *out, const json_t *d)
{
	const json_t *to = json_object_get(d, "leads_to"), *address;
	mrt_auto_buf where = MRT_BUF_INIT;
	size_t i;
	bool here = json_is_true(json_object_get(to, "here"));
	mrt_buf_add_text(&where, text_of(to, "alias"));
	json_array_foreach (json_object_get(to, "addresses"), i, address)
		mrt_buf_printf(&where, "%s%s", where.len ? ", " : "", json_string_value(address));
	if (where.len == 0)
		mrt_show_field(out, "leads to", "nowhere yet");
	else
		mrt_show_field(out, "leads to", "%s: %s", mrt_buf_text(&where),
		               here ? "this platform" : "not this platform");
	if (*text_of(d, "site"))
		mrt_show_field(out, "the site", "%s", text_of(d, "site"));
}

static void show(struct mrt_output *out, const json_t *d)
{
	bool shown = json_is_true(json_object_get(d, "shown")),
	     here = json_is_true(json_object_get(json_object_get(d, "leads_to"), "here"));
	show_state(out, d);
	mrt_show_field(out, "token", "%s%s%s%s", text_of(d, "token"),
	               shown ? ", shown" : ", not shown", shown ? " by " : "",
	               text_of(d, "method"));
	show_answers(out, d);
	show_way(out, d);
	if (!shown || !here)
		mrt_domain_print_wanted(out, d);
}

static int run_add(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	int rc = mrt_domain_add(env->run, env->config, a->slug, a->name, &domain, err);
	if (rc < 0 || env->out->json)
		return rc < 0 ? rc : mrt_show_json(env->out, domain, err);
	show_state(env->out, domain);
	mrt_show_field(env->out, "token", "%s", text_of(domain, "token"));
	mrt_domain_print_wanted(env->out, domain);
	mrt_buf_printf(&env->out->text, "\nThen: maratea domain verify %s %s\n", a->slug,
	               text_of(domain, "name"));
	return 0;
}

static void list_row(struct mrt_table *table, const json_t *d)
{
	char state[64];
	const char *since = text_of(d, "active_since");
	snprintf(state, sizeof(state), "%s%s%s", text_of(d, "state"),
	         json_is_true(json_object_get(d, "primary")) ? ", primary" : "",
	         json_is_object(json_object_get(d, "challenge")) ? ", challenged" : "");
	const char *const cells[] = { text_of(d, "name"), text_of(d, "slug"), state,
		                      *since ? since : "", *since ? "" : text_of(d, "expires_at") };
	mrt_table_row(table, cells);
}

static int run_list(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "DOMAIN", MRT_LEFT },       { "SCHOOL", MRT_LEFT },        { "STATE", MRT_LEFT },
		{ "ACTIVE SINCE", MRT_LEFT }, { "CLAIMED UNTIL", MRT_LEFT },
	};
	const struct args *a = args;
	const struct mrt_domain_filter filter = { .slug = a->slug, .state = a->state };
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "domains",
		.name = "name",
		.nothing = a->slug || a->state ? "no domains like that"
		                               : "no domains; 'maratea domain add' claims one",
		.columns = columns,
		.n_columns = 5,
		.row = list_row,
	};
	int rc = mrt_domain_list(env->run, env->config, &filter, mrt_listing_add, &listing, err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

static void verify_row(struct mrt_table *table, const json_t *d)
{
	const json_t *to = json_object_get(d, "leads_to");
	const char *error = text_of(d, "error");
	const char *const cells[] = { text_of(d, "name"), text_of(d, "slug"),
		                      json_is_true(json_object_get(d, "shown"))
		                              ? text_of(d, "method")
		                      : *error ? "unknown"
		                               : "no",
		                      json_is_true(json_object_get(to, "here")) ? "yes" : "no",
		                      json_is_object(json_object_get(d, "challenge"))
		                              ? text_of(json_object_get(d, "challenge"), "by")
		                              : "" };
	mrt_table_row(table, cells);
}

static int show_one(const json_t *domain, void *context, struct mrt_error *err)
{
	struct mrt_output *out = context;
	show(out, domain);
	return mrt_buf_check(&out->text, err);
}

static int run_verify(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "DOMAIN", MRT_LEFT }, { "SCHOOL", MRT_LEFT },        { "SHOWN", MRT_LEFT },
		{ "HERE", MRT_LEFT },   { "CHALLENGED BY", MRT_LEFT },
	};
	const struct args *a = args;
	const struct mrt_domain_verify_options how = { .slug = a->slug,
		                                       .name = a->name,
		                                       .jobs = a->jobs ? (unsigned)a->jobs : JOBS };
	struct mrt_output *out = env->out;
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = out,
		.list = "domains",
		.name = "name",
		.nothing = "no domains are active",
		.columns = columns,
		.n_columns = 5,
		.row = verify_row,
	};
	if (a->name && !out->json && !out->lines && !out->names)
		return mrt_domain_verify(env->run, env->config, &how, show_one, out, err);
	int rc = mrt_domain_verify(env->run, env->config, &how, mrt_listing_add, &listing, err);
	if (rc < 0 && rc != MRT_BAD && rc != MRT_UNREACHABLE)
		return rc;
	struct mrt_error second;
	int ended = listing.n > 0 || rc == 0 ? mrt_listing_end(&listing, &second) : 0;
	if (rc == 0 && ended < 0 && err)
		*err = second;
	return rc < 0 ? rc : ended;
}

static int run_activate(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	struct mrt_error second;
	int rc = mrt_domain_activate(env->run, env->config, a->slug, a->name, a->primary, &domain,
	                             err);
	if (!domain)
		return rc;
	if (env->out->json) {
		int shown = mrt_show_json(env->out, domain, &second);
		if (rc == 0 && shown < 0 && err)
			*err = second;
		return rc < 0 ? rc : shown;
	}
	show(env->out, domain);
	if (rc == 0 && !json_is_true(json_object_get(domain, "changed")))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	return rc;
}

static int run_remove(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	int rc = mrt_domain_remove(env->run, env->config, a->slug, a->name, &domain, err);
	if (rc < 0 || env->out->json)
		return rc < 0 ? rc : mrt_show_json(env->out, domain, err);
	mrt_show_field(env->out, "domain", "%s", text_of(domain, "name"));
	mrt_show_field(env->out, "school", "%s", text_of(domain, "slug"));
	mrt_show_field(env->out, "state", "removed; it was %s", text_of(domain, "state"));
	return 0;
}

const struct mrt_cmd mrt_cmd_domain_add = {
	.group = "domain",
	.verb = "add",
	.summary = "claim a domain for a school, and say what it has to publish",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_add,
};
const struct mrt_cmd mrt_cmd_domain_list = {
	.group = "domain",
	.verb = "list",
	.summary = "list the domains that are active or claimed",
	.opts = list_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run_list,
};
const struct mrt_cmd mrt_cmd_domain_verify = {
	.group = "domain",
	.verb = "verify",
	.summary = "ask DNS whether schools show their tokens",
	.opts = verify_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run_verify,
};
const struct mrt_cmd mrt_cmd_domain_activate = {
	.group = "domain",
	.verb = "activate",
	.summary = "serve a school at a domain that shows its token",
	.opts = activate_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_activate,
};
const struct mrt_cmd mrt_cmd_domain_remove = {
	.group = "domain",
	.verb = "remove",
	.summary = "take a domain, or a claim to it, away from a school",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_remove,
};
