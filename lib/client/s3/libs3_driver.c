/* libs3_driver.c - the driver over libs3: for gateways that still want signature version 2.
 *
 * An object is buffered until its commit, and goes up in one PUT after a HEAD has said that the
 * name is free: exactly one of several writers does not win here, and says so
 * (capabilities.conditional_put).
 */
#include "base/text.h"
#include "client/s3/libs3_call.h"
#include "codec/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANGE ((size_t)4 << 20) /* of one GET */

static int full_key(const struct mrt_libs3 *l, const char *key, char **ret, struct mrt_error *err)
{
	return mrt_text_printf(ret, err, "%s%s", l->prefix, key);
}

struct put {
	struct mrt_sink sink;
	struct mrt_libs3 *l;
	const struct mrt_context *ctx;
	char *key;
	char *data;
	size_t len, cap;
};

static int too_much(const struct put *p, struct mrt_error *err)
{
	char size[MRT_SIZE_SIZE];
	mrt_size_format(p->l->largest, size);
	mrt_fail(err, MRT_CONFIG, "with the driver libs3 an object has at most %s", size);
	return mrt_hint(err, "raise store.libs3-max-object, lower store.volume-size, or use the "
	                     "driver s3");
}

/* The memory of all puts together is bounded. */
static int grow(struct put *p, size_t need, struct mrt_error *err)
{
	size_t cap = p->cap ? p->cap : 65536;
	while (cap < need)
		cap *= 2;
	if (cap > p->l->largest)
		cap = (size_t)p->l->largest;
	uint64_t more = cap - p->cap;
	if (atomic_fetch_add(&p->l->buffered, more) + more > p->l->budget) {
		atomic_fetch_sub(&p->l->buffered, more);
		mrt_fail(err, MRT_CONFIG,
		         "objects of %zu bytes and more at a time are too much for the memory: the "
		         "driver libs3 holds them whole",
		         need);
		return mrt_hint(err, "raise --memory (backup.memory), or use the driver s3");
	}
	char *grown = realloc(p->data, cap);
	if (!grown) {
		atomic_fetch_sub(&p->l->buffered, more);
		return mrt_no_memory(err);
	}
	p->data = grown;
	p->cap = cap;
	return 0;
}

static int put_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct put *p = (struct put *)sink;
	if (len > p->l->largest - p->len)
		return too_much(p, err);
	int rc = mrt_context_check(p->ctx, err);
	if (rc == 0 && p->len + len > p->cap)
		rc = grow(p, p->len + len, err);
	if (rc < 0)
		return rc;
	memcpy(p->data + p->len, data, len);
	p->len += len;
	return 0;
}

/* There is nowhere to put it yet. */
static int put_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	(void)sink;
	(void)err;
	return 0;
}

/* Is the name free? 0; MRT_EXISTS; with a nonce, ours counts as free, and *ret_ours says so. */
static int look(struct put *p, const char *nonce, bool *ret_ours, struct mrt_error *err)
{
	struct mrt_libs3_call head = { .key = p->key, .issue = mrt_libs3_issue_head };
	int rc = mrt_libs3_call(p->l, p->ctx, &head, false, err);
	*ret_ours = rc == 0 && nonce && strcmp(head.found_nonce, nonce) == 0 && head.size == p->len;
	if (rc == MRT_NOT_FOUND)
		return 0;
	return rc < 0 || *ret_ours ? rc : mrt_fail(err, MRT_EXISTS, "the name is taken");
}

static int put_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	struct put *p = (struct put *)sink;
	unsigned char digest[MRT_MD5_SIZE];
	char nonce[MRT_LIBS3_NONCE_SIZE];
	mrt_auto_buf md5 = MRT_BUF_INIT;
	bool ours = false;
	mrt_random_hex((MRT_LIBS3_NONCE_SIZE - 1) / 2, nonce);
	int rc = mrt_md5(p->data ? p->data : "", p->len, digest, err);
	mrt_base64(&md5, digest, sizeof(digest));
	if (rc == 0)
		rc = mrt_buf_check(&md5, err);
	if (rc == 0)
		rc = look(p, NULL, &ours, err);
	struct mrt_libs3_call put = { .key = p->key,
		                      .issue = mrt_libs3_issue_put,
		                      .data = p->data ? p->data : "",
		                      .len = p->len,
		                      .nonce = nonce,
		                      .md5 = mrt_buf_text(&md5) };
	if (rc == 0)
		rc = mrt_libs3_call(p->l, p->ctx, &put, false, err);
	if (rc < 0 && put.lost && look(p, nonce, &ours, NULL) == 0 && ours)
		rc = 0; /* an answer was lost, the object was not */
	return rc;
}

