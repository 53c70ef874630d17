/* text.c - encodings, numbers, sizes, nearest names. */
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void mrt_hex(const void *data, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[p[i] >> 4];
		ret[2 * i + 1] = digits[p[i] & 15];
	}
	ret[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mrt_unhex(const char *text, void *ret, size_t len)
{
	unsigned char *p = ret;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		p[i] = (unsigned char)(high << 4 | low);
	}
	return text[2 * len] == '\0';
}

void mrt_base64(struct mrt_buf *buf, const void *data, size_t len)
{
	static const char digits[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i += 3) {
		unsigned v = (unsigned)p[i] << 16;
		if (i + 1 < len)
			v |= (unsigned)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		char out[4] = { digits[v >> 18], digits[v >> 12 & 63],
			        i + 1 < len ? digits[v >> 6 & 63] : '=',
			        i + 2 < len ? digits[v & 63] : '=' };
		mrt_buf_add(buf, out, 4);
	}
}

void mrt_percent_encode(struct mrt_buf *buf, const char *text, size_t len, const char *keep)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || (c != 0 && strchr(keep, c));
		if (plain)
			mrt_buf_add_char(buf, (char)c);
		else
			mrt_buf_printf(buf, "%%%02X", c);
	}
}

void mrt_percent_decode(char *text, bool plus)
{
	char *to = text;
	for (const char *p = text; *p; p++) {
		const char hex[] = { p[0] == '%' ? p[1] : '\0', p[0] == '%' && p[1] ? p[2] : '\0',
			             '\0' };
		unsigned char c;
		if (hex[0] && hex[1] && mrt_unhex(hex, &c, 1)) {
			*to++ = (char)c;
			p += 2;
		} else {
			*to++ = plus && *p == '+' ? ' ' : *p;
		}
	}
	*to = '\0';
}

int mrt_size_parse(const char *text, uint64_t *ret, struct mrt_error *err)
{
	static const char letters[] = "kmgt";
	char *end = NULL;
	errno = 0;
	uintmax_t n = strtoumax(text, &end, 10);
	if (errno == 0 && end != text && text[0] >= '0' && text[0] <= '9') {
		unsigned shift = 0;
		for (unsigned i = 0; i < 4 && *end; i++)
			if ((*end | 32) == letters[i])
				shift = 10 * (i + 1);
		const char *rest = end + (shift > 0);
		bool unit = *rest == '\0' || (shift > 0 && strcasecmp(rest, "ib") == 0) ||
		            (shift == 0 && strcasecmp(rest, "b") == 0);
		if (unit && n <= UINT64_MAX >> shift) {
			*ret = (uint64_t)n << shift;
			return 0;
		}
	}
	return mrt_fail(err, MRT_USAGE, "'%.40s' is not a size (write 8MiB, 64GiB)", text);
}

void mrt_size_format(uint64_t bytes, char ret[MRT_SIZE_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	if (bytes < 1024) {
		snprintf(ret, MRT_SIZE_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	double n = (double)bytes / 1024;
	size_t unit = 0;
	for (; n >= 1023.95 && unit + 1 < MRT_COUNT(units); unit++)
		n /= 1024;
	snprintf(ret, MRT_SIZE_SIZE, "%.1f %s", n, units[unit]);
}

int mrt_number_parse(const char *text, int64_t min, int64_t max, int64_t *ret,
                     struct mrt_error *err)
{
	char *end = NULL;
	errno = 0;
	intmax_t n = strtoimax(text, &end, 10);
	bool begins = (text[0] >= '0' && text[0] <= '9') || text[0] == '-';
	if (errno != 0 || end == text || *end != '\0' || !begins || text[1] == ' ')
		return mrt_fail(err, MRT_USAGE, "'%.40s' is not a whole number", text);
	if (n < min || n > max)
		return mrt_fail(err, MRT_USAGE,
		                "%.40s is out of range (%" PRId64 " to %" PRId64 ")", text, min,
		                max);
	*ret = (int64_t)n;
	return 0;
}

/* Optimal string alignment distance: a swap of neighbours, the commonest slip, costs one. */
static unsigned distance(const char *a, const char *b)
{
	enum { MAX = 40 };
	size_t na = strlen(a), nb = strlen(b);
	if (na >= MAX || nb >= MAX)
		return MAX;
	unsigned d[MAX][MAX];
	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++)
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[na][nb];
}

const char *mrt_nearest(const char *text, const char *(*names)(const void *arg, size_t i),
                        const void *arg)
{
	const char *best = NULL, *name;
	unsigned least = 1 + (unsigned)strlen(text) / 3;
	if (least > 3)
		least = 3;
	for (size_t i = 0; (name = names(arg, i)); i++) {
		unsigned d = distance(text, name);
		if (d < least + (best == NULL)) {
			least = d;
			best = name;
		}
	}
	return best;
}

int mrt_text_dup(const char *text, char **ret, struct mrt_error *err)
{
	char *copy = strdup(text);
	if (!copy)
		return mrt_no_memory(err);
	*ret = copy;
	return 0;
}

int mrt_text_printf(char **ret, struct mrt_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = NULL;
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return mrt_no_memory(err);
	*ret = text;
	return 0;
}

size_t mrt_utf8_length(const char *text)
{
	static const struct {
		unsigned char first, last, low, high; /* of the second byte */
		size_t more;
	} forms[] = { { 0x01, 0x7f, 0, 0, 0 },       { 0xc2, 0xdf, 0x80, 0xbf, 1 },
		      { 0xe0, 0xe0, 0xa0, 0xbf, 2 }, { 0xe1, 0xec, 0x80, 0xbf, 2 },
		      { 0xed, 0xed, 0x80, 0x9f, 2 }, { 0xee, 0xef, 0x80, 0xbf, 2 },
		      { 0xf0, 0xf0, 0x90, 0xbf, 3 }, { 0xf1, 0xf3, 0x80, 0xbf, 3 },
		      { 0xf4, 0xf4, 0x80, 0x8f, 3 } };
	const unsigned char *p = (const unsigned char *)text;
	for (size_t i = 0; i < MRT_COUNT(forms); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		for (size_t k = 1; k <= forms[i].more; k++)
			if (p[k] < (k == 1 ? forms[i].low : 0x80) ||
			    p[k] > (k == 1 ? forms[i].high : 0xbf))
				return 0;
		return 1 + forms[i].more;
	}
	return 0;
}

bool mrt_is_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	return *p < 32 || *p == 127 || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0);
}
