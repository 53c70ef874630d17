/* unit.h - what the unit tests share: a run, a log that is remembered, a directory, assertions. */
#ifndef MRT_TESTS_UNIT_H
#define MRT_TESTS_UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/context.h"
#include "base/text.h"

#define UNUSED __attribute__((unused))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The two assertions use the test's own "struct mrt_error err". */
#define assert_ok(call)                                                                  \
	do {                                                                             \
		int rc_ = (call);                                                        \
		if (rc_ != 0)                                                            \
			fail_msg("%s: %s: %s", #call, mrt_code_name((enum mrt_code)rc_), \
			         err.text.unmasked);                                     \
	} while (0)
#define assert_code(wanted, call)                                                                \
	do {                                                                                     \
		err = (struct mrt_error) { 0 };                                                  \
		int rc_ = (call);                                                                \
		if (rc_ != (wanted) || err.code != (wanted))                                     \
			fail_msg("%s: %s, not %s: %s", #call, mrt_code_name((enum mrt_code)rc_), \
			         mrt_code_name(wanted), err.text.unmasked);                      \
	} while (0)
#define assert_contains(text, part)                                                 \
	do {                                                                        \
		if (!strstr((text), (part)))                                        \
			fail_msg("\"%s\" does not contain \"%s\"", (text), (part)); \
	} while (0)

static UNUSED struct mrt_context plain_run(void)
{
	return (struct mrt_context) { .wall = mrt_clock_wall };
}

static UNUSED struct mrt_context run_for(int64_t ns)
{
	struct mrt_context ctx = plain_run();
	ctx.deadline = mrt_clock_monotonic() + ns;
	return ctx;
}

/* Log lines, one after the other, each with its level: "info: text\n". */
static UNUSED void remember_line(void *context, enum mrt_log_level level, const char *text)
{
	mrt_buf_printf(context, "%s: %s\n", mrt_log_level_name(level), text);
}

static UNUSED char *temporary_dir(void)
{
	struct mrt_error err = { 0 };
	char *dir = NULL;
	assert_ok(mrt_dir_temporary("maratea-unit", 4000, &dir, &err));
	return dir;
}

static UNUSED void remove_dir(char *dir)
{
	struct mrt_error err = { 0 };
	assert_ok(mrt_dir_remove(dir, &err));
	free(dir);
}

/* "dir/name", in a buffer of the caller's. */
#define PATH_SIZE 512
static UNUSED const char *path_in(char ret[PATH_SIZE], const char *dir, const char *name)
{
	snprintf(ret, PATH_SIZE, "%s/%s", dir, name);
	return ret;
}

static UNUSED void write_file(const char *dir, const char *name, const char *text)
{
	struct mrt_error err = { 0 };
	char path[PATH_SIZE];
	assert_ok(mrt_file_write(path_in(path, dir, name), text, strlen(text), 0600, &err));
}

/* Bytes that do not compress, the same on every run (xorshift). */
static UNUSED void fill_noise(void *data, size_t len, uint64_t seed)
{
	unsigned char *p = data;
	uint64_t x = seed * 2654435761u + 88172645463325252u;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (unsigned char)(x >> 24);
	}
}

#endif
