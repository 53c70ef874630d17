/* report.c - "domain verify": what DNS says of claims, judged and told. */
#include "ops/domain/report.h"
#include "base/workers.h"
#include "ops/domain/commands.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 200
#define NAMES_MAX 5

int mrt_domain_ask(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_domain_claim *claim, struct mrt_domain_proof *ret,
                   struct mrt_error *err)
{
	const struct mrt_domain_question question = {
		.name = claim->name,
		.slug = claim->slug,
		.token = claim->token,
		.held = !claim->active && claim->holder,
		.other = claim->active ? NULL : claim->holder_token,
		.rival = claim->active ? NULL : claim->rival_token,
	};
	return mrt_domain_prove(ctx, config, &question, ret, err);
}

/* An active one that was shown by a file, which cannot be looked at any more, and leads here. */
static bool holds_by_file(const struct mrt_domain_claim *claim,
                          const struct mrt_domain_proof *proof)
{
	return claim->active && mrt_domain_method_of(claim->method) == MRT_SHOWN_BY_FILE &&
	       proof->here;
}

/* Whether it does is not known. */
static bool may_hold_by_file(const struct mrt_domain_claim *claim,
                             const struct mrt_domain_proof *proof)
{
	return claim->active && mrt_domain_method_of(claim->method) == MRT_SHOWN_BY_FILE &&
	       !proof->way_known;
}

static bool is_challenged(const struct mrt_domain_claim *claim)
{
	return claim->active && !json_is_null(json_object_get(claim->json, "challenge"));
}

int mrt_domain_judge(const struct mrt_domain_claim *claim, const struct mrt_domain_proof *proof,
                     struct mrt_error *err)
{
	if (claim->expired) {
		mrt_fail(err, MRT_BAD, "the claim of '%s' to %s has expired", claim->slug,
		         claim->name);
		return mrt_hint(err, "'maratea domain add %s %s' makes a new token", claim->slug,
		                claim->name);
	}
	if (proof->shown || holds_by_file(claim, proof))
		return 0;
	if (may_hold_by_file(claim, proof))
		return mrt_fail(err, MRT_UNREACHABLE, "%s: where it leads could not be found out",
		                claim->name);
	if (proof->answered)
		return mrt_fail(err, MRT_BAD, "%s does not show the token of '%s'%s%s", claim->name,
		                claim->slug, proof->advice ? ": " : "",
		                proof->advice ? proof->advice : "");
	mrt_fail(err, MRT_UNREACHABLE, "%s: no server that serves it %s%s%s", claim->name,
	         proof->refused ? "was asked, or answered" : "answered", proof->why ? ": " : "",
	         proof->why ? proof->why : "");
	return proof->refused ? mrt_hint(err, "domains.allow-private has those asked that are at "
	                                      "private addresses")
	                      : MRT_UNREACHABLE;
}

/* What it comes to, in one word. */
static enum mrt_domain_verdict verdict_of(const struct mrt_domain_claim *claim,
                                          const struct mrt_domain_proof *proof)
{
	struct mrt_error why;
	int rc = mrt_domain_judge(claim, proof, &why);
	return claim->expired          ? MRT_DOMAIN_EXPIRED
	       : rc == MRT_UNREACHABLE ? MRT_DOMAIN_UNKNOWN
	       : rc < 0                ? MRT_DOMAIN_MISSING
	       : is_challenged(claim)  ? MRT_DOMAIN_CHALLENGED
	                               : MRT_DOMAIN_GOOD;
}

