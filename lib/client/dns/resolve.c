/* resolve.c - names to addresses under a deadline, by c-ares. */
#include "client/dns/resolve.h"
#include "client/dns/channel.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct lookup {
	struct mrt_addresses *to;
	int status;
	bool done;
};

static void add_family(const struct ares_addrinfo *info, int family, struct mrt_addresses *to)
{
	for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next)
		if (n->ai_family == family && to->n < MRT_ADDRESSES_MAX &&
		    getnameinfo(n->ai_addr, n->ai_addrlen, to->text[to->n], MRT_ADDRESS_SIZE, NULL,
		                0, NI_NUMERICHOST) == 0)
			to->n++;
}

static void on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	(void)timeouts;
	struct lookup *l = context;
	l->done = true;
	l->status = status;
	if (info) {
		add_family(info, AF_INET, l->to);
		add_family(info, AF_INET6, l->to);
		ares_freeaddrinfo(info);
	}
}
static int literal(const char *host, struct mrt_addresses *ret)
{
	/* RFC 6761, 6.3: names under localhost are the loopback address, without asking anybody */
	size_t n = strlen(host);
	if (n > 10 && strcmp(host + n - 10, ".localhost") == 0)
		host = "127.0.0.1";
	unsigned char raw[sizeof(struct in6_addr)];
	if (strlen(host) >= MRT_ADDRESS_SIZE ||
	    (inet_pton(AF_INET, host, raw) != 1 && inet_pton(AF_INET6, host, raw) != 1))
		return 0;
	snprintf(ret->text[0], MRT_ADDRESS_SIZE, "%s", host);
	ret->n = 1;
	return 1;
}

int mrt_dns_resolve(const struct mrt_context *ctx, const struct mrt_dns_options *options,
                    const char *host, struct mrt_addresses *ret, struct mrt_error *err)
{
	struct mrt_addresses found = { 0 };
	if (literal(host, &found)) {
		*ret = found;
		return 0;
	}
	ares_channel channel;
	int rc = mrt_dns_channel_open(options, 0, NULL, &channel, err);
	if (rc < 0)
		return rc;
	struct lookup l = { .to = &found };
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	ares_getaddrinfo(channel, host, NULL, &hints, on_answer, &l);
	rc = mrt_dns_channel_wait(ctx, channel, &l.done, mrt_clock_monotonic() + options->timeout,
	                          err);
	bool silent = !l.done || l.status == ARES_ETIMEOUT;
	ares_destroy(channel); /* ends what is still open, by calling on_answer */
	if (rc < 0)
		return rc;
	if (silent) {
		char limit[MRT_DURATION_SIZE];
		mrt_duration_format(options->timeout, limit);
		mrt_fail(err, MRT_UNREACHABLE, "%s: DNS did not answer within %s", host, limit);
		return mrt_hint(err, "check the resolver in /etc/resolv.conf, or a NetworkPolicy "
		                     "that blocks port 53");
	}
	if (found.n == 0)
		return mrt_fail(err, MRT_UNREACHABLE, "%s: name unknown (%s)", host,
		                ares_strerror(l.status));
	*ret = found;
	return 0;
}
