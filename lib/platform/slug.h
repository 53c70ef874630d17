/* slug.h - names that are DNS labels: of schools, and of plans. */
#ifndef MRT_PLATFORM_SLUG_H
#define MRT_PLATFORM_SLUG_H

#include "base/error.h"

#include <stddef.h>

#define MRT_SLUG_MAX 63
#define MRT_WORDS_MAX 1000 /* bytes of what people read: a school's name, a reason */

/* 1 to 63 of a-z, 0-9 and "-", which neither begins nor ends it (RFC 1123), nor stands third and
 * fourth (RFC 5891 keeps those). MRT_USAGE says which and hints at one that would do. what: "slug".
 */
int mrt_label_check(const char *what, const char *text, struct mrt_error *err);
/* The same, and not one of those that a platform needs for itself, "www", "api", ... */
int mrt_slug_check(const char *slug, struct mrt_error *err);
/* Is it "shared", "schema" or "database"? NULL: not given. MRT_USAGE. what: "--isolation". */
int mrt_isolation_check(const char *what, const char *text, struct mrt_error *err);
/* UTF-8 for people to read: not only blanks, no control characters, up to max bytes. what:
 * "--name". MRT_USAGE. */
int mrt_words_check(const char *what, const char *text, size_t max, struct mrt_error *err);

#endif
