/* driver.h - inside of the s3 driver: signed calls with retries, shared by upload, download,
 * listing.
 *
 * Source: Amazon S3 API reference; measured differences of gateways stand where they matter.
 */
#ifndef MRT_CLIENT_S3_DRIVER_H
#define MRT_CLIENT_S3_DRIVER_H

#include "base/workers.h"
#include "client/store/contract.h"
#include "codec/sigv4.h"
#include "codec/xml.h"

#include <pthread.h>

#define MRT_S3_NONCE "x-amz-meta-maratea-nonce"
#define MRT_S3_NONCE_SIZE 33
#define MRT_S3_CREDENTIALS_HINT                                                           \
	"set store.access-key and store.secret-key, or S3_ACCESS_KEY and S3_SECRET_KEY, " \
	"or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in "                \
	"~/.aws/credentials; 'maratea store whoami' tells what was tried"

struct mrt_s3 {
	struct mrt_store store;
	char *bucket, *prefix; /* prefix: "" or ending in "/" */
	char *base_url;        /* scheme and host, for the bucket: no "/" at the end */
	char *host, *path;     /* Host header; "/bucket" in path style, else "" */
	char *region, *access_key, *secret_key, *session_token;
	char *ca_file, *resolver;
	bool tls;
	struct mrt_store_options options; /* numbers only; its texts are not used after open */
	char *lock_mode;                  /* or NULL */
	struct mrt_pool *pool;
	struct mrt_workers *workers;
	struct mrt_aws_sources aws; /* where there is no access_key */
	struct mrt_aws_credentials *temporary;
	pthread_mutex_t credentials_lock; /* of temporary */
	int64_t next_renewal;             /* monotonic ns: not again before */
	pthread_mutex_t lock;
	struct mrt_http *idle[64];
	unsigned n_idle;
	/* learnt */
	_Atomic bool answered;      /* the endpoint has answered at least once */
	_Atomic bool no_conditions; /* it refuses If-None-Match as unknown */
	_Atomic bool has_clock;
	_Atomic int64_t skew; /* ns: its clock minus ours */
};

struct mrt_s3_call {
	const char *method;
	const char *key; /* with the prefix; NULL: the bucket itself */
	const struct mrt_pair *query;
	size_t n_query;
	const struct mrt_pair *headers; /* further ones, lower-case */
	size_t n_headers;
	const void *body;
	size_t body_len;
	bool bulk; /* object data: over TLS it is not hashed for the signature */
	bool md5;  /* add Content-MD5 */
	void *into;
	size_t into_size;
	bool once; /* leave retrying to the caller */
	bool lost; /* out: an attempt may have taken effect without an answer */
};

/* Signs, sends, retries. 0: the answer is 2xx and no <Error> in disguise. Otherwise, with
 * response->status where there was an answer: 404 MRT_NOT_FOUND, 409 MRT_CHANGED, 412 MRT_EXISTS,
 * else 4xx MRT_REFUSED; never answered MRT_UNREACHABLE. */
int mrt_s3_call(struct mrt_s3 *s3, const struct mrt_context *ctx, struct mrt_s3_call *call,
                struct mrt_http_response *response, struct mrt_error *err);
/* The same for calls that answer XML; an answer of another root than name is MRT_FAILED. */
int mrt_s3_call_xml(struct mrt_s3 *s3, const struct mrt_context *ctx, struct mrt_s3_call *call,
                    const char *name, struct mrt_xml **ret, struct mrt_error *err);

/* The credentials of now, asked for anew five minutes before they run out. To be given back. */
int mrt_s3_credentials(struct mrt_s3 *s3, const struct mrt_context *ctx,
                       struct mrt_aws_credentials **ret, struct mrt_error *err);
void mrt_s3_credentials_done(struct mrt_s3 *s3, struct mrt_aws_credentials *credentials);

struct mrt_s3_head {
	uint64_t size;
	int64_t modified;
	char etag[256], nonce[MRT_S3_NONCE_SIZE];
};
int mrt_s3_head(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                struct mrt_s3_head *ret, struct mrt_error *err);
/* Makes sure that an object that was just put is locked until then (RFC 3339): radosgw 16 does not
 * lock what came in parts, whatever the headers said. */
int mrt_s3_keep_until(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                      const char *until, struct mrt_error *err);
/* Aborts a multipart upload until the store shows no part of it any more. */
int mrt_s3_abort(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                 const char *upload_id, struct mrt_error *err);
/* The key as the bucket knows it. */
int mrt_s3_key(const struct mrt_s3 *s3, const char *key, char **ret, struct mrt_error *err);

int mrt_s3_settings(struct mrt_store *store, const struct mrt_context *ctx,
                    struct mrt_store_settings *ret, struct mrt_error *err);
int mrt_s3_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
               int64_t since, struct mrt_sink **ret, struct mrt_error *err);
int mrt_s3_get(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
               uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err);
int mrt_s3_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                const char *token, unsigned limit, struct mrt_store_page *ret,
                struct mrt_error *err);
int mrt_s3_delete(struct mrt_store *store, const struct mrt_context *ctx, const char *const *keys,
                  size_t n, struct mrt_error *err);
int mrt_s3_delete_versions(struct mrt_store *store, const struct mrt_context *ctx,
                           const struct mrt_version *items, size_t n, struct mrt_error *err);
int mrt_s3_versions(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                    struct mrt_versions *ret, struct mrt_error *err);
int mrt_s3_read_retention(struct mrt_store *store, const struct mrt_context *ctx,
                          struct mrt_version *version, struct mrt_error *err);
int mrt_s3_versioned(struct mrt_store *store, const struct mrt_context *ctx, enum mrt_answer *ret,
                     struct mrt_error *err);
int mrt_s3_leftovers(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                     int64_t grace, struct mrt_leftovers *ret, struct mrt_error *err);
int mrt_s3_probe(struct mrt_store *store, const struct mrt_context *ctx, bool write,
                 struct mrt_store_capabilities *ret, struct mrt_error *err);

#endif
