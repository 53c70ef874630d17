/* test_yaml.c - YAML documents as trees in which every value knows where it stands. */
#include "unit.h"

#include "codec/yaml.h"

static int parse(const char *text, struct mrt_yaml **ret, struct mrt_error *err)
{
	return mrt_yaml_parse("f.yaml", text, strlen(text), ret, err);
}

static void maps_lists_and_scalars_are_read_with_their_marks(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_yaml) *yaml = NULL;
	assert_ok(parse("# first\nstore:\n  url: 'file:///x'\n  sizes: [1, \"2\"]\nempty:\n", &yaml,
	                &err));
	assert_int_equal(yaml->kind, MRT_YAML_MAP);
	assert_int_equal(yaml->n_items, 4);
	const struct mrt_yaml *store = mrt_yaml_get(yaml, "store");
	assert_int_equal(store->kind, MRT_YAML_MAP);
	const struct mrt_yaml *url = mrt_yaml_get(store, "url");
	assert_int_equal(url->kind, MRT_YAML_SCALAR);
	assert_string_equal(url->text, "file:///x");
	assert_false(url->plain);
	assert_int_equal(url->line, 3);
	assert_int_equal(url->column, 8);
	const struct mrt_yaml *sizes = mrt_yaml_get(store, "sizes");
	assert_int_equal(sizes->kind, MRT_YAML_LIST);
	assert_int_equal(sizes->n_items, 2);
	assert_true(sizes->items[0]->plain);
	assert_false(sizes->items[1]->plain);
	assert_int_equal(sizes->items[1]->line, 4);
	assert_int_equal(sizes->items[1]->column, 14);
	const struct mrt_yaml *empty = mrt_yaml_get(yaml, "empty");
	assert_string_equal(empty->text, "");
	assert_true(empty->plain);
	assert_null(mrt_yaml_get(yaml, "absent"));
	assert_null(mrt_yaml_get(url, "not-a-map"));
}

static void columns_count_characters(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_yaml) *yaml = NULL;
	assert_ok(parse("\"\xc3\xa9\xc3\xa9\": x\n", &yaml, &err));
	assert_int_equal(mrt_yaml_get(yaml, "\xc3\xa9\xc3\xa9")->column, 7);
}

static void an_empty_document_is_an_empty_map(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const empty[] = { "", "\n", "# only words\n" };
	for (size_t i = 0; i < COUNT(empty); i++) {
		mrt_auto(mrt_yaml) *yaml = NULL;
		assert_ok(parse(empty[i], &yaml, &err));
		assert_int_equal(yaml->kind, MRT_YAML_MAP);
		assert_int_equal(yaml->n_items, 0);
		assert_int_equal(yaml->line, 1);
	}
	mrt_yaml_free(NULL);
}

static void what_is_refused_is_named_with_its_place(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const wrong[][2] = {
		{ "a: 1\nb: 2\na: 3\n", "f.yaml:3:1: this key stands here twice" },
		{ "m:\n  k: 1\n  \"k\": 2\n", "f.yaml:3:3: this key stands here twice" },
		{ "a: &x 1\nb: *x\n", "f.yaml:2:4: aliases are not supported" },
		{ "a: &x [*x]\n", "f.yaml:1:8: aliases are not supported" },
		{ "*x : 1\n", "f.yaml:1:1: aliases are not supported" },
		{ "a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document" },
		{ "a: \"x\\0y\"\n", "f.yaml:1:4: a NUL byte" },
		{ "[1, 2]: x\n", "f.yaml:1:1: a key must be a plain word" },
		{ "? {a: b}\n: x\n", "f.yaml:1:3: a key must be a plain word" },
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct mrt_yaml *yaml = NULL;
		assert_code(MRT_CONFIG, parse(wrong[i][0], &yaml, &err));
		assert_string_equal(err.text.unmasked, wrong[i][1]);
		assert_null(yaml);
	}
}

