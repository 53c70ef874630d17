/* test_error.c - error objects and the table of codes. */
#include "unit.h"

#include <errno.h>

static void every_code_has_its_name_exit_and_http_status(void **state)
{
	(void)state;
	static const struct {
		enum mrt_code code;
		const char *name;
		int exit_status, http_status;
	} table[] = {
		{ MRT_OK, "ok", 0, 200 },
		{ MRT_FAILED, "failed", 1, 500 },
		{ MRT_NO_MEMORY, "no-memory", 1, 503 },
		{ MRT_IO, "io", 1, 500 },
		{ MRT_NO_SPACE, "no-space", 1, 507 },
		{ MRT_NOT_FOUND, "not-found", 1, 404 },
		{ MRT_USAGE, "usage", 2, 400 },
		{ MRT_CONFIG, "config", 3, 500 },
		{ MRT_UNSUPPORTED, "unsupported", 3, 501 },
		{ MRT_BAD, "bad", 4, 422 },
		{ MRT_CORRUPT, "corrupt", 4, 422 },
		{ MRT_EXISTS, "exists", 5, 409 },
		{ MRT_LOCKED, "locked", 5, 423 },
		{ MRT_CHANGED, "changed", 5, 409 },
		{ MRT_UNREACHABLE, "unreachable", 6, 502 },
		{ MRT_REFUSED, "refused", 6, 502 },
		{ MRT_DEADLINE, "deadline", 6, 504 },
		{ MRT_CANCELLED, "cancelled", 130, 503 },
	};
	assert_int_equal(COUNT(table), -MRT_CODE_END);
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_int_equal(table[i].code, -(int)i);
		assert_string_equal(mrt_code_name(table[i].code), table[i].name);
		assert_int_equal(mrt_code_exit_status(table[i].code), table[i].exit_status);
		assert_int_equal(mrt_code_http_status(table[i].code), table[i].http_status);
	}
}

static void an_unknown_code_counts_as_failed(void **state)
{
	(void)state;
	const int unknown[] = { 1, MRT_CODE_END, -100 };
	for (size_t i = 0; i < COUNT(unknown); i++) {
		assert_string_equal(mrt_code_name((enum mrt_code)unknown[i]), "failed");
		assert_int_equal(mrt_code_exit_status((enum mrt_code)unknown[i]), 1);
		assert_int_equal(mrt_code_http_status((enum mrt_code)unknown[i]), 500);
	}
}

static void context_stands_before_the_text(void **state)
{
	(void)state;
	struct mrt_error err;
	assert_int_equal(mrt_fail(&err, MRT_REFUSED, "no such %s", "role"), MRT_REFUSED);
	assert_int_equal(mrt_prefix(&err, MRT_REFUSED, "connect to %s", "db1"), MRT_REFUSED);
	assert_int_equal(mrt_prefix(&err, MRT_REFUSED, "back up"), MRT_REFUSED);
	assert_string_equal(err.text.unmasked, "back up: connect to db1: no such role");
	assert_int_equal(err.code, MRT_REFUSED);
	assert_string_equal(err.hint.unmasked, "");
}

static void a_text_may_repeat_the_older_text_of_the_same_error(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_fail(&err, MRT_IO, "inner");
	mrt_fail(&err, MRT_CORRUPT, "%s, then outer", err.text.unmasked);
	assert_string_equal(err.text.unmasked, "inner, then outer");
	assert_int_equal(err.code, MRT_CORRUPT);
}

static void hints_are_lines_and_a_new_failure_forgets_them(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_fail(&err, MRT_CONFIG, "wrong");
	assert_int_equal(mrt_hint(&err, "try %d", 1), MRT_CONFIG);
	assert_int_equal(mrt_hint(&err, "or that"), MRT_CONFIG);
	assert_string_equal(err.hint.unmasked, "try 1\nor that");
	mrt_prefix(&err, MRT_CONFIG, "load");
	assert_string_equal(err.hint.unmasked, "try 1\nor that");
	mrt_fail(&err, MRT_IO, "worse");
	assert_string_equal(err.hint.unmasked, "");
}

static void newlines_and_blanks_at_the_end_go(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_fail(&err, MRT_FAILED, "%s", "FATAL: no\nDETAIL: really \n\n");
	assert_string_equal(err.text.unmasked, "FATAL: no\nDETAIL: really");
}

