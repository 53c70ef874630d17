/* test_http.c - what can be said of HTTP answers without a server: their headers. */
#include "unit.h"

#include "client/http.h"

static void a_header_is_found_by_its_whole_name(void **state)
{
	(void)state;
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	mrt_buf_add_text(&response.headers,
	                 "etag-old: \"no\"\r\netag: \"abc\"\r\n"
	                 "content-length:42\r\nx-empty: \r\nlast-modified:   a: b\n");
	char value[32] = "";
	assert_true(mrt_http_header(&response, "etag", value, sizeof(value)));
	assert_string_equal(value, "\"abc\"");
	assert_true(mrt_http_header(&response, "content-length", value, sizeof(value)));
	assert_string_equal(value, "42");
	assert_true(mrt_http_header(&response, "x-empty", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_true(mrt_http_header(&response, "last-modified", value, sizeof(value)));
	assert_string_equal(value, "a: b");
}

static void an_absent_header_leaves_the_value_alone(void **state)
{
	(void)state;
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	char value[8] = "before";
	assert_false(mrt_http_header(&response, "etag", value, sizeof(value)));
	mrt_buf_add_text(&response.headers, "eta: 1\nx: etag: 2\n");
	assert_false(mrt_http_header(&response, "etag", value, sizeof(value)));
	assert_string_equal(value, "before");
}

static void a_long_value_is_cut_to_what_fits(void **state)
{
	(void)state;
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	mrt_buf_add_text(&response.headers, "etag: 0123456789\n");
	char value[8];
	assert_true(mrt_http_header(&response, "etag", value, sizeof(value)));
	assert_string_equal(value, "0123456");
}

static void nobody_listening_is_unreachable_and_worth_another_try(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const struct mrt_http_options options = { .dns.timeout = MRT_SECOND,
		                                  .connect_timeout = 5 * MRT_SECOND,
		                                  .stall_timeout = 5 * MRT_SECOND };
	const struct mrt_http_request request = { .method = "GET",
		                                  .url = "http://127.0.0.1:1/x?signature=hidden" };
	mrt_auto(mrt_http) *http = NULL;
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	assert_ok(mrt_http_new(&options, &http, &err));
	assert_code(MRT_UNREACHABLE, mrt_http_request(http, &ctx, &request, &response, &err));
	assert_true(response.retryable);
	assert_int_equal(response.status, 0);
	assert_int_equal(strncmp(err.text.unmasked, "http://127.0.0.1:1/x: ", 22), 0);
	assert_null(strstr(err.text.unmasked, "hidden"));
}

static void other_protocols_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const struct mrt_http_options options = { .connect_timeout = MRT_SECOND,
		                                  .stall_timeout = MRT_SECOND };
	const char *const urls[] = { "file:///etc/passwd", "gopher://127.0.0.1/", "not a url", "" };
	mrt_auto(mrt_http) *http = NULL;
	assert_ok(mrt_http_new(&options, &http, &err));
	for (size_t i = 0; i < COUNT(urls); i++) {
		mrt_auto_response response = MRT_HTTP_RESPONSE;
		const struct mrt_http_request request = { .method = "GET", .url = urls[i] };
		assert_true(mrt_http_request(http, &ctx, &request, &response, &err) < 0);
		assert_int_equal(response.body.len, 0);
	}
	mrt_http_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_found_by_its_whole_name),
		cmocka_unit_test(an_absent_header_leaves_the_value_alone),
		cmocka_unit_test(a_long_value_is_cut_to_what_fits),
		cmocka_unit_test(nobody_listening_is_unreachable_and_worth_another_try),
		cmocka_unit_test(other_protocols_are_refused),
	};
	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
