/* buf.c - a growing byte buffer with a ceiling and a sticky error. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mrt_buf_release(struct mrt_buf *buf)
{
	free(buf->data);
	*buf = (struct mrt_buf) { .ceiling = buf->ceiling };
}

void mrt_buf_wipe(struct mrt_buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	mrt_buf_release(buf);
}

void mrt_buf_reserve(struct mrt_buf *buf, size_t extra)
{
	if (buf->failed)
		return;
	if (extra >= buf->ceiling || buf->len + extra >= buf->ceiling) {
		buf->failed = MRT_FAILED;
		return;
	}
	size_t need = buf->len + extra + 1;
	if (need <= buf->cap)
		return;
	size_t cap = buf->cap ? buf->cap : 64;
	while (cap < need)
		cap *= 2;
	char *data = realloc(buf->data, cap);
	if (!data) {
		buf->failed = MRT_NO_MEMORY;
		return;
	}
	buf->data = data;
	buf->cap = cap;
	buf->data[buf->len] = '\0';
}

void mrt_buf_add(struct mrt_buf *buf, const void *data, size_t len)
{
	mrt_buf_reserve(buf, len);
	if (buf->failed)
		return;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void mrt_buf_add_text(struct mrt_buf *buf, const char *text)
{
	mrt_buf_add(buf, text, strlen(text));
}

void mrt_buf_add_char(struct mrt_buf *buf, char c)
{
	mrt_buf_add(buf, &c, 1);
}

void mrt_buf_printf(struct mrt_buf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		buf->failed = buf->failed ? buf->failed : MRT_FAILED;
	else
		mrt_buf_reserve(buf, (size_t)n);
	if (!buf->failed) {
		vsnprintf(buf->data + buf->len, (size_t)n + 1, format, again);
		buf->len += (size_t)n;
	}
	va_end(again);
}

int mrt_buf_check(const struct mrt_buf *buf, struct mrt_error *err)
{
	if (buf->failed == MRT_NO_MEMORY)
		return mrt_no_memory(err);
	if (buf->failed)
		return mrt_fail(err, MRT_FAILED, "text longer than %zu bytes", buf->ceiling);
	return 0;
}

int mrt_buf_take(struct mrt_buf *buf, char **ret, struct mrt_error *err)
{
	mrt_buf_reserve(buf, 0);
	int rc = mrt_buf_check(buf, err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(buf->data);
	mrt_buf_release(buf);
	return 0;
}
