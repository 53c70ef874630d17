/* test_manifest.c - what a backup says of itself: printed, read back, damaged. */
#include "unit.h"

#include "repository/manifest.h"

#define ID "20261122T020000Z-3fa9c1"
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static json_t *sample(void)
{
	json_t *json = json_pack(
	        "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:{s:i}, s:[{s:s}],"
	        " s:[{s:s, s:i, s:s, s:i, s:s, s:[{s:s, s:i, s:s}, {s:s, s:i, s:s}]}]}",
	        "format", 1, "id", ID, "platform", "p", "target", "postgres", "method", "logical",
	        "started", "2026-11-22T02:00:00Z", "ended", "2026-11-22T02:00:10Z", "label",
	        "before the move", "whole", 1, "server", "major", 15, "databases", "name",
	        "sch\xc3\xb6ol", "objects", "key", "db/s.zst", "size", 3000, "sha256", DIGEST,
	        "stored_size", 1200, "stored_sha256", DIGEST, "volumes", "key", "db/s.zst",
	        "stored_size", 1000, "stored_sha256", DIGEST, "key", "db/s.zst.0002", "stored_size",
	        200, "stored_sha256", DIGEST);
	assert_non_null(json);
	return json;
}

static int print_and_parse(const json_t *json, struct mrt_manifest **ret, struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	int rc = mrt_manifest_print(json, &text, err);
	return rc < 0 ? rc : mrt_manifest_parse(text.data, text.len, ret, err);
}

static void a_manifest_is_read_as_it_was_printed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = sample();
	mrt_auto(mrt_manifest) *m = NULL;
	assert_ok(print_and_parse(json, &m, &err));
	assert_string_equal(m->id, ID);
	assert_string_equal(m->platform, "p");
	assert_string_equal(m->target, "postgres");
	assert_string_equal(m->method, "logical");
	assert_string_equal(m->label, "before the move");
	assert_int_equal(m->started, 1795312800);
	assert_int_equal(m->ended, 1795312810);
	assert_int_equal(m->server_major, 15);
	assert_true(m->whole);
	assert_int_equal(m->size, 3000);
	assert_int_equal(m->stored_size, 1200);
	assert_int_equal(m->n_objects, 1);
	const struct mrt_manifest_object *o = mrt_manifest_object(m, "db/s.zst");
	assert_ptr_equal(o, m->objects);
	assert_int_equal(o->n_volumes, 2);
	assert_string_equal(o->volumes[1].key, "db/s.zst.0002");
	assert_int_equal(o->volumes[1].size, 200);
	assert_string_equal(o->volumes[1].sha256, DIGEST);
	assert_null(mrt_manifest_object(m, "db/other"));
	assert_non_null(mrt_manifest_database(m, "sch\xc3\xb6ol"));
	assert_null(mrt_manifest_database(m, "other"));
	mrt_autofree char *key = NULL;
	assert_ok(mrt_manifest_key(m, "db/s.zst", &key, &err));
	assert_string_equal(key, "p/postgres/" ID "/db/s.zst");
	mrt_manifest_free(NULL);
}

static void the_last_line_is_the_digest_of_all_before_it(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = sample();
	mrt_auto(mrt_manifest) *m = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_manifest_print(json, &text, &err));
	size_t tail = strlen("  \"sha256\": \"\"\n}\n") + 64;
	unsigned char digest[MRT_SHA256_SIZE];
	char hex[MRT_SHA256_HEX], line[120];
	assert_ok(mrt_sha256(text.data, text.len - tail, digest, &err));
	mrt_hex(digest, sizeof(digest), hex);
	snprintf(line, sizeof(line), ",\n  \"sha256\": \"%s\"\n}\n", hex);
	assert_string_equal(text.data + text.len - tail - 2, line);
	assert_ok(mrt_manifest_parse(text.data, text.len, &m, &err));
	assert_string_equal(m->sha256, hex);
}

static void a_changed_byte_anywhere_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = sample();
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_manifest_print(json, &text, &err));
	static const char flips[] = { 1, 0x20, (char)0x80 };
	for (size_t i = 0; i < text.len; i++)
		for (size_t f = 0; f < COUNT(flips); f++) {
			struct mrt_manifest *m = NULL;
			text.data[i] ^= flips[f];
			assert_code(MRT_CORRUPT, mrt_manifest_parse(text.data, text.len, &m, &err));
			assert_null(m);
			text.data[i] ^= flips[f];
		}
}

static void a_cut_or_longer_text_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_manifest *m = NULL;
	mrt_auto_json json = sample();
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_manifest_print(json, &text, &err));
	for (size_t n = 0; n < text.len; n++)
		assert_code(MRT_CORRUPT, mrt_manifest_parse(text.data, n, &m, &err));
	assert_string_equal(err.text.unmasked, "the manifest does not end with its digest");
	mrt_buf_add_char(&text, '\n');
	assert_code(MRT_CORRUPT, mrt_manifest_parse(text.data, text.len, &m, &err));
	assert_null(m);
}

