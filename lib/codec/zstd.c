/* zstd.c - compression as a filter, decompression as a source. */
#include "codec/zstd.h"

#include <inttypes.h>
#include <zstd.h>

#define JOB_SIZE ((size_t)4 << 20) /* what one worker takes at a time; bounds the memory */
#define WINDOW_LOG_MAX 25

size_t mrt_zstd_memory(int level, unsigned workers)
{
	/* rounded up from what zstd 1.5.4 allocates at the levels' default parameters */
	size_t one = (size_t)(level <= 4 ? 6 : level <= 9 ? 18 : level <= 15 ? 50 : 90) << 20;
	return one + workers * one + (workers > 0 ? (workers + 1) * JOB_SIZE : 0);
}

struct compressor {
	struct mrt_sink sink;
	struct mrt_sink *next;
	ZSTD_CCtx *context;
	char *out;
	size_t out_size;
	bool prepared;
};

static int compress(struct compressor *c, const void *data, size_t len, ZSTD_EndDirective how,
                    struct mrt_error *err)
{
	ZSTD_inBuffer in = { data, len, 0 };
	size_t left;
	do {
		ZSTD_outBuffer out = { c->out, c->out_size, 0 };
		left = ZSTD_compressStream2(c->context, &out, &in, how);
		if (ZSTD_isError(left))
			return mrt_fail(err, MRT_FAILED, "zstd: %s", ZSTD_getErrorName(left));
		int rc = mrt_sink_write(c->next, c->out, out.pos, err);
		if (rc < 0)
			return rc;
	} while (how == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

static int compressor_write(struct mrt_sink *sink, const void *data, size_t len,
                            struct mrt_error *err)
{
	return compress((struct compressor *)sink, data, len, ZSTD_e_continue, err);
}

static int compressor_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct compressor *c = (struct compressor *)sink;
	int rc = c->prepared ? 0 : compress(c, NULL, 0, ZSTD_e_end, err);
	c->prepared = true;
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
	ZSTD_freeCCtx(c->context);
	free(c->out);
	free(c);
}

int mrt_zstd_compressor(struct mrt_sink *next, int level, unsigned workers, struct mrt_sink **ret,
                        struct mrt_error *err)
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
	c->out_size = ZSTD_CStreamOutSize();
	c->out = malloc(c->out_size);
	c->context = ZSTD_createCCtx();
	if (!c->out || !c->context) {
		compressor_free(&c->sink);
		return mrt_no_memory(err);
	}
	ZSTD_CCtx_setParameter(c->context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(c->context, ZSTD_c_checksumFlag, 1);
	if (workers > 0) {
		/* a libzstd built without threads refuses; one thread is then what there is */
		size_t refused = ZSTD_CCtx_setParameter(c->context, ZSTD_c_nbWorkers, (int)workers);
		if (!ZSTD_isError(refused))
			ZSTD_CCtx_setParameter(c->context, ZSTD_c_jobSize, (int)JOB_SIZE);
	}
	*ret = &c->sink;
	return 0;
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
