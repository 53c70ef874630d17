/* contract.c - what all drivers share: opening by URL, checking keys, whole small objects. */
#include "client/store/contract.h"
#include "base/text.h"

#include <string.h>

static const struct {
	const char *name, *scheme;
	int (*open)(const struct mrt_store_options *, struct mrt_store **, struct mrt_error *);
} drivers[] = {
	{ "dir", "file://", mrt_store_dir_open },
	{ "s3", "s3://", mrt_store_s3_open },
#ifdef MRT_HAVE_LIBS3
	{ "libs3", "s3://", mrt_store_libs3_open },
#endif
};
#ifdef MRT_HAVE_LIBS3
#define LIBS3 ", libs3"
#else
#define LIBS3 ""
#endif
#define N_DRIVERS (MRT_COUNT(drivers))

int mrt_store_open(const struct mrt_store_options *options, struct mrt_store **ret,
                   struct mrt_error *err)
{
	if (!options->url) {
		mrt_fail(err, MRT_CONFIG, "no store is configured");
		return mrt_hint(err, "set store.url or $MARATEA_STORE to file:///path or "
		                     "s3://bucket/prefix");
	}
	for (size_t i = 0; i < N_DRIVERS; i++) {
		bool fits =
		        strncmp(options->url, drivers[i].scheme, strlen(drivers[i].scheme)) == 0;
		if (options->driver && strcmp(options->driver, drivers[i].name) == 0 && !fits)
			return mrt_fail(err, MRT_CONFIG,
			                "store.driver %s needs a URL that begins with %s, not '%s'",
			                options->driver, drivers[i].scheme, options->url);
		if (fits && (!options->driver || strcmp(options->driver, drivers[i].name) == 0))
			return drivers[i].open(options, ret, err);
	}
	if (options->driver)
		return mrt_fail(err, MRT_CONFIG,
		                "store.driver '%s' is not known to this build (dir, s3" LIBS3 ")",
		                options->driver);
	mrt_fail(err, MRT_CONFIG, "store.url '%s' is neither file:///path nor s3://bucket",
	         options->url);
	return err ? err->code : MRT_CONFIG;
}

void mrt_store_free(struct mrt_store *store)
{
	if (store)
		store->ops->free(store);
}

static bool odd_segments(const char *key)
{
	for (const char *p = key;; p++) {
		size_t n = strcspn(p, "/");
		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return true;
		p += n;
		if (*p == '\0')
			return false;
	}
}

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%/=-"

static int check_key(const struct mrt_store *store, const char *key, struct mrt_error *err)
{
	size_t n = strlen(key);
	bool bad = n == 0 || n > MRT_KEY_MAX;
	for (size_t i = 0; i < n; i++)
		bad = bad || (unsigned char)key[i] < 32 || key[i] == 127;
	if (bad)
		return mrt_fail(err, MRT_USAGE,
		                "'%.80s' is not a key: 1 to 1,024 bytes without control characters",
		                key);
	if (store->plain_keys && strspn(key, PLAIN) != n)
		return mrt_fail(err, MRT_USAGE,
		                "'%.80s': this store takes letters, digits and . _ %% / = - in a "
		                "key only",
		                key);
	if (!store->odd_keys && odd_segments(key))
		return mrt_fail(err, MRT_USAGE,
		                "'%.80s': this store takes no empty, '.' or '..' segment in a key",
		                key);
	return 0;
}

static int where(const struct mrt_store *store, int rc, const char *key, struct mrt_error *err)
{
	return rc < 0 && rc != MRT_CANCELLED ? mrt_prefix(err, rc, "%s, %s", store->name, key) : rc;
}

int mrt_store_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                  struct mrt_sink **ret, struct mrt_error *err)
{
	return mrt_store_put_locked(store, ctx, key, 0, ret, err);
}

int mrt_store_put_locked(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                         int64_t since, struct mrt_sink **ret, struct mrt_error *err)
{
	int rc = check_key(store, key, err);
	return rc < 0 ? rc
	              : where(store, store->ops->put(store, ctx, key, since, ret, err), key, err);
}

int mrt_store_get(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                  uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err)
{
	int rc = check_key(store, key, err);
	if (rc == 0)
		rc = store->ops->get(store, ctx, key, offset, len, ret, err);
	return where(store, rc, key, err);
}

int mrt_store_head(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                   struct mrt_object *ret, struct mrt_error *err)
{
	int rc = check_key(store, key, err);
	if (rc == 0)
		rc = store->ops->head(store, ctx, key, ret, err);
	return where(store, rc, key, err);
}

int mrt_store_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                   const char *token, unsigned limit, struct mrt_store_page *ret,
                   struct mrt_error *err)
{
	*ret = (struct mrt_store_page) { 0 };
	int rc = store->ops->list(store, ctx, prefix, token, limit ? limit : 1000, ret, err);
	return rc < 0 ? mrt_prefix(err, rc, "list %s", store->name) : rc;
}

void mrt_store_page_release(struct mrt_store_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		free(page->objects[i].key);
	free(page->objects);
	free(page->token);
	*page = (struct mrt_store_page) { 0 };
}

