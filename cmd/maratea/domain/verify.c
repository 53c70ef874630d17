/* verify.c - "maratea domain verify". */
#include "codec/domain.h"
#include "maratea/commands.h"
#include "maratea/domain/show.h"
#include "maratea/listing.h"
#include "ops/domain/commands.h"
#include "ops/domain/verdict.h"

#include <string.h>

#define JOBS 8

struct args {
	const char *slug, *name;
	int64_t jobs;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_NUMBER(struct args, jobs, 'j', "jobs", "N", "so many names at a time (default: 8)",
	               1, 32),
	MRT_OPERAND_MAYBE(struct args, slug, "SLUG", "only those of this school",
	                  .offers = MRT_OFFER_TENANTS),
	MRT_OPERAND_MAYBE(struct args, name, "NAME", "only this one, active or not",
	                  .offers = MRT_OFFER_DOMAINS),
	MRT_OPT_END
};

/* In a few words, what is the matter. */
static const char *matter(const json_t *d)
{
	enum mrt_domain_verdict verdict = mrt_domain_verdict_in(d);
	const char *advice = mrt_domain_text(d, "advice");
	const json_t *here = json_object_get(json_object_get(d, "leads_to"), "here");
	if (verdict == MRT_DOMAIN_CHALLENGED && mrt_domain_method_in(d) != MRT_SHOWN_BY_DNS)
		return "another school is to get it; only the record in DNS keeps it";
	if (verdict == MRT_DOMAIN_CHALLENGED)
		return "another school is to get it; 'maratea domain activate' keeps it";
	if (verdict == MRT_DOMAIN_UNKNOWN)
		return mrt_domain_text(d, "error");
	if (*advice)
		return advice;
	return json_is_false(here) ? "no record, and it does not lead here" : "no record";
}

static void verify_row(struct mrt_table *table, const json_t *d)
{
	char name[MRT_DOMAIN_DISPLAY_SIZE];
	mrt_domain_display(mrt_domain_text(d, "name"), name);
	const char *const cells[] = { name, mrt_domain_text(d, "slug"),
		                      mrt_domain_text(d, "verdict"),
		                      mrt_domain_text(json_object_get(d, "challenge"), "by"),
		                      matter(d) };
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
	bool good = mrt_domain_verdict_in(domain) == MRT_DOMAIN_GOOD;
	v->good += good;
	if (v->one)
		mrt_domain_show(v->out, domain);
	if (v->one && good && strcmp(mrt_domain_text(domain, "state"), "pending") == 0)
		mrt_buf_printf(&v->out->text, "\nNext: maratea domain activate %s %s\n",
		               mrt_domain_text(domain, "slug"), mrt_domain_text(domain, "name"));
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

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
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

const struct mrt_cmd mrt_cmd_domain_verify = {
	.group = "domain",
	.verb = "verify",
	.summary = "ask DNS whether schools show their tokens",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run,
};
