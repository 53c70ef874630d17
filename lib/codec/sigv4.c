/* sigv4.c - AWS Signature Version 4. */
#include "codec/sigv4.h"
#include "base/clock.h"
#include "base/text.h"
#include "codec/digest.h"

#include <string.h>

#define UNRESERVED "-._~"
#define PAIRS_MAX 32

static int by_name(const void *a, const void *b)
{
	const struct mrt_pair *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->value, y->value);
}

/* Sorted by encoded name. Encoding keeps the order of the names that S3 has (letters, digits, "-"),
 * so that sorting before encoding is the same. */
static void add_query(struct mrt_buf *buf, const struct mrt_pair *sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			mrt_buf_add_char(buf, '&');
		mrt_percent_encode(buf, sorted[i].name, strlen(sorted[i].name), UNRESERVED);
		mrt_buf_add_char(buf, '=');
		mrt_percent_encode(buf, sorted[i].value, strlen(sorted[i].value), UNRESERVED);
	}
}

/* Lower-case names, values with outer blanks removed and inner runs of blanks made one. */
static void add_headers(struct mrt_buf *buf, const struct mrt_pair *sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		mrt_buf_add_text(buf, sorted[i].name);
		mrt_buf_add_char(buf, ':');
		const char *v = sorted[i].value;
		v += strspn(v, " ");
		for (; *v; v++)
			if (*v != ' ' || (v[1] != ' ' && v[1] != '\0'))
				mrt_buf_add_char(buf, *v);
		mrt_buf_add_char(buf, '\n');
	}
}

static void add_names(struct mrt_buf *buf, const struct mrt_pair *sorted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mrt_buf_printf(buf, "%s%s", i > 0 ? ";" : "", sorted[i].name);
}

static int sign(const struct mrt_sigv4 *r, const char *date, const struct mrt_buf *to_sign,
                char ret[MRT_SHA256_HEX], struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf secret = MRT_BUF_INIT;
	mrt_buf_printf(&secret, "AWS4%s", r->secret_key);
	int rc = mrt_buf_check(&secret, err);
	if (rc < 0)
		return rc;
	unsigned char key[MRT_SHA256_SIZE];
	rc = mrt_hmac_sha256(secret.data, secret.len, date, strlen(date), key, err);
	const char *const steps[] = { r->region, r->service, "aws4_request" };
	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = mrt_hmac_sha256(key, sizeof(key), steps[i], strlen(steps[i]), key, err);
	if (rc == 0)
		rc = mrt_hmac_sha256(key, sizeof(key), to_sign->data, to_sign->len, key, err);
	mrt_hex(key, sizeof(key), ret);
	explicit_bzero(key, sizeof(key));
	return rc;
}

int mrt_sigv4_sign(const struct mrt_sigv4 *r, struct mrt_buf *ret_target,
                   struct mrt_buf *ret_authorization, struct mrt_error *err)
{
	struct mrt_pair query[PAIRS_MAX], headers[PAIRS_MAX];
	if (r->n_query > PAIRS_MAX || r->n_headers > PAIRS_MAX)
		return mrt_fail(err, MRT_FAILED, "too many headers to sign");
	if (r->n_query > 0)
		memcpy(query, r->query, r->n_query * sizeof(*query));
	memcpy(headers, r->headers, r->n_headers * sizeof(*headers));
	qsort(query, r->n_query, sizeof(*query), by_name);
	qsort(headers, r->n_headers, sizeof(*headers), by_name);

	mrt_auto_buf path = MRT_BUF_INIT, canonical = MRT_BUF_INIT, to_sign = MRT_BUF_INIT;
	mrt_percent_encode(&path, r->path, strlen(r->path), UNRESERVED "/");
	mrt_buf_printf(&canonical, "%s\n%s\n", r->method, mrt_buf_text(&path));
	add_query(&canonical, query, r->n_query);
	mrt_buf_add_char(&canonical, '\n');
	add_headers(&canonical, headers, r->n_headers);
	mrt_buf_add_char(&canonical, '\n');
	add_names(&canonical, headers, r->n_headers);
	mrt_buf_printf(&canonical, "\n%s", r->payload_sha256);
	int rc = mrt_buf_check(&canonical, err);
	if (rc < 0)
		return rc;

	unsigned char digest[MRT_SHA256_SIZE];
	char hex[MRT_SHA256_HEX], date[MRT_TIME_SIZE], time[MRT_TIME_SIZE];
	mrt_time_format(r->time, MRT_TIME_DATE, date);
	mrt_time_format(r->time, MRT_TIME_BASIC, time);
	rc = mrt_sha256(canonical.data, canonical.len, digest, err);
	mrt_hex(digest, sizeof(digest), hex);
	mrt_buf_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", time, date,
	               r->region, r->service, hex);
	if (rc == 0)
		rc = mrt_buf_check(&to_sign, err);
	if (rc == 0)
		rc = sign(r, date, &to_sign, hex, err);
	if (rc < 0)
		return rc;

	mrt_buf_add(ret_target, path.data, path.len);
	if (r->n_query > 0)
		mrt_buf_add_char(ret_target, '?');
	add_query(ret_target, query, r->n_query);
	mrt_buf_printf(ret_authorization,
	               "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request,SignedHeaders=",
	               r->access_key, date, r->region, r->service);
	add_names(ret_authorization, headers, r->n_headers);
	mrt_buf_printf(ret_authorization, ",Signature=%s", hex);
	rc = mrt_buf_check(ret_target, err);
	return rc < 0 ? rc : mrt_buf_check(ret_authorization, err);
}
