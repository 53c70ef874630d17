/* test_strict.c - what a base backup must not contain, however it is put. */
#include "unit.h"
#include "backups.h"
#include "base/beneath.h"
#include <fcntl.h>
#include <sys/stat.h>

struct listener {
	struct mrt_buf heard;
};
static int on_begin(void *c, const struct mrt_tar_entry *e, struct mrt_error *err)
{
	(void)err;
	mrt_buf_printf(&((struct listener *)c)->heard, "%s ", e->name);
	return 0;
}
static int on_data(void *c, const void *d, size_t n, struct mrt_error *err)
{
	(void)err;
	mrt_buf_add(&((struct listener *)c)->heard, d, n);
	return 0;
}
static int on_end(void *c, struct mrt_error *err)
{
	(void)err;
	mrt_buf_add_text(&((struct listener *)c)->heard, ".\n");
	return 0;
}
static const struct mrt_tar_ops ops = { on_begin, on_data, on_end };

static void the_directory_itself_is_no_file_and_no_link(void **state)
{
	(void)state;
	struct mrt_error err;
	for (const char *type = "02"; *type; type++) {
		struct listener l = { .heard = MRT_BUF_INIT };
		const struct mrt_pgbase_options how = { .algorithm = "CRC32C",
			                                .ops = &ops,
			                                .context = &l };
		mrt_auto(mrt_pgbase) *base = NULL;
		mrt_auto_buf tar = MRT_BUF_INIT;
		tar_header(&tar, "./", *type, *type == '0' ? 3 : 0, *type == '2' ? "/" : "");
		if (*type == '0') {
			mrt_buf_add_text(&tar, "abc");
			tar_pad(&tar, 3);
		}
		assert_ok(mrt_pgbase_new(&how, &base, &err));
		assert_ok(mrt_pgbase_archive(base, NULL, &err));
		int rc = mrt_pgbase_feed(base, tar.data, tar.len, &err);
		mrt_buf_release(&l.heard);
		assert_int_equal(rc, MRT_CORRUPT);
	}
}

static void wal_of_two_timelines_is_a_chain(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgwal wal = { 0 };
	static const struct {
		uint32_t timeline;
		uint64_t start;
	} segments[] = { { 1, 0x800000 }, { 1, 0x900000 }, { 2, 0x900000 }, { 2, 0xa00000 } };
	for (size_t i = 0; i < COUNT(segments); i++) {
		mrt_auto_buf s = MRT_BUF_INIT;
		char name[25];
		wal_segment(&s, segments[i].timeline, segments[i].start, SEGMENT, WAL_PAGE);
		wal_name(segments[i].timeline, segments[i].start, SEGMENT, name);
		assert_ok(mrt_pgwal_begin(&wal, name, s.len, &err));
		assert_ok(mrt_pgwal_data(&wal, s.data, s.len, &err));
	}
	assert_ok(mrt_pgwal_covers(&wal, 0x900100, 0xa00100, &err));
	assert_ok(mrt_pgwal_covers(&wal, 0x800028, 0x900100, &err));
}

static void wal_must_be_of_the_manifests_system(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	struct backup b = backup_of("CRC32C");
	write_backup(&b);
	char *id = strstr(b.manifest.data, "7712033420912970512");
	id[0] = '6';
	b.manifest.len = (size_t)(strstr(b.manifest.data, "\"Manifest-") - b.manifest.data);
	manifest_digest(&b.manifest);
	for (enum order o = TARS_FIRST; o <= MANIFEST_FIRST; o++)
		assert_code(MRT_CORRUPT, read_backup(&b, o, 0, &how, NULL, &err));
	release_backup(&b);
}

static void a_wal_segment_twice_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	struct backup b = backup_of("CRC32C");
	b.segments = 0;
	b.range_end = "0/800100";
	write_backup(&b);
	b.base.len -= 1024;
	add_wal(&b.base, WAL_START);
	add_wal(&b.base, WAL_START);
	tar_end(&b.base);
	assert_code(MRT_CORRUPT, read_backup(&b, TARS_FIRST, 0, &how, NULL, &err));
	release_backup(&b);
}

