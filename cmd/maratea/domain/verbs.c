/* verbs.c - "maratea domain": names of their own that schools are served at. */
#include "codec/domain.h"
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/domain/commands.h"

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
#define NAME \
	MRT_OPERAND(struct args, name, "NAME", "such as learn.example.org", .complete = "domain")

static const struct mrt_opt add_opts[] = {
	SLUG, MRT_OPERAND(struct args, name, "NAME", "such as learn.example.org"), MRT_OPT_END
};
static const struct mrt_opt remove_opts[] = { SLUG, NAME, MRT_OPT_END };
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
	MRT_OPERAND_MAYBE(struct args, name, "NAME", "only this one, active or not",
	                  .complete = "domain"),
	MRT_OPT_END
};
static const struct mrt_opt activate_opts[] = {
	MRT_OPT_FLAG(struct args, primary, 0, "primary",
	             "of several, the one that services put into the school's links"),
	SLUG, NAME, MRT_OPT_END
};

static const char *text_of(const json_t *domain, const char *name)
{
	return mrt_json_text_or(domain, name, "");
}

/* The name, and the claim to it. */
static void show_state(struct mrt_output *out, const json_t *d)
{
	const char *state = text_of(d, "state"), *since = text_of(d, "active_since"),
	           *holder = text_of(d, "holder");
	const json_t *challenge = json_object_get(d, "challenge");
	char name[MRT_DOMAIN_DISPLAY_SIZE];
	mrt_domain_display(text_of(d, "name"), name);
	mrt_show_field(out, "domain", "%s", name);
	mrt_show_field(out, "school", "%s", text_of(d, "slug"));
	if (*since)
		mrt_show_field(out, "state", "active since %s%s", since,
		               json_is_true(json_object_get(d, "primary")) ? ", primary" : "");
	else if (strcmp(state, "pending") == 0)
		mrt_show_field(out, "state", "pending, until %s", text_of(d, "expires_at"));
	else
		mrt_show_field(out, "state", "%s", state);
	if (*holder)
		mrt_show_field(out, "held by", "'%s', another school", holder);
	if (json_is_object(challenge))
		mrt_show_field(out, "challenge",
		               "'%s' is to get it from '%s', which has until %s to show its token",
		               text_of(challenge, "by"), text_of(challenge, "holder"),
		               text_of(challenge, "until"));
}

/* For the school. */
static void add_record(struct mrt_output *out, const json_t *d)
{
	const json_t *record = json_object_get(d, "record"), *file = json_object_get(d, "file");
	const char *name = text_of(record, "name"), *zone = text_of(d, "zone");
	size_t n = strlen(name), z = strlen(zone);
	mrt_buf_printf(&out->text,
	               "\nTo show that %s belongs to the school, add this record to its DNS, and "
	               "keep it there:\n\n    %s.  %s  \"%s\"\n",
	               text_of(d, "name"), name, text_of(record, "type"), text_of(record, "value"));
	if (z > 0 && n > z && strcmp(name + n - z, zone) == 0)
		mrt_buf_printf(
		        &out->text,
		        "\nWhere your provider adds %s to names by itself, the name is %.*s\n",
		        zone, (int)(n - z - 1), name);
	mrt_buf_printf(&out->text,
	               "\nOr, as long as %s is a web site elsewhere, put those %zu characters into "
	               "a file there:\n\n    %s\n",
	               text_of(d, "name"), strlen(text_of(file, "content")), text_of(file, "url"));
}

static void add_target(struct mrt_output *out, const json_t *d)
{
	const char *target = text_of(d, "target");
	mrt_buf_printf(&out->text,
	               "\nFor the school to be reached there, point the name to this platform:\n\n"
	               "    %s.  CNAME  %s.\n\n"
	               "or, where a CNAME is not possible, with the A and AAAA records that %s "
	               "has.\n",
	               text_of(d, "name"), target, target);
}

void mrt_domain_print_wanted(struct mrt_output *out, const json_t *d)
{
	add_record(out, d);
	add_target(out, d);
	mrt_buf_printf(&out->text, "\nThen: maratea domain verify %s %s\n", text_of(d, "slug"),
	               text_of(d, "name"));
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
	if (i == 0)
		mrt_show_field(out, "answers", "none: %s", text_of(d, "error"));
}