int mrt_domain_report(const struct mrt_config *config, const struct mrt_domain_claim *claim,
                      const struct mrt_domain_proof *proof, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_deep_copy(claim->json);
	enum mrt_domain_method method = proof->shown                  ? proof->method
	                                : holds_by_file(claim, proof) ? MRT_SHOWN_BY_FILE
	                                                              : MRT_SHOWN_BY_NOTHING;
	const char *error =
	        !proof->answered && !proof->why ? "no server that serves it answered" : proof->why;
	const struct {
		const char *name, *text;
	} texts[] = { { "verdict", mrt_domain_verdict_name(verdict_of(claim, proof)) },
		      { "method", mrt_domain_method_name(method) },
		      { "zone", proof->zone },
		      { "site", proof->site },
		      { "advice", proof->advice },
		      { "error", proof->answered ? NULL : error } };
	int rc = json ? mrt_domain_instruct(config, claim, json, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "shown",
		                  proof->answered || proof->shown ? json_boolean(proof->shown)
		                                                  : json_null(),
		                  err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i].name, texts[i].text, err);
	if (rc == 0)
		rc = mrt_json_set(json, "answers", json_incref(proof->answers), err);
	if (rc == 0)
		rc = mrt_json_set(json, "leads_to", json_incref(proof->leads_to), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

struct asking {
	struct mrt_job job;
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_domain_claim *claim;
	struct mrt_domain_proof proof;
	int rc;
	struct mrt_error err;
};

static void prove_claim(struct mrt_job *job)
{
	struct asking *a = (struct asking *)job;
	a->rc = mrt_context_check(a->ctx, &a->err);
	if (a->rc == 0)
		a->rc = mrt_domain_ask(a->ctx, a->config, a->claim, &a->proof, &a->err);
}

struct verifying {
	const struct mrt_domain_verify_options *options;
	const char *name; /* normal, or NULL */
	struct mrt_domain_claims page;
	struct mrt_domain_claim last;
	struct asking *asking;
	size_t n, bad, silent;
	struct mrt_error first; /* of those */
	struct mrt_buf names;   /* of the first few of them */
};

static void page_release(struct verifying *v)
{
	for (size_t i = 0; v->asking && i < v->page.n; i++)
		mrt_domain_proof_release(&v->asking[i].proof);
	free(v->asking);
	v->asking = NULL;
	mrt_domain_claims_release(&v->page);
}

static void verifying_release(struct verifying *v)
{
	page_release(v);
	mrt_domain_claim_release(&v->last);
	mrt_buf_release(&v->names);
}

static int read_page(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct verifying *v = context;
	const char *slug = v->options->slug;
	if (v->name) {
		v->page.items = calloc(1, sizeof(*v->page.items));
		int rc = v->page.items ? mrt_domain_claim_find(s, slug, v->name, v->page.items, err)
		                       : mrt_no_memory(err);
		v->page.n = rc == 0;
		return rc;
	}
	mrt_auto_json tenant = NULL;
	int rc = slug ? mrt_tenant_fetch(s, slug, false, &tenant, err) : 0;
	return rc < 0 ? rc
	              : mrt_domain_claims_read(s, slug, NULL, "active",
	                                       v->last.name ? &v->last : NULL, PAGE, &v->page, err);
}

static int ask_page(struct verifying *v, const struct mrt_context *ctx,
                    const struct mrt_config *config, struct mrt_error *err)
{
	mrt_auto(mrt_workers) *workers = NULL;
	v->asking = calloc(v->page.n ? v->page.n : 1, sizeof(*v->asking));
	int rc = v->asking ? mrt_workers_new(v->options->jobs, false, &workers, err)
	                   : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < v->page.n; i++) {
		struct asking *a = &v->asking[i];
		a->job.work = prove_claim;
		a->ctx = ctx;
		a->config = config;
		a->claim = &v->page.items[i];
		rc = mrt_workers_submit(workers, &a->job, err);
	}
	return rc;
}

/* What there is to say of one, beyond what it shows: whoever has it should know. */
static int judge_claim(const struct asking *a, struct mrt_error *err)
{
	int rc = mrt_domain_judge(a->claim, &a->proof, err);
	if (rc < 0 || !is_challenged(a->claim))
		return rc;
	mrt_fail(err, MRT_BAD, "%s: another school is to get it", a->claim->name);
	if (!a->proof.shown || a->proof.method != MRT_SHOWN_BY_DNS)
		return mrt_hint(err, "only the record in DNS keeps it");
	return mrt_hint(err, "its token is there again: 'maratea domain activate %s %s' keeps it",
	                a->claim->slug, a->claim->name);
}

