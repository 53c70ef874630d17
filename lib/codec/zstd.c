/* zstd.c - compression as a filter, decompression as a source and as a filter. */
#include "codec/zstd.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <zstd.h>

#define WINDOW_LOG_MAX 25

size_t mrt_zstd_memory(const struct mrt_zstd_options *o)
{
	/* rounded up from what zstd 1.5.4 allocates at the levels' default parameters */
	size_t context = (size_t)(o->level <= 4    ? 6
	                          : o->level <= 9  ? 18
	                          : o->level <= 15 ? 50
	                                           : 90)
	                 << 20;
	size_t contexts = o->workers > 0 ? o->workers : 1;
	return contexts * context +
	       o->frames * (MRT_ZSTD_FRAME + ZSTD_compressBound(MRT_ZSTD_FRAME));
}

/* Frames are filled in order, compressed in any order by the workers, and written in order. */
struct frame {
	struct mrt_job job;
	struct compressor *c;
	uint64_t number;
	char *in, *out;
	size_t in_len;
	bool done;
	int rc;        /* of the digest */
	size_t result; /* of zstd: the length of out, or an error */
};

struct compressor {
	struct mrt_sink sink;
	struct mrt_sink *next;
	struct mrt_zstd_options how;
	struct mrt_workers *workers; /* NULL: the caller's thread does the work */
	struct mrt_digest *digest;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	ZSTD_CCtx **contexts; /* those no worker uses now */
	unsigned n_contexts;
	uint64_t digested; /* frames that are in the digest */
	bool abandoned;
	uint64_t filled, written; /* frames; the one being filled is filled % frames */
	struct frame *frames;
	bool prepared;
};

/* The digest takes frames in their order; their workers have begun in that order, so that the one
 * waited for is always at work. */
static int digest_frame(struct compressor *c, struct frame *f)
{
	while (c->digested != f->number)
		pthread_cond_wait(&c->changed, &c->lock);
	int rc = 0;
	if (c->digest && !c->abandoned) {
		pthread_mutex_unlock(&c->lock);
		rc = mrt_digest_add(c->digest, f->in, f->in_len, NULL);
		pthread_mutex_lock(&c->lock);
	}
	c->digested++;
	pthread_cond_broadcast(&c->changed);
	return rc;
}

static void compress_frame(struct mrt_job *job)
{
	struct frame *f = (struct frame *)job;
	struct compressor *c = f->c;
	pthread_mutex_lock(&c->lock);
	f->rc = digest_frame(c, f);
	ZSTD_CCtx *context = c->contexts[--c->n_contexts];
	bool work = !c->abandoned && f->rc == 0;
	pthread_mutex_unlock(&c->lock);
	if (work)
		f->result = ZSTD_compress2(context, f->out, ZSTD_compressBound(MRT_ZSTD_FRAME),
		                           f->in, f->in_len);
	pthread_mutex_lock(&c->lock);
	c->contexts[c->n_contexts++] = context;
	f->done = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* Writes what is ready, in order; waits until at most left frames are under way. */
static int write_ready(struct compressor *c, uint64_t left, struct mrt_error *err)
{
	while (c->written < c->filled) {
		struct frame *f = &c->frames[c->written % c->how.frames];
		pthread_mutex_lock(&c->lock);
		while (!f->done && c->filled - c->written > left)
			pthread_cond_wait(&c->changed, &c->lock);
		bool done = f->done;
		pthread_mutex_unlock(&c->lock);
		if (!done)
			return 0;
		if (f->rc < 0)
			return mrt_fail(err, f->rc, "a digest failed");
		if (ZSTD_isError(f->result))
			return mrt_fail(err, MRT_FAILED, "zstd: %s", ZSTD_getErrorName(f->result));
		int rc = mrt_sink_write(c->next, f->out, f->result, err);
		if (rc < 0)
			return rc;
		c->written++;
	}
	return 0;
}

/* The frame being filled, or NULL; its memory comes with its first use. */
static struct frame *begin_frame(struct compressor *c, struct mrt_error *err)
{
	struct frame *f = &c->frames[c->filled % c->how.frames];
	if (!f->in)
		f->in = malloc(MRT_ZSTD_FRAME);
	if (!f->out)
		f->out = malloc(ZSTD_compressBound(MRT_ZSTD_FRAME));
	if (f->in && f->out)
		return f;
	mrt_no_memory(err);
	return NULL;
}

static int end_frame(struct compressor *c, struct frame *f, struct mrt_error *err)
{
	f->job.work = compress_frame;
	f->c = c;
	f->number = c->filled;
	f->done = false;
	int rc = 0;
	if (c->workers)
		rc = mrt_workers_submit(c->workers, &f->job, err);
	else
		compress_frame(&f->job);
	if (rc < 0)
		return rc;
	c->filled++;
	rc = write_ready(c, c->how.frames - 1, err);
	c->frames[c->filled % c->how.frames].in_len = 0;
	return rc;
}

int mrt_zstd_room(struct mrt_sink *compressor, void **ret, size_t *ret_len, struct mrt_error *err)
{
	struct frame *f = begin_frame((struct compressor *)compressor, err);
	if (!f)
		return MRT_NO_MEMORY;
	*ret = f->in + f->in_len;
	*ret_len = MRT_ZSTD_FRAME - f->in_len;
	return 0;
}

int mrt_zstd_filled(struct mrt_sink *compressor, size_t len, struct mrt_error *err)
{
	struct compressor *c = (struct compressor *)compressor;
	struct frame *f = &c->frames[c->filled % c->how.frames];
	f->in_len += len;
	if (c->how.plain)
		c->how.plain->size += len;
	return f->in_len == MRT_ZSTD_FRAME ? end_frame(c, f, err) : 0;
}

static int compressor_write(struct mrt_sink *sink, const void *data, size_t len,
                            struct mrt_error *err)
{
	const char *p = data;
	while (len > 0) {
		void *to;
		size_t room;
		int rc = mrt_zstd_room(sink, &to, &room, err);
		if (rc < 0)
			return rc;
		size_t n = len < room ? len : room;
		memcpy(to, p, n);
		rc = mrt_zstd_filled(sink, n, err);
		if (rc < 0)
			return rc;
		p += n;
		len -= n;
	}
	return 0;
}

static int end_stream(struct compressor *c, struct mrt_error *err)
{
	struct frame *f = begin_frame(c, err);
	int rc = f ? 0 : MRT_NO_MEMORY;
	if (rc == 0 && (f->in_len > 0 || c->filled == 0))
		rc = end_frame(c, f, err); /* no bytes at all are a frame, too */
	if (rc == 0)
		rc = write_ready(c, 0, err);
	if (rc == 0 && c->digest)
		rc = mrt_digest_end(c->digest, c->how.plain->sha256, err);
	return rc;
}

static int compressor_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct compressor *c = (struct compressor *)sink;
	int rc = c->prepared ? 0 : end_stream(c, err);
	c->prepared = c->prepared || rc == 0;
	return rc < 0 ? rc : mrt_sink_prepare(c->next, err);
}