static void put_free(struct mrt_sink *sink)
{
	struct put *p = (struct put *)sink;
	atomic_fetch_sub(&p->l->buffered, p->cap);
	free(p->data);
	free(p->key);
	free(p);
}

static int libs3_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                     int64_t since, struct mrt_sink **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = {
		.write = put_write, .prepare = put_prepare, .commit = put_commit, .free = put_free
	};
	(void)since; /* see mrt_store_libs3_open() */
	struct put *p = calloc(1, sizeof(*p));
	if (!p)
		return mrt_no_memory(err);
	*p = (struct put) { .sink.ops = &ops, .l = (struct mrt_libs3 *)store, .ctx = ctx };
	mrt_auto(mrt_sink) *sink = &p->sink;
	bool ours;
	int rc = full_key(p->l, key, &p->key, err);
	if (rc == 0)
		rc = look(p, NULL, &ours, err);
	if (rc == 0)
		*ret = mrt_steal(sink);
	return rc;
}

static int head(struct mrt_libs3 *l, const struct mrt_context *ctx, const char *key,
                struct mrt_libs3_call *ret, struct mrt_error *err)
{
	mrt_autofree char *full = NULL;
	int rc = full_key(l, key, &full, err);
	*ret = (struct mrt_libs3_call) { .key = full, .issue = mrt_libs3_issue_head };
	if (rc == 0)
		rc = mrt_libs3_call(l, ctx, ret, false, err);
	ret->key = NULL;
	return rc;
}

static int libs3_head(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                      struct mrt_object *ret, struct mrt_error *err)
{
	struct mrt_libs3_call call;
	int rc = head((struct mrt_libs3 *)store, ctx, key, &call, err);
	if (rc == 0)
		*ret = (struct mrt_object) { .size = call.size, .modified = call.modified };
	return rc;
}

struct get {
	struct mrt_source source;
	struct mrt_libs3 *l;
	const struct mrt_context *ctx;
	char *key, etag[256], *range;
	uint64_t offset, left; /* not asked for yet */
	size_t from, to;       /* of range */
};

static int get_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                    struct mrt_error *err)
{
	struct get *g = (struct get *)source;
	if (g->from == g->to && g->left > 0) {
		size_t want = g->left < RANGE ? (size_t)g->left : RANGE;
		struct mrt_libs3_call call = { .key = g->key,
			                       .issue = mrt_libs3_issue_get,
			                       .into = g->range,
			                       .cap = want,
			                       .offset = g->offset,
			                       .match = g->etag };
		int rc = mrt_libs3_call(g->l, g->ctx, &call, false, err);
		if (rc == MRT_NOT_FOUND)
			rc = mrt_fail(err, MRT_CHANGED, "the object went while it was read");
		if (rc < 0)
			return rc;
		g->from = 0;
		g->to = want;
		g->offset += want;
		g->left -= want;
	}
	size_t n = g->to - g->from < cap ? g->to - g->from : cap;
	memcpy(data, g->range + g->from, n);
	g->from += n;
	*ret_len = n;
	return 0;
}

static void get_free(struct mrt_source *source)
{
	struct get *g = (struct get *)source;
	free(g->key);
	free(g->range);
	free(g);
}

static int libs3_get(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                     uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { .read = get_read, .free = get_free };
	struct mrt_libs3_call found;
	int rc = head((struct mrt_libs3 *)store, ctx, key, &found, err);
	if (rc < 0)
		return rc;
	struct get *g = calloc(1, sizeof(*g));
	if (!g)
		return mrt_no_memory(err);
	*g = (struct get) { .source.ops = &ops, .l = (struct mrt_libs3 *)store, .ctx = ctx };
	mrt_auto(mrt_source) *source = &g->source;
	snprintf(g->etag, sizeof(g->etag), "%s", found.etag);
	g->offset = offset < found.size ? offset : found.size;
	g->left = len < found.size - g->offset ? len : found.size - g->offset;
	g->range = malloc(RANGE);
	rc = g->range ? full_key(g->l, key, &g->key, err) : mrt_no_memory(err);
	if (rc == 0)
		*ret = mrt_steal(source);
	return rc;
}

