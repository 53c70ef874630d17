/* upload.c - putting an object: one PUT when it fits one part, else parts in parallel.
 *
 * A part is sent from its own pool buffer, so that every retry sends the same bytes. prepare()
 * waits until all parts have arrived; commit() is the one request that makes the object visible.
 * An answer may be lost: then the object's nonce (x-amz-meta-maratea-nonce) tells ours from
 * another's.
 */
#include "base/retry.h"
#include "base/text.h"
#include "client/s3/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARTS_MAX 10000
#define ETAG_SIZE 80

struct part {
	struct mrt_job job;
	struct upload *upload;
	unsigned number;
	void *buffer;
	size_t len;
	struct part *next; /* sent */
	char etag[ETAG_SIZE];
};

struct upload {
	struct mrt_sink sink;
	struct mrt_s3 *s3;
	const struct mrt_context *ctx;
	struct mrt_context part_run; /* with our own abort flag */
	atomic_int abort;
	char *key, *id, nonce[MRT_S3_NONCE_SIZE];
	char until[MRT_TIME_SIZE]; /* "": it is not locked */
	char *buffer;
	size_t fill, part_size;
	uint64_t size;
	bool prepared, committed;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned in_flight, n_parts;
	struct part *first, **last;
	struct mrt_error failure; /* the first one; code 0: none */
};

#define HEADERS_MAX 4

/* What an object carries from the start. */
static size_t marks(const struct upload *u, struct mrt_pair headers[HEADERS_MAX])
{
	size_t n = 0;
	headers[n++] = (struct mrt_pair) { MRT_S3_NONCE, u->nonce };
	if (u->until[0]) {
		headers[n++] = (struct mrt_pair) { "x-amz-object-lock-mode", u->s3->lock_mode };
		headers[n++] =
		        (struct mrt_pair) { "x-amz-object-lock-retain-until-date", u->until };
	}
	return n;
}

static size_t conditions(const struct upload *u, struct mrt_pair headers[HEADERS_MAX])
{
	size_t n = marks(u, headers);
	if (!u->s3->no_conditions)
		headers[n++] = (struct mrt_pair) { "if-none-match", "*" };
	return n;
}

/* Is what stands under the key ours, whole? 0 yes, MRT_EXISTS another's, MRT_NOT_FOUND nothing. */
static int whose(struct upload *u, struct mrt_error *err)
{
	struct mrt_s3_head head;
	int rc = mrt_s3_head(u->s3, u->ctx, u->key, &head, err);
	if (rc < 0)
		return rc;
	if (strcmp(head.nonce, u->nonce) != 0)
		return mrt_fail(err, MRT_EXISTS, "the name is taken");
	if (head.size != u->size)
		return mrt_fail(err, MRT_CORRUPT, "the store holds %" PRIu64 " bytes of %" PRIu64,
		                head.size, u->size);
	return 0;
}

/* Stores that do not know If-None-Match answer 501, or 400 with one of these codes. */
static bool refuses_conditions(const struct mrt_http_response *r)
{
	const char *body = mrt_buf_text(&r->body);
	return r->status == 501 || (r->status == 400 && (strstr(body, "NotImplemented") ||
	                                                 strstr(body, "InvalidArgument")));
}

