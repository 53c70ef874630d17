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

#define ALIASES_MAX 16

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
	if (ret->answer)
		return 0;
	if (ret->status == ARES_EDESTRUCTION || ret->status == ARES_ETIMEOUT) {
		char limit[MRT_DURATION_SIZE];
		mrt_duration_format(options->timeout, limit);
		return mrt_fail(err, MRT_UNREACHABLE, "%s: DNS did not answer within %s", name,
		                limit);
	}
	return mrt_fail(err, MRT_UNREACHABLE, "%s: DNS did not answer (%s)", name,
	                ares_strerror(ret->status));
}

void mrt_dns_answer_release(struct mrt_dns_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		free(answer->items[i]);
	for (size_t i = 0; i < answer->n_links; i++)
		free(answer->links[i]);
	free(answer->items);
	free(answer->links);
	*answer = (struct mrt_dns_answer) { 0 };
}

static int add_text(char ***list, size_t *n, struct mrt_buf *text, struct mrt_error *err)
{
	char **grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	*list = grown;
	int rc = mrt_buf_take(text, &grown[*n], err);
	*n += rc == 0;
	return rc;
}

/* The strings of a TXT record, put together. A NUL, which texts of ours cannot have, becomes "?".
 */
static bool add_strings(const ns_rr *rr, struct mrt_buf *to)
{
	const unsigned char *p = ns_rr_rdata(*rr), *end = p + ns_rr_rdlen(*rr);
	while (p < end) {
		size_t n = *p++;
		if (n > (size_t)(end - p))
			return false;
		for (size_t i = 0; i < n; i++)
			mrt_buf_add_char(to, p[i] ? (char)p[i] : '?');
		p += n;
	}
	return true;
}

static bool add_address(const ns_rr *rr, int family, struct mrt_buf *to)
{
	char plain[MRT_ADDRESS_SIZE];
	if (ns_rr_rdlen(*rr) != (family == AF_INET ? 4 : 16) ||
	    !inet_ntop(family, ns_rr_rdata(*rr), plain, sizeof(plain)))
		return false;
	mrt_buf_add_text(to, plain);
	return true;
}

/* The name in a record of that kind, as text. */
static bool read_name(const ns_msg *message, const ns_rr *rr, char ret[NS_MAXDNAME])
{
	return ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), ns_rr_rdata(*rr),
	                          ret, NS_MAXDNAME) >= 0;
}

static bool add_value(const ns_msg *message, const ns_rr *rr, struct mrt_buf *to)
{
	char name[NS_MAXDNAME];
	switch (ns_rr_type(*rr)) {
	case ns_t_txt:
		return add_strings(rr, to);
	case ns_t_a:
		return add_address(rr, AF_INET, to);
	case ns_t_aaaa:
		return add_address(rr, AF_INET6, to);
	default:
		if (!read_name(message, rr, name))
			return false;
		mrt_buf_add_text(to, name);
		return true;
	}
}

static int garbled(const char *name, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "%s: the answer of DNS is damaged", name);
}

/* Whose records count: the name's, or those of what its CNAMEs lead to. */
static int follow_aliases(ns_msg *message, const char *name, struct mrt_dns_answer *to,
                          char ret[NS_MAXDNAME], struct mrt_error *err)
{
	int n = ns_msg_count(*message, ns_s_an);
	bool moved = true;
	snprintf(ret, NS_MAXDNAME, "%s", name);
	for (int step = 0; moved && step < ALIASES_MAX; step++) {
		moved = false;
		for (int i = 0; !moved && i < n; i++) {
			ns_rr rr;
			if (ns_parserr(message, ns_s_an, i, &rr) < 0)
				return garbled(name, err);
			if (ns_rr_type(rr) != ns_t_cname || strcasecmp(ns_rr_name(rr), ret) != 0)
				continue;
			mrt_auto_buf text = { .ceiling = NS_MAXDNAME + 1 };
			if (!read_name(message, &rr, ret))
				return garbled(name, err);
			mrt_buf_add_text(&text, ret);
			int rc = add_text(&to->links, &to->n_links, &text, err);
			if (rc < 0)
				return rc;
			moved = true;
		}
	}
	return moved ? garbled(name, err) : 0;
}

