/* http.c - HTTP requests by libcurl. */
#include "client/http.h"
#include "base/text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define RESOLVE_AGAIN (30 * MRT_SECOND)

struct mrt_http {
	CURL *curl;
	struct mrt_http_options options;
	char why[CURL_ERROR_SIZE];
	struct curl_slist *addresses; /* CURLOPT_RESOLVE */
	char host[300];               /* what it is for, with its port */
	int64_t resolved;
	/* during a request */
	const struct mrt_context *ctx;
	const struct mrt_http_request *request;
	struct mrt_http_response *response;
	struct mrt_error stop; /* why we broke off, when it was us */
	bool overflow;
};

static void curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
	struct mrt_http *h = context;
	struct mrt_http_response *r = h->response;
	size_t len = size * n;
	long status = 0;
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (h->request->into && status >= 200 && status < 300) {
		if (len > h->request->into_size - r->len) {
			h->overflow = true;
			return 0;
		}
		memcpy((char *)h->request->into + r->len, data, len);
	} else {
		mrt_buf_add(&r->body, data, len);
		h->overflow = r->body.failed != 0;
	}
	r->len += len;
	return h->overflow ? 0 : len;
}

static size_t on_header(char *data, size_t size, size_t n, void *context)
{
	struct mrt_http *h = context;
	size_t len = size * n;
	if (len > 5 && memcmp(data, "HTTP/", 5) == 0) /* a new answer: forget 100 Continue's */
		mrt_buf_clear(&h->response->headers);
	const char *colon = memchr(data, ':', len);
	if (!colon)
		return len;
	for (const char *p = data; p < colon; p++)
		mrt_buf_add_char(&h->response->headers, (char)tolower((unsigned char)*p));
	const char *value = colon, *end = data + len;
	mrt_buf_add(&h->response->headers, value, (size_t)(end - value));
	if (len == 0 || data[len - 1] != '\n')
		mrt_buf_add_char(&h->response->headers, '\n');
	return len;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
	(void)down_total, (void)down, (void)up_total, (void)up;
	struct mrt_http *h = context;
	return mrt_context_check(h->ctx, &h->stop) < 0;
}

int mrt_http_new(const struct mrt_http_options *options, struct mrt_http **ret,
                 struct mrt_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, curl_start);
	mrt_auto(mrt_http) *h = calloc(1, sizeof(*h));
	if (!h)
		return mrt_no_memory(err);
	h->options = *options;
	h->options.direct = options->direct || options->only;
	h->curl = curl_easy_init();
	if (!h->curl)
		return mrt_no_memory(err);
	CURL *c = h->curl;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	if (h->options.direct)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "maratea");
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 262144L);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
	                 (long)(options->connect_timeout / MRT_MILLISECOND));
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	int64_t stall = options->stall_timeout / MRT_SECOND;
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(stall > 0 ? stall : 1));
	if (options->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, options->ca_file);
	*ret = mrt_steal(h);
	return 0;
}

void mrt_http_free(struct mrt_http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->addresses);
	free(h);
}

/* Behind a proxy it is the proxy that resolves. */
static bool behind_proxy(const char *url)
{
	bool tls = strncmp(url, "https:", 6) == 0;
	const char *const names[] = { tls ? "https_proxy" : "http_proxy",
		                      tls ? "HTTPS_PROXY" : "http_proxy", "all_proxy",
		                      "ALL_PROXY" };
	for (size_t i = 0; i < 4; i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return true;
	}
	return false;
}

static int resolve(struct mrt_http *h, const char *url, struct mrt_error *err)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;
	int rc = 0;
	if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		rc = mrt_fail(err, MRT_CONFIG, "'%s' is not a URL", url);
	char peer[sizeof(h->host)];
	snprintf(peer, sizeof(peer), "%s:%s", rc == 0 ? host : "", rc == 0 ? port : "");
	bool fresh = rc == 0 && strcmp(h->host, peer) == 0 &&
	             mrt_clock_monotonic() - h->resolved < RESOLVE_AGAIN;
	if (rc == 0 && !fresh && host[0] != '[' && (h->options.direct || !behind_proxy(url))) {
		struct mrt_addresses found;
		rc = h->options.only ? 0
		                     : mrt_dns_resolve(h->ctx, &h->options.dns, host, &found, err);
		if (h->options.only)
			found = *h->options.only;
		mrt_auto_buf line = MRT_BUF_INIT;
		mrt_buf_printf(&line, "%s:%s:", host, port);
		for (size_t i = 0; rc == 0 && i < found.n; i++)
			mrt_buf_printf(&line, "%s%s", i > 0 ? "," : "", found.text[i]);
		if (rc == 0)
			rc = mrt_buf_check(&line, err);
		struct curl_slist *made = rc == 0 ? curl_slist_append(NULL, line.data) : NULL;
		if (rc == 0 && !made)
			rc = mrt_no_memory(err); /* without it curl would ask DNS itself */
		if (rc == 0) {
			curl_slist_free_all(h->addresses);
			h->addresses = made;
			memcpy(h->host, peer, sizeof(peer));
			h->resolved = mrt_clock_monotonic();
			curl_easy_setopt(h->curl, CURLOPT_RESOLVE, h->addresses);
		}
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return rc;
}