static void what_is_too_long_ends_in_dots(void **state)
{
	(void)state;
	struct mrt_error err;
	char text[3000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mrt_fail(&err, MRT_FAILED, "%s", text);
	assert_int_equal(strlen(err.text.unmasked), sizeof(err.text.unmasked) - 1);
	assert_string_equal(err.text.unmasked + sizeof(err.text.unmasked) - 5, "x...");
	mrt_prefix(&err, MRT_FAILED, "%s", text);
	assert_int_equal(strlen(err.text.unmasked), sizeof(err.text.unmasked) - 1);
	assert_string_equal(err.text.unmasked + sizeof(err.text.unmasked) - 5, "x...");
	mrt_hint(&err, "%s", text);
	assert_int_equal(strlen(err.hint.unmasked), sizeof(err.hint.unmasked) - 1);
	assert_string_equal(err.hint.unmasked + sizeof(err.hint.unmasked) - 5, "x...");
}

static void a_text_that_just_fits_is_not_cut(void **state)
{
	(void)state;
	struct mrt_error err;
	char text[sizeof(err.text.unmasked)];
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mrt_fail(&err, MRT_FAILED, "%s", text);
	assert_string_equal(err.text.unmasked, text);
}

static void hints_fill_up_without_passing_the_end(void **state)
{
	(void)state;
	struct mrt_error both[2];
	for (size_t first = 1000; first < sizeof(both[0].hint.unmasked); first++) {
		char text[sizeof(both[0].hint.unmasked)];
		memset(text, 'h', first);
		text[first] = '\0';
		memset(&both[1], 0x5a, sizeof(both[1]));
		mrt_fail(&both[0], MRT_FAILED, "kept");
		mrt_hint(&both[0], "%s", text);
		mrt_hint(&both[0], "one more line that is long enough");
		assert_true(strlen(both[0].hint.unmasked) < sizeof(both[0].hint.unmasked));
		assert_string_equal(both[0].text.unmasked, "kept");
		assert_int_equal(*(unsigned char *)&both[1], 0x5a);
	}
}

static void errno_chooses_the_code_and_ends_the_text(void **state)
{
	(void)state;
	struct mrt_error err;
	assert_int_equal(mrt_fail_errno(&err, ENOSPC, "write %s", "f"), MRT_NO_SPACE);
	assert_string_equal(err.text.unmasked, "write f: No space left on device");
	assert_int_equal(mrt_fail_errno(&err, EDQUOT, "write"), MRT_NO_SPACE);
	assert_int_equal(mrt_fail_errno(&err, ENOMEM, "map"), MRT_NO_MEMORY);
	assert_int_equal(mrt_fail_errno(&err, ENOENT, "open"), MRT_NOT_FOUND);
	assert_int_equal(mrt_fail_errno(&err, EEXIST, "link"), MRT_EXISTS);
	assert_int_equal(mrt_fail_errno(&err, EACCES, "open"), MRT_IO);
	assert_string_equal(err.text.unmasked, "open: Permission denied");
}

static void a_code_is_changed_without_losing_text_hint_or_peer_code(void **state)
{
	(void)state;
	struct mrt_error err, other = { 0 };
	mrt_fail(&err, MRT_REFUSED, "it said no");
	mrt_error_set_peer_code(&err, "NOPERM this user", 6);
	mrt_hint(&err, "ask");
	assert_int_equal(mrt_recode(&err, MRT_BAD), MRT_BAD);
	assert_int_equal(err.code, MRT_BAD);
	assert_string_equal(err.text.unmasked, "it said no");
	assert_string_equal(err.hint.unmasked, "ask");
	assert_true(mrt_error_has_peer_code(&err, "NOPERM"));
	assert_false(mrt_error_has_peer_code(&err, "NOAUTH"));
	assert_int_equal(mrt_fail_because(&other, MRT_IO, &err, "step %d", 1), MRT_IO);
	assert_int_equal(other.code, MRT_IO);
	assert_string_equal(other.text.unmasked, "step 1: it said no");
	assert_string_equal(other.hint.unmasked, "ask");
	assert_int_equal(mrt_fail_because(&other, MRT_BAD, &other, NULL), MRT_BAD);
	assert_string_equal(other.text.unmasked, "step 1: it said no");
	mrt_fail(&err, MRT_BAD, "new");
	assert_false(mrt_error_has_peer_code(&err, "NOPERM"));
}

static void errors_are_joined_within_their_size(void **state)
{
	(void)state;
	struct mrt_error err, also;
	mrt_fail(&err, MRT_BAD, "first");
	mrt_fail(&also, MRT_BAD, "second");
	mrt_error_append(&err, "after %d tries", 3);
	mrt_error_append_error(&err, &also);
	mrt_error_join(&err, "; ", &also);
	assert_string_equal(err.text.unmasked, "first (after 3 tries) (second); second");
	assert_true(mrt_error_mentions(&err, "3 tries"));
	assert_true(mrt_error_begins(&err, "first"));
	assert_false(mrt_error_begins(&err, "second"));
	for (int i = 0; i < 400; i++)
		mrt_error_join(&err, "; ", &also);
	assert_int_equal(strlen(err.text.unmasked), sizeof(err.text.unmasked) - 1);
	assert_string_equal(err.text.unmasked + sizeof(err.text.unmasked) - 4, "...");
}

static void nobody_has_to_care_for_the_error(void **state)
{
	(void)state;
	assert_int_equal(mrt_fail(NULL, MRT_BAD, "x"), MRT_BAD);
	assert_int_equal(mrt_prefix(NULL, MRT_IO, "x"), MRT_IO);
	assert_int_equal(mrt_hint(NULL, "x"), MRT_FAILED);
	assert_int_equal(mrt_fail_errno(NULL, ENOENT, "x"), MRT_NOT_FOUND);
	assert_int_equal(mrt_no_memory(NULL), MRT_NO_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_name_exit_and_http_status),
		cmocka_unit_test(an_unknown_code_counts_as_failed),
		cmocka_unit_test(context_stands_before_the_text),
		cmocka_unit_test(a_text_may_repeat_the_older_text_of_the_same_error),
		cmocka_unit_test(hints_are_lines_and_a_new_failure_forgets_them),
		cmocka_unit_test(newlines_and_blanks_at_the_end_go),
		cmocka_unit_test(what_is_too_long_ends_in_dots),
		cmocka_unit_test(a_text_that_just_fits_is_not_cut),
		cmocka_unit_test(hints_fill_up_without_passing_the_end),
		cmocka_unit_test(errno_chooses_the_code_and_ends_the_text),
		cmocka_unit_test(a_code_is_changed_without_losing_text_hint_or_peer_code),
		cmocka_unit_test(errors_are_joined_within_their_size),
		cmocka_unit_test(nobody_has_to_care_for_the_error),
	};
	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
