/* driver.c - the s3 driver: where the bucket is, and what all its calls share. */
#include "client/s3/driver.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void s3_free(struct mrt_store *store)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_workers_free(s3->workers); /* first: they use all the rest */
	while (s3->n_idle > 0)
		mrt_http_free(s3->idle[--s3->n_idle]);
	mrt_pool_free(s3->pool);
	mrt_aws_credentials_unref(s3->temporary);
	pthread_mutex_destroy(&s3->credentials_lock);
	pthread_mutex_destroy(&s3->lock);
	char *texts[] = { s3->store.name, s3->bucket,   s3->prefix,   s3->base_url,
		          s3->host,       s3->path,     s3->region,   s3->access_key,
		          s3->ca_file,    s3->resolver, s3->lock_mode };
	for (size_t i = 0; i < MRT_COUNT(texts); i++)
		free(texts[i]);
	if (s3->secret_key)
		explicit_bzero(s3->secret_key, strlen(s3->secret_key));
	if (s3->session_token)
		explicit_bzero(s3->session_token, strlen(s3->session_token));
	free(s3->secret_key);
	free(s3->session_token);
	free(s3);
}

static int s3_head(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                   struct mrt_object *ret, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_autofree char *full = NULL;
	struct mrt_s3_head head;
	int rc = mrt_s3_key(s3, key, &full, err);
	if (rc == 0)
		rc = mrt_s3_head(s3, ctx, full, &head, err);
	if (rc == 0)
		*ret = (struct mrt_object) { .size = head.size, .modified = head.modified };
	return rc;
}

/* s3://bucket/prefix */
static int split_url(struct mrt_s3 *s3, const char *url, struct mrt_error *err)
{
	const char *bucket = url + strlen("s3://");
	size_t n = strcspn(bucket, "/");
	if (n < 3)
		return mrt_fail(err, MRT_CONFIG,
		                "store.url '%s': a bucket's name has at least 3 characters", url);
	if (strpbrk(bucket, "?#@"))
		return mrt_fail(err, MRT_CONFIG, "store.url '%s': write s3://bucket/prefix", url);
	int rc = mrt_text_printf(&s3->bucket, err, "%.*s", (int)n, bucket);
	const char *prefix = bucket + n;
	prefix += strspn(prefix, "/");
	size_t len = strlen(prefix);
	while (len > 0 && prefix[len - 1] == '/')
		len--;
	if (rc == 0)
		rc = mrt_text_printf(&s3->prefix, err, "%.*s%s", (int)len, prefix,
		                     len > 0 ? "/" : "");
	return rc < 0 ? rc : mrt_text_dup(url, &s3->store.name, err);
}

/* The Host header carries the port only where it is not the scheme's own. */
static size_t host_length(const char *host, bool tls)
{
	size_t n = strlen(host);
	const char *usual = tls ? ":443" : ":80";
	size_t u = strlen(usual);
	return n > u && strcmp(host + n - u, usual) == 0 ? n - u : n;
}

static int place(struct mrt_s3 *s3, const struct mrt_store_options *o, struct mrt_error *err)
{
	mrt_autofree char *endpoint = NULL;
	int rc = o->endpoint ? mrt_text_dup(o->endpoint, &endpoint, err)
	                     : mrt_text_printf(&endpoint, err, "https://s3.%s.amazonaws.com",
	                                       s3->region);
	if (rc < 0)
		return rc;
	size_t n = strlen(endpoint);
	while (n > 0 && endpoint[n - 1] == '/')
		endpoint[--n] = '\0';
	s3->tls = strncmp(endpoint, "https://", 8) == 0;
	const char *host = endpoint + (s3->tls ? 8 : 7);
	if ((!s3->tls && strncmp(endpoint, "http://", 7) != 0) || !*host || strpbrk(host, "/?#@ "))
		return mrt_fail(err, MRT_CONFIG, "store.endpoint '%s': write https://host[:port]",
		                endpoint);
	const char *style = o->style ? o->style : "auto";
	bool virtual = strcmp(style, "virtual") == 0 ||
	               (strcmp(style, "auto") == 0 && !o->endpoint && !strchr(s3->bucket, '.'));
	const char *dot = virtual ? "." : "", *bucket = virtual ? s3->bucket : "";
	rc = mrt_text_printf(&s3->base_url, err, "%s://%s%s%s", s3->tls ? "https" : "http", bucket,
	                     dot, host);
	if (rc == 0)
		rc = mrt_text_printf(&s3->host, err, "%s%s%.*s", bucket, dot,
		                     (int)host_length(host, s3->tls), host);
	if (rc == 0)
		rc = mrt_text_printf(&s3->path, err, "%s%s", virtual ? "" : "/",
		                     virtual ? "" : s3->bucket);
	return rc;
}

