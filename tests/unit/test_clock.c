/* test_clock.c - times and durations. */
#include "unit.h"

#define WHEN INT64_C(1795312800) /* 2026-11-22T02:00:00Z */

static void a_time_is_written_in_three_forms(void **state)
{
	(void)state;
	char text[MRT_TIME_SIZE];
	mrt_time_format(WHEN, MRT_TIME_RFC3339, text);
	assert_string_equal(text, "2026-11-22T02:00:00Z");
	mrt_time_format(WHEN, MRT_TIME_BASIC, text);
	assert_string_equal(text, "20261122T020000Z");
	mrt_time_format(WHEN, MRT_TIME_DATE, text);
	assert_string_equal(text, "20261122");
	mrt_time_format(0, MRT_TIME_RFC3339, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void times_are_read_back(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *text;
		int64_t seconds;
	} times[] = {
		{ "2026-11-22T02:00:00Z", WHEN },       { "20261122T020000Z", WHEN },
		{ "2026-11-22T02:00:00.123Z", WHEN },   { "2026-11-22T02:00:00.123456789Z", WHEN },
		{ "2024-02-29T23:59:59Z", 1709251199 }, { "1970-01-01T00:00:00Z", 0 },
	};
	for (size_t i = 0; i < COUNT(times); i++) {
		int64_t seconds = -1;
		assert_ok(mrt_time_parse(times[i].text, &seconds, &err));
		assert_int_equal(seconds, times[i].seconds);
	}
}

static void what_is_no_utc_time_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = { "",
		                      "now",
		                      "2026-11-22",
		                      "2026-11-22T02:00:00",
		                      "2026-11-22T02:00:00+00:00",
		                      "2026-11-22 02:00:00Z",
		                      "2026-13-01T00:00:00Z",
		                      "2026-11-22T25:00:00Z",
		                      "2026-11-22T02:00:00Zx",
		                      "20261122T0200Z",
		                      "2026-11-22T02:00:00z" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t seconds = 42;
		assert_code(MRT_CORRUPT, mrt_time_parse(wrong[i], &seconds, &err));
		assert_int_equal(seconds, 42);
	}
	mrt_time_parse("tomorrow", &(int64_t) { 0 }, &err);
	assert_string_equal(err.text.unmasked, "'tomorrow' is not a UTC time");
}

static void a_fraction_does_not_hide_another_time_zone(void **state)
{
	(void)state;
	struct mrt_error err;
	int64_t seconds;
	assert_code(MRT_CORRUPT, mrt_time_parse("2026-11-22T02:00:00.5+03:00", &seconds, &err));
	assert_code(MRT_CORRUPT, mrt_time_parse("2026-11-22T02:00:00.", &seconds, &err));
	assert_code(MRT_CORRUPT, mrt_time_parse("2026-11-22T02:00:00.Z", &seconds, &err));
	assert_code(MRT_CORRUPT, mrt_time_parse("2026-11-22T02:00:00.x", &seconds, &err));
}

static void days_that_no_month_has_and_blanks_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = { "2026-02-31T00:00:00Z",  "20260230T000000Z",
		                      "2026-02-29T00:00:00Z",  "202611 2T020000Z",
		                      " 2026-11-22T02:00:00Z", "2026-1-2T3:4:5Z" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t seconds;
		assert_code(MRT_CORRUPT, mrt_time_parse(wrong[i], &seconds, &err));
	}
}

static void the_http_date_of_rfc_9110_is_read(void **state)
{
	(void)state;
	struct mrt_error err;
	int64_t seconds = 0;
	assert_ok(mrt_time_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &seconds, &err));
	assert_int_equal(seconds, 784111777);
	assert_code(MRT_CORRUPT, mrt_time_parse_http("06 Nov 1994 08:49:37", &seconds, &err));
	assert_code(MRT_CORRUPT, mrt_time_parse_http("", &seconds, &err));
}

static void durations_have_units(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *text;
		int64_t ns;
	} durations[] = {
		{ "0", 0 },
		{ "90", 90 * MRT_SECOND },
		{ "90s", 90 * MRT_SECOND },
		{ "250ms", 250 * MRT_MILLISECOND },
		{ "15m", 900 * MRT_SECOND },
		{ "15min", 900 * MRT_SECOND },
		{ "12h", 43200 * MRT_SECOND },
		{ "7d", 604800 * MRT_SECOND },
		{ "106751d", INT64_C(106751) * 86400 * MRT_SECOND },
	};
	for (size_t i = 0; i < COUNT(durations); i++) {
		int64_t ns = -1;
		assert_ok(mrt_duration_parse(durations[i].text, &ns, &err));
		assert_int_equal(ns, durations[i].ns);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = {
		"",     "s",  "-1s", "+1s",   " 1s",     "1 s",
		"1.5s", "1w", "1M",  "1h30m", "106752d", "9223372036854775808"
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t ns = 42;
		assert_code(MRT_USAGE, mrt_duration_parse(wrong[i], &ns, &err));
		assert_int_equal(ns, 42);
	}
}

static void durations_are_written_for_people(void **state)
{
	(void)state;
	static const struct {
		int64_t ns;
		const char *text;
	} durations[] = {
		{ 400 * MRT_MILLISECOND, "0.4 s" }, { 12 * MRT_SECOND, "12 s" },
		{ 59 * MRT_SECOND, "59 s" },        { 200 * MRT_SECOND, "3m 20s" },
		{ 18720 * MRT_SECOND, "5h 12m" },   { (3 * 24 + 4) * 3600 * MRT_SECOND, "3d 4h" },
	};
	for (size_t i = 0; i < COUNT(durations); i++) {
		char text[MRT_DURATION_SIZE];
		mrt_duration_format(durations[i].ns, text);
		assert_string_equal(text, durations[i].text);
	}
}

static void the_clocks_move(void **state)
{
	(void)state;
	int64_t before = mrt_clock_monotonic();
	assert_true(mrt_clock_monotonic() >= before);
	assert_true(mrt_clock_wall() > INT64_C(1700000000) * MRT_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_written_in_three_forms),
		cmocka_unit_test(times_are_read_back),
		cmocka_unit_test(what_is_no_utc_time_is_refused),
		cmocka_unit_test(a_fraction_does_not_hide_another_time_zone),
		cmocka_unit_test(days_that_no_month_has_and_blanks_are_refused),
		cmocka_unit_test(the_http_date_of_rfc_9110_is_read),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(durations_are_written_for_people),
		cmocka_unit_test(the_clocks_move),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
