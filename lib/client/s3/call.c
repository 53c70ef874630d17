/* call.c - one signed S3 request, retried where that may help. */
#include "base/retry.h"
#include "base/text.h"
#include "client/s3/driver.h"
#include "codec/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX 16
#define RENEW_AGAIN (30 * MRT_SECOND)
#define REFRESH_BEFORE 300             /* seconds before they run out */
#define FIRST_CONTACT (3 * MRT_SECOND) /* an endpoint that never answered is not worth more */

static struct mrt_http *take_http(struct mrt_s3 *s3, struct mrt_error *err)
{
	struct mrt_http *http = NULL;
	pthread_mutex_lock(&s3->lock);
	if (s3->n_idle > 0)
		http = s3->idle[--s3->n_idle];
	pthread_mutex_unlock(&s3->lock);
	if (!http)
		mrt_http_new(&s3->options.http, &http, err);
	return http;
}

static void give_http(struct mrt_s3 *s3, struct mrt_http *http)
{
	pthread_mutex_lock(&s3->lock);
	if (s3->n_idle < MRT_COUNT(s3->idle))
		s3->idle[s3->n_idle++] = mrt_steal(http);
	pthread_mutex_unlock(&s3->lock);
	mrt_http_free(http);
}

/* What of a request stays the same over its retries. */
struct prepared {
	char payload[MRT_SHA256_HEX], md5[32];
};

static int prepare(const struct mrt_s3 *s3, const struct mrt_s3_call *call, struct prepared *p,
                   struct mrt_error *err)
{
	unsigned char digest[MRT_SHA256_SIZE];
	int rc = 0;
	if (call->bulk && s3->tls) {
		snprintf(p->payload, sizeof(p->payload), "UNSIGNED-PAYLOAD");
	} else if (call->body_len == 0) {
		snprintf(p->payload, sizeof(p->payload), MRT_SIGV4_EMPTY_SHA256);
	} else {
		rc = mrt_sha256(call->body, call->body_len, digest, err);
		mrt_hex(digest, sizeof(digest), p->payload);
	}
	/* the signed payload already proves the bytes where they are not sent over TLS */
	if (rc == 0 && (call->md5 || (call->bulk && s3->tls))) {
		mrt_auto_buf text = MRT_BUF_INIT;
		rc = mrt_md5(call->body, call->body_len, digest, err);
		mrt_base64(&text, digest, MRT_MD5_SIZE);
		snprintf(p->md5, sizeof(p->md5), "%s", mrt_buf_text(&text));
	}
	return rc;
}

int mrt_s3_credentials(struct mrt_s3 *s3, const struct mrt_context *ctx,
                       struct mrt_aws_credentials **ret, struct mrt_error *err)
{
	int64_t now = ctx->wall() / MRT_SECOND;
	int rc = 0;
	pthread_mutex_lock(&s3->credentials_lock);
	struct mrt_aws_credentials *have = s3->temporary, *fresh = NULL;
	bool due = have && have->expires > 0 && have->expires - now < REFRESH_BEFORE &&
	           (have->expires <= now || mrt_clock_monotonic() >= s3->next_renewal);
	if (!have || due) {
		struct mrt_error why = { 0 };
		rc = mrt_aws_credentials_get(ctx, &s3->aws, s3->region, &s3->options.http, &fresh,
		                             &why);
		if (rc == 0) {
			mrt_aws_credentials_unref(have);
			s3->temporary = fresh;
		} else if (have && have->expires > now) {
			mrt_warn_because(ctx, &why, "the credentials run out soon");
			s3->next_renewal = mrt_clock_monotonic() + RENEW_AGAIN;
			rc = 0;
		} else if (err) {
			*err = why;
		}
	}
	if (rc == 0) {
		s3->temporary->references++;
		*ret = s3->temporary;
	}
	pthread_mutex_unlock(&s3->credentials_lock);
	return rc == MRT_CONFIG ? mrt_hint(err, MRT_S3_CREDENTIALS_HINT) : rc;
}

void mrt_s3_credentials_done(struct mrt_s3 *s3, struct mrt_aws_credentials *credentials)
{
	pthread_mutex_lock(&s3->credentials_lock);
	mrt_aws_credentials_unref(credentials);
	pthread_mutex_unlock(&s3->credentials_lock);
}

static int send_once(struct mrt_s3 *s3, struct mrt_http *http, const struct mrt_context *ctx,
                     const struct mrt_s3_call *call, const struct prepared *p,
                     struct mrt_http_response *response, struct mrt_error *err)
{
	struct mrt_pair headers[HEADERS_MAX];
	char time[MRT_TIME_SIZE];
	size_t n = 0;
	int64_t now = ctx->wall() / MRT_SECOND;
	mrt_time_format(now, MRT_TIME_BASIC, time);
	struct mrt_aws_credentials *temporary = NULL;
	int rc = s3->access_key ? 0 : mrt_s3_credentials(s3, ctx, &temporary, err);
	response->retryable = rc == MRT_UNREACHABLE;
	if (rc < 0)
		return rc;
	const char *session = temporary ? temporary->session_token : s3->session_token;
	headers[n++] = (struct mrt_pair) { "host", s3->host };
	headers[n++] = (struct mrt_pair) { "x-amz-content-sha256", p->payload };
	headers[n++] = (struct mrt_pair) { "x-amz-date", time };
	if (session)
		headers[n++] = (struct mrt_pair) { "x-amz-security-token", session };
	if (p->md5[0])
		headers[n++] = (struct mrt_pair) { "content-md5", p->md5 };
	if (call->body)
		headers[n++] = (struct mrt_pair) { "content-type", "application/octet-stream" };
	mrt_assert(n + call->n_headers <= MRT_COUNT(headers));
	for (size_t i = 0; i < call->n_headers; i++)
		headers[n++] = call->headers[i];