int mrt_store_each(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                   int (*each)(void *context, const struct mrt_object *object,
                               struct mrt_error *err),
                   void *context, struct mrt_error *err)
{
	mrt_autofree char *token = NULL;
	do {
		struct mrt_store_page page;
		int rc = mrt_store_list(store, ctx, prefix, token, 0, &page, err);
		for (size_t i = 0; rc == 0 && i < page.n; i++)
			rc = each(context, &page.objects[i], err);
		free(token);
		token = mrt_steal(page.token);
		mrt_store_page_release(&page);
		if (rc < 0)
			return rc;
	} while (token);
	return 0;
}

int mrt_store_delete(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                     struct mrt_error *err)
{
	return mrt_store_delete_many(store, ctx, &key, 1, err);
}

int mrt_store_delete_many(struct mrt_store *store, const struct mrt_context *ctx,
                          const char *const *keys, size_t n, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_key(store, keys[i], err);
	if (rc == 0 && n > 0)
		rc = store->ops->delete_many(store, ctx, keys, n, err);
	return rc < 0 ? mrt_prefix(err, rc, "delete in %s", store->name) : rc;
}

int mrt_store_leftovers(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                        int64_t grace, struct mrt_leftovers *ret, struct mrt_error *err)
{
	*ret = (struct mrt_leftovers) { 0 };
	return store->ops->leftovers(store, ctx, prefix, grace, ret, err);
}

void mrt_versions_release(struct mrt_versions *versions)
{
	for (size_t i = 0; i < versions->n; i++) {
		free(versions->items[i].key);
		free(versions->items[i].id);
	}
	free(versions->items);
	*versions = (struct mrt_versions) { 0 };
}

static int no_versions(const struct mrt_store *store, struct mrt_error *err)
{
	return mrt_fail(err, MRT_UNSUPPORTED, "%s keeps no versions", store->name);
}

int mrt_store_versioned(struct mrt_store *store, const struct mrt_context *ctx,
                        enum mrt_answer *ret, struct mrt_error *err)
{
	*ret = MRT_NO;
	return store->ops->versioned ? store->ops->versioned(store, ctx, ret, err) : 0;
}

int mrt_store_versions(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                       struct mrt_versions *ret, struct mrt_error *err)
{
	*ret = (struct mrt_versions) { 0 };
	if (!store->ops->versions)
		return no_versions(store, err);
	int rc = store->ops->versions(store, ctx, prefix, ret, err);
	if (rc < 0)
		mrt_versions_release(ret);
	return rc;
}

int mrt_store_read_retention(struct mrt_store *store, const struct mrt_context *ctx,
                             struct mrt_version *version, struct mrt_error *err)
{
	return store->ops->read_retention ? store->ops->read_retention(store, ctx, version, err)
	                                  : no_versions(store, err);
}

int mrt_store_delete_versions(struct mrt_store *store, const struct mrt_context *ctx,
                              const struct mrt_version *items, size_t n, struct mrt_error *err)
{
	return store->ops->delete_versions ? store->ops->delete_versions(store, ctx, items, n, err)
	                                   : no_versions(store, err);
}

void mrt_store_settings_release(struct mrt_store_settings *s)
{
	for (size_t i = 0; i < s->n_rules; i++)
		free(s->rules[i].id);
	free(s->rules);
	*s = (struct mrt_store_settings) { 0 };
}

int mrt_store_settings(struct mrt_store *store, const struct mrt_context *ctx,
                       struct mrt_store_settings *ret, struct mrt_error *err)
{
	*ret = (struct mrt_store_settings) { .versioned = MRT_NO,
		                             .object_lock = MRT_NO,
		                             .lifecycle = MRT_NO };
	if (!store->ops->settings)
		return 0;
	int rc = store->ops->settings(store, ctx, ret, err);
	if (rc < 0)
		mrt_store_settings_release(ret);
	return rc < 0 ? mrt_prefix(err, rc, "settings of %s", store->name) : 0;
}

int mrt_store_probe(struct mrt_store *store, const struct mrt_context *ctx, bool write,
                    struct mrt_store_capabilities *ret, struct mrt_error *err)
{
	return store->ops->probe(store, ctx, write, ret, err);
}

int mrt_store_put_bytes(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                        const void *data, size_t len, struct mrt_error *err)
{
	return mrt_store_put_bytes_locked(store, ctx, key, 0, data, len, err);
}

int mrt_store_put_bytes_locked(struct mrt_store *store, const struct mrt_context *ctx,
                               const char *key, int64_t since, const void *data, size_t len,
                               struct mrt_error *err)
{
	mrt_auto(mrt_sink) *sink = NULL;
	int rc = mrt_store_put_locked(store, ctx, key, since, &sink, err);
	if (rc == 0)
		rc = where(store, mrt_sink_write(sink, data, len, err), key, err);
	if (rc == 0)
		rc = where(store, mrt_sink_commit(sink, err), key, err);
	return rc;
}

int mrt_store_get_bytes(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                        struct mrt_buf *buf, struct mrt_error *err)
{
	mrt_auto(mrt_source) *source = NULL;
	int rc = mrt_store_get(store, ctx, key, 0, UINT64_MAX, &source, err);
	if (rc == 0)
		rc = where(store, mrt_stream_slurp(ctx, source, buf, err), key, err);
	return rc;
}
