/* error.h - what went wrong, in the words of whoever said it.
 *
 * Functions return 0 or a negative enum mrt_code; the last parameter is an error object on the
 * caller's stack (NULL when the caller does not care). A failing function writes one sentence with
 * mrt_fail(); callers add what they were doing with mrt_prefix() on the way up. Where there is a
 * remedy, mrt_hint() says it. Only main prints, once.
 */
#ifndef MRT_BASE_ERROR_H
#define MRT_BASE_ERROR_H

#include "base/assert.h"

#include <stdbool.h>

enum mrt_code {
	MRT_OK = 0,
	MRT_FAILED = -1, /* the operation failed */
	MRT_NO_MEMORY = -2,
	MRT_IO = -3, /* a file or pipe failed under us */
	MRT_NO_SPACE = -4,
	MRT_NOT_FOUND = -5,
	MRT_USAGE = -6,
	MRT_CONFIG = -7,
	MRT_UNSUPPORTED = -8, /* the installation or the peer lacks what is needed */
	MRT_BAD = -9,         /* the tool worked; the answer is bad */
	MRT_CORRUPT = -10,    /* bytes are not what they must be */
	MRT_EXISTS = -11,
	MRT_LOCKED = -12,
	MRT_CHANGED = -13, /* changed underneath us */
	MRT_UNREACHABLE = -14,
	MRT_REFUSED = -15, /* the peer answered, and said no */
	MRT_DEADLINE = -16,
	MRT_CANCELLED = -17, /* SIGINT or SIGTERM, see base/context.h */
	MRT_CODE_END = -18
};

/* The words are not masked yet: a peer may have repeated a secret that it was sent. They are
 * structs, so that no format, JSON or file takes them by mistake. Only lib/base opens them; they
 * leave by mrt_error_mask() (base/log.h), by mrt_json_set_error() and by the log, which mask. */
struct mrt_error {
	enum mrt_code code;
	char peer_code[32]; /* the peer's own: an SQLSTATE, Redis' "NOPERM"; compared, never shown
	                     */
	struct {
		char unmasked[2048]; /* one sentence, no newline at the end; may hold the peer's
		                        lines, or a list, of lines that begin with "- " */
	} text;
	struct {
		char unmasked[1024]; /* zero or more lines */
	} hint;
};

/* The one table: name, exit status, HTTP status. */
const char *mrt_code_name(enum mrt_code code);
int mrt_code_exit_status(enum mrt_code code);
int mrt_code_http_status(enum mrt_code code);

/* Sets code and text, forgets an older hint; returns the code. */
int mrt_fail(struct mrt_error *err, enum mrt_code code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Is it the end of all, whatever it came from? What else one of many things comes to says nothing
 * of the next. */
static inline bool mrt_code_is_final(int code)
{
	return code == MRT_CANCELLED || code == MRT_DEADLINE || code == MRT_NO_MEMORY;
}

/* Puts "what: " before the text; returns code, so that callers can return it. */
int mrt_prefix(struct mrt_error *err, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Text and hint stay, the code changes. Returns the code. */
int mrt_recode(struct mrt_error *err, enum mrt_code code);
/* "format: what why says", with why's hint; format NULL: what why says alone. why may be err. */
int mrt_fail_because(struct mrt_error *err, enum mrt_code code, const struct mrt_error *why,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Appends " (format)", or " (what also says)". */
void mrt_error_append(struct mrt_error *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void mrt_error_append_error(struct mrt_error *err, const struct mrt_error *also);
/* Appends a separator and what also says. */
void mrt_error_join(struct mrt_error *err, const char *separator, const struct mrt_error *also);
/* Remembers the peer's own code; to be called after mrt_fail(). len < 0: up to the NUL. */
void mrt_error_set_peer_code(struct mrt_error *err, const char *code, int len);
bool mrt_error_has_peer_code(const struct mrt_error *err, const char *code);
/* Does the text hold, or begin with, these words of ours? */
bool mrt_error_mentions(const struct mrt_error *err, const char *words);
bool mrt_error_begins(const struct mrt_error *err, const char *words);
/* An answer that is bad, and that stdout has told already. */
static inline bool mrt_error_is_silent(const struct mrt_error *err)
{
	return err->text.unmasked[0] == '\0';
}

/* Adds one hint line; returns the error's code. */
int mrt_hint(struct mrt_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* MRT_NO_SPACE for ENOSPC and EDQUOT, MRT_NO_MEMORY for ENOMEM, MRT_NOT_FOUND for ENOENT,
 * MRT_EXISTS for EEXIST, else MRT_IO; the text ends in strerror(number). */
int mrt_fail_errno(struct mrt_error *err, int number, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static inline int mrt_no_memory(struct mrt_error *err)
{
	return mrt_fail(err, MRT_NO_MEMORY, "out of memory");
}

#endif
