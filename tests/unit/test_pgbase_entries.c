/* test_pgbase_entries.c - what a restore hears of a base backup, and what it must never hear. */
#include "unit.h"
#include "backups.h"

static void paths_that_lead_elsewhere_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const names[] = { "..",     "../x", "/etc/passwd", "a//b",  "a/./b",
		                             "a/../b", "a\nb", "\x7f",        "a/..",  "/",
		                             "a/b/.",  "\x01", "./../x",      ".//etc" };
	for (size_t i = 0; i < COUNT(names) * 6; i++) {
		const struct mrt_pgbase_options how = { .algorithm = "NONE" };
		const char *name = names[i / 6];
		mrt_auto_buf tar = MRT_BUF_INIT;
		mrt_auto(mrt_pgbase) *base = NULL;
		char expected[100];
		bool space = i % 2;
		tar_header(&tar, name, "025"[i / 2 % 3], 0, "/");
		snprintf(expected, sizeof(expected), "%sthe backup has the impossible path '%s'",
		         space ? "tablespace 1: " : "",
		         strncmp(name, "./", 2) == 0 ? name + 2 : name);
		assert_ok(mrt_pgbase_new(&how, &base, &err));
		assert_ok(mrt_pgbase_archive(base, space ? "1" : NULL, &err));
		assert_code(MRT_CORRUPT, mrt_pgbase_feed(base, tar.data, tar.len, &err));
		assert_string_equal(err.text.unmasked, expected);
	}
}

static void a_cut_archive_is_noticed_when_the_next_begins(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	write_backup(&b);
	for (size_t n = 0; n < b.space.len; n += 100) {
		mrt_auto(mrt_pgbase) *base = NULL;
		char expected[100];
		snprintf(expected, sizeof(expected),
		         "tablespace 16384: tar: it ends too early, at byte %zu", n);
		assert_ok(mrt_pgbase_new(&how, &base, &err));
		assert_ok(mrt_pgbase_archive(base, "16384", &err));
		assert_ok(mrt_pgbase_feed(base, b.space.data, n, &err));
		if (n % 200 == 0)
			assert_code(MRT_CORRUPT, mrt_pgbase_archive(base, NULL, &err));
		else
			assert_code(MRT_CORRUPT, mrt_pgbase_archives_end(base, &err));
		assert_string_equal(err.text.unmasked, expected);
	}
	b.base.len -= 2 * TAR_BLOCK;
	for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++)
		assert_code(MRT_CORRUPT, read_backup(&b, order, 0, &how, NULL, &err));
	b.base.len += 2 * TAR_BLOCK;
	b.manifest.len -= 1;
	for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++)
		assert_code(MRT_CORRUPT, read_backup(&b, order, 0, &how, NULL, &err));
	release_backup(&b);
}

/* Writes down what a restore would hear. */
struct listener {
	struct mrt_buf heard;
	int fail_with; /* in begin */
};

static int on_begin(void *context, const struct mrt_tar_entry *entry, struct mrt_error *err)
{
	struct listener *l = context;
	mrt_buf_printf(&l->heard, "%c %s %s%s", (char)entry->type, entry->name, entry->link,
	               *entry->link ? " " : "");
	return l->fail_with ? mrt_fail(err, (enum mrt_code)l->fail_with, "told to fail") : 0;
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct listener *l = context;
	(void)err;
	if (len == SEGMENT)
		mrt_buf_printf(&l->heard, "%zu bytes", len);
	else
		mrt_buf_add(&l->heard, data, len);
	return 0;
}

static int on_end(void *context, struct mrt_error *err)
{
	(void)err;
	mrt_buf_add_text(&((struct listener *)context)->heard, ".\n");
	return 0;
}

static const struct mrt_tar_ops ops = { on_begin, on_data, on_end };

static void a_restore_hears_every_entry_with_its_whole_path(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	write_backup(&b);
	for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++) {
		struct listener l = { .heard = MRT_BUF_INIT };
		const struct mrt_pgbase_options how = { .algorithm = "CRC32C",
			                                .ops = &ops,
			                                .context = &l };
		assert_ok(read_backup(&b, order, 0, &how, NULL, &err));
		assert_string_equal(
		        l.heard.data,
		        "5 pg_tblspc/16384/PG_15_202209061 .\n"
		        "0 pg_tblspc/16384/PG_15_202209061/5/16385 rows of a table in a "
		        "tablespace.\n"
		        "5 pg_wal .\n"
		        "2 pg_tblspc/16384 /srv/ts .\n"
		        "0 backup_label START WAL LOCATION: 0/800028\n.\n"
		        "0 tablespace_map 16384 /srv/ts\n.\n"
		        "0 PG_VERSION 15\n.\n"
		        "0 base/1/empty .\n"
		        "0 base/1/16390 rows of a table.\n"
		        "0 pg_wal/archive_status/000000010000000000000008.done .\n"
		        "0 pg_wal/000000010000000000000008 1048576 bytes.\n"
		        "0 pg_wal/000000010000000000000009 1048576 bytes.\n");
		mrt_buf_release(&l.heard);
	}
	release_backup(&b);
}

static void a_restore_does_not_hear_the_end_of_a_wrong_file(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	struct listener l = { .heard = MRT_BUF_INIT };
	const struct mrt_pgbase_options how = { .ops = &ops, .context = &l };
	b.pieces[IN_SPACE].listed = "other rows";
	write_backup(&b);
	assert_code(MRT_CORRUPT, read_backup(&b, MANIFEST_FIRST, 0, &how, NULL, &err));
	assert_string_equal(l.heard.data, "5 pg_tblspc/16384/PG_15_202209061 .\n"
	                                  "0 pg_tblspc/16384/PG_15_202209061/5/16385 rows of a "
	                                  "table in a tablespace");
	mrt_buf_release(&l.heard);
	release_backup(&b);
}

static void a_restore_that_fails_ends_the_reading(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("SHA256");
	struct listener l = { .heard = MRT_BUF_INIT, .fail_with = MRT_NO_SPACE };
	const struct mrt_pgbase_options how = { .ops = &ops, .context = &l };
	write_backup(&b);
	assert_code(MRT_NO_SPACE, read_backup(&b, MANIFEST_FIRST, 0, &how, NULL, &err));
	assert_string_equal(err.text.unmasked, "told to fail");
	assert_string_equal(l.heard.data, "5 pg_tblspc/16384/PG_15_202209061 ");
	mrt_buf_release(&l.heard);
	release_backup(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_that_lead_elsewhere_are_refused),
		cmocka_unit_test(a_cut_archive_is_noticed_when_the_next_begins),
		cmocka_unit_test(a_restore_hears_every_entry_with_its_whole_path),
		cmocka_unit_test(a_restore_does_not_hear_the_end_of_a_wrong_file),
		cmocka_unit_test(a_restore_that_fails_ends_the_reading),
	};
	return cmocka_run_group_tests_name("pgbase-entries", tests, NULL, NULL);
}
