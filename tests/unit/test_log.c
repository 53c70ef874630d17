/* test_log.c - lines that reach the sink, with every secret masked. */
#include "unit.h"

static void lines_above_the_level_are_dropped(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_WARNING, &log, &err));
	mrt_logf(log, MRT_LOG_ERROR, "e%d", 1);
	mrt_logf(log, MRT_LOG_WARNING, "w");
	mrt_logf(log, MRT_LOG_INFO, "i");
	mrt_auto(mrt_log) *all = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_DEBUG, &all, &err));
	mrt_logf(all, MRT_LOG_DEBUG, "d");
	assert_string_equal(mrt_buf_text(&lines), "error: e1\nwarning: w\ndebug: d\n");
}

static void a_secret_is_masked_wherever_it_stands(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_log_secret(log, "s3cr3t", &err));
	mrt_logf(log, MRT_LOG_INFO, "s3cr3t, xs3cr3ty and %s%s", "s3cr", "3t");
	assert_string_equal(mrt_buf_text(&lines), "info: ***, x***y and ***\n");
}

static void the_percent_encoded_form_is_masked_too(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf text = MRT_BUF_INIT, lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_log_secret(log, "p@ss:w/rd", &err));
	mrt_log_mask(log, "postgresql://u:p%40ss%3Aw%2Frd@h/db or p@ss:w/rd", &text);
	assert_string_equal(mrt_buf_text(&text), "postgresql://u:***@h/db or ***");
}

static void of_nested_secrets_the_longest_hides_as_a_whole(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf text = MRT_BUF_INIT, lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_log_secret(log, "abcd", &err));
	assert_ok(mrt_log_secret(log, "abcdefgh", &err));
	mrt_log_mask(log, "abcdefgh abcdef", &text);
	assert_string_equal(mrt_buf_text(&text), "*** ***ef");
}

static void the_beginning_of_a_secret_is_masked_where_the_text_was_cut(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_log) *log = NULL;
	static const char *const texts[][2] = {
		{ "it said hush-hu...", "it said ***..." },
		{ "it said hus...", "it said hus..." },
		{ "it said hush-hush-", "it said ***" },
		{ "it said hush-hu", "it said hush-hu" },
		{ "it said hush-hu... x", "it said hush-hu... x" },
	};
	assert_ok(mrt_log_new(NULL, NULL, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_log_secret(log, "hush-hush-hush", &err));
	for (size_t i = 0; i < COUNT(texts); i++) {
		mrt_auto_buf text = MRT_BUF_INIT;
		mrt_log_mask(log, texts[i][0], &text);
		assert_string_equal(mrt_buf_text(&text), texts[i][1]);
	}
}

static void an_error_leaves_masked(void **state)
{
	(void)state;
	struct mrt_error err, why;
	mrt_auto(mrt_log) *log = NULL;
	mrt_auto_buf lines = MRT_BUF_INIT, text = MRT_BUF_INIT, hint = MRT_BUF_INIT;
	mrt_autofree char *explained = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_log_secret(log, "hush-hush", &err));
	mrt_fail(&why, MRT_REFUSED, "no such user: hush-hush");
	mrt_hint(&why, "not hush-hush?");
	mrt_error_mask(log, &why, &text);
	mrt_error_mask_hint(log, &why, &hint);
	assert_string_equal(mrt_buf_text(&text), "no such user: ***");
	assert_string_equal(mrt_buf_text(&hint), "not ***?");
	assert_ok(mrt_error_explain(log, &why, &explained, &err, "step %d", 2));
	assert_string_equal(explained, "step 2: no such user: ***");
	mrt_log_error(log, MRT_LOG_WARNING, &why, true, "store %s", "hush-hush");
	assert_string_equal(mrt_buf_text(&lines), "warning: store ***: no such user: ***\n"
	                                          "warning: hint: not ***?\n");
}

static void short_or_missing_secrets_are_not_masked(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf text = MRT_BUF_INIT, lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_log_secret(log, "abc", &err));
	assert_ok(mrt_log_secret(log, "", &err));
	assert_ok(mrt_log_secret(log, NULL, &err));
	assert_ok(mrt_log_secret(NULL, "long enough", &err));
	mrt_log_mask(log, "abc", &text);
	assert_string_equal(mrt_buf_text(&text), "abc");
}

static void many_secrets_are_all_remembered(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf text = MRT_BUF_INIT, lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, &err));
	for (int i = 100; i < 200; i++) {
		char secret[16];
		snprintf(secret, sizeof(secret), "word%d", i);
		assert_ok(mrt_log_secret(log, secret, &err));
		assert_ok(mrt_log_secret(log, secret, &err));
	}
	mrt_log_mask(log, "word100 word150 word199 word200", &text);
	assert_string_equal(mrt_buf_text(&text), "*** *** *** word200");
}

static void without_a_log_nothing_happens(void **state)
{
	(void)state;
	mrt_logf(NULL, MRT_LOG_ERROR, "nobody hears");
	mrt_log_free(NULL);
	assert_string_equal(mrt_log_level_name(MRT_LOG_ERROR), "error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_above_the_level_are_dropped),
		cmocka_unit_test(a_secret_is_masked_wherever_it_stands),
		cmocka_unit_test(the_percent_encoded_form_is_masked_too),
		cmocka_unit_test(of_nested_secrets_the_longest_hides_as_a_whole),
		cmocka_unit_test(the_beginning_of_a_secret_is_masked_where_the_text_was_cut),
		cmocka_unit_test(an_error_leaves_masked),
		cmocka_unit_test(short_or_missing_secrets_are_not_masked),
		cmocka_unit_test(many_secrets_are_all_remembered),
		cmocka_unit_test(without_a_log_nothing_happens),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