static int explain(struct mrt_http *h, CURLcode code, const char *url, struct mrt_error *err)
{
	if (h->stop.code) {
		*err = h->stop;
		return err->code;
	}
	if (h->overflow)
		return mrt_fail(err, MRT_CORRUPT, "%s: the answer is longer than it may be", url);
	const char *why = h->why[0] ? h->why : curl_easy_strerror(code);
	h->response->retryable = code == CURLE_COULDNT_CONNECT || code == CURLE_SEND_ERROR ||
	                         code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
	                         code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
	                         code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
	if (code == CURLE_OUT_OF_MEMORY)
		return mrt_no_memory(err);
	long number = 0;
	curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_COULDNT_CONNECT && number)
		mrt_fail_errno(err, (int)number, "%s: %s", url, why);
	else
		mrt_fail(err, MRT_UNREACHABLE, "%s: %s", url, why);
	if (err)
		err->code = MRT_UNREACHABLE;
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		mrt_hint(err, "a private certificate authority is named with store.ca-file");
	else if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_COULDNT_CONNECT)
		mrt_hint(err, "is the address right, and does a firewall or NetworkPolicy let us "
		              "through?");
	return MRT_UNREACHABLE;
}

static const char *error_url(const char *url, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)strcspn(url, "?"), url);
	return ret;
}

static void set_up(struct mrt_http *h, const struct mrt_http_request *r, struct curl_slist *headers)
{
	CURL *c = h->curl;
	bool head = strcmp(r->method, "HEAD") == 0;
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_NOBODY, head ? 1L : 0L);
	if (r->body) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	} else if (!head) {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, head ? NULL : r->method);
}

int mrt_http_request(struct mrt_http *h, const struct mrt_context *ctx,
                     const struct mrt_http_request *request, struct mrt_http_response *response,
                     struct mrt_error *err)
{
	struct mrt_error local;
	err = err ? err : &local;
	mrt_buf_clear(&response->body);
	mrt_buf_clear(&response->headers);
	response->status = 0;
	response->len = 0;
	response->retryable = false;
	h->ctx = ctx;
	h->request = request;
	h->response = response;
	h->stop = (struct mrt_error) { 0 };
	h->overflow = false;
	h->why[0] = '\0';
	int rc = resolve(h, request->url, err);
	if (rc < 0) {
		response->retryable = rc == MRT_UNREACHABLE;
		return rc;
	}
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; headers && i < request->n_headers; i++) {
		struct curl_slist *more = curl_slist_append(headers, request->headers[i]);
		if (!more)
			curl_slist_free_all(headers);
		headers = more;
	}
	if (!headers)
		return mrt_no_memory(err);
	set_up(h, request, headers);
	CURLcode code = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &response->status);
	if (code == CURLE_OK)
		return 0;
	char url[512];
	return explain(h, code, error_url(request->url, url, sizeof(url)), err);
}

static bool same_text(CURLU *a, CURLU *b, CURLUPart part)
{
	char *left = NULL, *right = NULL;
	curl_url_get(a, part, &left, 0);
	curl_url_get(b, part, &right, 0);
	bool same = !left || !right ? left == right : strcasecmp(left, right) == 0;
	curl_free(left);
	curl_free(right);
	return same;
}

static bool has_port(CURLU *url)
{
	char *port = NULL;
	bool found = curl_url_get(url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) == CURLUE_OK;
	curl_free(port);
	return found;
}

int mrt_http_redirect(const struct mrt_http_response *response, const char *url, char **ret,
                      struct mrt_error *err)
{
	char location[1024];
	CURLU *from = curl_url(), *to = curl_url();
	char *whole = NULL;
	int rc = MRT_REFUSED;
	if (!from || !to)
		rc = mrt_no_memory(err);
	else if (!mrt_http_header(response, "location", location, sizeof(location)))
		mrt_fail(err, rc, "it redirects without saying where to");
	else if (curl_url_set(from, CURLUPART_URL, url, 0) != CURLUE_OK ||
	         curl_url_set(to, CURLUPART_URL, url, 0) != CURLUE_OK ||
	         curl_url_set(to, CURLUPART_URL, location, 0) != CURLUE_OK ||
	         curl_url_get(to, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		mrt_fail(err, rc, "it redirects to '%.200s', which is no URL", location);
	else if (!same_text(from, to, CURLUPART_HOST) ||
	         (has_port(to) && !same_text(from, to, CURLUPART_PORT)))
		mrt_fail(err, rc, "it redirects to another host: %.200s", location);
	else
		rc = mrt_text_dup(whole, ret, err);
	curl_free(whole);
	curl_url_cleanup(from);
	curl_url_cleanup(to);
	return rc;
}

void mrt_http_response_release(struct mrt_http_response *response)
{
	mrt_buf_release(&response->body);
	mrt_buf_release(&response->headers);
}

bool mrt_http_header(const struct mrt_http_response *response, const char *name, char *ret,
                     size_t size)
{
	size_t n = strlen(name);
	const char *line = mrt_buf_text(&response->headers);
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, name, n) != 0 || line[n] != ':')
			continue;
		const char *value = line + n + 1 + strspn(line + n + 1, " ");
		snprintf(ret, size, "%.*s", (int)strcspn(value, "\r\n"), value);
		return true;
	}
	return false;
}