static int put_whole(struct upload *u, struct mrt_error *err)
{
	struct mrt_error local;
	err = err ? err : &local;
	for (;;) {
		struct mrt_pair headers[HEADERS_MAX];
		bool conditional = !u->s3->no_conditions;
		struct mrt_s3_call call = {
			.method = "PUT",
			.key = u->key,
			.headers = headers,
			.n_headers = conditions(u, headers),
			.body = u->buffer ? u->buffer : "",
			.body_len = u->fill,
			.bulk = true,
			.md5 = u->until[0] != '\0',
		};
		int rc = 0;
		if (!conditional) {
			rc = whose(u, err);
			if (rc != MRT_NOT_FOUND)
				return rc;
		}
		mrt_auto_response response = MRT_HTTP_RESPONSE;
		rc = mrt_s3_call(u->s3, u->ctx, &call, &response, err);
		if (rc == 0)
			return 0;
		if (conditional && refuses_conditions(&response)) {
			u->s3->no_conditions = true;
			continue;
		}
		/* 412: taken, perhaps by our own PUT whose answer was lost; 409: a race for it */
		if (rc == MRT_EXISTS || rc == MRT_CHANGED || (rc == MRT_NOT_FOUND && call.lost)) {
			struct mrt_error why = *err;
			rc = whose(u, err);
			if (rc == MRT_NOT_FOUND && why.code == MRT_CHANGED)
				continue;
			if (rc == MRT_NOT_FOUND)
				*err = why;
		}
		return rc;
	}
}

static int begin(struct upload *u, struct mrt_error *err)
{
	const struct mrt_pair query = { "uploads", "" };
	struct mrt_pair headers[HEADERS_MAX];
	struct mrt_s3_call call = { .method = "POST",
		                    .key = u->key,
		                    .query = &query,
		                    .n_query = 1,
		                    .headers = headers,
		                    .n_headers = marks(u, headers),
		                    .body = "" };
	mrt_auto(mrt_xml) *xml = NULL;
	int rc = mrt_s3_call_xml(u->s3, u->ctx, &call, "InitiateMultipartUploadResult", &xml, err);
	if (rc < 0)
		return rc;
	const char *id = mrt_xml_text(xml, "UploadId");
	if (!*id)
		return mrt_fail(err, MRT_FAILED, "%s gave no UploadId", u->s3->base_url);
	return mrt_text_dup(id, &u->id, err);
}

static int put_part(struct part *part, struct mrt_error *err)
{
	struct upload *u = part->upload;
	char number[16];
	snprintf(number, sizeof(number), "%u", part->number);
	const struct mrt_pair query[] = { { "partNumber", number }, { "uploadId", u->id } };
	struct mrt_s3_call call = { .method = "PUT",
		                    .key = u->key,
		                    .query = query,
		                    .n_query = 2,
		                    .body = part->buffer,
		                    .body_len = part->len,
		                    .bulk = true,
		                    .md5 = u->until[0] != '\0' };
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	int rc = mrt_s3_call(u->s3, &u->part_run, &call, &response, err);
	if (rc == 0 && !mrt_http_header(&response, "etag", part->etag, sizeof(part->etag)))
		rc = mrt_fail(err, MRT_FAILED, "%s gave no ETag for part %u", u->s3->base_url,
		              part->number);
	return rc < 0 ? mrt_prefix(err, rc, "part %u", part->number) : 0;
}

static void part_job(struct mrt_job *job)
{
	struct part *part = (struct part *)job;
	struct upload *u = part->upload;
	struct mrt_error err = { 0 };
	int rc = u->abort ? 0 : put_part(part, &err);
	mrt_pool_give(u->s3->pool, mrt_steal(part->buffer));
	pthread_mutex_lock(&u->lock);
	if (rc < 0 && !u->failure.code && !u->abort) {
		u->failure = err;
		u->abort = 1; /* the others need not go on */
	}
	u->in_flight--;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
}

static int failed(struct upload *u, struct mrt_error *err)
{
	pthread_mutex_lock(&u->lock);
	int rc = u->failure.code;
	if (rc < 0 && err)
		*err = u->failure;
	pthread_mutex_unlock(&u->lock);
	return rc;
}

