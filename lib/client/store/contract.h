/* contract.h - where backups live: named, immutable objects behind one interface.
 *
 * Every driver keeps these promises; callers rely on nothing else:
 *  - put is all or nothing: before commit nothing is visible under the key, after it the whole
 *    object is, with exactly the bytes written;
 *  - put never replaces: a key already taken fails with MRT_EXISTS, at the latest at commit. Of
 *    concurrent puts of one key exactly one wins for objects of at most one part; for larger ones
 *    too, where capabilities.conditional_complete says so (elsewhere callers do not race);
 *  - get delivers exactly the bytes of one version of the object, or fails;
 *  - list is complete: pages follow in byte order of the keys until ret_token is NULL; objects put
 *    before the first page was asked for, and not deleted, are all there;
 *  - a key is a non-empty UTF-8 text without control characters, up to 1,024 bytes; keys that only
 *    odd_keys drivers take ("//", "." and ".." segments, "/" at an end) are refused elsewhere with
 *    MRT_USAGE, before anything happens, and so is what plain_keys drivers do not take;
 *  - delete of what does not exist is done already;
 *  - every call is safe from several threads; one put or get belongs to one thread.
 */
#ifndef MRT_CLIENT_STORE_CONTRACT_H
#define MRT_CLIENT_STORE_CONTRACT_H

#include "base/pool.h"
#include "base/stream.h"
#include "client/s3/credentials.h"

#define MRT_PART_SIZE ((size_t)8 << 20)
#define MRT_KEY_MAX 1024

struct mrt_store_options {
	const char *url;    /* "file:///path" or "s3://bucket[/prefix]" */
	const char *driver; /* NULL: by the URL's scheme */
	const char *endpoint, *region, *access_key, *secret_key, *session_token;
	const struct mrt_aws_sources *aws; /* asked where there is no access_key; may be NULL */
	const char *style;                 /* "auto", "path", "virtual" */
	unsigned concurrency;
	const char *object_lock_mode; /* "GOVERNANCE", "COMPLIANCE"; NULL: nothing is locked */
	int64_t object_lock_days;
	uint64_t libs3_max_object; /* bytes; the driver libs3 holds them in memory */
	uint64_t libs3_memory;     /* bytes of all that it holds */
	bool insecure_tls;         /* let libs3 talk TLS to whom it does not know */
	size_t part_size;          /* of multipart uploads and ranged downloads */
	unsigned buffers;          /* of part_size each: all that this store may use */
	int64_t give_up_after;     /* ns of retries without progress */
	int64_t retry_first, retry_longest;
	struct mrt_http_options http;
};

struct mrt_object {
	char *key;
	uint64_t size;
	int64_t modified; /* seconds since 1970, by the store's clock */
};

struct mrt_store_page {
	struct mrt_object *objects;
	size_t n;
	char *token; /* where the next page begins; NULL: this was the last */
};
void mrt_store_page_release(struct mrt_store_page *page);

/* What is left of uploads that never ended. */
struct mrt_leftovers {
	uint64_t found, removed; /* removed: those older than the grace */
};

enum mrt_answer { MRT_UNKNOWN, MRT_NO, MRT_YES };
struct mrt_store_capabilities {
	bool odd_keys;
	uint64_t largest_object;              /* bytes; UINT64_MAX: no limit of its own */
	enum mrt_answer conditional_put;      /* of concurrent small puts exactly one wins */
	enum mrt_answer conditional_complete; /* the same for objects of several parts */
	bool leaves_uploads;                  /* a put that does not end leaves something behind */
	bool has_clock;
	int64_t clock_skew; /* ns: the store's clock minus ours */
};

/* What a store that keeps versions has under a key. */
struct mrt_version {
	char *key, *id;
	bool marker;          /* no object: it says that the key was deleted */
	int64_t retain_until; /* by mrt_store_read_retention(): seconds since 1970; INT64_MAX: a
	                         legal hold */
};
struct mrt_versions {
	struct mrt_version *items;
	size_t n;
};
void mrt_versions_release(struct mrt_versions *versions);

/* What the store does by itself with what is in it. */
struct mrt_store_rule {
	char *id;
	int64_t days;    /* after which it deletes; 0: on a date, which has passed or will */
	bool noncurrent; /* only versions that were deleted or replaced */
};
struct mrt_store_settings {
	enum mrt_answer versioned;   /* does what is deleted stay, as an older version? */
	enum mrt_answer object_lock; /* can objects be locked? */
	char lock_mode[16];          /* of objects that do not say so themselves; or "" */
	int64_t lock_days;
	enum mrt_answer lifecycle;    /* are there rules? MRT_UNKNOWN: one may not ask */
	struct mrt_store_rule *rules; /* that delete objects under our prefix */
	size_t n_rules;
	int64_t abort_days; /* after which unfinished uploads are removed; 0: never */
};
void mrt_store_settings_release(struct mrt_store_settings *settings);

