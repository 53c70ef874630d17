/* link.c - the connection: TCP, TLS or a unix socket, under the run's limits. */
#include "client/redis/link.h"
#include "client/dns/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int mrt_redis_lost(const struct mrt_redis *r, const char *what, struct mrt_error *err)
{
	return mrt_fail(err, MRT_UNREACHABLE, "%s: %s", r->where, what);
}

static int wait_for(const struct mrt_redis *r, const struct mrt_context *ctx, short events,
                    struct mrt_error *err)
{
	short ready = 0;
	int rc = mrt_context_poll(ctx, r->fd, events, r->options.stall_timeout, &ready, err);
	return rc == 0 && ready == 0 ? mrt_redis_lost(r, "it stopped answering", err) : rc;
}

static int try_connect(struct mrt_redis *r, const struct mrt_context *ctx,
                       const struct sockaddr *address, socklen_t len, struct mrt_error *err)
{
	mrt_autofd fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) /* no IPv6 here, say: the next address may do */
		return mrt_fail(err, MRT_UNREACHABLE, "%s: %s", r->where, strerror(errno));
	short ready = 0;
	if (connect(fd, address, len) < 0 && errno != EINPROGRESS)
		return mrt_fail(err, MRT_UNREACHABLE, "%s: %s", r->where, strerror(errno));
	int rc = mrt_context_poll(ctx, fd, POLLOUT, -1, &ready, err);
	int failed = 0;
	socklen_t size = sizeof(failed);
	if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed)
		rc = mrt_fail(err, MRT_UNREACHABLE, "%s: %s", r->where, strerror(failed));
	if (rc == 0)
		r->fd = mrt_steal_fd(fd);
	return rc;
}

int mrt_redis_connect_local(struct mrt_redis *r, const struct mrt_context *ctx,
                            struct mrt_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(r->path) >= sizeof(address.sun_path))
		return mrt_fail(err, MRT_CONFIG, "the path of the socket is too long: %s", r->path);
	memcpy(address.sun_path, r->path, strlen(r->path));
	return try_connect(r, ctx, (struct sockaddr *)&address, sizeof(address), err);
}

int mrt_redis_connect_remote(struct mrt_redis *r, const struct mrt_context *ctx,
                             struct mrt_error *err)
{
	struct mrt_addresses addresses;
	int rc = mrt_dns_resolve(ctx, &r->options.dns, r->host, &addresses, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s", r->where);
	rc = mrt_redis_lost(r, "it has no address", err);
	for (size_t i = 0; rc == MRT_UNREACHABLE && i < addresses.n; i++) {
		const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
			                        .ai_socktype = SOCK_STREAM };
		struct addrinfo *found = NULL;
		if (getaddrinfo(addresses.text[i], r->port, &hints, &found) != 0)
			continue;
		rc = try_connect(r, ctx, found->ai_addr, found->ai_addrlen, err);
		freeaddrinfo(found);
	}
	return rc;
}

static int tls_failed(const struct mrt_redis *r, struct mrt_error *err)
{
	char words[256] = "the connection ended";
	unsigned long code = ERR_get_error();
	long verified = r->ssl ? SSL_get_verify_result(r->ssl) : X509_V_OK;
	if (code)
		ERR_error_string_n(code, words, sizeof(words));
	ERR_clear_error();
	return mrt_fail(err, MRT_UNREACHABLE, "%s: TLS: %s", r->where,
	                verified != X509_V_OK ? X509_verify_cert_error_string(verified) : words);
}

/* What OpenSSL waits for; negative: it failed. */
static int tls_wait(struct mrt_redis *r, const struct mrt_context *ctx, int result,
                    struct mrt_error *err)
{
	switch (SSL_get_error(r->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(r, ctx, POLLIN, err);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(r, ctx, POLLOUT, err);
	default:
		return tls_failed(r, err);
	}
}

int mrt_redis_start_tls(struct mrt_redis *r, const struct mrt_context *ctx, struct mrt_error *err)
{
	r->context = SSL_CTX_new(TLS_client_method());
	if (!r->context)
		return tls_failed(r, err);
	SSL_CTX_set_verify(r->context, SSL_VERIFY_PEER, NULL);
	if (r->options.ca_file
	            ? !SSL_CTX_load_verify_locations(r->context, r->options.ca_file, NULL)
	            : !SSL_CTX_set_default_verify_paths(r->context))
		return tls_failed(r, err);
	r->ssl = SSL_new(r->context);
	if (!r->ssl || !SSL_set_fd(r->ssl, r->fd) || !SSL_set1_host(r->ssl, r->host) ||
	    !SSL_set_tlsext_host_name(r->ssl, r->host))
		return tls_failed(r, err);
	for (;;) {
		ERR_clear_error();
		int result = SSL_connect(r->ssl);
		if (result == 1)
			return 0;
		int rc = tls_wait(r, ctx, result, err);
		if (rc < 0)
			return rc;
	}
}

int mrt_redis_send(struct mrt_redis *r, const struct mrt_context *ctx, const char *data, size_t len,
                   struct mrt_error *err)
{
	while (len > 0) {
		int rc = 0;
		ERR_clear_error(); /* what others left would be taken for ours */
		ssize_t n = r->ssl ? SSL_write(r->ssl, data, (int)len)
		                   : send(r->fd, data, len, MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (r->ssl) {
			rc = tls_wait(r, ctx, (int)n, err);
		} else if (errno == EAGAIN) {
			rc = wait_for(r, ctx, POLLOUT, err);
		} else if (errno != EINTR) {
			rc = mrt_redis_lost(r, strerror(errno), err);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* At least one byte more into r->in. */
int mrt_redis_receive(struct mrt_redis *r, const struct mrt_context *ctx, struct mrt_error *err)
{
	if (r->from == r->to)
		r->from = r->to = 0;
	for (;;) {
		int rc = 0;
		size_t room = MRT_REDIS_CHUNK - r->to;
		ERR_clear_error();
		ssize_t n = r->ssl ? SSL_read(r->ssl, r->in + r->to, (int)room)
		                   : recv(r->fd, r->in + r->to, room, 0);
		if (n > 0) {
			r->to += (size_t)n;
			return 0;
		}
		if (n == 0 && !r->ssl)
			return mrt_redis_lost(r, "the server closed the connection", err);
		if (r->ssl)
			rc = SSL_get_error(r->ssl, (int)n) == SSL_ERROR_ZERO_RETURN
			             ? mrt_redis_lost(r, "the server closed the connection", err)
			             : tls_wait(r, ctx, (int)n, err);
		else if (errno == EAGAIN)
			rc = wait_for(r, ctx, POLLIN, err);
		else if (errno != EINTR)
			rc = mrt_redis_lost(r, strerror(errno), err);
		if (rc < 0)
			return rc;
	}
}
