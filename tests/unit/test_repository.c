/* test_repository.c - backup ids, names in keys, what a listing makes of the keys it sees. */
#include "unit.h"

#include "repository/layout.h"

static int64_t fixed_clock(void)
{
	return INT64_C(1795312800) * MRT_SECOND + 999999999;
}

static int64_t later_clock(void)
{
	return fixed_clock() + 1;
}

static void an_id_is_the_time_to_a_256th_second_and_four_random_digits(void **state)
{
	(void)state;
	struct mrt_context ctx = plain_run();
	ctx.wall = fixed_clock;
	char a[MRT_BACKUP_ID_SIZE], b[MRT_BACKUP_ID_SIZE];
	mrt_backup_id_new(&ctx, a);
	mrt_backup_id_new(&ctx, b);
	assert_int_equal(strlen(a), 23);
	assert_memory_equal(a, "20261122T020000Z-", 17);
	assert_int_equal(strspn(a + 17, "0123456789abcdef"), 6);
	assert_memory_equal(a, b, 19);
	assert_memory_equal(a + 17, "ff", 2);
	char next[MRT_BACKUP_ID_SIZE];
	for (int i = 0; i < 8 && strcmp(a, b) == 0; i++) /* one in 65,536 is no fault */
		mrt_backup_id_new(&ctx, b);
	assert_string_not_equal(a, b);
	ctx.wall = later_clock;
	mrt_backup_id_new(&ctx, next);
	assert_true(strcmp(a, next) < 0);
	assert_memory_equal(next, "20261122T020001Z-00", 19);
	assert_true(mrt_backup_id_valid(a));
	assert_int_equal(mrt_backup_id_time(a), 1795312800);
}

static void what_is_no_id_is_told_apart(void **state)
{
	(void)state;
	const char *const wrong[] = { "",
		                      "latest",
		                      "20261122T020000Z-3fa9c",
		                      "20261122T020000Z-3fa9c11",
		                      "20261122T020000Z-3FA9C1",
		                      "20261122T020000Z_3fa9c1",
		                      "20261322T020000Z-3fa9c1",
		                      "20261122T250000Z-3fa9c1",
		                      "2026-11-22T02:00Z-3fa9c",
		                      "20261122T020000Z-3fa9g1",
		                      "../../../../../../../ab" };
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (mrt_backup_id_valid(wrong[i]))
			fail_msg("'%s' counts as an id", wrong[i]);
}

static void an_id_has_a_real_time_and_no_blanks(void **state)
{
	(void)state;
	const char *const wrong[] = { "202611 2T020000Z-3fa9c1", "20260231T000000Z-3fa9c1" };
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (mrt_backup_id_valid(wrong[i]))
			fail_msg("'%s' counts as an id", wrong[i]);
}

static void names_are_letters_digits_dash_and_underline(void **state)
{
	(void)state;
	struct mrt_error err;
	const char *const right[] = { "postgres", "a", "A-b_9", "latest" };
	const char *const wrong[] = {
		"",    "a b",
		"a/b", "..",
		"a.b", "\xc3\xa9",
		"a\n", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm"
	};
	for (size_t i = 0; i < COUNT(right); i++)
		assert_ok(mrt_config_name_check("target", right[i], &err));
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_code(MRT_USAGE, mrt_config_name_check("target", wrong[i], &err));
	assert_code(MRT_USAGE, mrt_config_name_check("target", "a/b", &err));
	assert_string_equal(err.text.unmasked,
	                    "target 'a/b': only letters, digits, '_' and '-', 1 to 64 of "
	                    "them");
}

static void names_of_databases_are_encoded_for_keys(void **state)
{
	(void)state;
	static const char *const names[][2] = {
		{ "school", "school" }, { "My-db_1", "My-db_1" }, { "a.b", "a%2Eb" },
		{ "..", "%2E%2E" },     { "a/b", "a%2Fb" },       { "sp ace", "sp%20ace" },
		{ "%", "%25" },         { "\xc3\xa9", "%C3%A9" }, { "~", "%7E" },
	};
	for (size_t i = 0; i < COUNT(names); i++) {
		mrt_auto_buf buf = MRT_BUF_INIT;
		mrt_backup_name_encode(names[i][0], &buf);
		assert_string_equal(mrt_buf_text(&buf), names[i][1]);
	}
}

static void a_key_is_platform_target_id_and_the_rest(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_autofree char *key = NULL;
	assert_ok(mrt_backup_key("p", "t", "20261122T020000Z-3fa9c1", "db/x", &key, &err));
	assert_string_equal(key, "p/t/20261122T020000Z-3fa9c1/db/x");
}