static void with_the_tars_first_nothing_can_be_asked(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	mrt_auto(mrt_pgbase) *base = NULL;
	b.pieces[TABLE].in_manifest = 0;
	write_backup(&b);
	assert_code(MRT_CORRUPT, read_backup(&b, TARS_FIRST, 0, &how, &base, &err));
	release_backup(&b);
	assert_false(mrt_pgbase_missing(base, "base/1/16390"));
}

static void a_cut_tablespace_is_named(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	write_backup(&b);
	b.space.len = 700;
	assert_code(MRT_CORRUPT, read_backup(&b, TARS_FIRST, 0, &how, NULL, &err));
	release_backup(&b);
	assert_string_equal(err.text.unmasked,
	                    "tablespace 16384: tar: it ends too early, at byte 700");
}

static int on_file(void *c, const struct mrt_pgmanifest_file *f, struct mrt_error *err)
{
	(void)err;
	snprintf(c, 100, "%s", f->path);
	return 0;
}
static int read_lines(const char *head, const char *line, struct mrt_pgmanifest_info *info,
                      char seen[100], struct mrt_error *err)
{
	mrt_auto_buf t = MRT_BUF_INIT;
	mrt_buf_printf(&t, "%s\"Files\": [\n%s", head, line);
	manifest_ranges(&t);
	manifest_range(&t, "1", "0/28", "0/100");
	manifest_end(&t);
	mrt_auto(mrt_pgmanifest) *m = NULL;
	int rc = mrt_pgmanifest_new(on_file, seen, &m, err);
	if (rc == 0)
		rc = mrt_pgmanifest_feed(m, t.data, t.len, err);
	if (rc == 0)
		rc = mrt_pgmanifest_end(m, err);
	*info = *mrt_pgmanifest_info(m);
	return rc;
}
#define V1 "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n"
#define V2 "{ \"PostgreSQL-Backup-Manifest-Version\": 2,\n"
#define FILE_LINE "{ \"Path\": \"a\", \"Size\": 1 }"

static void an_encoded_nul_is_refused(void **state)
{
	(void)state;
	struct mrt_error err = { 0 };
	struct mrt_pgmanifest_info info;
	char seen[100] = "";
	int rc = read_lines(V1, "{ \"Encoded-Path\": \"50475f56455253494f4e00ff\", \"Size\": 1 }",
	                    &info, seen, &err);
	assert_int_equal(rc, MRT_CORRUPT);
	assert_string_equal(err.text.unmasked, "backup_manifest, line 3: an impossible path");
}

static void a_system_identifier_has_up_to_twenty_digits(void **state)
{
	(void)state;
	struct mrt_error err = { 0 };
	struct mrt_pgmanifest_info info;
	char seen[100];
	assert_ok(read_lines(V2 "\"System-Identifier\": 18446744073709551615,\n", FILE_LINE, &info,
	                     seen, &err));
	assert_true(info.system_identifier == UINT64_MAX);
}

static void nothing_may_stand_behind_the_head(void **state)
{
	(void)state;
	struct mrt_error err = { 0 };
	struct mrt_pgmanifest_info info;
	char seen[100];
	static const char *const heads[] = {
		"{\"PostgreSQL-Backup-Manifest-Version\":1x\n",
		"{ \"PostgreSQL-Backup-Manifest-Version\": 1, and more\n",
		"{ \"PostgreSQL-Backup-Manifest-Version\": +1\n",
		V1 V2,
		V1 "\"System-Identifier\": -1garbage\n",
		("\"System-Identifier\": 5\n" V1)
	};
	unsigned accepted = 0;
	for (size_t i = 0; i < COUNT(heads); i++) {
		int rc = read_lines(heads[i], FILE_LINE, &info, seen, &err);
		accepted += rc == 0;
	}
	assert_int_equal(accepted, 0);
}

static void the_line_that_is_too_long_is_named(void **state)
{
	(void)state;
	struct mrt_error err = { 0 };
	mrt_auto(mrt_pgmanifest) *m = NULL;
	mrt_auto_buf t = MRT_BUF_INIT;
	static char blanks[65536];
	memset(blanks, ' ', sizeof(blanks));
	mrt_buf_add_text(&t, V1 "\"Files\": [\n");
	mrt_buf_add(&t, blanks, sizeof(blanks));
	assert_ok(mrt_pgmanifest_new(NULL, NULL, &m, &err));
	assert_code(MRT_CORRUPT, mrt_pgmanifest_feed(m, t.data, t.len, &err));
	assert_string_equal(err.text.unmasked, "backup_manifest, line 3: a line without end");
}

