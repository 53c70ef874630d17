/* domain_proof.c - what DNS says of a claim. */
#include "ops/tenant/domain_proof.h"
#include "base/text.h"
#include "client/dns_ask.h"
#include "codec/address.h"
#include "codec/domain.h"
#include "ops/tenant/domain_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX 3
#define ANSWER_WITHIN (3 * MRT_SECOND)
#define RECORDS_MAX 10
#define ADDRESSES_EACH 2
#define RECORD_WITHIN (30 * MRT_SECOND) /* all of the servers of one name */
#define WAY_WITHIN (20 * MRT_SECOND)

struct proving {
	const struct mrt_run *run;
	const struct mrt_config *config;
	const struct mrt_domain_question *question;
	struct mrt_domain_proof *proof;
	unsigned shown, denied;         /* by how many servers that answered */
	bool wrapped;                   /* a record has the token, and something else */
	bool served;                    /* a server that serves the name answered */
	bool via_platform;              /* an alias on the way is the platform's */
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

/* Of servers that know it best: somebody else's, who may be slow. */
static struct mrt_dns_options patience(const struct mrt_config *config)
{
	struct mrt_dns_options options = mrt_config_dns(config);
	if (options.timeout > ANSWER_WITHIN)
		options.timeout = ANSWER_WITHIN;
	return options;
}

/* Past the search domains of this machine. */
static int resolve(const struct proving *p, const char *name, struct mrt_addresses *ret,
                   struct mrt_error *err)
{
	const struct mrt_dns_options options = mrt_config_dns(p->config);
	char absolute[MRT_DNS_NAME_SIZE + 1];
	snprintf(absolute, sizeof(absolute), "%s.", name);
	return mrt_dns_resolve(p->run, &options, absolute, ret, err);
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
	for (size_t i = 0; rc == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
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
static const char *judge(struct proving *p, const struct mrt_dns_answer *a, const char *zone,
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

/* The first answer of a server, from whichever address. *ret_address: the one that is spoken of. */
static int ask_server(const struct proving *p, const char *server, const char *name,
                      enum mrt_dns_type type, struct mrt_dns_answer *ret,
                      char ret_address[MRT_ADDRESS_SIZE], bool *ret_private, struct mrt_error *err)
{
	const struct mrt_dns_options options = patience(p->config);
	const bool private = strcmp(p->config->domains_allow_private, "false") != 0;
	struct mrt_addresses addresses;
	int rc = resolve(p, server, &addresses, err);
	*ret_private = false;
	*ret_address = '\0';
	if (rc < 0)
		return rc;
	rc = MRT_UNREACHABLE;
	size_t n = 0;
	for (size_t i = 0; rc == MRT_UNREACHABLE && i < addresses.n && n < ADDRESSES_EACH; i++) {
		char at[MRT_ADDRESS_SIZE + 16];
		const char *address = addresses.text[i];
		bool refused = !private && !mrt_address_is_public(address);
		*ret_private = *ret_private || refused;
		memcpy(ret_address, address, MRT_ADDRESS_SIZE);
		if (refused)
			continue;
		n++;
		snprintf(at, sizeof(at), strchr(address, ':') ? "[%s]:%d" : "%s:%d", address,
		         (int)p->config->dns_authoritative_port);
		rc = mrt_dns_ask(p->run, &options, at, name, type, ret, err);
	}
	return rc;
}

static int ask_for_token(struct proving *p, const char *server, const char *zone, const char *name,
                         struct mrt_error *err)
{
	mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer answer = { 0 };
	char address[MRT_ADDRESS_SIZE], text[MRT_DNS_NAME_SIZE + 64];
	bool private;
	int rc = ask_server(p, server, name, MRT_DNS_TXT, &answer, address, &private, err);
	if (mrt_code_is_final(rc))
		return rc;
	if (rc == 0) {
		const char *verdict = judge(p, &answer, zone, text, sizeof(text));
		if (answer.authoritative)
			snprintf(p->server, sizeof(p->server), "%s", server);
		return add_answer(p, server, address, verdict, text, &answer, err);
	}
	if (rc == MRT_CORRUPT) {
		p->proof->garbled = true;
		return add_answer(p, server, address, "garbled", "has a damaged answer", NULL, err);
	}
	p->proof->refused = p->proof->refused || private;
	if (private)
		return add_answer(p, server, address, "refused",
		                  "is at a private address, and is not asked", NULL, err);
	return add_answer(p, server, *address ? address : NULL, "silent",
	                  *address ? "did not answer" : "has no address that could be found", NULL,
	                  err);
}

/* A name of which no zone is known: DNS has answered that. */
static int no_servers(struct proving *p, const char *name, int rc, const struct mrt_error *why,
                      struct mrt_error *err)
{
	char text[MRT_DNS_NAME_SIZE + 64];
	if (rc != MRT_NOT_FOUND)
		return p->proof->why ? 0 : mrt_text_dup(why->text, &p->proof->why, err);
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
	int rc = mrt_dns_find_servers(p->run, &options, name, &servers, &why);
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
		p->proof->method = "dns";
	return rc;
}

/* Where records go astray: at the name itself, or with the zone's name twice behind it. */
static int look_elsewhere(struct proving *p, const char *wanted, struct mrt_error *err)
{
	char twice[2 * MRT_DNS_NAME_SIZE];
	const char *const names[] = { p->question->name, twice };
	snprintf(twice, sizeof(twice), "%s.%s", wanted, p->proof->zone);
	for (size_t i = 0; i < 2; i++) {
		mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer answer = { 0 };
		char address[MRT_ADDRESS_SIZE];
		bool private;
		int rc = strlen(names[i]) >= MRT_DNS_NAME_SIZE
		                 ? MRT_UNREACHABLE
		                 : ask_server(p, p->server, names[i], MRT_DNS_TXT, &answer, address,
		                              &private, err);
		if (mrt_code_is_final(rc))
			return rc;
		if (rc == 0 && has_wrapped(&answer, p->question->token))
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

static void add_addresses(struct mrt_addresses *to, const struct mrt_dns_answer *from)
{
	for (size_t i = 0; i < from->n && to->n < MRT_ADDRESSES_MAX; i++)
		snprintf(to->text[to->n++], MRT_ADDRESS_SIZE, "%s", from->items[i]);
}

static void note_links(struct proving *p, const struct mrt_dns_answer *answer)
{
	for (size_t i = 0; i < answer->n_links; i++)
		p->via_platform = p->via_platform ||
		                  mrt_domain_is_under(answer->links[i], p->config->platform_domain);
}

/* One that answered before is asked before those that did not. */
static void put_first(struct mrt_dns_servers *servers, const char *name)
{
	for (size_t i = 1; i < servers->n; i++) {
		char swapped[MRT_DNS_NAME_SIZE];
		if (strcmp(servers->names[i], name) != 0)
			continue;
		memcpy(swapped, servers->names[0], sizeof(swapped));
		memcpy(servers->names[0], servers->names[i], sizeof(swapped));
		memcpy(servers->names[i], swapped, sizeof(swapped));
	}
}

/* Where the name leads: what the first server says that serves it. */
static int find_addresses(struct proving *p, struct mrt_addresses *ret, bool *ret_known,
                          struct mrt_error *err)
{
	static const enum mrt_dns_type types[] = { MRT_DNS_A, MRT_DNS_AAAA };
	const struct mrt_dns_options options = mrt_config_dns(p->config);
	struct mrt_dns_servers servers = { .n = 0 };
	int rc = mrt_dns_find_servers(p->run, &options, p->question->name, &servers, err);
	bool served = false, whole = true;
	p->alias[0] = '\0';
	put_first(&servers, p->server);
	for (size_t i = 0; !mrt_code_is_final(rc) && !served && i < servers.n; i++)
		for (size_t k = 0; !mrt_code_is_final(rc) && k < 2; k++) {
			mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer answer = { 0 };
			char address[MRT_ADDRESS_SIZE];
			bool private;
			rc = ask_server(p, servers.names[i], p->question->name, types[k], &answer,
			                address, &private, err);
			if (rc < 0 || !answer.authoritative) {
				whole = whole && !served; /* one family is not known */
				continue;
			}
			served = true;
			add_addresses(ret, &answer);
			note_links(p, &answer);
			if (*answer.alias)
				memcpy(p->alias, answer.alias, sizeof(p->alias));
		}
	*ret_known = served && whole;
	if (!mrt_code_is_final(rc) && ret->n == 0 && *p->alias) {
		rc = resolve(p, p->alias, ret, err);
		*ret_known = *ret_known && rc == 0;
	}
	return mrt_code_is_final(rc) ? rc : 0;
}

static bool is_one_of(const char *address, const struct mrt_addresses *of)
{
	for (size_t i = 0; i < of->n; i++)
		if (mrt_address_equal(address, of->text[i]))
			return true;
	return false;
}

static int is_configured(const struct mrt_config *config, const char *address, bool *ret,
                         struct mrt_error *err)
{
	const char *list = config->domains_addresses;
	for (;;) {
		mrt_autofree char *one = NULL;
		int rc = mrt_config_item(&list, &one, err);
		if (rc < 0 || !one)
			return rc;
		*ret = *ret || mrt_address_equal(one, address);
	}
}

static int describe_way(struct proving *p, const struct mrt_addresses *addresses,
                        struct mrt_error *err)
{
	json_t *to = p->proof->leads_to, *list = NULL;
	int rc = mrt_json_set_text(to, "alias", *p->alias ? p->alias : NULL, err);
	if (rc == 0)
		rc = mrt_json_set(to, "addresses", list = json_array(), err);
	for (size_t i = 0; rc == 0 && i < addresses->n; i++)
		rc = mrt_json_append(list, json_string(addresses->text[i]), err);
	return rc < 0 ? rc
	              : mrt_json_set(to, "here",
	                             p->proof->way_known ? json_boolean(p->proof->here)
	                                                 : json_null(),
	                             err);
}

static int find_way(struct proving *p, struct mrt_addresses *addresses, struct mrt_error *err)
{
	char own[MRT_DNS_NAME_SIZE];
	struct mrt_addresses ours = { .n = 0 };
	bool known, here = false;
	if (!p->served) /* who serves the name does not say that either */
		return 0;
	snprintf(own, sizeof(own), "%s.%s", p->question->slug, p->config->platform_domain);
	int rc = find_addresses(p, addresses, &known, err);
	if (rc < 0)
		return rc;
	rc = resolve(p, own, &ours, err);
	/* of so many addresses there may be more than were told */
	bool whole = rc == 0 && ours.n < MRT_ADDRESSES_MAX;
	rc = mrt_code_is_final(rc) ? rc : 0;
	for (size_t i = 0; rc == 0 && i < addresses->n; i++) {
		here = here || is_one_of(addresses->text[i], &ours);
		rc = is_configured(p->config, addresses->text[i], &here, err);
	}
	p->proof->here = here || p->via_platform;
	p->proof->way_known = p->proof->here || (known && (addresses->n == 0 || whole));
	return rc < 0 ? rc : describe_way(p, addresses, err);
}

/* Whoever may put files on this platform must not get names by it. */
static int look_at_site(struct proving *p, const struct mrt_addresses *addresses,
                        struct mrt_error *err)
{
	struct mrt_domain_proof *proof = p->proof;
	const struct mrt_domain_question *q = p->question;
	if (proof->shown || q->held || proof->here || addresses->n == 0)
		return 0;
	if (!proof->way_known)
		return mrt_text_printf(&proof->site, err,
		                       "was not asked for a file: where %s.%s leads is not known",
		                       q->slug, p->config->platform_domain);
	int rc = mrt_domain_ask_site(p->run, p->config, q->name, q->token, addresses, &proof->shown,
	                             &proof->site, err);
	if (proof->shown)
		proof->method = "file";
	return rc;
}

/* Part of the work, with so much time; *ret_whole: that was enough. */
static int do_within(struct proving *p, const struct mrt_run *run, int64_t time,
                     int (*work)(struct proving *p, struct mrt_addresses *addresses,
                                 struct mrt_error *err),
                     struct mrt_addresses *addresses, bool *ret_whole, struct mrt_error *err)
{
	struct mrt_run brief = *run;
	int64_t end = mrt_clock_monotonic() + time;
	if (!brief.deadline || brief.deadline > end)
		brief.deadline = end;
	p->run = &brief;
	int rc = work(p, addresses, err);
	p->run = run;
	*ret_whole = rc != MRT_DEADLINE;
	return rc == MRT_DEADLINE ? mrt_run_check(run, err) : rc;
}

static int find_record(struct proving *p, struct mrt_addresses *addresses, struct mrt_error *err)
{
	(void)addresses;
	return ask_for_record(p, err);
}

static int find_way_and_advise(struct proving *p, struct mrt_addresses *addresses,
                               struct mrt_error *err)
{
	int rc = find_way(p, addresses, err);
	return rc < 0 ? rc : advise(p, err);
}

static int prove(struct proving *p, const struct mrt_run *run, struct mrt_error *err)
{
	struct mrt_addresses addresses = { .n = 0 };
	bool whole = true;
	int rc = describe_way(p, &addresses, err); /* nothing is known yet */
	if (rc == 0)
		rc = do_within(p, run, RECORD_WITHIN, find_record, &addresses, &whole, err);
	if (rc < 0)
		return rc;
	if (!whole) {
		/* what some have said by then proves nothing */
		p->proof->shown = p->proof->answered = false;
		p->proof->method = NULL;
		free(p->proof->why);
		p->proof->why = NULL;
		return mrt_text_dup("its servers took longer than 30 s", &p->proof->why, err);
	}
	rc = do_within(p, run, WAY_WITHIN, find_way_and_advise, &addresses, &whole, err);
	return rc < 0 || !whole ? rc : look_at_site(p, &addresses, err);
}

int mrt_domain_prove(const struct mrt_run *run, const struct mrt_config *config,
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
	int rc = proof.answers && proof.leads_to ? prove(&p, run, err) : mrt_no_memory(err);
	if (rc < 0)
		return rc;
	*ret = proof;
	proof = (struct mrt_domain_proof) { 0 };
	return 0;
}
