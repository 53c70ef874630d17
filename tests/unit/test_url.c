/* test_url.c - the secrets inside URLs. */
#include "unit.h"

#include "codec/url.h"

static void the_password_of_a_url_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *url, *masked;
	} urls[] = {
		{ "postgresql://u:p%40ss-word@h:1/d", "postgresql://u:***@h:1/d" },
		{ "postgresql://user@h/d?password=hush-hush&x=1",
		  "postgresql://user@h/d?password=***&x=1" },
		{ "host=h password=hush-hush user=u", "host=h password=*** user=u" },
		{ "host=h password = 'hush hush' user=u", "host=h password = '***' user=u" },
		{ "redis://:hush-hush@h:1/0", "redis://:***@h:1/0" },
		{ "unix://:hush-hush@/run/s?db=1", "unix://:***@/run/s?db=1" },
		{ "https://key:hush-hush@s3.example", "https://key:***@s3.example" },
		{ "https://token-alone@s3.example/p@th", "https://***@s3.example/p@th" },
	};
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct mrt_error err;
		mrt_auto(mrt_log) *log = NULL;
		mrt_auto_buf text = MRT_BUF_INIT;
		assert_ok(mrt_log_new(NULL, NULL, MRT_LOG_INFO, &log, &err));
		assert_ok(mrt_url_hide(log, urls[i].url, &err));
		mrt_log_mask(log, urls[i].url, &text);
		assert_string_equal(mrt_buf_text(&text), urls[i].masked);
		assert_true(mrt_url_has_password(urls[i].url));
	}
}

static void the_decoded_password_is_hidden_too(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_log) *log = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_log_new(NULL, NULL, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_url_hide(log, "postgresql://u:p%40ss-word@h/d", &err));
	mrt_log_mask(log, "it was p@ss-word", &text);
	assert_string_equal(mrt_buf_text(&text), "it was ***");
}

static void parts_of_a_secret_url_are_hidden_each(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_log) *log = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_log_new(NULL, NULL, MRT_LOG_INFO, &log, &err));
	assert_ok(mrt_url_hide_path(
	        log, "https://hooks.example/services/T0001111/ping?key=hush-hush", &err));
	assert_ok(mrt_url_hide_path(log, "no-url-at-all", &err));
	mrt_log_mask(log, "hooks.example: /services/T0001111/ping hush-hush no-url-at-all", &text);
	assert_string_equal(mrt_buf_text(&text), "hooks.example: /***/***/ping *** no-url-at-all");
}

static void what_has_no_password_is_left_alone(void **state)
{
	(void)state;
	static const char *const urls[] = {
		"postgresql://user@h/d", "s3://bucket/p",  "file:///a:b@c",  "", "password",
		"https://h/a@b",         "redis://user@h", "passwordcheck x"
	};
	for (size_t i = 0; i < COUNT(urls); i++)
		assert_false(mrt_url_has_password(urls[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_password_of_a_url_is_found),
		cmocka_unit_test(the_decoded_password_is_hidden_too),
		cmocka_unit_test(parts_of_a_secret_url_are_hidden_each),
		cmocka_unit_test(what_has_no_password_is_left_alone),
	};
	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
