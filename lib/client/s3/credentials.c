/* credentials.c - asks STS, a container's or an instance's credential service. */
#include "client/s3/credentials.h"
#include "base/file.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/xml.h"

#include <stdio.h>
#include <string.h>

#define ECS_HOST "169.254.170.2"
#define ASK_LIMIT (10 * MRT_SECOND)
#define IMDS_LIMIT (2 * MRT_SECOND) /* it is near, or it is not there */
#define TOKEN_MAX ((size_t)1 << 20)

void mrt_aws_credentials_unref(struct mrt_aws_credentials *c)
{
	if (!c || --c->references > 0)
		return;
	char *texts[] = { c->access_key, c->secret_key, c->session_token, c->source };
	for (size_t i = 0; i < MRT_COUNT(texts); i++) {
		if (texts[i])
			explicit_bzero(texts[i], strlen(texts[i]));
		free(texts[i]);
	}
	free(c);
}

static void unref(struct mrt_aws_credentials **c)
{
	mrt_aws_credentials_unref(*c);
}

struct asking {
	const struct mrt_context *ctx;
	struct mrt_http *http;
	int64_t limit;
};

/* One request; an answer that is not 200 is MRT_REFUSED with its words. */
static int ask_endpoint(const struct asking *a, const char *method, const char *url,
                        const char *header, const char *body, struct mrt_buf *ret,
                        struct mrt_error *err)
{
	struct mrt_context limited = *a->ctx;
	int64_t until = mrt_clock_monotonic() + a->limit;
	if (limited.deadline == 0 || limited.deadline > until)
		limited.deadline = until;
	const char *headers[] = { header };
	const struct mrt_http_request request = { .method = method,
		                                  .url = url,
		                                  .headers = headers,
		                                  .n_headers = header ? 1 : 0,
		                                  .body = body,
		                                  .body_len = body ? strlen(body) : 0 };
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	int rc = mrt_http_request(a->http, &limited, &request, &response, err);
	/* our own limit, not --timeout */
	if (rc == MRT_DEADLINE && mrt_context_check(a->ctx, NULL) == 0)
		return mrt_fail(err, MRT_UNREACHABLE, "no answer from %s in time", url);
	if (rc == 0 && response.status != 200)
		rc = mrt_fail(err, response.status >= 500 ? MRT_UNREACHABLE : MRT_REFUSED,
		              "%s answered %ld %.300s", url, response.status,
		              mrt_buf_text(&response.body));
	if (rc == 0)
		mrt_buf_add(ret, mrt_buf_text(&response.body), response.body.len);
	explicit_bzero(response.body.data ? response.body.data : (char[1]) { 0 },
	               response.body.len);
	return rc < 0 ? rc : mrt_buf_check(ret, err);
}

static int make(const struct mrt_context *ctx, const char *access, const char *secret,
                const char *token, const char *expires, const char *source,
                struct mrt_aws_credentials **ret, struct mrt_error *err)
{
	mrt_cleanup(unref) struct mrt_aws_credentials *c = calloc(1, sizeof(*c));
	if (!c)
		return mrt_no_memory(err);
	c->references = 1;
	if (!access || !*access || !secret || !*secret)
		return mrt_fail(err, MRT_FAILED, "the answer holds no credentials");
	int rc = mrt_text_dup(access, &c->access_key, err);
	if (rc == 0)
		rc = mrt_text_dup(secret, &c->secret_key, err);
	if (rc == 0 && token && *token)
		rc = mrt_text_dup(token, &c->session_token, err);
	if (rc == 0)
		rc = mrt_text_dup(source, &c->source, err);
	if (rc == 0 && expires && *expires)
		rc = mrt_time_parse(expires, &c->expires, err);
	if (rc == 0)
		rc = mrt_log_secret(ctx->log, c->secret_key, err);
	if (rc == 0 && c->session_token)
		rc = mrt_log_secret(ctx->log, c->session_token, err);
	if (rc == 0)
		*ret = mrt_steal(c);
	return rc;
}

static int from_json(const struct mrt_context *ctx, const struct mrt_buf *text, const char *source,
                     struct mrt_aws_credentials **ret, struct mrt_error *err)
{
	mrt_auto_json json = NULL;
	int rc = mrt_json_parse(mrt_buf_text(text), text->len, &json, err);
	if (rc < 0)
		return mrt_fail_because(err, MRT_FAILED, err, "the answer is no JSON");
	return make(ctx, mrt_json_text_or(json, "AccessKeyId", NULL),
	            mrt_json_text_or(json, "SecretAccessKey", NULL),
	            mrt_json_text_or(json, "Token", NULL),
	            mrt_json_text_or(json, "Expiration", NULL), source, ret, err);
}