static void buffers_share_the_memory_that_is_left(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_config config = { .store_part_size = 8 << 20,
		                           .backup_memory = 64 << 20,
		                           .store_concurrency = 4 };
	unsigned n = 0;
	assert_ok(mrt_repository_buffers(&config, 0, 2, &n, &err));
	assert_int_equal(n, 6);
	assert_ok(mrt_repository_buffers(&config, 40 << 20, 2, &n, &err));
	assert_int_equal(n, 3);
	assert_code(MRT_CONFIG, mrt_repository_buffers(&config, 56 << 20, 2, &n, &err));
	assert_string_equal(err.text.unmasked,
	                    "64.0 MiB of memory is too little; 72.0 MiB would do");
	assert_contains(err.hint.unmasked, "raise --memory");
	assert_code(MRT_CONFIG, mrt_repository_buffers(&config, 640 << 20, 2, &n, &err));
	assert_int_equal(n, 3);
}

#define ID1 "20261120T020000Z-aaaaaa"
#define ID2 "20261121T020000Z-bbbbbb"
#define ID3 "20261122T020000Z-cccccc"

static void open_store(const char *dir, struct mrt_store **ret)
{
	struct mrt_error err;
	char url[PATH_SIZE];
	snprintf(url, sizeof(url), "file://%s/store", dir);
	const struct mrt_store_options options = { .url = url };
	assert_ok(mrt_store_open(&options, ret, &err));
}

static void a_listing_knows_complete_and_incomplete_backups(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	char *dir = temporary_dir();
	static const char *const keys[] = {
		"p/postgres/" ID2 "/manifest.json",
		"p/postgres/" ID2 "/db/x.zst",
		"p/postgres/" ID2 "/verified-20261123T000000Z.json",
		"p/postgres/" ID2 "/verified-20261125T000000Z.json",
		"p/postgres/" ID1 "/manifest.json",
		"p/postgres/" ID3 "/alive-1",
		"p/redis/" ID3 "/manifest.json",
		"q/postgres/" ID3 "/manifest.json",
		"p/postgres/cluster/123.json",
		"p/postgres/not-an-id/manifest.json",
		"stray",
		"p/postgres/" ID1 "/db/manifest.json",
		"p2/postgres/" ID1 "/db/manifest.json",
	};
	{
		mrt_auto(mrt_store) *store = NULL;
		struct mrt_backup_list list;
		open_store(dir, &store);
		assert_ok(mrt_repository_list(&ctx, store, NULL, NULL, &list, &err));
		assert_int_equal(list.n, 0);
		for (size_t i = 0; i < COUNT(keys); i++)
			assert_ok(mrt_store_put_bytes(store, &ctx, keys[i], "{}", 2, &err));
		assert_ok(mrt_repository_list(&ctx, store, "p", NULL, &list, &err));
		assert_int_equal(list.n, 3);
		assert_int_equal(list.incomplete, 1);
		assert_string_equal(list.entries[0].id, ID1);
		assert_null(list.entries[0].verified_key);
		assert_string_equal(list.entries[1].id, ID2);
		assert_string_equal(list.entries[1].target, "postgres");
		assert_string_equal(list.entries[1].verified_key,
		                    "p/postgres/" ID2 "/verified-20261125T000000Z.json");
		assert_string_equal(list.entries[2].target, "redis");
		mrt_backup_list_release(&list);
		assert_ok(mrt_repository_list(&ctx, store, NULL, "postgres", &list, &err));
		assert_int_equal(list.n, 3);
		assert_string_equal(list.entries[2].platform, "q");
		mrt_backup_list_release(&list);
		assert_ok(mrt_repository_list(&ctx, store, "p", "redis", &list, &err));
		assert_int_equal(list.n, 1);
		assert_int_equal(list.incomplete, 0);
		mrt_backup_list_release(&list);
	}
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_the_time_to_a_256th_second_and_four_random_digits),
		cmocka_unit_test(what_is_no_id_is_told_apart),
		cmocka_unit_test(an_id_has_a_real_time_and_no_blanks),
		cmocka_unit_test(names_are_letters_digits_dash_and_underline),
		cmocka_unit_test(names_of_databases_are_encoded_for_keys),
		cmocka_unit_test(a_key_is_platform_target_id_and_the_rest),
		cmocka_unit_test(buffers_share_the_memory_that_is_left),
		cmocka_unit_test(a_listing_knows_complete_and_incomplete_backups),
	};
	return cmocka_run_group_tests_name("repository", tests, NULL, NULL);
}