static int send_part(struct upload *u, struct mrt_error *err)
{
	int rc = u->id ? failed(u, err) : begin(u, err);
	if (rc < 0)
		return rc;
	if (u->n_parts == PARTS_MAX)
		return mrt_fail(err, MRT_FAILED, "more than %d parts in one object", PARTS_MAX);
	struct part *part = calloc(1, sizeof(*part));
	if (!part)
		return mrt_no_memory(err);
	*part = (struct part) { .job.work = part_job,
		                .upload = u,
		                .number = ++u->n_parts,
		                .buffer = mrt_steal(u->buffer),
		                .len = u->fill };
	*u->last = part;
	u->last = &part->next;
	u->fill = 0;
	pthread_mutex_lock(&u->lock);
	u->in_flight++;
	pthread_mutex_unlock(&u->lock);
	rc = mrt_workers_submit(u->s3->workers, &part->job, err);
	if (rc < 0) {
		mrt_pool_give(u->s3->pool, mrt_steal(part->buffer));
		pthread_mutex_lock(&u->lock);
		u->in_flight--;
		pthread_mutex_unlock(&u->lock);
	}
	return rc;
}

static int upload_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct upload *u = (struct upload *)sink;
	const char *p = data;
	while (len > 0) {
		int rc = 0;
		/* a full buffer leaves only when more follows: one part's worth goes up in one PUT
		 */
		if (u->fill == u->part_size)
			rc = send_part(u, err);
		if (rc == 0 && !u->buffer)
			rc = mrt_pool_acquire(u->s3->pool, u->ctx, (void **)&u->buffer, err);
		if (rc < 0)
			return rc;
		size_t n = u->part_size - u->fill < len ? u->part_size - u->fill : len;
		memcpy(u->buffer + u->fill, p, n);
		u->fill += n;
		u->size += n;
		p += n;
		len -= n;
	}
	return 0;
}

static void wait_parts(struct upload *u)
{
	pthread_mutex_lock(&u->lock);
	while (u->in_flight > 0)
		pthread_cond_wait(&u->changed, &u->lock);
	pthread_mutex_unlock(&u->lock);
}

static int upload_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct upload *u = (struct upload *)sink;
	if (u->prepared)
		return 0;
	int rc = u->id && u->fill > 0 ? send_part(u, err) : 0;
	if (rc < 0)
		return rc;
	wait_parts(u); /* each part ends by itself: by success, its retries' limit, or the run's */
	rc = failed(u, err);
	u->prepared = rc == 0;
	return rc;
}

/* Is the upload still there? MRT_NOT_FOUND: completed, or aborted. */
static int list_parts(struct upload *u, struct mrt_error *err)
{
	const struct mrt_pair query = { "uploadId", u->id };
	struct mrt_s3_call call = { .method = "GET", .key = u->key, .query = &query, .n_query = 1 };
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	return mrt_s3_call(u->s3, u->ctx, &call, &response, err);
}

static int complete_once(struct upload *u, const struct mrt_buf *body, bool *ret_lost,
                         struct mrt_error *err)
{
	const struct mrt_pair query = { "uploadId", u->id };
	const struct mrt_pair condition = { "if-none-match", "*" };
	struct mrt_s3_call call = { .method = "POST",
		                    .key = u->key,
		                    .query = &query,
		                    .n_query = 1,
		                    .headers = &condition,
		                    .n_headers = !u->s3->no_conditions,
		                    .body = body->data,
		                    .body_len = body->len,
		                    .once = true };
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	int rc = mrt_s3_call(u->s3, u->ctx, &call, &response, err);
	if (rc < 0 && call.n_headers > 0 && refuses_conditions(&response)) {
		u->s3->no_conditions = true;
		call.n_headers = 0;
		call.lost = false;
		rc = mrt_s3_call(u->s3, u->ctx, &call, &response, err);
	}
	*ret_lost = call.lost;
	return rc;
}

/* The object's head decides after every answer, good or lost; the request is only sent again while
 * the store still knows the upload. */