static int copy_or_null(const char *text, char **ret, struct mrt_error *err)
{
	return text && *text ? mrt_text_dup(text, ret, err) : 0;
}

static int fill(struct mrt_s3 *s3, const struct mrt_store_options *o, struct mrt_error *err)
{
	int rc = split_url(s3, o->url, err);
	if (rc == 0)
		rc = mrt_text_dup(o->region ? o->region : "us-east-1", &s3->region, err);
	if (rc == 0)
		rc = copy_or_null(o->access_key, &s3->access_key, err);
	if (rc == 0)
		rc = copy_or_null(o->secret_key, &s3->secret_key, err);
	if (rc == 0)
		rc = copy_or_null(o->object_lock_mode, &s3->lock_mode, err);
	if (o->aws)
		s3->aws = *o->aws;
	if (rc == 0)
		rc = copy_or_null(o->session_token, &s3->session_token, err);
	if (rc == 0)
		rc = copy_or_null(o->http.ca_file, &s3->ca_file, err);
	if (rc == 0)
		rc = copy_or_null(o->http.dns.resolver, &s3->resolver, err);
	if (rc == 0)
		rc = place(s3, o, err);
	s3->options = *o;
	s3->options.http.ca_file = s3->ca_file;
	s3->options.http.dns.resolver = s3->resolver;
	if (rc == 0)
		rc = mrt_pool_new(o->part_size, o->buffers, &s3->pool, err);
	return rc < 0 ? rc : mrt_workers_new(o->concurrency, false, &s3->workers, err);
}

int mrt_store_s3_open(const struct mrt_store_options *options, struct mrt_store **ret,
                      struct mrt_error *err)
{
	static const struct mrt_store_ops ops = {
		.put = mrt_s3_put,
		.get = mrt_s3_get,
		.head = s3_head,
		.list = mrt_s3_list,
		.delete_many = mrt_s3_delete,
		.leftovers = mrt_s3_leftovers,
		.versioned = mrt_s3_versioned,
		.versions = mrt_s3_versions,
		.read_retention = mrt_s3_read_retention,
		.delete_versions = mrt_s3_delete_versions,
		.settings = mrt_s3_settings,
		.probe = mrt_s3_probe,
		.free = s3_free,
	};
	if ((!options->access_key || !options->secret_key) && !options->aws) {
		mrt_fail(err, MRT_CONFIG, "no credentials for %s", options->url);
		return mrt_hint(err, MRT_S3_CREDENTIALS_HINT);
	}
	struct mrt_s3 *s3 = calloc(1, sizeof(*s3));
	if (!s3)
		return mrt_no_memory(err);
	s3->store.ops = &ops;
	s3->store.odd_keys = true;
	pthread_mutex_init(&s3->lock, NULL);
	pthread_mutex_init(&s3->credentials_lock, NULL);
	mrt_auto(mrt_store) *store = &s3->store;
	int rc = fill(s3, options, err);
	if (rc == 0)
		*ret = mrt_steal(store);
	return rc;
}