static int libs3_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                      const char *token, unsigned limit, struct mrt_store_page *ret,
                      struct mrt_error *err)
{
	struct mrt_libs3 *l = (struct mrt_libs3 *)store;
	mrt_autofree char *full = NULL;
	struct mrt_store_page page = { 0 };
	size_t skip = strlen(l->prefix);
	int rc = full_key(l, prefix, &full, err);
	struct mrt_libs3_call call = { .issue = mrt_libs3_issue_list,
		                       .prefix = full,
		                       .marker = token,
		                       .limit = limit,
		                       .page = &page };
	if (rc == 0)
		rc = mrt_libs3_call(l, ctx, &call, false, err);
	if (rc == 0 && call.truncated && page.n == 0)
		rc = mrt_fail(err, MRT_FAILED, "%s: an empty page, and more to come", l->host);
	/* The next page begins behind the last key. libs3 takes an answer that was cut for one that
	 * ended: so the end is an empty page, and one that came twice. */
	if (rc == 0 && !call.truncated && page.n == 0)
		rc = mrt_libs3_call(l, ctx, &call, false, err);
	if (rc == 0 && page.n > 0)
		rc = mrt_text_dup(page.objects[page.n - 1].key, &page.token, err);
	for (size_t i = 0; rc == 0 && i < page.n; i++) {
		char *key = page.objects[i].key;
		if (strncmp(key, l->prefix, skip) != 0)
			rc = mrt_fail(err, MRT_FAILED,
			              "the store listed '%s', which was not asked for", key);
		else
			memmove(key, key + skip, strlen(key + skip) + 1);
	}
	if (rc < 0)
		mrt_store_page_release(&page);
	else
		*ret = page;
	return rc;
}

static int libs3_delete(struct mrt_store *store, const struct mrt_context *ctx,
                        const char *const *keys, size_t n, struct mrt_error *err)
{
	struct mrt_libs3 *l = (struct mrt_libs3 *)store;
	struct mrt_error first = { 0 };
	size_t failed = 0;
	for (size_t i = 0; i < n; i++) {
		mrt_autofree char *full = NULL;
		struct mrt_error why;
		int rc = full_key(l, keys[i], &full, &why);
		struct mrt_libs3_call call = { .key = full, .issue = mrt_libs3_issue_delete };
		if (rc == 0)
			rc = mrt_libs3_call(l, ctx, &call, false, &why);
		if (rc == 0 || rc == MRT_NOT_FOUND)
			continue;
		mrt_prefix(&why, rc, "%s", keys[i]);
		if (failed++ == 0)
			first = why;
		if (rc == MRT_CANCELLED || rc == MRT_DEADLINE)
			break;
	}
	return failed == 0
	               ? 0
	               : mrt_fail_because(err, first.code, &first, "%zu of %zu failed", failed, n);
}

/* What does not end is in memory only. */
static int libs3_leftovers(struct mrt_store *store, const struct mrt_context *ctx,
                           const char *prefix, int64_t grace, struct mrt_leftovers *ret,
                           struct mrt_error *err)
{
	(void)store;
	(void)ctx;
	(void)prefix;
	(void)grace;
	(void)ret;
	(void)err;
	return 0;
}

static int libs3_probe(struct mrt_store *store, const struct mrt_context *ctx, bool write,
                       struct mrt_store_capabilities *ret, struct mrt_error *err)
{
	struct mrt_libs3 *l = (struct mrt_libs3 *)store;
	struct mrt_store_page page = { 0 };
	int rc = libs3_list(store, ctx, "", NULL, 1, &page, err);
	mrt_store_page_release(&page);
	if (rc == 0 && write) {
		char name[40], random[9];
		mrt_random_hex(4, random);
		snprintf(name, sizeof(name), ".maratea-probe/%s", random);
		rc = mrt_store_put_bytes(store, ctx, name, "probe", 5, err);
		if (rc == 0)
			rc = mrt_store_delete(store, ctx, name, err);
	}
	if (rc < 0)
		return mrt_prefix(err, rc, "probe %s", store->name);
	*ret = (struct mrt_store_capabilities) { .largest_object = l->largest,
		                                 .conditional_put = MRT_NO,
		                                 .conditional_complete = MRT_NO };
	return 0;
}