static void every_member_that_must_be_there_is_missed(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const names[] = { "format",  "id",    "platform",  "target", "method",
		                             "started", "ended", "databases", "objects" };
	static const char *const of_object[] = { "key",         "size",          "sha256",
		                                 "stored_size", "stored_sha256", "volumes" };
	static const char *const of_volume[] = { "key", "stored_size", "stored_sha256" };
	const struct {
		const char *const *names;
		size_t n;
	} levels[] = { { names, COUNT(names) },
		       { of_object, COUNT(of_object) },
		       { of_volume, COUNT(of_volume) } };
	for (size_t level = 0; level < 3; level++)
		for (size_t i = 0; i < levels[level].n; i++) {
			struct mrt_manifest *m = NULL;
			mrt_auto_json json = sample();
			json_t *at = json, *list;
			if (level > 0)
				at = json_array_get(json_object_get(json, "objects"), 0);
			if (level > 1) {
				list = json_object_get(at, "volumes");
				at = json_array_get(list, 1);
			}
			char words[80];
			assert_int_equal(json_object_del(at, levels[level].names[i]), 0);
			assert_code(MRT_CORRUPT, print_and_parse(json, &m, &err));
			snprintf(words, sizeof(words), "JSON member '%s' is missing",
			         levels[level].names[i]);
			assert_string_equal(err.text.unmasked, words);
		}
}

static void what_may_be_missing_may(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_json json = sample();
	mrt_auto(mrt_manifest) *m = NULL;
	json_object_del(json, "label");
	json_object_del(json, "whole");
	json_object_del(json, "server");
	assert_ok(print_and_parse(json, &m, &err));
	assert_null(m->label);
	assert_false(m->whole);
	assert_int_equal(m->server_major, 0);
}

static void a_newer_format_is_unsupported(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_manifest *m = NULL;
	mrt_auto_json json = sample();
	json_object_set_new(json, "format", json_integer(2));
	assert_code(MRT_UNSUPPORTED, print_and_parse(json, &m, &err));
	assert_string_equal(err.text.unmasked,
	                    "the manifest has format 2; this maratea reads format 1");
}

static void expect_corrupt_volume(const char *member, json_t *value, const char *words)
{
	struct mrt_error err;
	struct mrt_manifest *m = NULL;
	mrt_auto_json json = sample();
	json_t *object = json_array_get(json_object_get(json, "objects"), 0);
	json_t *volume = json_array_get(json_object_get(object, "volumes"), 1);
	json_object_set_new(volume, member, value);
	assert_code(MRT_CORRUPT, print_and_parse(json, &m, &err));
	assert_string_equal(err.text.unmasked, words);
}

static void volumes_must_add_up(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_manifest *m = NULL;
	expect_corrupt_volume("stored_size", json_integer(199),
	                      "the volumes of db/s.zst do not add up");
	expect_corrupt_volume("stored_size", json_integer(201),
	                      "the volumes of db/s.zst do not add up");
	expect_corrupt_volume("stored_size", json_integer(-1),
	                      "JSON member 'stored_size' is not a whole number");
	mrt_auto_json json = sample();
	json_t *object = json_array_get(json_object_get(json, "objects"), 0);
	json_object_set_new(object, "volumes", json_array());
	assert_code(MRT_CORRUPT, print_and_parse(json, &m, &err));
	assert_string_equal(err.text.unmasked, "the volumes of db/s.zst do not add up");
}

static void sums_do_not_wrap_around(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_manifest *m = NULL;
	mrt_auto_json json = sample();
	json_t *object = json_array_get(json_object_get(json, "objects"), 0);
	json_t *volumes = json_object_get(object, "volumes");
	json_object_set_new(object, "stored_size", json_integer(0));
	for (size_t i = 0; i < 2; i++)
		json_object_set_new(json_array_get(volumes, i), "stored_size",
		                    json_integer(INT64_MAX));
	json_array_append_new(volumes, json_pack("{s:s, s:i, s:s}", "key", "db/s.zst.0003",
	                                         "stored_size", 2, "stored_sha256", DIGEST));
	assert_code(MRT_CORRUPT, print_and_parse(json, &m, &err));
}

static void keys_that_could_lead_elsewhere_are_refused(void **state)
{
	(void)state;
	static const char *const keys[] = {
		"", "/etc/passwd", "../x", "db/../../x", "..", "db//x"
	};
	for (size_t i = 0; i < COUNT(keys); i++) {
		char words[80];
		snprintf(words, sizeof(words), "the key '%s' is impossible", keys[i]);
		expect_corrupt_volume("key", json_string(keys[i]), words);
	}
}

static void ids_and_times_are_checked(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_manifest *m = NULL;
	static const char *const changes[][3] = {
		{ "id", "latest", "'latest' is not a backup id" },
		{ "started", "yesterday", "'yesterday' is not a UTC time" },
		{ "ended", "", "'' is not a UTC time" },
	};
	for (size_t i = 0; i < COUNT(changes); i++) {
		mrt_auto_json json = sample();
		json_object_set_new(json, changes[i][0], json_string(changes[i][1]));
		assert_code(MRT_CORRUPT, print_and_parse(json, &m, &err));
		assert_string_equal(err.text.unmasked, changes[i][2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_read_as_it_was_printed),
		cmocka_unit_test(the_last_line_is_the_digest_of_all_before_it),
		cmocka_unit_test(a_changed_byte_anywhere_is_refused),
		cmocka_unit_test(a_cut_or_longer_text_is_refused),
		cmocka_unit_test(every_member_that_must_be_there_is_missed),
		cmocka_unit_test(what_may_be_missing_may),
		cmocka_unit_test(a_newer_format_is_unsupported),
		cmocka_unit_test(volumes_must_add_up),
		cmocka_unit_test(sums_do_not_wrap_around),
		cmocka_unit_test(keys_that_could_lead_elsewhere_are_refused),
		cmocka_unit_test(ids_and_times_are_checked),
	};
	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
