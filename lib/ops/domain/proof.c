/* proof.c - what DNS says of a claim. */
#include "ops/domain/proof.h"
#include "base/text.h"
#include "ops/domain/server.h"
#include "ops/domain/site.h"
#include "ops/domain/way.h"
#include "platform/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX 3
#define RECORDS_MAX 10
#define RECORD_WITHIN (30 * MRT_SECOND) /* all of the servers of one name */
#define WAY_WITHIN (20 * MRT_SECOND)

struct proving {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_domain_question *question;
	struct mrt_domain_proof *proof;
	unsigned shown, denied; /* by how many servers that answered */
	bool wrapped;           /* a record has the token, and something else */
	bool served;            /* a server that serves the name answered */
	struct mrt_domain_way way;
	char server[MRT_DNS_NAME_SIZE]; /* one that answered */
	char alias[MRT_DNS_NAME_SIZE];
};

void mrt_domain_proof_release(struct mrt_domain_proof *p)
{
	json_decref(p->answers);
	json_decref(p->leads_to);
	free(p->site);
	free(p->why);
	free(p->zone);
	free(p->advice);
	*p = (struct mrt_domain_proof) { 0 };
}

static int add_answer(struct proving *p, const char *server, const char *address,
                      const char *verdict, const char *text, const struct mrt_dns_answer *answer,
                      struct mrt_error *err)
{
	json_t *one = json_object(), *records = NULL;
	const char *const texts[][2] = { { "server", server },
		                         { "address", address },
		                         { "verdict", verdict },
		                         { "text", text } };
	int rc = mrt_json_append(p->proof->answers, one, err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(one, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set(one, "records", records = json_array(), err);
	for (size_t i = 0; rc == 0 && answer && i < answer->n && i < RECORDS_MAX; i++) {
		char record[256];
		mrt_auto_json text_of = json_object();
		snprintf(record, sizeof(record), "%s", answer->items[i]);
		rc = text_of ? mrt_json_set_text(text_of, "text", record, err) : mrt_no_memory(err);
		if (rc == 0)
			rc = mrt_json_append(records, json_incref(json_object_get(text_of, "text")),
			                     err);
	}
	return rc;
}

/* The token with quotes, a name or blanks around it, or in other letters. */
static bool has_wrapped(const struct mrt_dns_answer *answer, const char *token)
{
	for (size_t i = 0; i < answer->n; i++)
		if (strcasestr(answer->items[i], token))
			return true;
	return false;
}

static bool has(const struct mrt_dns_answer *answer, const char *text)
{
	for (size_t i = 0; i < answer->n; i++)
		if (strcmp(answer->items[i], text) == 0)
			return true;
	return false;
}

/* What an answer comes to. */
static const char *judge_answer(struct proving *p, const struct mrt_dns_answer *a, const char *zone,
                                char *text, size_t size)
{
	const struct mrt_domain_question *q = p->question;
	if ((a->rcode != 0 && a->rcode != 3) || !a->authoritative) {
		snprintf(text, size, "does not serve %s (%s)", zone,
		         a->rcode ? mrt_dns_rcode(a->rcode) : "no authority");
		return "lame";
	}
	p->served = true;
	p->proof->other_shown = p->proof->other_shown || (q->other && has(a, q->other));
	p->proof->rival_shown = p->proof->rival_shown || (q->rival && has(a, q->rival));
	if (has(a, q->token)) {
		p->proof->answered = true;
		p->shown++;
		snprintf(text, size, "has the record");
		return "shown";
	}
	if (a->n == 0 && *a->alias) {
		snprintf(text, size, "has a CNAME to %s", a->alias);
		memcpy(p->alias, a->alias, sizeof(p->alias));
		return "alias";
	}
	p->proof->answered = true;
	p->denied++;
	p->wrapped = p->wrapped || has_wrapped(a, q->token);
	snprintf(text, size,
	         a->n ? "has other TXT records, but not this one" : "has no TXT record");
	return a->n ? "other" : "absent";
}

static int ask_for_token(struct proving *p, const char *server, const char *zone, const char *name,
                         struct mrt_error *err)
{
	mrt_cleanup(mrt_domain_reply_release) struct mrt_domain_reply r = { 0 };
	char text[MRT_DNS_NAME_SIZE + 64];
	int rc = mrt_domain_ask_server(p->ctx, p->config, server, name, MRT_DNS_TXT, &r, err);
	if (mrt_code_is_final(rc))
		return rc;
	if (rc == 0) {
		const char *verdict = judge_answer(p, &r.answer, zone, text, sizeof(text));
		if (r.answer.authoritative)
			snprintf(p->server, sizeof(p->server), "%s", server);
		return add_answer(p, server, r.address, verdict, text, &r.answer, err);
	}
	if (rc == MRT_CORRUPT) {
		p->proof->garbled = true;
		return add_answer(p, server, r.address, "garbled", "has a damaged answer", NULL,
		                  err);
	}
	p->proof->refused = p->proof->refused || r.private;
	if (r.private)
		return add_answer(p, server, r.address, "refused",
		                  "is at a private address, and is not asked", NULL, err);
	return add_answer(p, server, *r.address ? r.address : NULL, "silent",
	                  *r.address ? "did not answer" : "has no address that could be found",
	                  NULL, err);
}

/* A name of which no zone is known: DNS has answered that. */
static int no_servers(struct proving *p, const char *name, int rc, const struct mrt_error *why,
                      struct mrt_error *err)
{
	char text[MRT_DNS_NAME_SIZE + 64];
	if (rc != MRT_NOT_FOUND)
		return p->proof->why
		               ? 0
		               : mrt_error_explain(p->ctx->log, why, &p->proof->why, err, NULL);
	p->proof->answered = true;
	p->denied++;
	snprintf(text, sizeof(text), "there is no domain %s", name);
	return add_answer(p, NULL, NULL, "absent", text, NULL, err);
}

static int ask_all(struct proving *p, const char *name, struct mrt_error *err)
{
	const struct mrt_dns_options options = mrt_config_dns(p->config);
	struct mrt_dns_servers servers;
	struct mrt_error why;
	int rc = mrt_dns_find_servers(p->ctx, &options, name, &servers, &why);
	p->alias[0] = '\0';
	if (mrt_code_is_final(rc)) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0)
		return no_servers(p, name, rc, &why, err);
	if (!p->proof->zone)
		rc = mrt_text_dup(servers.zone, &p->proof->zone, err);
	for (size_t i = 0; rc == 0 && i < servers.n; i++)
		rc = ask_for_token(p, servers.names[i], servers.zone, name, err);
	return rc;
}

static int ask_for_record(struct proving *p, struct mrt_error *err)
{
	char name[MRT_DNS_NAME_SIZE + sizeof(MRT_CHALLENGE_LABEL)];
	snprintf(name, sizeof(name), MRT_CHALLENGE_LABEL ".%s", p->question->name);
	int rc = ask_all(p, name, err);
	for (int i = 0; rc == 0 && *p->alias; i++) {
		if (i == ALIASES_MAX) {
			p->proof->answered = true;
			p->denied++;
			return add_answer(p, NULL, NULL, "absent", "one CNAME leads to another",
			                  NULL, err);
		}
		snprintf(name, sizeof(name), "%s", p->alias);
		rc = ask_all(p, name, err);
	}
	p->proof->shown = p->shown > 0 && p->denied == 0;
	if (p->proof->shown)
		p->proof->method = MRT_SHOWN_BY_DNS;
	return rc;
}

/* Where records go astray: at the name itself, or with the zone's name twice behind it. */
static int look_elsewhere(struct proving *p, const char *wanted, struct mrt_error *err)
{
	char twice[2 * MRT_DNS_NAME_SIZE];
	const char *const names[] = { p->question->name, twice };
	snprintf(twice, sizeof(twice), "%s.%s", wanted, p->proof->zone);
	for (size_t i = 0; i < 2; i++) {
		mrt_cleanup(mrt_domain_reply_release) struct mrt_domain_reply r = { 0 };
		int rc = strlen(names[i]) >= MRT_DNS_NAME_SIZE
		                 ? MRT_UNREACHABLE
		                 : mrt_domain_ask_server(p->ctx, p->config, p->server, names[i],
		                                         MRT_DNS_TXT, &r, err);
		if (mrt_code_is_final(rc))
			return rc;
		if (rc == 0 && has_wrapped(&r.answer, p->question->token))
			return mrt_text_printf(&p->proof->advice, err,
			                       "the record is at %s; it is to be at %s", names[i],
			                       wanted);
	}
	return 0;
}

static int advise(struct proving *p, struct mrt_error *err)
{
	char wanted[MRT_DNS_NAME_SIZE];
	if (p->proof->shown || !p->proof->answered)
		return 0;
	if (p->shown > 0)
		return mrt_text_printf(&p->proof->advice, err,
		                       "%u of %u servers that answer have the record, and all are "
		                       "to have it: the others may not have got it yet",
		                       p->shown, p->shown + p->denied);
	if (p->wrapped)
		return mrt_text_dup("the record is to be the token alone, without anything before "
		                    "or behind it",
		                    &p->proof->advice, err);
	snprintf(wanted, sizeof(wanted), MRT_CHALLENGE_LABEL ".%.234s", p->question->name);
	return *p->server && p->proof->zone ? look_elsewhere(p, wanted, err) : 0;
}

static int describe_way(const struct proving *p, struct mrt_error *err)
{
	const struct mrt_domain_way *way = &p->way;
	json_t *to = p->proof->leads_to, *list = NULL;
	int rc = mrt_json_set_text(to, "alias", *way->alias ? way->alias : NULL, err);
	if (rc == 0)
		rc = mrt_json_set(to, "addresses", list = json_array(), err);
	for (size_t i = 0; rc == 0 && i < way->addresses.n; i++)
		rc = mrt_json_append(list, json_string(way->addresses.text[i]), err);
	return rc < 0 ? rc
	              : mrt_json_set(to, "here", way->known ? json_boolean(way->here) : json_null(),
	                             err);
}

static int find_way(struct proving *p, struct mrt_error *err)
{
	if (!p->served) /* who serves the name does not say that either */
		return 0;
	int rc = mrt_domain_find_way(p->ctx, p->config, p->question->name, p->question->slug,
	                             p->server, &p->way, err);
	p->proof->here = rc == 0 && p->way.here;
	p->proof->way_known = rc == 0 && p->way.known;
	return rc < 0 ? rc : describe_way(p, err);
}

/* Whoever may put files on this platform must not get names by it. */
static int look_at_site(struct proving *p, struct mrt_error *err)
{
	const struct mrt_addresses *addresses = &p->way.addresses;
	struct mrt_domain_proof *proof = p->proof;
	const struct mrt_domain_question *q = p->question;
	if (proof->shown || q->held || proof->here || addresses->n == 0)
		return 0;
	if (!proof->way_known)
		return mrt_text_printf(&proof->site, err,
		                       "was not asked for a file: where %s.%s leads is not known",
		                       q->slug, p->config->platform_domain);
	int rc = mrt_domain_ask_site(p->ctx, p->config, q->name, q->token, addresses, &proof->shown,
	                             &proof->site, err);
	if (proof->shown)
		proof->method = MRT_SHOWN_BY_FILE;
	return rc;
}

/* Part of the work, with so much time; *ret_whole: that was enough. */
static int do_within(struct proving *p, const struct mrt_context *ctx, int64_t time,
                     int (*work)(struct proving *p, struct mrt_error *err), bool *ret_whole,
                     struct mrt_error *err)
{
	struct mrt_context brief = *ctx;
	int64_t end = mrt_clock_monotonic() + time;
	if (!brief.deadline || brief.deadline > end)
		brief.deadline = end;
	p->ctx = &brief;
	int rc = work(p, err);
	p->ctx = ctx;
	*ret_whole = rc != MRT_DEADLINE;
	return rc == MRT_DEADLINE ? mrt_context_check(ctx, err) : rc;
}

static int find_way_and_advise(struct proving *p, struct mrt_error *err)
{
	int rc = find_way(p, err);
	return rc < 0 ? rc : advise(p, err);
}

static int prove(struct proving *p, const struct mrt_context *ctx, struct mrt_error *err)
{
	bool whole = true;
	int rc = describe_way(p, err); /* nothing is known yet */
	if (rc == 0)
		rc = do_within(p, ctx, RECORD_WITHIN, ask_for_record, &whole, err);
	if (rc < 0)
		return rc;
	if (!whole) {
		/* what some have said by then proves nothing */
		p->proof->shown = p->proof->answered = false;
		p->proof->method = MRT_SHOWN_BY_NOTHING;
		free(p->proof->why);
		p->proof->why = NULL;
		return mrt_text_dup("its servers took longer than 30 s", &p->proof->why, err);
	}
	rc = do_within(p, ctx, WAY_WITHIN, find_way_and_advise, &whole, err);
	return rc < 0 || !whole ? rc : look_at_site(p, err);
}

int mrt_domain_prove(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_domain_question *question, struct mrt_domain_proof *ret,
                     struct mrt_error *err)
{
	mrt_cleanup(mrt_domain_proof_release) struct mrt_domain_proof proof = {
		.answers = json_array(),
		.leads_to = json_object(),
	};
	struct proving p = {
		.config = config,
		.question = question,
		.proof = &proof,
	};
	int rc = proof.answers && proof.leads_to ? prove(&p, ctx, err) : mrt_no_memory(err);
	if (rc < 0)
		return rc;
	*ret = proof;
	proof = (struct mrt_domain_proof) { 0 };
	return 0;
}
