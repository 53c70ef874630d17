/* http.h - HTTP requests by libcurl, with our deadlines, cancellation and name resolution.
 *
 * A struct mrt_http keeps connections open between requests and belongs to one thread at a time.
 */
#ifndef MRT_CLIENT_HTTP_H
#define MRT_CLIENT_HTTP_H

#include "client/dns/resolve.h"

struct mrt_http_options {
	struct mrt_dns_options dns;
	const char *ca_file;     /* PEM bundle instead of the system's, or NULL */
	int64_t connect_timeout; /* ns */
	int64_t stall_timeout;   /* ns without a byte moving */
	bool direct;             /* past every proxy: for what only this machine may hear */
	const struct mrt_addresses *only; /* where every host is, instead of asking DNS, and past
	                                     every proxy; NULL: ask */
};

struct mrt_http_request {
	const char *method, *url;
	const char *const *headers; /* "Name: value", n_headers of them */
	size_t n_headers;
	const void *body; /* stays the caller's; NULL: none */
	size_t body_len;
	void *into;       /* a successful body goes here, and must fit into into_size; */
	size_t into_size; /* NULL: it goes into response.body, as every other body does */
};

struct mrt_http_response {
	long status;
	uint64_t len; /* bytes of the body */
	struct mrt_buf body;
	struct mrt_buf headers; /* "name: value\n", names in lower case */
	bool retryable;         /* on failure: trying again may help */
};

struct mrt_http;
int mrt_http_new(const struct mrt_http_options *options, struct mrt_http **ret,
                 struct mrt_error *err);
void mrt_http_free(struct mrt_http *http);
MRT_DEFINE_AUTO(mrt_http)

/* 0 when an HTTP answer of whatever status came whole; MRT_UNREACHABLE and response->retryable
 * otherwise. The caller initialises the response with MRT_HTTP_RESPONSE and releases it. */
#define MRT_HTTP_RESPONSE \
	((struct mrt_http_response) { .body = MRT_BUF_INIT, .headers = MRT_BUF_INIT })
int mrt_http_request(struct mrt_http *http, const struct mrt_context *ctx,
                     const struct mrt_http_request *request, struct mrt_http_response *response,
                     struct mrt_error *err);
/* Where a redirect (3xx) leads, as an absolute URL; to be freed. MRT_REFUSED: it says nowhere, or
 * to another host, or a port that is neither url's nor the scheme's own. */
int mrt_http_redirect(const struct mrt_http_response *response, const char *url, char **ret,
                      struct mrt_error *err);
void mrt_http_response_release(struct mrt_http_response *response);
#define mrt_auto_response mrt_cleanup(mrt_http_response_release) struct mrt_http_response
/* The value of a response header (lower-case name), copied into ret; false when absent. */
bool mrt_http_header(const struct mrt_http_response *response, const char *name, char *ret,
                     size_t size);

#endif
