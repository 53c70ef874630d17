/* ask.c - questions of DNS. */
#include "client/dns/ask.h"
#include "base/text.h"
#include "client/dns/channel.h"

#include <arpa/nameser.h>
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
static int ask_server(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                      const char *server, const char *name, int type, struct question *ret,
                      struct mrt_error *err)
{
	ares_channel channel;
	int flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
	            (server ? ARES_FLAG_NORECURSE : 0);
	int rc = mrt_dns_channel_open(options, flags, server, &channel, err);
	if (rc < 0)
		return rc;
	ares_query(channel, name, ns_c_in, type, on_answer, ret);
	rc = mrt_dns_channel_wait(ctx, channel, &ret->done,
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

static int ask_type(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                    const char *server, const char *name, int type, struct mrt_dns_answer *ret,
                    struct mrt_error *err)
{
	mrt_cleanup(question_release) struct question q = { 0 };
	int rc = ask_server(ctx, options, server, name, type, &q, err);
	return rc < 0 ? rc : mrt_dns_message_read(q.answer, (size_t)q.len, name, type, ret, err);
}

int mrt_dns_ask(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                const char *server, const char *name, enum mrt_dns_type type,
                struct mrt_dns_answer *ret, struct mrt_error *err)
{
	static const int types[] = { ns_t_txt, ns_t_a, ns_t_aaaa };
	return ask_type(ctx, options, server, name, types[type], ret, err);
}

static void add_server(struct mrt_dns_servers *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++)
		if (strcasecmp(to->names[i], name) == 0)
			return;
	if (to->n < MRT_DNS_SERVERS_MAX)
		snprintf(to->names[to->n++], MRT_DNS_NAME_SIZE, "%.255s", name);
}

int mrt_dns_find_servers(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                         const char *name, struct mrt_dns_servers *ret, struct mrt_error *err)
{
	struct mrt_dns_servers found = { .n = 0 };
	int refused = 0;
	for (const char *zone = name; zone && found.n == 0; zone = strchr(zone, '.')) {
		mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer answer = { 0 };
		zone += *zone == '.';
		int rc = ask_type(ctx, options, NULL, zone, ns_t_ns, &answer, err);
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
