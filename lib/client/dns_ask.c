/* dns_ask.c - questions of DNS. */
#include "client/dns_ask.h"
#include "base/text.h"
#include "client/dns_channel.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
	bool done;
	int status;
	unsigned char *answer; /* a copy */
	int len;
};

static void question_release(struct question *q)
{
	free(q->answer);
}

static void on_answer(void *context, int status, int timeouts, unsigned char *answer, int len)
{
	(void)timeouts;
	struct question *q = context;
	q->status = status;
	if (answer && len >= NS_HFIXEDSZ && (q->answer = malloc((size_t)len))) {
		memcpy(q->answer, answer, (size_t)len);
		q->len = len;
	}
	q->done = true;
}

/* Answers of every kind come through: what a server refuses is an answer. */
static int ask(const struct mrt_run *run, const struct mrt_dns_options *options, const char *server,
               const char *name, int type, struct question *ret, struct mrt_error *err)
{
	ares_channel channel;
	int flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
	            (server ? ARES_FLAG_NORECURSE : 0);
	int rc = mrt_dns_channel_open(options, flags, server, &channel, err);
	if (rc < 0)
		return rc;
	ares_query(channel, name, ns_c_in, type, on_answer, ret);
	rc = mrt_dns_channel_wait(run, channel, &ret->done,
	                          mrt_clock_monotonic() + options->timeout, err);
	ares_destroy(channel); /* ends what is still open, by calling on_answer */
	if (rc < 0)
		return rc;
	return ret->answer ? 0
	                   : mrt_fail(err, MRT_UNREACHABLE, "%s: DNS did not answer (%s)", name,
	                              ares_strerror(ret->status));
}

static int rcode_of(const struct question *q)
{
	return q->answer[3] & 0x0f;
}

void mrt_dns_answer_release(struct mrt_dns_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		free(answer->items[i]);
	free(answer->items);
	*answer = (struct mrt_dns_answer) { 0 };
}

