/* assert.h - what a caller must never do, checked in every build.
 *
 * For mistakes in the code (an array that its author made too small), never for what comes from
 * outside: that is an error. It costs a compare, so it stays on in releases: a process that ends is
 * better than an argument, a header or a value that is dropped without a word.
 */
#ifndef MRT_BASE_ASSERT_H
#define MRT_BASE_ASSERT_H

#include <stddef.h>

#define mrt_assert(condition) \
	((condition) ? (void)0 : mrt_assert_failed(#condition, __FILE__, __LINE__))
/* Says which condition does not hold on stderr, and aborts. */
__attribute__((noreturn, cold)) void mrt_assert_failed(const char *condition, const char *file,
                                                       int line);

/* How many elements an array has. */
#define MRT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
