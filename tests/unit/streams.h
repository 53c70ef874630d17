/* streams.h - sources and sinks in memory, for tests of filters. */
#ifndef MRT_TESTS_STREAMS_H
#define MRT_TESTS_STREAMS_H

#include "base/stream.h"

struct memory_source {
	struct mrt_source source;
	const char *data;
	size_t len, step; /* step: at most this many bytes a read; 0: all */
};

static UNUSED int memory_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                              struct mrt_error *err)
{
	(void)err;
	struct memory_source *m = (struct memory_source *)source;
	size_t n = m->len < cap ? m->len : cap;
	if (m->step > 0 && n > m->step)
		n = m->step;
	if (n > 0)
		memcpy(data, m->data, n);
	m->data += n;
	m->len -= n;
	*ret_len = n;
	return 0;
}

static UNUSED void memory_free(struct mrt_source *source)
{
	(void)source;
}

static const struct mrt_source_ops memory_ops = { .read = memory_read, .free = memory_free };

#define MEMORY_SOURCE(bytes, n, at_once) \
	((struct memory_source) {        \
	        .source.ops = &memory_ops, .data = (bytes), .len = (n), .step = (at_once) })

/* Collects what is written, and counts the calls. */
struct memory_sink {
	struct mrt_sink sink;
	struct mrt_buf buf;
	unsigned prepared, committed;
	int fail_with; /* every write fails so, when not 0 */
};

static UNUSED int memory_write(struct mrt_sink *sink, const void *data, size_t len,
                               struct mrt_error *err)
{
	struct memory_sink *m = (struct memory_sink *)sink;
	if (m->fail_with)
		return mrt_fail(err, (enum mrt_code)m->fail_with, "told to fail");
	mrt_buf_add(&m->buf, data, len);
	return mrt_buf_check(&m->buf, err);
}

static UNUSED int memory_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	(void)err;
	((struct memory_sink *)sink)->prepared++;
	return 0;
}

static UNUSED int memory_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	(void)err;
	((struct memory_sink *)sink)->committed++;
	return 0;
}

static UNUSED void memory_sink_free(struct mrt_sink *sink)
{
	mrt_buf_release(&((struct memory_sink *)sink)->buf);
}

static const struct mrt_sink_ops memory_sink_ops = { .write = memory_write,
	                                             .prepare = memory_prepare,
	                                             .commit = memory_commit,
	                                             .free = memory_sink_free };

#define MEMORY_SINK ((struct memory_sink) { .sink.ops = &memory_sink_ops, .buf = MRT_BUF_INIT })

#endif