static int compressor_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	int rc = compressor_prepare(sink, err);
	return rc < 0 ? rc : mrt_sink_commit(((struct compressor *)sink)->next, err);
}

static void compressor_free(struct mrt_sink *sink)
{
	struct compressor *c = (struct compressor *)sink;
	pthread_mutex_lock(&c->lock);
	c->abandoned = true;
	pthread_mutex_unlock(&c->lock);
	mrt_workers_free(c->workers);
	for (unsigned i = 0; i < c->n_contexts; i++)
		ZSTD_freeCCtx(c->contexts[i]);
	for (unsigned i = 0; c->frames && i < c->how.frames; i++) {
		free(c->frames[i].in);
		free(c->frames[i].out);
	}
	mrt_digest_free(c->digest);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c->contexts);
	free(c->frames);
	free(c);
}

static int add_context(struct compressor *c, struct mrt_error *err)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	if (!context)
		return mrt_no_memory(err);
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, c->how.level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	c->contexts[c->n_contexts++] = context;
	return 0;
}

int mrt_zstd_compressor(struct mrt_sink *next, const struct mrt_zstd_options *options,
                        struct mrt_sink **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = { .write = compressor_write,
		                                 .prepare = compressor_prepare,
		                                 .commit = compressor_commit,
		                                 .free = compressor_free };
	struct compressor *c = calloc(1, sizeof(*c));
	if (!c)
		return mrt_no_memory(err);
	c->sink.ops = &ops;
	c->next = next;
	c->how = *options;
	if (c->how.frames <= c->how.workers)
		c->how.frames = c->how.workers + 1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	mrt_auto(mrt_sink) *sink = &c->sink;
	unsigned contexts = c->how.workers > 0 ? c->how.workers : 1;
	c->contexts = calloc(contexts, sizeof(ZSTD_CCtx *));
	c->frames = calloc(c->how.frames, sizeof(*c->frames));
	int rc = c->contexts && c->frames ? 0 : mrt_no_memory(err);
	while (rc == 0 && c->n_contexts < contexts)
		rc = add_context(c, err);
	if (rc == 0 && c->how.plain) {
		*c->how.plain = (struct mrt_tally) { 0 };
		rc = c->how.no_digest ? 0 : mrt_digest_new(&c->digest, err);
	}
	if (rc == 0 && c->how.workers > 0)
		rc = mrt_workers_new(c->how.workers, true, &c->workers, err);
	if (rc == 0)
		*ret = mrt_steal(sink);
	return rc;
}

struct decompressor {
	struct mrt_source source;
	struct mrt_source *from;
	ZSTD_DCtx *context;
	char *in;
	size_t in_size;
	ZSTD_inBuffer left;
	uint64_t offset; /* of left.src in the compressed stream */
	bool any;        /* a frame has begun */
	bool inside;     /* and not ended */
	bool flushing;   /* the last call filled the caller's buffer: more may be waiting */
};