	mrt_autofree char *path = NULL;
	mrt_auto_buf target = MRT_BUF_INIT, authorization = MRT_BUF_INIT, url = MRT_BUF_INIT;
	rc = mrt_text_printf(&path, err, "%s/%s", s3->path, call->key ? call->key : "");
	const struct mrt_sigv4 request = {
		.access_key = temporary ? temporary->access_key : s3->access_key,
		.secret_key = temporary ? temporary->secret_key : s3->secret_key,
		.region = s3->region,
		.service = "s3",
		.time = now,
		.method = call->method,
		.path = path,
		.query = call->query,
		.n_query = call->n_query,
		.headers = headers,
		.n_headers = n,
		.payload_sha256 = p->payload,
	};
	if (rc == 0)
		rc = mrt_sigv4_sign(&request, &target, &authorization, err);
	mrt_buf_printf(&url, "%s%s", s3->base_url, mrt_buf_text(&target));

	struct mrt_buf lines[HEADERS_MAX + 1];
	const char *texts[HEADERS_MAX + 1];
	size_t n_lines = 0;
	for (size_t i = 0; rc == 0 && i <= n; i++) {
		if (i < n && strcmp(headers[i].name, "host") == 0)
			continue; /* curl writes it, the same */
		struct mrt_buf *line = &lines[n_lines];
		*line = MRT_BUF_INIT;
		mrt_buf_printf(line, "%s: %s", i < n ? headers[i].name : "Authorization",
		               i < n ? headers[i].value : mrt_buf_text(&authorization));
		texts[n_lines++] = mrt_buf_text(line);
		rc = mrt_buf_check(line, err);
	}
	const struct mrt_http_request http_request = {
		.method = call->method,
		.url = mrt_buf_text(&url),
		.headers = texts,
		.n_headers = n_lines,
		.body = call->body,
		.body_len = call->body_len,
		.into = call->into,
		.into_size = call->into_size,
	};
	if (rc == 0)
		rc = mrt_buf_check(&url, err);
	if (rc == 0)
		rc = mrt_http_request(http, ctx, &http_request, response, err);
	for (size_t i = 0; i < n_lines; i++)
		mrt_buf_release(&lines[i]);
	mrt_s3_credentials_done(s3, temporary);
	return rc;
}

static void learn(struct mrt_s3 *s3, const struct mrt_context *ctx,
                  const struct mrt_http_response *response)
{
	s3->answered = true;
	char date[64];
	int64_t then;
	if (mrt_http_header(response, "date", date, sizeof(date)) &&
	    mrt_time_parse_http(date, &then, NULL) == 0) {
		s3->skew = then * MRT_SECOND - ctx->wall();
		s3->has_clock = true;
	}
}

static int code_of_status(long status)
{
	switch (status) {
	case 404:
		return MRT_NOT_FOUND;
	case 409:
		return MRT_CHANGED;
	case 412:
		return MRT_EXISTS;
	default:
		return MRT_REFUSED;
	}
}

static void add_hint(const struct mrt_s3 *s3, const char *code, struct mrt_error *err)
{
	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		mrt_hint(err, "this machine's clock is wrong: the store says %+" PRId64 " s",
		         s3->skew / MRT_SECOND);
	else if (strcmp(code, "SignatureDoesNotMatch") == 0)
		mrt_hint(err, "is the secret key right (no newline at its end), and the region?");
	else if (strcmp(code, "InvalidAccessKeyId") == 0)
		mrt_hint(err, "is the access key the one of this endpoint, %s?", s3->base_url);
	else if (strcmp(code, "NoSuchBucket") == 0)
		mrt_hint(err, "make the bucket '%s' first, or mend store.url", s3->bucket);
}