static void show_way(struct mrt_output *out, const json_t *d)
{
	const json_t *to = json_object_get(d, "leads_to"), *here = json_object_get(to, "here"),
	             *address;
	mrt_auto_buf where = MRT_BUF_INIT;
	size_t i;
	mrt_buf_add_text(&where, text_of(to, "alias"));
	json_array_foreach (json_object_get(to, "addresses"), i, address)
		mrt_buf_printf(&where, "%s%s", where.len ? ", " : "", json_string_value(address));
	if (where.len == 0)
		mrt_show_field(out, "leads to", json_is_null(here) ? "not known" : "nowhere yet");
	else
		mrt_show_field(out, "leads to", "%s: %s", mrt_buf_text(&where),
		               json_is_true(here)   ? "this platform"
		               : json_is_null(here) ? "this platform or another, that is not known"
		                                    : "not this platform");
	if (*text_of(d, "site"))
		mrt_show_field(out, "the site", "%s", text_of(d, "site"));
}

static void show_domain(struct mrt_output *out, const json_t *d)
{
	const json_t *shown = json_object_get(d, "shown"),
	             *here = json_object_get(json_object_get(d, "leads_to"), "here");
	const char *method = text_of(d, "method"), *verdict = text_of(d, "verdict");
	show_state(out, d);
	mrt_show_field(out, "token", "%s, %s%s", text_of(d, "token"),
	               json_is_true(shown)   ? "shown by "
	               : *method             ? "shown by a file once, and the name leads here"
	               : json_is_null(shown) ? "not known whether it is shown"
	                                     : "not shown",
	               json_is_true(shown) ? method : "");
	show_answers(out, d);
	show_way(out, d);
	if (*text_of(d, "advice"))
		mrt_show_field(out, "advice", "%s", text_of(d, "advice"));
	if (strcmp(verdict, "missing") == 0 ||
	    (strcmp(verdict, "challenged") == 0 && strcmp(method, "dns") != 0))
		add_record(out, d);
	if (json_is_false(here) && strcmp(verdict, "expired") != 0)
		add_target(out, d);
}

static int run_add(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	int rc = mrt_domain_add(env->ctx, env->config, a->slug, a->name, &domain, err);
	if (rc < 0 || env->out->json)
		return rc < 0 ? rc : mrt_show_json(env->out, domain, err);
	show_state(env->out, domain);
	mrt_show_field(env->out, "token", "%s", text_of(domain, "token"));
	if (*text_of(domain, "active_since"))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	else
		mrt_domain_print_wanted(env->out, domain);
	return 0;
}

