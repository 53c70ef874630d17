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
	char text[sizeof(err->text.unmasked)]; /* the arguments may point into err itself */
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tidy(text, sizeof(text), n);
	memcpy(err->text.unmasked, text, sizeof(text));
	err->code = code;
	err->hint.unmasked[0] = '\0';
	err->peer_code[0] = '\0';
	return code;
}

int mrt_recode(struct mrt_error *err, enum mrt_code code)
{
	if (err)
		err->code = code;
	return code;
}

int mrt_fail_because(struct mrt_error *err, enum mrt_code code, const struct mrt_error *why,
                     const char *format, ...)
{
	if (!err)
		return code;
	if (why != err)
		*err = *why;
	err->code = code;
	if (!format)
		return code;
	char what[512];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return mrt_prefix(err, code, "%s", what);
}

__attribute__((format(printf, 2, 3))) static void add_words(struct mrt_error *err,
                                                            const char *format, ...)
{
	char *text = err->text.unmasked;
	size_t used = strlen(text), room = sizeof(err->text.unmasked) - used;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text + used, room, format, args);
	va_end(args);
	tidy(text, sizeof(err->text.unmasked), (int)used + n);
}

void mrt_error_append(struct mrt_error *err, const char *format, ...)
{
	char what[512];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	add_words(err, " (%s)", what);
}

void mrt_error_append_error(struct mrt_error *err, const struct mrt_error *also)
{
	add_words(err, " (%s)", also->text.unmasked);
}

void mrt_error_join(struct mrt_error *err, const char *separator, const struct mrt_error *also)
{
	add_words(err, "%s%s", separator, also->text.unmasked);
}

void mrt_error_set_peer_code(struct mrt_error *err, const char *code, int len)
{
	if (err)
		snprintf(err->peer_code, sizeof(err->peer_code), "%.*s",
		         len < 0 ? (int)strlen(code) : len, code);
}

bool mrt_error_has_peer_code(const struct mrt_error *err, const char *code)
{
	return err && strcmp(err->peer_code, code) == 0;
}

bool mrt_error_mentions(const struct mrt_error *err, const char *words)
{
	return err && strstr(err->text.unmasked, words);
}

bool mrt_error_begins(const struct mrt_error *err, const char *words)
{
	return err && strncmp(err->text.unmasked, words, strlen(words)) == 0;
}

int mrt_prefix(struct mrt_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char what[512], text[sizeof(err->text.unmasked)];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	int n = snprintf(text, sizeof(text), "%s: %s", what, err->text.unmasked);
	tidy(text, sizeof(text), n);
	memcpy(err->text.unmasked, text, sizeof(text));
	return code;
}

int mrt_hint(struct mrt_error *err, const char *format, ...)
{
	if (!err)
		return MRT_FAILED;
	size_t used = strlen(err->hint.unmasked);
	if (used + 2 < sizeof(err->hint.unmasked)) {
		if (used > 0)
			err->hint.unmasked[used++] = '\n';
		va_list args;
		va_start(args, format);
		int n = vsnprintf(err->hint.unmasked + used, sizeof(err->hint.unmasked) - used,
		                  format, args);
		va_end(args);
		tidy(err->hint.unmasked + used, sizeof(err->hint.unmasked) - used, n);
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