static void libs3_free(struct mrt_store *store)
{
	struct mrt_libs3 *l = (struct mrt_libs3 *)store;
	char *texts[] = { l->bucket, l->prefix, l->host, l->access_key, store->name };
	for (size_t i = 0; i < MRT_COUNT(texts); i++)
		free(texts[i]);
	if (l->secret_key)
		explicit_bzero(l->secret_key, strlen(l->secret_key));
	free(l->secret_key);
	free(l);
}

static int check_options(const struct mrt_store_options *o, struct mrt_error *err)
{
	const char *lacks = o->object_lock_mode ? "no locks (store.object-lock)"
	                    : o->session_token  ? "no session tokens"
	                    : !o->access_key || !o->secret_key
	                            ? "only store.access-key and store.secret-key"
	                            : NULL;
	if (lacks)
		return mrt_fail(err, MRT_CONFIG, "the driver libs3 knows %s", lacks);
	if (o->endpoint && strncmp(o->endpoint, "http://", 7) != 0 &&
	    strncmp(o->endpoint, "https://", 8) != 0)
		return mrt_fail(err, MRT_CONFIG,
		                "store.endpoint '%s' must begin with http:// or https://",
		                o->endpoint);
	if (!o->endpoint || strncmp(o->endpoint, "https://", 8) == 0) {
		if (o->insecure_tls)
			return 0;
		mrt_fail(err, MRT_CONFIG, "libs3 does not verify who it talks to over https");
		return mrt_hint(err, "use the driver s3; or, where nothing else works, set "
		                     "store.insecure-tls: true");
	}
	return 0;
}

/* "s3://bucket/prefix", and the host of "http://host:port". */
static int place(struct mrt_libs3 *l, const struct mrt_store_options *o, struct mrt_error *err)
{
	const char *bucket = o->url + strlen("s3://");
	size_t n = strcspn(bucket, "/");
	const char *prefix = bucket[n] ? bucket + n + 1 : "";
	size_t len = strlen(prefix);
	while (len > 0 && prefix[len - 1] == '/')
		len--;
	const char *host = o->endpoint ? strstr(o->endpoint, "://") : NULL;
	int rc = mrt_text_printf(&l->bucket, err, "%.*s", (int)n, bucket);
	if (rc == 0)
		rc = mrt_text_printf(&l->prefix, err, "%.*s%s", (int)len, prefix, len ? "/" : "");
	if (rc == 0 && host)
		rc = mrt_text_printf(&l->host, err, "%.*s", (int)strcspn(host + 3, "/"), host + 3);
	else if (rc == 0)
		rc = mrt_text_dup("s3.amazonaws.com", &l->host, err);
	return rc;
}

int mrt_store_libs3_open(const struct mrt_store_options *o, struct mrt_store **ret,
                         struct mrt_error *err)
{
	static const struct mrt_store_ops ops = {
		.put = libs3_put,
		.get = libs3_get,
		.head = libs3_head,
		.list = libs3_list,
		.delete_many = libs3_delete,
		.leftovers = libs3_leftovers,
		.probe = libs3_probe,
		.free = libs3_free,
	};
	struct mrt_libs3 *l = calloc(1, sizeof(*l));
	if (!l)
		return mrt_no_memory(err);
	mrt_auto(mrt_store) *store = &l->store;
	l->store.ops = &ops;
	l->store.plain_keys = true;
	l->largest = o->libs3_max_object;
	l->budget = o->libs3_memory;
	l->give_up_after = o->give_up_after;
	l->retry_first = o->retry_first;
	l->retry_longest = o->retry_longest;
	l->stall_timeout = o->http.stall_timeout;
	int rc = check_options(o, err);
	if (rc == 0)
		rc = place(l, o, err);
	if (rc == 0)
		rc = mrt_text_dup(o->url, &l->store.name, err);
	if (rc == 0)
		rc = mrt_text_dup(o->access_key, &l->access_key, err);
	if (rc == 0)
		rc = mrt_text_dup(o->secret_key, &l->secret_key, err);
	if (rc == 0)
		rc = mrt_libs3_load(&l->api, err);
	bool tls = !o->endpoint || strncmp(o->endpoint, "https://", 8) == 0;
	l->context = (S3BucketContext) {
		l->host,        l->bucket,     tls ? S3ProtocolHTTPS : S3ProtocolHTTP,
		S3UriStylePath, l->access_key, l->secret_key
	};
	if (rc == 0)
		*ret = mrt_steal(store);
	return rc;
}
