/* zstd_pump.c - frames decompressed side by side, handed on in their order.
 *
 * Each thread takes the next frame's bytes from the source, decompresses them for itself, waits for
 * its turn, and hands the plain bytes on while they are still in its processor's cache. Only one
 * reads at a time, and only one hands on. A frame that does not say its size, or a large one, is
 * decompressed as a stream, in its turn, and so is all that follows it.
 */
#include "codec/zstd.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <zstd.h>

#define FRAME_MAX (MRT_ZSTD_FRAME + (MRT_ZSTD_FRAME >> 8) + 1024) /* over ZSTD_compressBound() */
#define THREADS_MAX 8
#define WINDOW_LOG_MAX 27

struct pump {
	struct mrt_source *from;
	int (*each)(void *context, const void *data, size_t len, struct mrt_error *err);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* of who reads */
	char *in; /* FRAME_MAX */
	size_t have;
	uint64_t offset; /* of in, in the compressed stream */
	bool at_end, any;
	/* under lock */
	bool reading, ended;
	uint64_t next, turn;
	int rc;
	struct mrt_error err;
};

/* One frame in a thread's hands. */
struct piece {
	ZSTD_DCtx *context;
	char *frame, *plain;
	size_t len, plain_len;
	uint64_t offset;
	bool stream; /* it is not in frame: from here on, as a stream */
};

static int zstd_failed(size_t code, uint64_t offset, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "zstd: %s, near byte %" PRIu64, ZSTD_getErrorName(code),
	                offset);
}

static int cut(const struct pump *p, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "zstd: the data ends inside a frame, at byte %" PRIu64,
	                p->offset + p->have);
}

static int fill(struct pump *p, struct mrt_error *err)
{
	size_t n = 0;
	int rc = mrt_source_read(p->from, p->in + p->have, FRAME_MAX - p->have, &n, err);
	p->at_end = rc == 0 && n == 0;
	p->have += rc == 0 ? n : 0;
	return rc;
}

/* Takes the next frame; len 0 and no stream: there is none. */
static int take_frame(struct pump *p, struct piece *f, struct mrt_error *err)
{
	f->len = f->plain_len = 0;
	f->stream = false;
	for (;;) {
		int rc = 0;
		if (p->have > 0) {
			unsigned long long size = ZSTD_getFrameContentSize(p->in, p->have);
			size_t len = ZSTD_findFrameCompressedSize(p->in, p->have);
			bool known = size != ZSTD_CONTENTSIZE_UNKNOWN &&
			             size != ZSTD_CONTENTSIZE_ERROR && size <= MRT_ZSTD_FRAME;
			f->offset = p->offset;
			if (!ZSTD_isError(len) && known) {
				memcpy(f->frame, p->in, len);
				f->len = len;
				f->plain_len = (size_t)size;
				p->have -= len;
				p->offset += len;
				memmove(p->in, p->in + len, p->have);
				p->any = true;
				return 0;
			}
			/* what a header may need is there; it is another's frame, or none at all */
			if ((!known && (p->have >= 18 || p->at_end)) || p->have == FRAME_MAX) {
				f->stream = true;
				return 0;
			}
		}
		if (p->at_end)
			return p->have > 0 || !p->any ? cut(p, err) : 0;
		rc = fill(p, err);
		if (rc < 0)
			return rc;
	}
}

/* Everything that is left, as a stream. */
static int stream_on(struct pump *p, struct piece *f, struct mrt_error *err)
{
	bool inside = false;
	ZSTD_DCtx_reset(f->context, ZSTD_reset_session_only);
	for (;;) {
		ZSTD_inBuffer in = { p->in, p->have, 0 };
		bool full = false;
		while (in.pos < in.size || full) {
			ZSTD_outBuffer out = { f->plain, MRT_ZSTD_FRAME, 0 };
			size_t more = ZSTD_decompressStream(f->context, &out, &in);
			if (ZSTD_isError(more))
				return zstd_failed(more, p->offset + in.pos, err);
			p->any = true;
			inside = more > 0;
			full = out.pos == out.size && more > 0;
			int rc = out.pos > 0 ? p->each(p->context, f->plain, out.pos, err) : 0;
			if (rc < 0)
				return rc;
		}
		p->offset += p->have;
		p->have = 0;
		if (p->at_end)
			return inside || !p->any ? cut(p, err) : 0;
		int rc = fill(p, err);
		if (rc < 0)
			return rc;
	}
}

