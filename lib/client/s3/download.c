/* download.c - getting an object: ranges fetched ahead in parallel, delivered in order.
 *
 * Every range asks for the ETag that HEAD saw (If-Match), so that all bytes are of one version. How
 * far it reads ahead is up to what the pool can spare; one buffer is enough to go on.
 */
#include "base/text.h"
#include "client/s3/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SLOTS 16

struct slot {
	struct mrt_job job;
	struct download *download;
	char *buffer;
	uint64_t offset;
	size_t len, taken;
	bool done;
	struct mrt_error failure;
};

struct download {
	struct mrt_source source;
	struct mrt_s3 *s3;
	const struct mrt_context *ctx;
	struct mrt_context part_run;
	atomic_int abort;
	char *key;
	char etag[256];
	uint64_t next, end; /* the next byte to ask for, the end of what is wanted */
	struct slot slots[SLOTS];
	unsigned first, n; /* slots in use, from first */
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static int fetch(struct slot *slot, struct mrt_error *err)
{
	struct download *d = slot->download;
	char range[64];
	snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, slot->offset,
	         slot->offset + slot->len - 1);
	const struct mrt_pair headers[] = { { "range", range }, { "if-match", d->etag } };
	struct mrt_s3_call call = { .method = "GET",
		                    .key = d->key,
		                    .headers = headers,
		                    .n_headers = 2,
		                    .into = slot->buffer,
		                    .into_size = slot->len };
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	int rc = mrt_s3_call(d->s3, &d->part_run, &call, &response, err);
	if (rc == MRT_EXISTS)
		return mrt_fail(err, MRT_CHANGED, "the object changed while it was read");
	if (rc == 0 && (response.status != 206 || response.len != slot->len))
		rc = mrt_fail(err, MRT_CORRUPT,
		              "%s answered %ld with %" PRIu64 " bytes to a range of %zu",
		              d->s3->base_url, response.status, response.len, slot->len);
	return rc;
}

static void fetch_job(struct mrt_job *job)
{
	struct slot *slot = (struct slot *)job;
	struct download *d = slot->download;
	struct mrt_error err = { 0 };
	int rc = d->abort ? 0 : fetch(slot, &err); /* err may still hold what was retried */
	pthread_mutex_lock(&d->lock);
	if (rc < 0)
		slot->failure = err;
	slot->done = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

/* Asks for the next range; must: wait for a buffer. Sets *ret_asked. */
static int ask_range(struct download *d, bool must, bool *ret_asked, struct mrt_error *err)
{
	*ret_asked = false;
	unsigned window = d->s3->options.concurrency < SLOTS ? d->s3->options.concurrency : SLOTS;
	if (d->next == d->end || d->n == window)
		return 0;
	void *buffer = must ? NULL : mrt_pool_take(d->s3->pool);
	int rc = must ? mrt_pool_acquire(d->s3->pool, d->ctx, &buffer, err) : 0;
	if (rc < 0 || !buffer)
		return rc;
	uint64_t left = d->end - d->next;
	size_t size = mrt_pool_buffer_size(d->s3->pool);
	struct slot *slot = &d->slots[(d->first + d->n) % SLOTS];
	*slot = (struct slot) { .job.work = fetch_job,
		                .download = d,
		                .buffer = buffer,
		                .offset = d->next,
		                .len = left < size ? (size_t)left : size };
	rc = mrt_workers_submit(d->s3->workers, &slot->job, err);
	if (rc < 0) {
		mrt_pool_give(d->s3->pool, buffer);
		return rc;
	}
	d->next += slot->len;
	d->n++;
	*ret_asked = true;
	return 0;
}

static void wait_slot(struct download *d, const struct slot *slot)
{
	pthread_mutex_lock(&d->lock);
	while (!slot->done)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static int download_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                         struct mrt_error *err)
{
	struct download *d = (struct download *)source;
	bool asked = true;
	int rc = mrt_context_check(d->ctx, err);
	if (rc == 0 && d->n == 0)
		rc = ask_range(d, true, &asked, err);
	while (rc == 0 && asked)
		rc = ask_range(d, false, &asked, err);
	if (rc < 0)
		return rc;
	if (d->n == 0) {
		*ret_len = 0;
		return 0;
	}
	struct slot *slot = &d->slots[d->first];
	wait_slot(d, slot);
	if (slot->failure.code) {
		if (err)
			*err = slot->failure;
		return slot->failure.code;
	}
	size_t n = slot->len - slot->taken < cap ? slot->len - slot->taken : cap;
	memcpy(data, slot->buffer + slot->taken, n);
	slot->taken += n;
	if (slot->taken == slot->len) {
		mrt_pool_give(d->s3->pool, mrt_steal(slot->buffer));
		d->first = (d->first + 1) % SLOTS;
		d->n--;
	}
	*ret_len = n;
	return 0;
}

static void download_free(struct mrt_source *source)
{
	struct download *d = (struct download *)source;
	d->abort = 1;
	for (; d->n > 0; d->n--, d->first = (d->first + 1) % SLOTS) {
		wait_slot(d, &d->slots[d->first]);
		mrt_pool_give(d->s3->pool, d->slots[d->first].buffer);
	}
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d->key);
	free(d);
}

int mrt_s3_get(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
               uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { .read = download_read, .free = download_free };
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	struct download *d = calloc(1, sizeof(*d));
	if (!d)
		return mrt_no_memory(err);
	d->source.ops = &ops;
	d->s3 = s3;
	d->ctx = ctx;
	d->part_run = *ctx;
	d->part_run.abort = &d->abort;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	mrt_auto(mrt_source) *source = &d->source;
	struct mrt_s3_head head;
	int rc = mrt_s3_key(s3, key, &d->key, err);
	if (rc == 0)
		rc = mrt_s3_head(s3, ctx, d->key, &head, err);
	if (rc < 0)
		return rc;
	memcpy(d->etag, head.etag, sizeof(d->etag));
	d->next = offset < head.size ? offset : head.size;
	d->end = len < head.size - d->next ? d->next + len : head.size;
	*ret = mrt_steal(source);
	return 0;
}
