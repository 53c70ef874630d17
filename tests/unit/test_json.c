/* test_json.c - jansson with our errors. */
#include "unit.h"

#include "codec/json.h"

static int parse(const char *text, json_t **ret, struct mrt_error *err)
{
	return mrt_json_parse(text, strlen(text), ret, err);
}

static void an_object_gives_its_members(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = NULL;
	const char *text = NULL;
	uint64_t size = 0;
	json_t *list = NULL;
	assert_ok(parse("{\"t\":\"caf\xc3\xa9\",\"n\":9007199254740993,\"l\":[1,2],\"z\":null}",
	                &json, &err));
	assert_ok(mrt_json_text(json, "t", &text, &err));
	assert_string_equal(text, "caf\xc3\xa9");
	assert_ok(mrt_json_size(json, "n", &size, &err));
	assert_int_equal(size, INT64_C(9007199254740993));
	assert_ok(mrt_json_array(json, "l", &list, &err));
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(mrt_json_text_or(json, "z", "else"), "else");
	assert_string_equal(mrt_json_text_or(json, "t", "else"), "caf\xc3\xa9");
	assert_int_equal(mrt_json_size_or(json, "n", 1), INT64_C(9007199254740993));
	assert_int_equal(mrt_json_size_or(json, "absent", 5), 5);
	assert_int_equal(mrt_json_size_or(NULL, "absent", 6), 6);
}

static void a_missing_or_wrong_member_is_named(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = NULL;
	const char *text;
	uint64_t size;
	json_t *list;
	assert_ok(parse("{\"t\":1,\"n\":-1,\"f\":1.5,\"l\":{}}", &json, &err));
	assert_code(MRT_CORRUPT, mrt_json_text(json, "t", &text, &err));
	assert_string_equal(err.text.unmasked, "JSON member 't' is not a text");
	assert_code(MRT_CORRUPT, mrt_json_text(json, "u", &text, &err));
	assert_string_equal(err.text.unmasked, "JSON member 'u' is missing");
	assert_code(MRT_CORRUPT, mrt_json_size(json, "n", &size, &err));
	assert_string_equal(err.text.unmasked, "JSON member 'n' is not a whole number");
	assert_code(MRT_CORRUPT, mrt_json_size(json, "f", &size, &err));
	assert_code(MRT_CORRUPT, mrt_json_array(json, "l", &list, &err));
	assert_string_equal(err.text.unmasked, "JSON member 'l' is not a list");
	assert_code(MRT_CORRUPT, mrt_json_text(NULL, "u", &text, &err));
}

static void what_is_no_object_is_refused_with_its_place(void **state)
{
	(void)state;
	struct mrt_error err;
	json_t *json = NULL;
	const char *const wrong[] = { "",
		                      "{",
		                      "[1]",
		                      "1",
		                      "{} {}",
		                      "{\"a\":1,}",
		                      "{'a':1}",
		                      "{\"a\":1,\"a\":2}",
		                      "{\"a\":\"\xff\"}",
		                      "{\"a\":nul}",
		                      "{\"a\":99999999999999999999}" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_code(MRT_CORRUPT, parse(wrong[i], &json, &err));
		assert_null(json);
	}
	assert_code(MRT_CORRUPT, parse("{\n  \"a\": x\n}", &json, &err));
	assert_contains(err.text.unmasked, "JSON, line 2 column");
	assert_code(MRT_CORRUPT, mrt_json_parse("{\"a\":\"b\0c\"}", 11, &json, &err));
	assert_code(MRT_CORRUPT, mrt_json_parse("{}\0", 3, &json, &err));
}

static void endless_nesting_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	json_t *json = NULL;
	static char text[200001];
	memset(text, '[', 100000);
	memset(text + 100000, ']', 100000);
	memcpy(text, "{\"a\":", 5);
	assert_code(MRT_CORRUPT, mrt_json_parse(text, 200000, &json, &err));
}

static void printing_keeps_the_order_of_members(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = json_object();
	mrt_auto_buf buf = MRT_BUF_INIT;
	json_t *list = json_array();
	assert_ok(mrt_json_set_text(json, "z", "last letter first", &err));
	assert_ok(mrt_json_set_size(json, "a", 3, &err));
	assert_ok(mrt_json_set_text(json, "none", NULL, &err));
	assert_ok(mrt_json_set(json, "list", list, &err));
	assert_ok(mrt_json_append(list, json_true(), &err));
	assert_ok(mrt_json_print(json, &buf, &err));
	assert_string_equal(mrt_buf_text(&buf),
	                    "{\n  \"z\": \"last letter first\",\n  \"a\": 3,\n"
	                    "  \"none\": null,\n  \"list\": [\n    true\n  ]\n}\n");
}

static void bytes_that_are_not_utf_8_become_question_marks(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = json_object();
	assert_ok(mrt_json_set_text(json, "t", "caf\xe9!", &err));
	assert_string_equal(mrt_json_text_or(json, "t", ""), "caf?!");
}

static void a_value_that_could_not_be_made_is_out_of_memory(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = json_object();
	mrt_auto_json list = json_array();
	assert_code(MRT_NO_MEMORY, mrt_json_set(json, "t", NULL, &err));
	assert_code(MRT_NO_MEMORY, mrt_json_append(list, NULL, &err));
}

static void printing_stops_at_the_ceiling_of_the_buffer(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = json_object();
	mrt_auto_buf buf = { .ceiling = 10 };
	assert_ok(mrt_json_set_text(json, "t", "far too long for that", &err));
	assert_code(MRT_FAILED, mrt_json_print(json, &buf, &err));
	assert_string_equal(err.text.unmasked, "text longer than 10 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_gives_its_members),
		cmocka_unit_test(a_missing_or_wrong_member_is_named),
		cmocka_unit_test(what_is_no_object_is_refused_with_its_place),
		cmocka_unit_test(endless_nesting_is_refused),
		cmocka_unit_test(printing_keeps_the_order_of_members),
		cmocka_unit_test(bytes_that_are_not_utf_8_become_question_marks),
		cmocka_unit_test(a_value_that_could_not_be_made_is_out_of_memory),
		cmocka_unit_test(printing_stops_at_the_ceiling_of_the_buffer),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
