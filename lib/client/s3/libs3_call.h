/* libs3_call.h - one request through libs3, with our limits: shared by the files of the driver.
 *
 * libs3 is opened when the first such store is (dlopen): nobody else pays for its libraries.
 * Source: libs3.h 2.0 and what was measured of it (SigV2 only, no multipart, no timeouts, TLS not
 * verified, blanks in keys not encoded).
 */
#ifndef MRT_CLIENT_S3_LIBS3_CALL_H
#define MRT_CLIENT_S3_LIBS3_CALL_H

#include "client/store/contract.h"

#include <libs3.h>

#define MRT_LIBS3_NONCE_SIZE 33

struct mrt_libs3_api {
	__typeof__(S3_initialize) *initialize;
	__typeof__(S3_get_status_name) *get_status_name;
	__typeof__(S3_status_is_retryable) *status_is_retryable;
	__typeof__(S3_create_request_context) *create_request_context;
	__typeof__(S3_destroy_request_context) *destroy_request_context;
	__typeof__(S3_runonce_request_context) *runonce_request_context;
	__typeof__(S3_get_request_context_fdsets) *get_request_context_fdsets;
	__typeof__(S3_list_bucket) *list_bucket;
	__typeof__(S3_put_object) *put_object;
	__typeof__(S3_get_object) *get_object;
	__typeof__(S3_head_object) *head_object;
	__typeof__(S3_delete_object) *delete_object;
};

struct mrt_libs3 {
	struct mrt_store store;
	struct mrt_libs3_api api;
	char *bucket, *prefix, *host, *access_key, *secret_key; /* prefix: "" or ending in "/" */
	S3BucketContext context;
	uint64_t largest, budget; /* bytes of one object; of all that are buffered at a time */
	_Atomic uint64_t buffered;
	int64_t give_up_after, retry_first, retry_longest, stall_timeout;
};

/* A request while it runs, and what came of it. */
struct mrt_libs3_call {
	const struct mrt_libs3_api *api;
	const char *key; /* with the prefix */
	/* what it does: issues one libs3 function */
	void (*issue)(struct mrt_libs3 *l, struct mrt_libs3_call *call, S3RequestContext *context);
	/* put */
	const char *data;
	size_t len, sent;
	const char *nonce, *md5;
	/* get */
	char *into;
	size_t cap;
	uint64_t offset;
	const char *match; /* an ETag, or NULL */
	/* list */
	const char *prefix, *marker;
	unsigned limit;
	struct mrt_store_page *page;
	size_t skip; /* bytes of the store's prefix in a listed key */
	bool truncated, no_memory;
	/* the answer */
	S3Status status;
	char words[400];
	size_t got;
	uint64_t size;
	int64_t modified;
	char etag[256], found_nonce[MRT_LIBS3_NONCE_SIZE];
	int64_t moved; /* monotonic: the last byte */
	bool lost;     /* an attempt may have taken effect without an answer */
};

int mrt_libs3_load(struct mrt_libs3_api *ret, struct mrt_error *err);
/* Sends it, again where that makes sense (once: not). MRT_NOT_FOUND, MRT_REFUSED,
 * MRT_UNREACHABLE, MRT_CHANGED: the ETag is another. */
int mrt_libs3_call(struct mrt_libs3 *l, const struct mrt_context *ctx, struct mrt_libs3_call *call,
                   bool once, struct mrt_error *err);

/* Kinds of requests, for call.issue. */
void mrt_libs3_issue_head(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                          S3RequestContext *context);
void mrt_libs3_issue_get(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                         S3RequestContext *context);
void mrt_libs3_issue_put(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                         S3RequestContext *context);
void mrt_libs3_issue_delete(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                            S3RequestContext *context);
void mrt_libs3_issue_list(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                          S3RequestContext *context);

#endif