/* A token's file, without the line feed at its end. */
static int read_token(const char *path, struct mrt_buf *ret, struct mrt_error *err)
{
	ret->ceiling = TOKEN_MAX;
	int rc = mrt_file_read(path, ret, err);
	while (rc == 0 && ret->len > 0 && strchr("\r\n ", ret->data[ret->len - 1]))
		ret->data[--ret->len] = '\0';
	if (rc == 0 && (ret->len == 0 || strpbrk(ret->data, "\r\n")))
		rc = mrt_fail(err, MRT_FAILED, "%s holds no token", path);
	return rc;
}

static int from_web_identity(const struct asking *a, const struct mrt_aws_sources *s,
                             const char *region, struct mrt_aws_credentials **ret,
                             struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf token = MRT_BUF_INIT, body = MRT_BUF_INIT,
	                                         answer = MRT_BUF_INIT;
	mrt_autofree char *url = NULL, *source = NULL;
	mrt_auto(mrt_xml) *xml = NULL;
	const char *session = s->session_name ? s->session_name : "maratea";
	int rc = read_token(s->token_file, &token, err);
	if (rc == 0)
		rc = mrt_log_secret(a->ctx->log, mrt_buf_text(&token), err);
	if (rc < 0)
		return rc;
	mrt_buf_add_text(&body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
	mrt_percent_encode(&body, s->role_arn, strlen(s->role_arn), "-_.~");
	mrt_buf_add_text(&body, "&RoleSessionName=");
	mrt_percent_encode(&body, session, strlen(session), "-_.~");
	mrt_buf_add_text(&body, "&WebIdentityToken=");
	mrt_percent_encode(&body, token.data, token.len, "-_.~");
	rc = mrt_buf_check(&body, err);
	if (rc == 0)
		rc = s->sts_endpoint
		             ? mrt_text_dup(s->sts_endpoint, &url, err)
		             : mrt_text_printf(&url, err, "https://sts.%s.amazonaws.com/", region);
	if (rc == 0)
		rc = ask_endpoint(a, "POST", url, "Content-Type: application/x-www-form-urlencoded",
		                  body.data, &answer, err);
	if (rc == 0)
		rc = mrt_xml_parse(mrt_buf_text(&answer), answer.len, &xml, err);
	if (rc == 0)
		rc = mrt_text_printf(&source, err, "web identity, role %s", s->role_arn);
	const struct mrt_xml *found =
	        rc == 0 ? mrt_xml_child(xml, "AssumeRoleWithWebIdentityResult") : NULL;
	found = found ? mrt_xml_child(found, "Credentials") : NULL;
	return rc < 0 ? rc
	              : make(a->ctx, mrt_xml_text(found, "AccessKeyId"),
	                     mrt_xml_text(found, "SecretAccessKey"),
	                     mrt_xml_text(found, "SessionToken"), mrt_xml_text(found, "Expiration"),
	                     source, ret, err);
}

/* Without TLS only where nobody is between: this machine, or the container's own network. */
static bool may_be_asked(const char *uri)
{
	static const char *const near[] = { "localhost", "127.0.0.1",      "[::1]",
		                            ECS_HOST,    "169.254.170.23", "[fd00:ec2::23]" };
	if (strncmp(uri, "https://", 8) == 0)
		return true;
	if (strncmp(uri, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < MRT_COUNT(near); i++) {
		size_t n = strlen(near[i]);
		if (strncmp(uri + 7, near[i], n) == 0 && (!uri[7 + n] || strchr(":/", uri[7 + n])))
			return true;
	}
	return false;
}

static int from_container(const struct asking *a, const struct mrt_aws_sources *s,
                          struct mrt_aws_credentials **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf token = MRT_BUF_INIT, header = MRT_BUF_INIT,
	                                         answer = MRT_BUF_INIT;
	mrt_autofree char *source = NULL;
	if (!may_be_asked(s->container_uri))
		return mrt_fail(err, MRT_FAILED, "%s is neither https nor on this host",
		                s->container_uri);
	int rc = 0;
	if (s->container_token_file)
		rc = read_token(s->container_token_file, &token, err);
	else if (s->container_token)
		mrt_buf_add_text(&token, s->container_token);
	if (rc == 0)
		rc = mrt_log_secret(a->ctx->log, mrt_buf_text(&token), err);
	if (rc == 0 && token.len > 0)
		mrt_buf_printf(&header, "Authorization: %s", token.data);
	if (rc == 0)
		rc = mrt_buf_check(&header, err);
	if (rc == 0)
		rc = ask_endpoint(a, "GET", s->container_uri, header.len > 0 ? header.data : NULL,
		                  NULL, &answer, err);
	if (rc == 0)
		rc = mrt_text_printf(&source, err, "container, %s", s->container_uri);
	return rc < 0 ? rc : from_json(a->ctx, &answer, source, ret, err);
}

static int from_instance(const struct asking *a, const struct mrt_aws_sources *s,
                         struct mrt_aws_credentials **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf token = MRT_BUF_INIT, header = MRT_BUF_INIT,
	                                         role = MRT_BUF_INIT, answer = MRT_BUF_INIT;
	mrt_autofree char *url = NULL, *list = NULL, *one = NULL, *source = NULL;
	struct asking brief = *a;
	brief.limit = IMDS_LIMIT;
	int rc = mrt_text_printf(&url, err, "%s/latest/api/token", s->imds_endpoint);
	if (rc == 0)
		rc = mrt_text_printf(&list, err, "%s/latest/meta-data/iam/security-credentials/",
		                     s->imds_endpoint);
	if (rc == 0)
		rc = ask_endpoint(&brief, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600",
		                  "", &token, err);
	if (rc == 0)
		rc = mrt_log_secret(a->ctx->log, mrt_buf_text(&token), err);
	if (rc == 0)
		mrt_buf_printf(&header, "X-aws-ec2-metadata-token: %s", mrt_buf_text(&token));
	if (rc == 0)
		rc = mrt_buf_check(&header, err);
	if (rc == 0)
		rc = ask_endpoint(&brief, "GET", list, header.data, NULL, &role, err);
	if (rc == 0)
		rc = mrt_text_printf(&one, err, "%s%.*s", list,
		                     (int)strcspn(mrt_buf_text(&role), "\r\n"),
		                     mrt_buf_text(&role));
	if (rc == 0)
		rc = ask_endpoint(&brief, "GET", one, header.data, NULL, &answer, err);
	if (rc == 0)
		rc = mrt_text_printf(&source, err, "instance, role %.*s",
		                     (int)strcspn(mrt_buf_text(&role), "\r\n"),
		                     mrt_buf_text(&role));
	return rc < 0 ? rc : from_json(a->ctx, &answer, source, ret, err);
}

int mrt_aws_credentials_get(const struct mrt_context *ctx, const struct mrt_aws_sources *s,
                            const char *region, const struct mrt_http_options *http,
                            struct mrt_aws_credentials **ret, struct mrt_error *err)
{
	mrt_auto(mrt_http) *client = NULL;
	struct mrt_http_options options = *http;
	const char *what = "web identity";
	struct mrt_error why = { 0 };
	/* the token and the keys of the other two go to nobody in between */
	options.direct = !(s->role_arn && s->token_file) &&
	                 !(s->container_uri && strncmp(s->container_uri, "https://", 8) == 0);
	options.connect_timeout =
	        IMDS_LIMIT < http->connect_timeout ? IMDS_LIMIT : http->connect_timeout;
	int rc = mrt_http_new(&options, &client, err);
	if (rc < 0)
		return rc;
	const struct asking a = { ctx, client, ASK_LIMIT };
	/* what somebody set up must work: no other source is asked instead */
	if (s->role_arn && s->token_file) {
		rc = from_web_identity(&a, s, region, ret, &why);
	} else if (s->container_uri) {
		what = "container";
		rc = from_container(&a, s, ret, &why);
	} else if (s->imds_endpoint) {
		what = "instance";
		rc = from_instance(&a, s, ret, &why);
	} else {
		return mrt_fail(err, MRT_CONFIG, "there are no credentials for the store");
	}
	if (rc == 0)
		return 0;
	if (rc == MRT_CANCELLED || rc == MRT_DEADLINE || rc == MRT_NO_MEMORY) {
		if (err)
			*err = why;
		return rc;
	}
	/* an instance without the service is one that gives no credentials; the others were set up
	 */
	bool away = rc == MRT_UNREACHABLE && strcmp(what, "instance") != 0;
	return mrt_fail_because(err, away ? MRT_UNREACHABLE : MRT_CONFIG, &why,
	                        "no credentials for the store: %s", what);
}