/* The records of that type and name, and no others that the answer may have. */
static int read_answer(const struct question *q, const char *name, int type,
                       struct mrt_dns_answer *to, struct mrt_error *err)
{
	ns_msg message;
	char owner[NS_MAXDNAME];
	if (ns_initparse(q->answer, q->len, &message) < 0)
		return garbled(name, err);
	to->rcode = ns_msg_getflag(message, ns_f_rcode);
	to->authoritative = ns_msg_getflag(message, ns_f_aa) != 0;
	int rc = follow_aliases(&message, name, to, owner, err);
	if (rc == 0 && strcasecmp(owner, name) != 0)
		snprintf(to->alias, sizeof(to->alias), "%.255s", owner);
	for (int i = 0; rc == 0 && i < ns_msg_count(message, ns_s_an); i++) {
		mrt_auto_buf text = { .ceiling = 64 << 10 };
		ns_rr rr;
		if (ns_parserr(&message, ns_s_an, i, &rr) < 0)
			return garbled(name, err);
		if ((int)ns_rr_type(rr) != type || ns_rr_class(rr) != ns_c_in ||
		    strcasecmp(ns_rr_name(rr), owner) != 0)
			continue;
		rc = add_value(&message, &rr, &text) ? add_text(&to->items, &to->n, &text, err)
		                                     : garbled(name, err);
	}
	return rc;
}

static int ask_type(const struct mrt_run *run, const struct mrt_dns_options *options,
                    const char *server, const char *name, int type, struct mrt_dns_answer *ret,
                    struct mrt_error *err)
{
	mrt_cleanup(question_release) struct question q = { 0 };
	mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer found = { 0 };
	int rc = ask(run, options, server, name, type, &q, err);
	if (rc == 0)
		rc = read_answer(&q, name, type, &found, err);
	if (rc < 0)
		return rc;
	*ret = found;
	found = (struct mrt_dns_answer) { 0 };
	return 0;
}

int mrt_dns_ask(const struct mrt_run *run, const struct mrt_dns_options *options,
                const char *server, const char *name, enum mrt_dns_type type,
                struct mrt_dns_answer *ret, struct mrt_error *err)
{
	static const int types[] = { ns_t_txt, ns_t_a, ns_t_aaaa };
	return ask_type(run, options, server, name, types[type], ret, err);
}

static void add_server(struct mrt_dns_servers *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++)
		if (strcasecmp(to->names[i], name) == 0)
			return;
	if (to->n < MRT_DNS_SERVERS_MAX)
		snprintf(to->names[to->n++], MRT_DNS_NAME_SIZE, "%.255s", name);
}

int mrt_dns_find_servers(const struct mrt_run *run, const struct mrt_dns_options *options,
                         const char *name, struct mrt_dns_servers *ret, struct mrt_error *err)
{
	struct mrt_dns_servers found = { .n = 0 };
	int refused = 0;
	for (const char *zone = name; zone && found.n == 0; zone = strchr(zone, '.')) {
		mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer answer = { 0 };
		zone += *zone == '.';
		int rc = ask_type(run, options, NULL, zone, ns_t_ns, &answer, err);
		if (rc < 0)
			return rc == MRT_CORRUPT && err ? (int)(err->code = MRT_UNREACHABLE) : rc;
		if (answer.rcode != ns_r_noerror && answer.rcode != ns_r_nxdomain)
			refused = answer.rcode;
		/* a name that is an alias is no zone: what it leads to may be another's */
		for (size_t i = 0; answer.rcode == 0 && !*answer.alias && i < answer.n; i++)
			add_server(&found, answer.items[i]);
		snprintf(found.zone, sizeof(found.zone), "%.255s", zone);
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