static int fixture(char **dir)
{
	char path[PATH_SIZE];
	*dir = temporary_dir();
	write_file(*dir, "file", "x");
	assert_int_equal(mkdir(path_in(path, *dir, "a"), 0700), 0);
	assert_int_equal(symlink("a", path_in(path, *dir, "link")), 0);
	int fd = open(*dir, O_PATH | O_DIRECTORY);
	assert_true(fd >= 0);
	return fd;
}

static void agree(int in, const char *path, int flags)
{
	struct mrt_error a = { 0 }, b = { 0 };
	mrt_autofd fa = -1, fb = -1;
	int ra = mrt_open_beneath(in, path, flags, 0, &fa, &a);
	int rb = mrt_open_beneath_stepwise(in, path, flags, 0, &fb, &b);
	if (ra != rb)
		fail_msg("\"%s\" flags %o: openat2 %d \"%s\", stepwise %d \"%s\"", path,
		         (unsigned)flags, ra, a.text.unmasked, rb, b.text.unmasked);
}

static void stepwise_o_path_does_not_open_a_link_itself(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	agree(in, "link", O_PATH);
	close(in);
	remove_dir(dir);
}
static void stepwise_a_link_instead_of_a_directory_leads_out(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	agree(in, "link", O_PATH | O_DIRECTORY);
	close(in);
	remove_dir(dir);
}
static void dots_that_stay_inside_are_one_thing_in_both(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	agree(in, "a/../file", O_RDONLY);
	close(in);
	remove_dir(dir);
}
static void empty_segments_are_one_thing_in_both(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	agree(in, ".//file", O_RDONLY);
	close(in);
	remove_dir(dir);
}
static void a_slash_at_the_end_is_one_thing_in_both(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	agree(in, "a/", O_RDONLY);
	close(in);
	remove_dir(dir);
}
static void the_empty_path_is_one_thing_in_both(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	agree(in, "", O_RDONLY);
	close(in);
	remove_dir(dir);
}
static void a_last_name_that_leads_out_is_no_name(void **state)
{
	(void)state;
	char *dir;
	int in = fixture(&dir);
	struct mrt_error err = { 0 };
	static const char *const paths[] = { "..", "a/..", ".", "a/.", "a/", "", "/x", "/" };
	unsigned wrong = 0;
	for (size_t i = 0; i < COUNT(paths); i++) {
		int fd = -1;
		const char *name = NULL;
		err.text.unmasked[0] = 0;
		int rc = mrt_open_parent_beneath(in, paths[i], &fd, &name, &err);
		wrong += rc != MRT_CORRUPT;
		if (rc == 0)
			close(fd);
	}
	close(in);
	remove_dir(dir);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_directory_itself_is_no_file_and_no_link),
		cmocka_unit_test(wal_of_two_timelines_is_a_chain),
		cmocka_unit_test(wal_must_be_of_the_manifests_system),
		cmocka_unit_test(a_wal_segment_twice_is_noticed),
		cmocka_unit_test(with_the_tars_first_nothing_can_be_asked),
		cmocka_unit_test(a_cut_tablespace_is_named),
		cmocka_unit_test(an_encoded_nul_is_refused),
		cmocka_unit_test(a_system_identifier_has_up_to_twenty_digits),
		cmocka_unit_test(nothing_may_stand_behind_the_head),
		cmocka_unit_test(the_line_that_is_too_long_is_named),
		cmocka_unit_test(stepwise_o_path_does_not_open_a_link_itself),
		cmocka_unit_test(stepwise_a_link_instead_of_a_directory_leads_out),
		cmocka_unit_test(dots_that_stay_inside_are_one_thing_in_both),
		cmocka_unit_test(empty_segments_are_one_thing_in_both),
		cmocka_unit_test(a_slash_at_the_end_is_one_thing_in_both),
		cmocka_unit_test(the_empty_path_is_one_thing_in_both),
		cmocka_unit_test(a_last_name_that_leads_out_is_no_name),
	};
	return cmocka_run_group_tests_name("strict", tests, NULL, NULL);
}