static void list_row(struct mrt_table *table, const json_t *d)
{
	char state[64], name[MRT_DOMAIN_DISPLAY_SIZE];
	const char *since = text_of(d, "active_since");
	mrt_domain_display(text_of(d, "name"), name);
	snprintf(state, sizeof(state), "%s%s%s", text_of(d, "state"),
	         json_is_true(json_object_get(d, "primary")) ? ", primary" : "",
	         json_is_object(json_object_get(d, "challenge")) ? ", challenged" : "");
	const char *const cells[] = { name, text_of(d, "slug"), state, since,
		                      *since ? "" : text_of(d, "expires_at") };
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
	int rc = mrt_domain_list(env->ctx, env->config, &filter, mrt_listing_add, &listing, err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

/* In a few words, what is the matter. */
static const char *matter(const json_t *d)
{
	const char *verdict = text_of(d, "verdict"), *advice = text_of(d, "advice");
	const json_t *here = json_object_get(json_object_get(d, "leads_to"), "here");
	if (strcmp(verdict, "challenged") == 0 && strcmp(text_of(d, "method"), "dns") != 0)
		return "another school is to get it; only the record in DNS keeps it";
	if (strcmp(verdict, "challenged") == 0)
		return "another school is to get it; 'maratea domain activate' keeps it";
	if (strcmp(verdict, "unknown") == 0)
		return text_of(d, "error");
	if (*advice)
		return advice;
	return json_is_false(here) ? "no record, and it does not lead here" : "no record";
}

static void verify_row(struct mrt_table *table, const json_t *d)
{
	char name[MRT_DOMAIN_DISPLAY_SIZE];
	mrt_domain_display(text_of(d, "name"), name);
	const char *const cells[] = { name, text_of(d, "slug"), text_of(d, "verdict"),
		                      text_of(json_object_get(d, "challenge"), "by"), matter(d) };
	mrt_table_row(table, cells);
}

struct verifying {
	struct mrt_output *out;
	struct mrt_listing *listing;
	size_t good;
	bool one; /* all of it is shown */
};

/* People are told of those only that something is the matter with. */
static int show_one(const json_t *domain, void *context, struct mrt_error *err)
{
	struct verifying *v = context;
	bool good = strcmp(text_of(domain, "verdict"), "good") == 0;
	v->good += good;
	if (v->one)
		show_domain(v->out, domain);
	if (v->one && good && strcmp(text_of(domain, "state"), "pending") == 0)
		mrt_buf_printf(&v->out->text, "\nNext: maratea domain activate %s %s\n",
		               text_of(domain, "slug"), text_of(domain, "name"));
	if (v->one)
		return mrt_buf_check(&v->out->text, err);
	if (!good || ((v->out->json || v->out->lines) && !v->out->names))
		return mrt_listing_add(domain, v->listing, err);
	return mrt_buf_check(&v->out->text, err);
}

/* What comes after the names: of all that was looked at, however it ended. */
static int end_listing(const struct verifying *v, int rc, struct mrt_error *err)
{
	bool plain = !v->out->json && !v->out->lines && !v->out->names;
	struct mrt_error second;
	int ended = 0;
	if (v->listing->n > 0 || (rc == 0 && !plain))
		ended = mrt_listing_end(v->listing, &second);
	if (plain && v->good > 0)
		mrt_buf_printf(&v->out->text, "%zu active domain%s as %s should be\n", v->good,
		               v->good == 1 ? " is" : "s are", v->good == 1 ? "it" : "they");
	else if (plain && rc == 0 && v->listing->n == 0)
		mrt_buf_add_text(&v->out->text, "no domains are active\n");
	if (rc == 0 && ended < 0 && err)
		*err = second;
	return rc < 0 ? rc : ended;
}

static int run_verify(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "DOMAIN", MRT_LEFT },        { "SCHOOL", MRT_LEFT }, { "VERDICT", MRT_LEFT },
		{ "CHALLENGED BY", MRT_LEFT }, { "WHY", MRT_LEFT },
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
		.nothing = "",
		.columns = columns,
		.n_columns = 5,
		.row = verify_row,
	};
	struct verifying v = { .out = out,
		               .listing = &listing,
		               .one = a->name && !out->json && !out->lines && !out->names };
	int rc = mrt_domain_verify(env->ctx, env->config, &how, show_one, &v, err);
	if (!v.one)
		return end_listing(&v, rc, err);
	return rc;
}

static int run_activate(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	struct mrt_error second;
	int rc = mrt_domain_activate(env->ctx, env->config, a->slug, a->name, a->primary, &domain,
	                             err);
	if (!domain)
		return rc;
	if (env->out->json) {
		int shown = mrt_show_json(env->out, domain, &second);
		if (rc == 0 && shown < 0 && err)
			*err = second;
		return rc < 0 ? rc : shown;
	}
	show_domain(env->out, domain);
	if (rc == 0 && !json_is_true(json_object_get(domain, "changed")))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	return rc;
}

static int run_remove(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	int rc = mrt_domain_remove(env->ctx, env->config, a->slug, a->name, &domain, err);
	if (rc < 0 || env->out->json)
		return rc < 0 ? rc : mrt_show_json(env->out, domain, err);
	mrt_show_field(env->out, "domain", "%s", text_of(domain, "name"));
	mrt_show_field(env->out, "school", "%s", text_of(domain, "slug"));
	if (strcmp(text_of(domain, "state"), "removed") == 0)
		mrt_show_field(env->out, "state", "removed before; its own tables say so now");
	else
		mrt_show_field(env->out, "state", "removed; it was %s%s", text_of(domain, "state"),
		               json_is_true(json_object_get(domain, "primary"))
		                       ? ", and the primary one: the school has none now"
		                       : "");
	return 0;
}

const struct mrt_cmd mrt_cmd_domain_add = {
	.group = "domain",
	.verb = "add",
	.summary = "claim a domain for a school, and say what it has to publish",
	.opts = add_opts,
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
	.opts = remove_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run_remove,
};
