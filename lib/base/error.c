/* error.c - error objects and the table of codes. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_status, http_status;
} codes[] = {
	[-MRT_OK] = { "ok", 0, 200 },
	[-MRT_FAILED] = { "failed", 1, 500 },
	[-MRT_NO_MEMORY] = { "no-memory", 1, 503 },
	[-MRT_IO] = { "io", 1, 500 },
	[-MRT_NO_SPACE] = { "no-space", 1, 507 },
	[-MRT_NOT_FOUND] = { "not-found", 1, 404 },
	[-MRT_USAGE] = { "usage", 2, 400 },
	[-MRT_CONFIG] = { "config", 3, 500 },
	[-MRT_UNSUPPORTED] = { "unsupported", 3, 501 },
	[-MRT_BAD] = { "bad", 4, 422 },
	[-MRT_CORRUPT] = { "corrupt", 4, 422 },
	[-MRT_EXISTS] = { "exists", 5, 409 },
	[-MRT_LOCKED] = { "locked", 5, 423 },
	[-MRT_CHANGED] = { "changed", 5, 409 },
	[-MRT_UNREACHABLE] = { "unreachable", 6, 502 },
	[-MRT_REFUSED] = { "refused", 6, 502 },
	[-MRT_DEADLINE] = { "deadline", 6, 504 },
	[-MRT_CANCELLED] = { "cancelled", 130, 503 },
};

static bool known(enum mrt_code code)
{
	return code <= MRT_OK && code > MRT_CODE_END;
}

const char *mrt_code_name(enum mrt_code code)
{
	return known(code) ? codes[-code].name : "failed";
}

int mrt_code_exit_status(enum mrt_code code)
{
	return known(code) ? codes[-code].exit_status : 1;
}

int mrt_code_http_status(enum mrt_code code)
{
	return known(code) ? codes[-code].http_status : 500;
}

/* A peer's message often ends in a newline, and a cut one should show that it is cut. */
static void tidy(char *text, size_t size, int wanted)
{
	if (wanted >= (int)size)
		memcpy(text + size - 4, "...", 4);
	size_t n = strlen(text);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		text[--n] = '\0';
}

int mrt_fail(struct mrt_error *err, enum mrt_code code, const char *format, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	char text[sizeof(err->text)]; /* the arguments may point into err itself */
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tidy(text, sizeof(text), n);
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	err->hint[0] = '\0';
	return code;
}

int mrt_context(struct mrt_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char what[512], text[sizeof(err->text)];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	int n = snprintf(text, sizeof(text), "%s: %s", what, err->text);
	tidy(text, sizeof(text), n);
	memcpy(err->text, text, sizeof(text));
	return code;
}

int mrt_hint(struct mrt_error *err, const char *format, ...)
{
	if (!err)
		return MRT_FAILED;
	size_t used = strlen(err->hint);
	if (used + 2 < sizeof(err->hint)) {
		if (used > 0)
			err->hint[used++] = '\n';
		va_list args;
		va_start(args, format);
		int n = vsnprintf(err->hint + used, sizeof(err->hint) - used, format, args);
		va_end(args);
		tidy(err->hint + used, sizeof(err->hint) - used, n);
	}
	return err->code;
}

static enum mrt_code code_of_errno(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return MRT_NO_SPACE;
	case ENOMEM:
		return MRT_NO_MEMORY;
	case ENOENT:
		return MRT_NOT_FOUND;
	case EEXIST:
		return MRT_EXISTS;
	default:
		return MRT_IO;
	}
}

int mrt_fail_errno(struct mrt_error *err, int number, const char *format, ...)
{
	char what[512], why[128];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* GNU strerror_r: thread-safe, returns the text */
	return mrt_fail(err, code_of_errno(number), "%s: %s", what,
	                strerror_r(number, why, sizeof(why)));
}
