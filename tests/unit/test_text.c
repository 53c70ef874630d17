/* test_text.c - encodings, numbers, sizes, nearest names. */
#include "unit.h"

static void hex_is_lower_case_and_reads_either_case(void **state)
{
	(void)state;
	const unsigned char raw[] = { 0x00, 0x1f, 0xa0, 0xff };
	unsigned char back[4];
	char text[9];
	mrt_hex(raw, sizeof(raw), text);
	assert_string_equal(text, "001fa0ff");
	assert_true(mrt_unhex("001FA0ff", back, 4));
	assert_memory_equal(back, raw, 4);
	mrt_hex(raw, 0, text);
	assert_string_equal(text, "");
}

static void hex_of_another_length_or_with_other_letters_is_refused(void **state)
{
	(void)state;
	unsigned char back[4];
	const char *const wrong[] = { "",         "0",        "001fa0f",    "001fa0fff",
		                      "001fa0fg", " 01fa0ff", "001fa0f\xff" };
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(mrt_unhex(wrong[i], back, 4));
}

static void base64_gives_the_vectors_of_rfc_4648(void **state)
{
	(void)state;
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+" },
	};
	for (size_t i = 0; i < COUNT(vectors); i++) {
		mrt_auto_buf buf = MRT_BUF_INIT;
		mrt_base64(&buf, vectors[i][0], strlen(vectors[i][0]));
		assert_string_equal(mrt_buf_text(&buf), vectors[i][1]);
	}
}

static void percent_encoding_keeps_only_what_it_may(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	mrt_percent_encode(&buf, "aZ09 b/c~%\xc3\xa9\0+", 13, "/-._");
	assert_string_equal(buf.data, "aZ09%20b/c%7E%25%C3%A9%00");
	mrt_buf_clear(&buf);
	mrt_percent_encode(&buf, "a.b_c", 5, "");
	assert_string_equal(buf.data, "a%2Eb%5Fc");
}

static void sizes_are_powers_of_1024(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{ "0", 0 },
		{ "64", 64 },
		{ "5b", 5 },
		{ "8k", 8192 },
		{ "8K", 8192 },
		{ "8KiB", 8192 },
		{ "8kib", 8192 },
		{ "16MiB", 16777216 },
		{ "64GiB", UINT64_C(68719476736) },
		{ "1t", UINT64_C(1099511627776) },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215TiB", UINT64_C(16777215) << 40 },
	};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint64_t bytes = 1;
		assert_ok(mrt_size_parse(sizes[i].text, &bytes, &err));
		assert_int_equal(bytes, sizes[i].bytes);
	}
}

static void what_is_no_size_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = { "",
		                      "MiB",
		                      "-1",
		                      "+1",
		                      " 1",
		                      "1 ",
		                      "1 KiB",
		                      "1kb",
		                      "1x",
		                      "1.5k",
		                      "1KiBs",
		                      "0x10",
		                      "18446744073709551616",
		                      "16777216TiB",
		                      "17179869184GiB" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		uint64_t bytes = 42;
		assert_code(MRT_USAGE, mrt_size_parse(wrong[i], &bytes, &err));
		assert_int_equal(bytes, 42);
	}
	mrt_size_parse("ten", &(uint64_t) { 0 }, &err);
	assert_string_equal(err.text.unmasked, "'ten' is not a size (write 8MiB, 64GiB)");
}

static void sizes_are_written_for_people(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1048575, "1.0 MiB" },
		{ UINT64_C(3) << 30, "3.0 GiB" },
		{ UINT64_C(5) << 40, "5.0 TiB" },
		{ UINT64_MAX, "16384.0 PiB" },
	};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char text[MRT_SIZE_SIZE];
		mrt_size_format(sizes[i].bytes, text);
		assert_string_equal(text, sizes[i].text);
	}
}

static void numbers_stay_within_their_range(void **state)
{
	(void)state;
	struct mrt_error err;
	int64_t n = 0;
	assert_ok(mrt_number_parse("16", 1, 16, &n, &err));
	assert_int_equal(n, 16);
	assert_ok(mrt_number_parse("-5", -5, 5, &n, &err));
	assert_int_equal(n, -5);
	assert_ok(mrt_number_parse("9223372036854775807", INT64_MIN, INT64_MAX, &n, &err));
	assert_true(n == INT64_MAX);
	assert_code(MRT_USAGE, mrt_number_parse("17", 1, 16, &n, &err));
	assert_string_equal(err.text.unmasked, "17 is out of range (1 to 16)");
	assert_code(MRT_USAGE, mrt_number_parse("0", 1, 16, &n, &err));
}