static int refill(struct decompressor *d, struct mrt_error *err)
{
	d->offset += d->left.size;
	size_t n = 0;
	int rc = mrt_source_read(d->from, d->in, d->in_size, &n, err);
	d->left = (ZSTD_inBuffer) { d->in, rc < 0 ? 0 : n, 0 };
	return rc;
}

static int decompressor_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                             struct mrt_error *err)
{
	struct decompressor *d = (struct decompressor *)source;
	for (;;) {
		if (d->left.pos == d->left.size && !d->flushing) {
			int rc = refill(d, err);
			if (rc < 0)
				return rc;
			if (d->left.size == 0 && (d->inside || !d->any))
				return mrt_fail(
				        err, MRT_CORRUPT,
				        "zstd: the data ends inside a frame, at byte %" PRIu64,
				        d->offset);
			if (d->left.size == 0) {
				*ret_len = 0;
				return 0;
			}
		}
		ZSTD_outBuffer out = { data, cap, 0 };
		size_t more = ZSTD_decompressStream(d->context, &out, &d->left);
		if (ZSTD_isError(more))
			return mrt_fail(err, MRT_CORRUPT, "zstd: %s, near byte %" PRIu64,
			                ZSTD_getErrorName(more), d->offset + d->left.pos);
		d->any = true;
		d->inside = more > 0;
		d->flushing = out.pos == cap && more > 0;
		if (out.pos > 0) {
			*ret_len = out.pos;
			return 0;
		}
	}
}

static void decompressor_free(struct mrt_source *source)
{
	struct decompressor *d = (struct decompressor *)source;
	ZSTD_freeDCtx(d->context);
	free(d->in);
	free(d);
}

int mrt_zstd_source(struct mrt_source *from, struct mrt_source **ret, struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { .read = decompressor_read,
		                                   .free = decompressor_free };
	struct decompressor *d = calloc(1, sizeof(*d));
	if (!d)
		return mrt_no_memory(err);
	d->source.ops = &ops;
	d->from = from;
	d->in_size = ZSTD_DStreamInSize();
	d->in = malloc(d->in_size);
	d->context = ZSTD_createDCtx();
	if (!d->in || !d->context) {
		decompressor_free(&d->source);
		return mrt_no_memory(err);
	}
	ZSTD_DCtx_setParameter(d->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	*ret = &d->source;
	return 0;
}

struct unzip {
	struct mrt_sink sink;
	struct mrt_sink *next;
	ZSTD_DCtx *context;
	char *out;
	size_t out_size;
	uint64_t offset;
	bool inside, any;
};

static int unzip_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct unzip *u = (struct unzip *)sink;
	ZSTD_inBuffer in = { data, len, 0 };
	bool full = false;
	while (in.pos < in.size || full) {
		ZSTD_outBuffer out = { u->out, u->out_size, 0 };
		size_t more = ZSTD_decompressStream(u->context, &out, &in);
		if (ZSTD_isError(more))
			return mrt_fail(err, MRT_CORRUPT, "zstd: %s, near byte %" PRIu64,
			                ZSTD_getErrorName(more), u->offset + in.pos);
		u->any = true;
		u->inside = more > 0;
		full = out.pos == out.size && more > 0;
		int rc = mrt_sink_write(u->next, u->out, out.pos, err);
		if (rc < 0)
			return rc;
	}
	u->offset += len;
	return 0;
}

static int unzip_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct unzip *u = (struct unzip *)sink;
	if (u->inside || !u->any)
		return mrt_fail(err, MRT_CORRUPT,
		                "zstd: the data ends inside a frame, at byte %" PRIu64, u->offset);
	return mrt_sink_prepare(u->next, err);
}

static int unzip_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	int rc = unzip_prepare(sink, err);
	return rc < 0 ? rc : mrt_sink_commit(((struct unzip *)sink)->next, err);
}

static void unzip_free(struct mrt_sink *sink)
{
	struct unzip *u = (struct unzip *)sink;
	ZSTD_freeDCtx(u->context);
	free(u->out);
	free(u);
}

int mrt_zstd_decompressor(struct mrt_sink *next, struct mrt_sink **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = { .write = unzip_write,
		                                 .prepare = unzip_prepare,
		                                 .commit = unzip_commit,
		                                 .free = unzip_free };
	struct unzip *u = calloc(1, sizeof(*u));
	if (!u)
		return mrt_no_memory(err);
	mrt_auto(mrt_sink) *sink = &u->sink;
	u->sink.ops = &ops;
	u->next = next;
	u->out_size = ZSTD_DStreamOutSize();
	u->out = malloc(u->out_size);
	u->context = ZSTD_createDCtx();
	if (!u->out || !u->context)
		return mrt_no_memory(err);
	ZSTD_DCtx_setParameter(u->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	*ret = mrt_steal(sink);
	return 0;
}