static int hand_on(struct pump *p, struct piece *f, struct mrt_error *err)
{
	if (f->stream)
		return stream_on(p, f, err);
	return f->plain_len > 0 ? p->each(p->context, f->plain, f->plain_len, err) : 0;
}

static int decompress(struct piece *f, struct mrt_error *err)
{
	if (f->stream || f->len == 0)
		return 0;
	size_t n = ZSTD_decompressDCtx(f->context, f->plain, MRT_ZSTD_FRAME, f->frame, f->len);
	if (ZSTD_isError(n))
		return zstd_failed(n, f->offset, err);
	f->plain_len = n; /* a skippable frame has none */
	return 0;
}

/* One frame from the source to the caller; false: it was the last. */
static bool work_once(struct pump *p, struct piece *f)
{
	struct mrt_error err = { 0 };
	pthread_mutex_lock(&p->lock);
	while (p->reading && !p->ended)
		pthread_cond_wait(&p->changed, &p->lock);
	if (p->ended) {
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	p->reading = true;
	pthread_mutex_unlock(&p->lock);

	int rc = take_frame(p, f, &err);
	bool last = rc < 0 || f->stream || f->len == 0;

	pthread_mutex_lock(&p->lock);
	uint64_t number = p->next++;
	p->reading = false;
	p->ended = p->ended || last;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);

	if (rc == 0)
		rc = decompress(f, &err);

	pthread_mutex_lock(&p->lock);
	while (p->turn != number && p->rc == 0)
		pthread_cond_wait(&p->changed, &p->lock);
	bool failed = p->rc < 0; /* an earlier frame */
	pthread_mutex_unlock(&p->lock);
	if (failed)
		return false;
	if (rc == 0)
		rc = hand_on(p, f, &err);
	pthread_mutex_lock(&p->lock);
	p->turn++;
	if (rc < 0) {
		p->rc = rc;
		p->err = err;
		p->ended = true;
	}
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return rc == 0 && !last;
}

static void piece_release(struct piece *f)
{
	ZSTD_freeDCtx(f->context);
	free(f->frame);
	free(f->plain);
}

static void *work(void *arg)
{
	struct pump *p = arg;
	mrt_cleanup(piece_release) struct piece f = { .context = ZSTD_createDCtx(),
		                                      .frame = malloc(FRAME_MAX),
		                                      .plain = malloc(MRT_ZSTD_FRAME) };
	if (!f.context || !f.frame || !f.plain) {
		pthread_mutex_lock(&p->lock);
		if (p->rc == 0)
			p->rc = mrt_no_memory(&p->err);
		p->ended = true;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		return NULL;
	}
	ZSTD_DCtx_setParameter(f.context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	while (work_once(p, &f))
		;
	return NULL;
}

int mrt_zstd_pump(struct mrt_source *from, unsigned threads,
                  int (*each)(void *context, const void *data, size_t len, struct mrt_error *err),
                  void *context, struct mrt_error *err)
{
	struct pump p = { .from = from, .each = each, .context = context };
	pthread_t others[THREADS_MAX];
	unsigned n = 0;
	p.in = malloc(FRAME_MAX);
	if (!p.in)
		return mrt_no_memory(err);
	pthread_mutex_init(&p.lock, NULL);
	pthread_cond_init(&p.changed, NULL);
	/* fewer threads than asked for will do */
	while (n + 1 < threads && n < THREADS_MAX &&
	       pthread_create(&others[n], NULL, work, &p) == 0)
		n++;
	work(&p);
	for (unsigned i = 0; i < n; i++)
		pthread_join(others[i], NULL);
	pthread_mutex_destroy(&p.lock);
	pthread_cond_destroy(&p.changed);
	free(p.in);
	if (p.rc < 0 && err)
		*err = p.err;
	return p.rc;
}

size_t mrt_zstd_pump_memory(unsigned threads)
{
	return FRAME_MAX + threads * (FRAME_MAX + MRT_ZSTD_FRAME);
}