static int report_claim(struct verifying *v, const struct mrt_config *config,
                        const struct asking *a,
                        int (*each)(const json_t *domain, void *context, struct mrt_error *err),
                        void *context, struct mrt_error *err)
{
	mrt_auto_json report = NULL;
	struct mrt_error found;
	int rc = mrt_domain_report(config, a->claim, &a->proof, &report, err);
	if (rc < 0)
		return rc;
	int judged = judge_claim(a, &found);
	v->n++;
	v->bad += judged == MRT_BAD;
	v->silent += judged == MRT_UNREACHABLE;
	if (judged < 0 && v->bad + v->silent == 1)
		v->first = found;
	if (judged < 0 && v->bad + v->silent <= NAMES_MAX)
		mrt_buf_printf(&v->names, "%s%s", v->names.len ? ", " : "", a->claim->name);
	return each(report, context, err);
}

/* Those that were asked are told, even where time was up for others. */
static int tell_page(struct verifying *v, const struct mrt_config *config,
                     int (*each)(const json_t *domain, void *context, struct mrt_error *err),
                     void *context, struct mrt_error *err)
{
	int rc = 0, ended = 0;
	for (size_t i = 0; rc == 0 && i < v->page.n; i++) {
		const struct asking *a = &v->asking[i];
		if (a->rc == 0)
			rc = report_claim(v, config, a, each, context, err);
		else if (ended == 0 && err)
			*err = a->err;
		ended = ended < 0 ? ended : a->rc;
	}
	return rc < 0 ? rc : ended;
}

static int end(const struct verifying *v, struct mrt_error *err)
{
	size_t troubled = v->bad + v->silent;
	char unknown[64] = "";
	if (troubled == 0)
		return 0;
	if (v->name) {
		if (err)
			*err = v->first;
		return v->first.code;
	}
	if (v->silent > 0)
		snprintf(unknown, sizeof(unknown), ", of %zu nothing could be said", v->silent);
	return mrt_fail(err, v->bad ? MRT_BAD : MRT_UNREACHABLE,
	                "%zu of %zu active domains are not shown, or to be lost%s: %s%s", v->bad,
	                v->n, unknown, mrt_buf_text(&v->names),
	                troubled > NAMES_MAX ? ", ..." : "");
}

int mrt_domain_verify(const struct mrt_context *ctx, const struct mrt_config *config,
                      const struct mrt_domain_verify_options *options,
                      int (*each)(const json_t *domain, void *context, struct mrt_error *err),
                      void *context, struct mrt_error *err)
{
	char name[MRT_DOMAIN_SIZE];
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(verifying_release) struct verifying v = { .options = options,
		                                              .names = MRT_BUF_INIT };
	bool more = true;
	int rc = options->name ? mrt_domain_check(config, options->name, name, err)
	                       : mrt_domain_ready(config, err);
	v.name = options->name ? name : NULL;
	if (rc == 0)
		rc = mrt_session_open(ctx, config, false, &s, err);
	while (rc == 0 && more) {
		rc = mrt_session_look(&s, read_page, &v, err);
		more = rc == 0 && v.page.n == PAGE;
		if (rc == 0)
			rc = ask_page(&v, ctx, config, err);
		if (rc == 0)
			rc = tell_page(&v, config, each, context, err);
		if (rc == 0 && more) {
			mrt_domain_claim_release(&v.last);
			v.last = v.page.items[v.page.n - 1];
			v.page.items[v.page.n - 1] = (struct mrt_domain_claim) { 0 };
		}
		page_release(&v);
	}
	return rc < 0 ? rc : end(&v, err);
}