struct mrt_store;
struct mrt_store_ops {
	int (*put)(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
	           int64_t since, struct mrt_sink **ret, struct mrt_error *err);
	int (*get)(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
	           uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err);
	int (*head)(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
	            struct mrt_object *ret, struct mrt_error *err);
	int (*list)(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
	            const char *token, unsigned limit, struct mrt_store_page *ret,
	            struct mrt_error *err);
	int (*delete_many)(struct mrt_store *store, const struct mrt_context *ctx,
	                   const char *const *keys, size_t n, struct mrt_error *err);
	int (*leftovers)(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
	                 int64_t grace, struct mrt_leftovers *ret, struct mrt_error *err);
	/* NULL: it does nothing by itself */
	int (*settings)(struct mrt_store *store, const struct mrt_context *ctx,
	                struct mrt_store_settings *ret, struct mrt_error *err);
	/* NULL: such stores keep no versions */
	int (*versioned)(struct mrt_store *store, const struct mrt_context *ctx,
	                 enum mrt_answer *ret, struct mrt_error *err);
	int (*versions)(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
	                struct mrt_versions *ret, struct mrt_error *err);
	int (*read_retention)(struct mrt_store *store, const struct mrt_context *ctx,
	                      struct mrt_version *version, struct mrt_error *err);
	int (*delete_versions)(struct mrt_store *store, const struct mrt_context *ctx,
	                       const struct mrt_version *items, size_t n, struct mrt_error *err);
	int (*probe)(struct mrt_store *store, const struct mrt_context *ctx, bool write,
	             struct mrt_store_capabilities *ret, struct mrt_error *err);
	void (*free)(struct mrt_store *store);
};
struct mrt_store { /* first member of every driver */
	const struct mrt_store_ops *ops;
	char *name; /* for messages: the URL without secrets */
	bool odd_keys;
	bool plain_keys; /* takes [A-Za-z0-9._%/=-] only */
};

/* Opens; touches neither network nor disk. */
int mrt_store_open(const struct mrt_store_options *options, struct mrt_store **ret,
                   struct mrt_error *err);
void mrt_store_free(struct mrt_store *store);
MRT_DEFINE_AUTO(mrt_store)

/* A sink; see stream.h. */
int mrt_store_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                  struct mrt_sink **ret, struct mrt_error *err);
/* The same, and where the store's options say so the object is locked for object_lock_days, counted
 * from since (seconds since 1970): what belongs together is held equally long. 0: it is not locked.
 */
int mrt_store_put_locked(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                         int64_t since, struct mrt_sink **ret, struct mrt_error *err);
/* len bytes from offset, or to the end of the object when it ends before: len UINT64_MAX is "all".
 * MRT_NOT_FOUND. */
int mrt_store_get(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                  uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err);
/* ret->key is not set. MRT_NOT_FOUND. */
int mrt_store_head(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                   struct mrt_object *ret, struct mrt_error *err);
/* One page of at most limit (0: the driver's own, up to 1,000) keys that begin with prefix. */
int mrt_store_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                   const char *token, unsigned limit, struct mrt_store_page *ret,
                   struct mrt_error *err);
/* All pages, one call an object; a negative result of each() ends the walk and is returned. */
int mrt_store_each(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                   int (*each)(void *context, const struct mrt_object *object,
                               struct mrt_error *err),
                   void *context, struct mrt_error *err);
int mrt_store_delete(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                     struct mrt_error *err);
/* Goes on after a failure; the error counts the failed and names the first. */
int mrt_store_delete_many(struct mrt_store *store, const struct mrt_context *ctx,
                          const char *const *keys, size_t n, struct mrt_error *err);
/* Removes what unfinished uploads under prefix left, older than grace ns by the store's clock; of
 * puts that it knows to be at work (on dir: all of this host) nothing, however old. */
int mrt_store_leftovers(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                        int64_t grace, struct mrt_leftovers *ret, struct mrt_error *err);
/* Does what is deleted stay, as an older version? MRT_UNKNOWN where one may not ask. */
int mrt_store_versioned(struct mrt_store *store, const struct mrt_context *ctx,
                        enum mrt_answer *ret, struct mrt_error *err);
/* All versions of all keys that begin with prefix, delete markers included. */
int mrt_store_versions(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                       struct mrt_versions *ret, struct mrt_error *err);
/* Until when does a lock hold it? Sets version->retain_until. */
int mrt_store_read_retention(struct mrt_store *store, const struct mrt_context *ctx,
                             struct mrt_version *version, struct mrt_error *err);
/* As mrt_store_delete_many(); these versions are gone for good. */
int mrt_store_delete_versions(struct mrt_store *store, const struct mrt_context *ctx,
                              const struct mrt_version *items, size_t n, struct mrt_error *err);
/* What the store can do; write: find out by putting and deleting objects under ".maratea-probe". */
int mrt_store_probe(struct mrt_store *store, const struct mrt_context *ctx, bool write,
                    struct mrt_store_capabilities *ret, struct mrt_error *err);

/* How the store is set up, as far as one may ask. */
int mrt_store_settings(struct mrt_store *store, const struct mrt_context *ctx,
                       struct mrt_store_settings *ret, struct mrt_error *err);

/* Small objects at once. */
int mrt_store_put_bytes(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                        const void *data, size_t len, struct mrt_error *err);
int mrt_store_put_bytes_locked(struct mrt_store *store, const struct mrt_context *ctx,
                               const char *key, int64_t since, const void *data, size_t len,
                               struct mrt_error *err);
int mrt_store_get_bytes(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                        struct mrt_buf *buf, struct mrt_error *err);

/* The drivers. */
int mrt_store_dir_open(const struct mrt_store_options *options, struct mrt_store **ret,
                       struct mrt_error *err);
int mrt_store_s3_open(const struct mrt_store_options *options, struct mrt_store **ret,
                      struct mrt_error *err);
#ifdef MRT_HAVE_LIBS3
int mrt_store_libs3_open(const struct mrt_store_options *options, struct mrt_store **ret,
                         struct mrt_error *err);
#endif

#endif