/* 0 for success; otherwise the error, and whether to try again. */
static int judge_response(struct mrt_s3 *s3, const struct mrt_s3_call *call,
                          struct mrt_http_response *r, bool *retry, struct mrt_error *err)
{
	bool good = r->status >= 200 && r->status < 300;
	const char *body = mrt_buf_text(&r->body);
	/* CompleteMultipartUpload (and copies) may answer 200 and then say that it failed */
	bool suspicious = good && !call->into && strstr(body, "<Error>");
	if (good && !suspicious)
		return 0;
	mrt_auto(mrt_xml) *xml = NULL;
	if (r->body.len > 0 && mrt_xml_parse(r->body.data, r->body.len, &xml, NULL) < 0)
		xml = NULL;
	/* a list of deletions has errors inside, one for each key */
	bool disguised = suspicious && !(xml && strcmp(xml->name, "DeleteResult") == 0);
	if (good && !disguised)
		return 0;
	const char *code = mrt_xml_text(xml, "Code"), *message = mrt_xml_text(xml, "Message");
	*retry = disguised || r->status == 429 || r->status == 500 || r->status == 502 ||
	         r->status == 503 || r->status == 504 || strcmp(code, "RequestTimeout") == 0;
	if (disguised)
		*retry = strcmp(code, "InternalError") == 0 || strcmp(code, "SlowDown") == 0 ||
		         strcmp(code, "ServiceUnavailable") == 0;
	int rc = disguised ? MRT_FAILED : code_of_status(r->status);
	if (r->status >= 500)
		rc = r->status == 501 ? MRT_UNSUPPORTED : MRT_UNREACHABLE;
	mrt_fail(err, rc, "%s answered %ld%s%s%s%s to %s", s3->base_url, r->status,
	         *code ? " " : "", code, *message ? ": " : "", message, call->method);
	add_hint(s3, code, err);
	return rc;
}

static int64_t retry_after(const struct mrt_http_response *response)
{
	char text[32];
	int64_t seconds = 0;
	if (mrt_http_header(response, "retry-after", text, sizeof(text)) &&
	    mrt_number_parse(text, 0, 300, &seconds, NULL) == 0)
		return seconds * MRT_SECOND;
	return 0;
}

int mrt_s3_call(struct mrt_s3 *s3, const struct mrt_context *ctx, struct mrt_s3_call *call,
                struct mrt_http_response *response, struct mrt_error *err)
{
	struct mrt_error local;
	err = err ? err : &local;
	struct prepared p = { 0 };
	int rc = prepare(s3, call, &p, err);
	if (rc < 0)
		return rc;
	mrt_auto(mrt_http) *http = take_http(s3, err);
	if (!http)
		return err->code;
	struct mrt_retry tries;
	mrt_retry_init(&tries, s3->options.retry_first, s3->options.retry_longest,
	               s3->options.give_up_after);
	for (;;) {
		bool retry = false;
		rc = send_once(s3, http, ctx, call, &p, response, err);
		if (rc == 0) {
			learn(s3, ctx, response);
			rc = judge_response(s3, call, response, &retry, err);
		} else {
			retry = response->retryable;
			response->status = 0;
		}
		if (rc == 0 || !retry)
			break;
		call->lost = true;
		if (call->once)
			break;
		if (!s3->answered && tries.give_up_after > FIRST_CONTACT)
			tries.give_up_after = FIRST_CONTACT;
		mrt_debug_because(ctx, err, "trying again");
		int64_t at_least = retry_after(response);
		int stop = mrt_retry_wait(&tries, ctx, at_least, err);
		if (stop < 0) {
			rc = stop;
			break;
		}
	}
	give_http(s3, mrt_steal(http));
	return rc;
}

int mrt_s3_call_xml(struct mrt_s3 *s3, const struct mrt_context *ctx, struct mrt_s3_call *call,
                    const char *name, struct mrt_xml **ret, struct mrt_error *err)
{
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	int rc = mrt_s3_call(s3, ctx, call, &response, err);
	if (rc < 0)
		return rc;
	mrt_auto(mrt_xml) *xml = NULL;
	rc = mrt_xml_parse(mrt_buf_text(&response.body), response.body.len, &xml, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s answered", s3->base_url);
	if (strcmp(xml->name, name) != 0)
		return mrt_fail(err, MRT_FAILED, "%s answered <%.40s> where <%s> belongs",
		                s3->base_url, xml->name, name);
	*ret = mrt_steal(xml);
	return 0;
}

int mrt_s3_head(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                struct mrt_s3_head *ret, struct mrt_error *err)
{
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	struct mrt_s3_call call = { .method = "HEAD", .key = key };
	int rc = mrt_s3_call(s3, ctx, &call, &response, err);
	if (rc == MRT_NOT_FOUND)
		return mrt_fail(err, MRT_NOT_FOUND, "no such object");
	if (rc < 0)
		return rc;
	char text[64];
	int64_t size = 0;
	*ret = (struct mrt_s3_head) { 0 };
	if (!mrt_http_header(&response, "content-length", text, sizeof(text)) ||
	    mrt_number_parse(text, 0, INT64_MAX, &size, err) < 0)
		return mrt_fail(err, MRT_FAILED, "%s told no size of %s", s3->base_url, key);
	ret->size = (uint64_t)size;
	if (mrt_http_header(&response, "last-modified", text, sizeof(text)))
		mrt_time_parse_http(text, &ret->modified, NULL);
	mrt_http_header(&response, "etag", ret->etag, sizeof(ret->etag));
	mrt_http_header(&response, MRT_S3_NONCE, ret->nonce, sizeof(ret->nonce));
	return 0;
}

int mrt_s3_key(const struct mrt_s3 *s3, const char *key, char **ret, struct mrt_error *err)
{
	return mrt_text_printf(ret, err, "%s%s", s3->prefix, key);
}
