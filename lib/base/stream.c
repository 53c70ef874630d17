/* stream.c - copying, descriptors as sources and sinks. */
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

int mrt_stream_copy(const struct mrt_context *ctx, struct mrt_source *source, struct mrt_sink *sink,
                    struct mrt_error *err)
{
	mrt_autofree char *chunk = malloc(MRT_CHUNK);
	if (!chunk)
		return mrt_no_memory(err);
	for (;;) {
		size_t n = 0;
		int rc = mrt_context_check(ctx, err);
		if (rc == 0)
			rc = mrt_source_read(source, chunk, MRT_CHUNK, &n, err);
		if (rc < 0 || n == 0)
			return rc;
		rc = mrt_sink_write(sink, chunk, n, err);
		if (rc < 0)
			return rc;
	}
}

int mrt_stream_slurp(const struct mrt_context *ctx, struct mrt_source *source, struct mrt_buf *buf,
                     struct mrt_error *err)
{
	mrt_autofree char *chunk = malloc(MRT_CHUNK);
	if (!chunk)
		return mrt_no_memory(err);
	for (;;) {
		size_t n = 0;
		int rc = mrt_context_check(ctx, err);
		if (rc == 0)
			rc = mrt_source_read(source, chunk, MRT_CHUNK, &n, err);
		if (rc < 0 || n == 0)
			return rc;
		mrt_buf_add(buf, chunk, n);
		explicit_bzero(chunk, n); /* it may be a key */
		rc = mrt_buf_check(buf, err);
		if (rc < 0)
			return rc;
	}
}

struct fd_source {
	struct mrt_source source;
	const struct mrt_context *ctx;
	int fd;
};

static int fd_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                   struct mrt_error *err)
{
	struct fd_source *from = (struct fd_source *)source;
	for (;;) {
		short events;
		int rc = mrt_context_poll(from->ctx, from->fd, POLLIN, -1, &events, err);
		if (rc < 0)
			return rc;
		ssize_t n = read(from->fd, data, cap);
		if (n >= 0) {
			*ret_len = (size_t)n;
			return 0;
		}
		if (errno != EINTR && errno != EAGAIN)
			return mrt_fail_errno(err, errno, "read");
	}
}

static void fd_source_free(struct mrt_source *source)
{
	free(source);
}

int mrt_source_of_fd(const struct mrt_context *ctx, int fd, struct mrt_source **ret,
                     struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { .read = fd_read, .free = fd_source_free };
	struct fd_source *from = malloc(sizeof(*from));
	if (!from)
		return mrt_no_memory(err);
	*from = (struct fd_source) { .source.ops = &ops, .ctx = ctx, .fd = fd };
	*ret = &from->source;
	return 0;
}

struct fd_sink {
	struct mrt_sink sink;
	const struct mrt_context *ctx;
	int fd;
};

static int fd_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct fd_sink *to = (struct fd_sink *)sink;
	const char *p = data;
	while (len > 0) {
		ssize_t n = write(to->fd, p, len);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EPIPE)
			return mrt_fail(err, MRT_IO, "the reader went away");
		if (errno != EINTR && errno != EAGAIN)
			return mrt_fail_errno(err, errno, "write");
		short events;
		int rc = mrt_context_poll(to->ctx, to->fd, POLLOUT, -1, &events, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int fd_done(struct mrt_sink *sink, struct mrt_error *err)
{
	(void)sink, (void)err;
	return 0;
}

static void fd_sink_free(struct mrt_sink *sink)
{
	free(sink);
}

int mrt_sink_of_fd(const struct mrt_context *ctx, int fd, struct mrt_sink **ret,
                   struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = {
		.write = fd_write, .prepare = fd_done, .commit = fd_done, .free = fd_sink_free
	};
	/* a full pipe must not block us past a signal or deadline */
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return mrt_fail_errno(err, errno, "descriptor %d", fd);
	struct fd_sink *to = malloc(sizeof(*to));
	if (!to)
		return mrt_no_memory(err);
	*to = (struct fd_sink) { .sink.ops = &ops, .ctx = ctx, .fd = fd };
	*ret = &to->sink;
	return 0;
}

static int buf_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                    struct mrt_error *err)
{
	struct mrt_buf_source *b = (struct mrt_buf_source *)source;
	size_t n = b->len < cap ? b->len : cap;
	(void)err;
	if (n > 0)
		memcpy(data, b->data, n);
	b->data += n;
	b->len -= n;
	*ret_len = n;
	return 0;
}

static void buf_free(struct mrt_source *source)
{
	(void)source;
}

struct mrt_source *mrt_source_of_buf(struct mrt_buf_source *b, const void *data, size_t len)
{
	static const struct mrt_source_ops ops = { buf_read, buf_free };
	*b = (struct mrt_buf_source) { .source.ops = &ops, .data = data, .len = len };
	return &b->source;
}
