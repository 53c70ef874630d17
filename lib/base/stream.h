/* stream.h - bulk data moves from a source through filters into a sink, in bounded chunks.
 *
 * Promises of every sink:
 *  - write() takes all bytes or fails; after a failure only free() is allowed;
 *  - prepare() ends the data: every byte is at the peer, errors have surfaced, nothing is visible;
 *  - commit() makes it visible, whole (it prepares first if nobody did); after it, free() only
 *    releases memory;
 *  - free() without commit() is abort: nothing stays, and nothing ever was visible.
 * A filter is a sink that passes its bytes on to a next sink it does not own; its prepare() flushes
 * what it holds and prepares the next, its commit() commits the next.
 *
 * Promises of every source: read() returns up to cap bytes, 0 only at the end of the data, and a
 * cut stream is an error, never an end.
 */
#ifndef MRT_BASE_STREAM_H
#define MRT_BASE_STREAM_H

#include "base/context.h"

struct mrt_sink;
struct mrt_sink_ops {
	int (*write)(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err);
	int (*prepare)(struct mrt_sink *sink, struct mrt_error *err);
	int (*commit)(struct mrt_sink *sink, struct mrt_error *err);
	void (*free)(struct mrt_sink *sink);
};
struct mrt_sink { /* first member of every sink */
	const struct mrt_sink_ops *ops;
};

struct mrt_source;
struct mrt_source_ops {
	int (*read)(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
	            struct mrt_error *err);
	void (*free)(struct mrt_source *source);
};
struct mrt_source { /* first member of every source */
	const struct mrt_source_ops *ops;
};

static inline int mrt_sink_write(struct mrt_sink *sink, const void *data, size_t len,
                                 struct mrt_error *err)
{
	return len > 0 ? sink->ops->write(sink, data, len, err) : 0;
}
static inline int mrt_sink_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	return sink->ops->prepare(sink, err);
}
static inline int mrt_sink_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	return sink->ops->commit(sink, err);
}
static inline void mrt_sink_free(struct mrt_sink *sink)
{
	if (sink)
		sink->ops->free(sink);
}
MRT_DEFINE_AUTO(mrt_sink)

static inline int mrt_source_read(struct mrt_source *source, void *data, size_t cap,
                                  size_t *ret_len, struct mrt_error *err)
{
	return source->ops->read(source, data, cap, ret_len, err);
}
static inline void mrt_source_free(struct mrt_source *source)
{
	if (source)
		source->ops->free(source);
}
MRT_DEFINE_AUTO(mrt_source)

#define MRT_CHUNK ((size_t)1 << 18) /* what one read moves */

/* Reads source to its end into sink; neither prepares nor commits. */
int mrt_stream_copy(const struct mrt_context *ctx, struct mrt_source *source, struct mrt_sink *sink,
                    struct mrt_error *err);
/* Reads source to its end into buf (bounded by its ceiling). */
int mrt_stream_slurp(const struct mrt_context *ctx, struct mrt_source *source, struct mrt_buf *buf,
                     struct mrt_error *err);
/* Reads a descriptor; does not own it. Waits with the run's limits. */
int mrt_source_of_fd(const struct mrt_context *ctx, int fd, struct mrt_source **ret,
                     struct mrt_error *err);
/* Writes to a descriptor, waiting with the run's limits while it is full; does not own it. EPIPE
 * is MRT_IO "the reader went away". */
int mrt_sink_of_fd(const struct mrt_context *ctx, int fd, struct mrt_sink **ret,
                   struct mrt_error *err);
/* Reads memory that outlives it; lives in *source and needs no free. */
struct mrt_buf_source {
	struct mrt_source source;
	const char *data;
	size_t len;
};
struct mrt_source *mrt_source_of_buf(struct mrt_buf_source *source, const void *data, size_t len);

#endif