static void what_is_no_whole_number_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = {
		"", "x", "5x", "5 ", " 5", "+5", "--5", "1.0", "0x5", "1e3", "9223372036854775808"
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t n = 42;
		assert_code(MRT_USAGE, mrt_number_parse(wrong[i], INT64_MIN, INT64_MAX, &n, &err));
		assert_int_equal(n, 42);
	}
}

static void no_kind_of_blank_may_precede_a_number(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = { "\t5", "\n5", "\r5", "\v5", "\f5" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t n = 42;
		assert_code(MRT_USAGE, mrt_number_parse(wrong[i], 0, 9, &n, &err));
		assert_int_equal(n, 42);
	}
}

static const char *command(const void *arg, size_t i)
{
	const char *const *names = arg;
	return names[i];
}

static void the_nearest_name_forgives_a_slip(void **state)
{
	(void)state;
	static const char *const names[] = { "verify", "restore", "list", "show", NULL };
	assert_string_equal(mrt_nearest("vrify", command, names), "verify");
	assert_string_equal(mrt_nearest("lsit", command, names), "list");
	assert_string_equal(mrt_nearest("restroe", command, names), "restore");
	assert_string_equal(mrt_nearest("shows", command, names), "show");
	assert_string_equal(mrt_nearest("list", command, names), "list");
}

static void nothing_is_suggested_when_nothing_is_near(void **state)
{
	(void)state;
	static const char *const names[] = { "verify", "restore", "list", NULL };
	static const char *const none[] = { NULL };
	assert_null(mrt_nearest("frobnicate", command, names));
	assert_null(mrt_nearest("zzz", command, names));
	assert_null(mrt_nearest("list", command, none));
	assert_null(mrt_nearest("a-name-that-is-longer-than-every-name-of-all-commands", command,
	                        names));
}

static void copies_are_copies(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_autofree char *copy = NULL, *text = NULL;
	assert_ok(mrt_text_dup("same", &copy, &err));
	assert_string_equal(copy, "same");
	assert_ok(mrt_text_printf(&text, &err, "%s-%d", copy, 2));
	assert_string_equal(text, "same-2");
}

static void characters_are_as_rfc_3629_has_them(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
	} cases[] = { { "", 0 },
		      { "a", 1 },
		      { "\xc3\xa9", 2 },
		      { "\xe2\x82\xac", 3 },
		      { "\xf0\x9f\x8e\x93", 4 },
		      { "\xf4\x8f\xbf\xbf", 4 },
		      { "\x80", 0 },
		      { "\xc0\xaf", 0 },
		      { "\xc1\xbf", 0 },
		      { "\xc3", 0 },
		      { "\xc3(", 0 },
		      { "\xe0\x9f\xbf", 0 },
		      { "\xed\xa0\x80", 0 },
		      { "\xe2\x82", 0 },
		      { "\xf0\x8f\xbf\xbf", 0 },
		      { "\xf4\x90\x80\x80", 0 },
		      { "\xf5\x80\x80\x80", 0 },
		      { "\xff", 0 } };
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(mrt_utf8_length(cases[i].text), cases[i].length);
	static const char *const controls[] = { "\x01", "\x1b[", "\x7f", "\xc2\x85", "\xc2\x9f" };
	for (size_t i = 0; i < COUNT(controls); i++)
		assert_true(mrt_is_control(controls[i]));
	assert_false(mrt_is_control(" "));
	assert_false(mrt_is_control("\xc2\xa0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_is_lower_case_and_reads_either_case),
		cmocka_unit_test(hex_of_another_length_or_with_other_letters_is_refused),
		cmocka_unit_test(base64_gives_the_vectors_of_rfc_4648),
		cmocka_unit_test(percent_encoding_keeps_only_what_it_may),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(sizes_are_written_for_people),
		cmocka_unit_test(numbers_stay_within_their_range),
		cmocka_unit_test(what_is_no_whole_number_is_refused),
		cmocka_unit_test(no_kind_of_blank_may_precede_a_number),
		cmocka_unit_test(the_nearest_name_forgives_a_slip),
		cmocka_unit_test(nothing_is_suggested_when_nothing_is_near),
		cmocka_unit_test(characters_are_as_rfc_3629_has_them),
		cmocka_unit_test(copies_are_copies),
	};
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
