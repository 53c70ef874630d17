/* assert.c - the end of a process whose code is wrong. */
#include "base/assert.h"

#include <unistd.h>

void mrt_assert_failed(const char *condition, const char *file, int line)
{
	/* no allocation: nothing is known about the state of this process */
	char text[512];
	int n = snprintf(text, sizeof(text), "maratea: %s:%d: this must hold: %s\n", file, line,
	                 condition);
	if (n > 0) {
		size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
		ssize_t written = write(STDERR_FILENO, text, len);
		(void)written;
	}
	abort();
}