static int complete(struct upload *u, struct mrt_error *err)
{
	struct mrt_error local;
	err = err ? err : &local;
	mrt_auto_buf body = MRT_BUF_INIT;
	mrt_buf_add_text(&body, "<CompleteMultipartUpload>");
	for (const struct part *p = u->first; p; p = p->next)
		mrt_buf_printf(&body, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>",
		               p->number, p->etag);
	mrt_buf_add_text(&body, "</CompleteMultipartUpload>");
	int rc = mrt_buf_check(&body, err);
	if (rc < 0)
		return rc;
	struct mrt_retry tries;
	mrt_retry_init(&tries, u->s3->options.retry_first, u->s3->options.retry_longest,
	               u->s3->options.give_up_after);
	/* gateways ignore If-None-Match here, so look first */
	rc = whose(u, err);
	while (rc == MRT_NOT_FOUND) {
		bool lost = false;
		struct mrt_error why = { 0 };
		int sent = complete_once(u, &body, &lost, &why);
		if (sent < 0 && !lost && sent != MRT_EXISTS && sent != MRT_CHANGED &&
		    sent != MRT_NOT_FOUND) {
			*err = why;
			return sent;
		}
		rc = whose(u, err);
		if (rc != MRT_NOT_FOUND)
			return rc;
		if (sent == 0)
			return mrt_fail(err, MRT_FAILED,
			                "the upload was completed, but the object is not there");
		*err = why;
		if (!lost || list_parts(u, NULL) == MRT_NOT_FOUND)
			return sent;
		sent = mrt_retry_wait(&tries, u->ctx, 0, err);
		if (sent < 0)
			return sent;
	}
	return rc;
}

static int upload_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	struct upload *u = (struct upload *)sink;
	int rc = upload_prepare(sink, err);
	if (rc == 0)
		rc = u->id ? complete(u, err) : put_whole(u, err);
	u->committed = rc == 0;
	if (rc == 0 && u->until[0])
		rc = mrt_s3_keep_until(u->s3, u->ctx, u->key, u->until, err);
	return rc;
}

static void upload_free(struct mrt_sink *sink)
{
	struct upload *u = (struct upload *)sink;
	if (!u->committed)
		u->abort = 1;
	wait_parts(u);
	mrt_pool_give(u->s3->pool, mrt_steal(u->buffer));
	if (u->id && !u->committed) {
		/* even when the run was cancelled, but not for long */
		struct mrt_context last = { .log = u->ctx->log,
			                    .wall = u->ctx->wall,
			                    .deadline = mrt_clock_monotonic() + 3 * MRT_SECOND };
		struct mrt_error err;
		if (mrt_s3_abort(u->s3, &last, u->key, u->id, &err) < 0)
			mrt_warn_because(u->ctx, &err, "an unfinished upload of %s stays in %s",
			                 u->key, u->s3->store.name);
	}
	while (u->first) {
		struct part *next = u->first->next;
		free(u->first);
		u->first = next;
	}
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->lock);
	free(u->key);
	free(u->id);
	free(u);
}

int mrt_s3_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
               int64_t since, struct mrt_sink **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = { .write = upload_write,
		                                 .prepare = upload_prepare,
		                                 .commit = upload_commit,
		                                 .free = upload_free };
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	struct upload *u = calloc(1, sizeof(*u));
	if (!u)
		return mrt_no_memory(err);
	u->sink.ops = &ops;
	u->s3 = s3;
	u->ctx = ctx;
	u->part_run = *ctx;
	u->part_run.abort = &u->abort;
	u->part_size = mrt_pool_buffer_size(s3->pool);
	u->last = &u->first;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, NULL);
	mrt_random_hex((MRT_S3_NONCE_SIZE - 1) / 2, u->nonce);
	int64_t until = since + s3->options.object_lock_days * 86400;
	if (since > 0 && s3->lock_mode && until > ctx->wall() / MRT_SECOND)
		mrt_time_format(until, MRT_TIME_RFC3339, u->until);
	mrt_auto(mrt_sink) *sink = &u->sink;
	int rc = mrt_s3_key(s3, key, &u->key, err);
	if (rc == 0)
		*ret = mrt_steal(sink);
	return rc;
}
