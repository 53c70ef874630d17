/* text.h - small things about text: encodings, numbers, sizes, nearest names. */
#ifndef MRT_BASE_TEXT_H
#define MRT_BASE_TEXT_H

#include "base/buf.h"

#include <stdint.h>

/* Lower-case hex of len bytes; ret holds 2 * len + 1. */
void mrt_hex(const void *data, size_t len, char *ret);
/* Exactly len bytes from 2 * len hex digits. */
bool mrt_unhex(const char *text, void *ret, size_t len);
/* Standard base64 with padding. */
void mrt_base64(struct mrt_buf *buf, const void *data, size_t len);
/* RFC 3986: everything but A-Z a-z 0-9 and the bytes in keep becomes %XX, upper-case. */
void mrt_percent_encode(struct mrt_buf *buf, const char *text, size_t len, const char *keep);

/* Decodes %XX in place; what is not two hex digits stays. plus: "+" stands for a blank. */
void mrt_percent_decode(char *text, bool plus);

/* "64", "8k", "8KiB", "16MiB", "64GiB": powers of 1024. */
int mrt_size_parse(const char *text, uint64_t *ret, struct mrt_error *err);
/* "512 B", "1.5 KiB", "3.0 GiB" */
#define MRT_SIZE_SIZE 24
void mrt_size_format(uint64_t bytes, char ret[MRT_SIZE_SIZE]);
/* A whole decimal number in [min, max]. */
int mrt_number_parse(const char *text, int64_t min, int64_t max, int64_t *ret,
                     struct mrt_error *err);

/* The name nearest to text by edit distance, or NULL when none is near enough to suggest.
 * names(i) returns the i-th name, NULL at the end. */
const char *mrt_nearest(const char *text, const char *(*names)(const void *arg, size_t i),
                        const void *arg);

/* Bytes of the character at text, as RFC 3629 has them; 0: there is none. */
size_t mrt_utf8_length(const char *text);
/* Is it one of U+0000 to U+001F, U+007F to U+009F? */
bool mrt_is_control(const char *text);

/* strdup that fails like everything else. */
int mrt_text_dup(const char *text, char **ret, struct mrt_error *err);
/* A formatted copy. */
int mrt_text_printf(char **ret, struct mrt_error *err, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
