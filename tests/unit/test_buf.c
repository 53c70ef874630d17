/* test_buf.c - growing buffers with a ceiling and a sticky error. */
#include "unit.h"

static void appended_pieces_stand_one_after_the_other(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = MRT_BUF_INIT;
	mrt_buf_add_text(&buf, "abc");
	mrt_buf_add_char(&buf, '-');
	mrt_buf_add(&buf, "d\0e", 3);
	mrt_buf_printf(&buf, "%03d", 7);
	assert_int_equal(buf.len, 10);
	assert_memory_equal(buf.data, "abc-d\0e007", 11);
	assert_ok(mrt_buf_check(&buf, &err));
}

static void a_buffer_grows_to_any_size_below_its_ceiling(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = MRT_BUF_INIT;
	for (unsigned i = 0; i < 100000; i++)
		mrt_buf_printf(&buf, "%05u", i);
	assert_ok(mrt_buf_check(&buf, &err));
	assert_int_equal(buf.len, 500000);
	assert_memory_equal(buf.data + 5 * 99999, "99999", 6);
}

static void the_ceiling_leaves_room_for_the_nul(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = { .ceiling = 8 };
	mrt_buf_add_text(&buf, "1234567");
	assert_ok(mrt_buf_check(&buf, &err));
	mrt_buf_add_char(&buf, '8');
	assert_code(MRT_FAILED, mrt_buf_check(&buf, &err));
	assert_string_equal(err.text.unmasked, "text longer than 8 bytes");
	assert_string_equal(mrt_buf_text(&buf), "1234567");
}

static void after_a_failure_nothing_is_appended_any_more(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = { .ceiling = 4 };
	mrt_buf_add_text(&buf, "ab");
	mrt_buf_add_text(&buf, "cdef");
	mrt_buf_add_char(&buf, 'x');
	mrt_buf_printf(&buf, "%d", 1);
	mrt_buf_add(&buf, "", 0);
	assert_int_equal(buf.len, 2);
	assert_string_equal(mrt_buf_text(&buf), "ab");
	char *text = NULL;
	assert_code(MRT_FAILED, mrt_buf_take(&buf, &text, &err));
	assert_null(text);
}

static void a_length_near_the_largest_number_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = MRT_BUF_INIT;
	mrt_buf_add_text(&buf, "x");
	mrt_buf_reserve(&buf, SIZE_MAX);
	assert_code(MRT_FAILED, mrt_buf_check(&buf, &err));
}

static void taking_an_empty_buffer_gives_an_empty_text(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = MRT_BUF_INIT;
	mrt_autofree char *text = NULL;
	assert_string_equal(mrt_buf_text(&buf), "");
	assert_ok(mrt_buf_take(&buf, &text, &err));
	assert_string_equal(text, "");
}

static void taking_hands_over_and_leaves_the_buffer_empty(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = { .ceiling = 100 };
	mrt_autofree char *text = NULL;
	mrt_buf_add_text(&buf, "handed over");
	assert_ok(mrt_buf_take(&buf, &text, &err));
	assert_string_equal(text, "handed over");
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.ceiling, 100);
}

static void clearing_keeps_the_memory(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	mrt_buf_clear(&buf);
	mrt_buf_add_text(&buf, "something");
	char *data = buf.data;
	mrt_buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_string_equal(mrt_buf_text(&buf), "");
	mrt_buf_add_text(&buf, "other");
	assert_ptr_equal(buf.data, data);
	assert_string_equal(buf.data, "other");
}

static void a_released_or_wiped_buffer_can_be_used_again(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf buf = { .ceiling = 4 };
	mrt_buf_add_text(&buf, "too long");
	mrt_buf_release(&buf);
	mrt_buf_add_text(&buf, "abc");
	assert_ok(mrt_buf_check(&buf, &err));
	mrt_buf_wipe(&buf);
	mrt_buf_wipe(&buf);
	mrt_buf_add_text(&buf, "xyz");
	assert_string_equal(buf.data, "xyz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appended_pieces_stand_one_after_the_other),
		cmocka_unit_test(a_buffer_grows_to_any_size_below_its_ceiling),
		cmocka_unit_test(the_ceiling_leaves_room_for_the_nul),
		cmocka_unit_test(after_a_failure_nothing_is_appended_any_more),
		cmocka_unit_test(a_length_near_the_largest_number_is_refused),
		cmocka_unit_test(taking_an_empty_buffer_gives_an_empty_text),
		cmocka_unit_test(taking_hands_over_and_leaves_the_buffer_empty),
		cmocka_unit_test(clearing_keeps_the_memory),
		cmocka_unit_test(a_released_or_wiped_buffer_can_be_used_again),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
