/* dns.c - names to addresses under a deadline, by c-ares. */
#include "client/dns_channel.h"

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

static int ares_ready; /* result of the one initialisation of the process */
static void ares_start(void)
{
	ares_ready = ares_library_init(ARES_LIB_INIT_ALL);
}

int mrt_dns_channel_open(const struct mrt_dns_options *o, int flags, const char *server,
                         ares_channel *ret, struct mrt_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, ares_start);
	/* two tries share the time: one lost packet must not be the end */
	struct ares_options options = { .timeout = (int)(o->timeout / MRT_MILLISECOND / 2) + 1,
		                        .tries = 2,
		                        .flags = flags };
	const char *servers = server ? server : o->resolver;
	int status = ares_ready;
	if (status == ARES_SUCCESS)
		status = ares_init_options(ret, &options,
		                           ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		                                   (flags ? ARES_OPT_FLAGS : 0));
	if (status != ARES_SUCCESS)
		return mrt_fail(err, MRT_FAILED, "c-ares: %s", ares_strerror(status));
	if (servers)
		status = ares_set_servers_ports_csv(*ret, servers);
	if (status != ARES_SUCCESS) {
		ares_destroy(*ret);
		return mrt_fail(err, MRT_CONFIG, "dns.resolver '%s': %s", servers,
		                ares_strerror(status));
	}
	return 0;
}

int mrt_dns_channel_wait(const struct mrt_run *run, ares_channel channel, const bool *done,
                         int64_t deadline, struct mrt_error *err)
{
	while (!*done && mrt_clock_monotonic() < deadline) {
		int rc = mrt_run_check(run, err);
		if (rc < 0)
			return rc;
		ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
		int bits = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
		struct pollfd fds[ARES_GETSOCK_MAXNUM];
		nfds_t n = 0;
		for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
			short events = (short)((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
			                       (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));
			if (events)
				fds[n++] = (struct pollfd) { .fd = sockets[i], .events = events };
		}
		poll(fds, n, 50);
		for (nfds_t i = 0; i < n; i++)
			ares_process_fd(channel,
			                fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
			                fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
		ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its own timeouts */
	}
	return 0;
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

int mrt_dns_resolve(const struct mrt_run *run, const struct mrt_dns_options *options,
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
	rc = mrt_dns_channel_wait(run, channel, &l.done, mrt_clock_monotonic() + options->timeout,
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
