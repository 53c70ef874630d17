/* channel.c - c-ares under our deadline. */
#include "client/dns/channel.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

int mrt_dns_channel_wait(const struct mrt_context *ctx, ares_channel channel, const bool *done,
                         int64_t deadline, struct mrt_error *err)
{
	while (!*done && mrt_clock_monotonic() < deadline) {
		int rc = mrt_context_check(ctx, err);
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