static int add_item(struct mrt_dns_answer *to, struct mrt_buf *text, struct mrt_error *err)
{
	char **grown = reallocarray(to->items, to->n + 1, sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	to->items = grown;
	int rc = mrt_buf_take(text, &grown[to->n], err);
	to->n += rc == 0;
	return rc;
}

static int read_texts(const struct question *q, struct mrt_dns_answer *to, struct mrt_error *err)
{
	struct ares_txt_ext *list = NULL;
	mrt_auto_buf text = { .ceiling = 64 << 10 };
	int rc = 0;
	if (ares_parse_txt_reply_ext(q->answer, q->len, &list) != ARES_SUCCESS)
		return 0;
	for (const struct ares_txt_ext *t = list; rc == 0 && t; t = t->next) {
		mrt_buf_add(&text, t->txt, t->length);
		if (!t->next || t->next->record_start)
			rc = add_item(to, &text, err);
	}
	ares_free_data(list);
	return rc;
}

static void note_alias(const struct hostent *host, const char *name, char ret[MRT_DNS_NAME_SIZE])
{
	if (host->h_name && strcasecmp(host->h_name, name) != 0)
		snprintf(ret, MRT_DNS_NAME_SIZE, "%s", host->h_name);
}

static int read_addresses(const struct question *q, const char *name, enum mrt_dns_type type,
                          struct mrt_dns_answer *to, struct mrt_error *err)
{
	struct hostent *host = NULL;
	int status = type == MRT_DNS_A
	                     ? ares_parse_a_reply(q->answer, q->len, &host, NULL, NULL)
	                     : ares_parse_aaaa_reply(q->answer, q->len, &host, NULL, NULL);
	if (status != ARES_SUCCESS || !host)
		return 0;
	note_alias(host, name, to->alias);
	int rc = 0;
	for (char **address = host->h_addr_list; rc == 0 && *address; address++) {
		char plain[MRT_ADDRESS_SIZE];
		mrt_auto_buf text = MRT_BUF_INIT;
		if (!inet_ntop(host->h_addrtype, *address, plain, sizeof(plain)))
			continue;
		mrt_buf_add_text(&text, plain);
		rc = add_item(to, &text, err);
	}
	ares_free_hostent(host);
	return rc;
}

/* Where the name leads: the answer to a question of its address has the alias in it. */
static int find_alias(const struct mrt_run *run, const struct mrt_dns_options *options,
                      const char *server, const char *name, char ret[MRT_DNS_NAME_SIZE],
                      struct mrt_error *err)
{
	mrt_cleanup(question_release) struct question q = { 0 };
	struct hostent *host = NULL;
	int rc = ask(run, options, server, name, ns_t_a, &q, err);
	if (rc < 0 || ares_parse_a_reply(q.answer, q.len, &host, NULL, NULL) != ARES_SUCCESS)
		return rc;
	if (host)
		note_alias(host, name, ret);
	ares_free_hostent(host);
	return 0;
}

int mrt_dns_ask(const struct mrt_run *run, const struct mrt_dns_options *options,
                const char *server, const char *name, enum mrt_dns_type type,
                struct mrt_dns_answer *ret, struct mrt_error *err)
{
	static const int types[] = { ns_t_txt, ns_t_a, ns_t_aaaa };
	mrt_cleanup(question_release) struct question q = { 0 };
	mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer found = { 0 };
	int rc = ask(run, options, server, name, types[type], &q, err);
	if (rc < 0)
		return rc;
	found.rcode = rcode_of(&q);
	found.authoritative = (q.answer[2] & 0x04) != 0;
	rc = type == MRT_DNS_TXT ? read_texts(&q, &found, err)
	                         : read_addresses(&q, name, type, &found, err);
	if (rc == 0 && type == MRT_DNS_TXT && found.n == 0 && found.rcode == 0)
		rc = find_alias(run, options, server, name, found.alias, err);
	if (rc < 0)
		return rc;
	*ret = found;
	found = (struct mrt_dns_answer) { 0 };
	return 0;
}

static void read_servers(const struct question *q, struct mrt_dns_servers *to)
{
	struct hostent *host = NULL;
	if (ares_parse_ns_reply(q->answer, q->len, &host) != ARES_SUCCESS)
		return;
	for (char **alias = host->h_aliases; *alias && to->n < MRT_DNS_SERVERS_MAX; alias++)
		snprintf(to->names[to->n++], MRT_DNS_NAME_SIZE, "%s", *alias);
	ares_free_hostent(host);
}

int mrt_dns_find_servers(const struct mrt_run *run, const struct mrt_dns_options *options,
                         const char *name, struct mrt_dns_servers *ret, struct mrt_error *err)
{
	struct mrt_dns_servers found = { .n = 0 };
	int refused = 0;
	for (const char *zone = name; zone && found.n == 0; zone = strchr(zone, '.')) {
		mrt_cleanup(question_release) struct question q = { 0 };
		zone += *zone == '.';
		int rc = ask(run, options, NULL, zone, ns_t_ns, &q, err);
		if (rc < 0)
			return rc;
		int rcode = rcode_of(&q);
		if (rcode == ns_r_noerror)
			read_servers(&q, &found);
		else if (rcode != ns_r_nxdomain)
			refused = rcode;
		snprintf(found.zone, sizeof(found.zone), "%s", zone);
	}
	if (found.n == 0 && refused)
		return mrt_fail(err, MRT_UNREACHABLE,
		                "%s: the resolver could not find out who serves it (%s)", name,
		                mrt_dns_rcode(refused));
	if (found.n == 0)
		return mrt_fail(err, MRT_NOT_FOUND, "%s: DNS has no such zone", name);
	*ret = found;
	return 0;
}

const char *mrt_dns_rcode(int rcode)
{
	static const char *const names[] = { "NOERROR",  "FORMERR", "SERVFAIL",
		                             "NXDOMAIN", "NOTIMP",  "REFUSED" };
	return rcode >= 0 && rcode < 6 ? names[rcode] : "an error";
}