static void broken_yaml_is_a_configuration_error(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const wrong[] = { "a: [1",     "a: 'x",        "a: b: c\n",
		                      "\ta: 1\n",  "a: \"\\q\"\n", "%YAML 9.9\n---\n",
		                      "a: \xff\n", "a: @x\n",      "{a: 1}}\n" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct mrt_yaml *yaml = NULL;
		assert_code(MRT_CONFIG, parse(wrong[i], &yaml, &err));
		assert_null(yaml);
		assert_int_equal(strncmp(err.text.unmasked, "f.yaml:", 7), 0);
	}
	struct mrt_yaml *yaml = NULL;
	assert_code(MRT_CONFIG, mrt_yaml_parse("f.yaml", "a: x\0y\n", 7, &yaml, &err));
}

static void brackets(struct mrt_buf *buf, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		mrt_buf_add_char(buf, '[');
	for (unsigned i = 0; i < depth; i++)
		mrt_buf_add_char(buf, ']');
}

static void depth_is_bounded(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_yaml) *fits = NULL;
	struct mrt_yaml *yaml = NULL;
	mrt_auto_buf deep = MRT_BUF_INIT, deeper = MRT_BUF_INIT;
	brackets(&deep, 33);
	assert_ok(parse(deep.data, &fits, &err));
	brackets(&deeper, 34);
	assert_code(MRT_CONFIG, parse(deeper.data, &yaml, &err));
	assert_string_equal(err.text.unmasked, "f.yaml:1:34: too deep or too large");
	assert_null(yaml);
}

static void the_number_of_values_is_bounded(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_yaml *yaml = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	for (unsigned i = 0; i < 2000; i++) {
		mrt_buf_add_text(&text, "- [");
		for (unsigned k = 0; k < 250; k++)
			mrt_buf_add_text(&text, "1,");
		mrt_buf_add_text(&text, "]\n");
	}
	assert_code(MRT_CONFIG, parse(text.data, &yaml, &err));
	assert_contains(err.text.unmasked, "too deep or too large");
	assert_null(yaml);
}

static void the_number_of_keys_is_bounded(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_yaml) *fits = NULL;
	struct mrt_yaml *yaml = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	for (unsigned i = 0; i < 1000; i++)
		mrt_buf_printf(&text, "k%u: 1\n", i);
	assert_ok(parse(text.data, &fits, &err));
	assert_int_equal(fits->n_items, 2000);
	mrt_buf_add_text(&text, "k1000: 1\n");
	assert_code(MRT_CONFIG, parse(text.data, &yaml, &err));
	assert_string_equal(err.text.unmasked, "f.yaml:1001:1: too many keys");
	assert_null(yaml);
}

static void an_end_that_is_written_is_seen(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *text;
		bool ended;
	} cases[] = { { "a: 1\n...\n", true },      { "a: 1\n", false },
		      { "---\na: 1\n...\n", true }, { "[1]\n...", true },
		      { "a: '...'\n", false },      { "a: |\n  ...\n", false } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		mrt_auto(mrt_yaml) *yaml = NULL;
		assert_ok(parse(cases[i].text, &yaml, &err));
		assert_int_equal(yaml->ended, cases[i].ended);
	}
}

static void a_byte_order_mark_and_crlf_are_accepted(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_yaml) *yaml = NULL;
	assert_ok(parse("\xef\xbb\xbf"
	                "a: 1\r\nb: 2\r\n",
	                &yaml, &err));
	assert_string_equal(mrt_yaml_get(yaml, "a")->text, "1");
	assert_string_equal(mrt_yaml_get(yaml, "b")->text, "2");
	assert_int_equal(mrt_yaml_get(yaml, "b")->line, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_lists_and_scalars_are_read_with_their_marks),
		cmocka_unit_test(columns_count_characters),
		cmocka_unit_test(an_empty_document_is_an_empty_map),
		cmocka_unit_test(what_is_refused_is_named_with_its_place),
		cmocka_unit_test(broken_yaml_is_a_configuration_error),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(the_number_of_values_is_bounded),
		cmocka_unit_test(the_number_of_keys_is_bounded),
		cmocka_unit_test(an_end_that_is_written_is_seen),
		cmocka_unit_test(a_byte_order_mark_and_crlf_are_accepted),
	};
	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
