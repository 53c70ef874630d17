/* buf.h - a growing byte buffer with a ceiling and a sticky error.
 *
 * Append freely and check once: after the first failure (out of memory, ceiling passed) every
 * append is a no-op and mrt_buf_check() says what happened. data is always NUL-terminated once
 * anything was appended; len does not count that NUL.
 */
#ifndef MRT_BASE_BUF_H
#define MRT_BASE_BUF_H

#include "base/auto.h"
#include "base/error.h"

#include <stdint.h>

struct mrt_buf {
	char *data;
	size_t len, cap, ceiling;
	int failed; /* 0, MRT_NO_MEMORY or MRT_FAILED */
};

#define MRT_BUF_CEILING ((size_t)64 << 20)
#define MRT_BUF_INIT ((struct mrt_buf) { .ceiling = MRT_BUF_CEILING })
#define mrt_auto_buf mrt_cleanup(mrt_buf_release) struct mrt_buf

void mrt_buf_release(struct mrt_buf *buf);
void mrt_buf_wipe(struct mrt_buf *buf); /* zeroes the bytes, then releases */
void mrt_buf_add(struct mrt_buf *buf, const void *data, size_t len);
void mrt_buf_add_text(struct mrt_buf *buf, const char *text);
void mrt_buf_add_char(struct mrt_buf *buf, char c);
void mrt_buf_printf(struct mrt_buf *buf, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void mrt_buf_reserve(struct mrt_buf *buf, size_t extra);
static inline void mrt_buf_clear(struct mrt_buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}
int mrt_buf_check(const struct mrt_buf *buf, struct mrt_error *err);
/* Hands over the NUL-terminated text (never NULL on success); the buffer is empty afterwards. */
int mrt_buf_take(struct mrt_buf *buf, char **ret, struct mrt_error *err);
static inline const char *mrt_buf_text(const struct mrt_buf *buf)
{
	return buf->data ? buf->data : "";
}

#endif
