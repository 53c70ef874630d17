/* test_tar.c - tar streams: whole, in pieces, cut, damaged, and with what does not belong there. */
#include "unit.h"
#include "basebackup.h"

#include "codec/tar.h"

/* Writes down what it hears: "0 name 3 600 [abc]\n"; may be told to fail. */
struct listener {
	struct mrt_buf heard;
	uint64_t bytes;
	bool count_only; /* of the content */
	char fail_in;    /* 'b', 'd' or 'e' */
};

static int told(const struct listener *l, char where, struct mrt_error *err)
{
	return l->fail_in == where ? mrt_fail(err, MRT_NO_SPACE, "told to fail in %c", where) : 0;
}

static int on_begin(void *context, const struct mrt_tar_entry *entry, struct mrt_error *err)
{
	struct listener *l = context;
	mrt_buf_printf(&l->heard, "%c %s %s%s%" PRIu64 " %o [", (char)entry->type, entry->name,
	               entry->link, *entry->link ? " " : "", entry->size, entry->mode);
	return told(l, 'b', err);
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct listener *l = context;
	assert_true(len > 0);
	l->bytes += len;
	if (!l->count_only)
		mrt_buf_add(&l->heard, data, len);
	return told(l, 'd', err);
}

static int on_end(void *context, struct mrt_error *err)
{
	mrt_buf_add_text(&((struct listener *)context)->heard, "]\n");
	return told(context, 'e', err);
}

static const struct mrt_tar_ops ops = { on_begin, on_data, on_end };

/* Feeds len bytes: first of them, then pieces of step bytes (0: the rest at once). */
static int read_split(struct listener *l, const char *data, size_t len, size_t first, size_t step,
                      struct mrt_error *err)
{
	mrt_auto(mrt_tar) *tar = NULL;
	mrt_buf_clear(&l->heard);
	l->heard.ceiling = MRT_BUF_CEILING;
	l->bytes = 0;
	int rc = mrt_tar_new(&ops, l, &tar, err);
	for (size_t at = 0; rc == 0 && at < len;) {
		size_t want = at == 0 && first > 0 ? first : step;
		size_t n = want == 0 || want > len - at ? len - at : want;
		rc = mrt_tar_feed(tar, data + at, n, err);
		at += n;
	}
	return rc < 0 ? rc : mrt_tar_end(tar, err);
}

static int read_tar(struct listener *l, const struct mrt_buf *tar, struct mrt_error *err)
{
	return read_split(l, tar->data, tar->len, 0, 0, err);
}

/* Ends the tar, wants that code and those words however the bytes arrive, and releases it. */
static void check_refused(struct mrt_buf *tar, const char *words)
{
	struct mrt_error err;
	static const size_t steps[] = { 0, 1, 511, 513 };
	tar_end(tar);
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct listener l = { 0 };
		assert_code(MRT_CORRUPT, read_split(&l, tar->data, tar->len, 0, steps[i], &err));
		assert_string_equal(err.text.unmasked, words);
		mrt_buf_release(&l.heard);
	}
	mrt_buf_release(tar);
}

static void check_heard(struct mrt_buf *tar, const char *words)
{
	struct mrt_error err;
	struct listener l = { 0 };
	tar_end(tar);
	assert_ok(read_tar(&l, tar, &err));
	assert_string_equal(mrt_buf_text(&l.heard), words);
	mrt_buf_release(&l.heard);
	mrt_buf_release(tar);
}

#define LABEL "START WAL LOCATION: 0/800028 (file 000000010000000000000008)\n"

/* Returns what is to be heard; the caller releases both. */
static void make_sample(struct mrt_buf *tar, struct mrt_buf *words)
{
	char noise[1025];
	fill_noise(noise, sizeof(noise), 6);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = noise[i] ? noise[i] : 1; /* what is heard is compared as text */
	*tar = *words = MRT_BUF_INIT;
	tar_file(tar, "backup_label", LABEL, strlen(LABEL));
	tar_header(tar, "pg_wal/", '5', 0, "");
	tar_header(tar, "./pg_wal/archive_status/", '5', 0, "");
	tar_file(tar, "global/1262", noise, 512);
	tar_file(tar, "global/1260", noise, sizeof(noise));
	tar_file(tar, "base/1/empty", "", 0);
	tar_file(tar, "one", "1", 1);
	tar_header(tar, "pg_tblspc/16384", '2', 0, "/srv/ts");
	tar_end(tar);
	mrt_buf_printf(words, "0 backup_label %zu 600 [" LABEL "]\n", strlen(LABEL));
	mrt_buf_add_text(words, "5 pg_wal 0 700 []\n5 pg_wal/archive_status 0 700 []\n"
	                        "0 global/1262 512 600 [");
	mrt_buf_add(words, noise, 512);
	mrt_buf_add_text(words, "]\n0 global/1260 1025 600 [");
	mrt_buf_add(words, noise, sizeof(noise));
	mrt_buf_add_text(words, "]\n0 base/1/empty 0 600 []\n0 one 1 600 [1]\n"
	                        "2 pg_tblspc/16384 /srv/ts 0 600 []\n");
}

static void a_tar_is_heard_whole_however_it_is_split(void **state)
{
	(void)state;
	struct mrt_error err;
	static const size_t steps[] = { 0, 1, 2, 3, 7, 100, 511, 512, 513, 1000, 4096 };
	mrt_auto_buf tar = MRT_BUF_INIT, words = MRT_BUF_INIT;
	struct listener l = { 0 };
	make_sample(&tar, &words);
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_ok(read_split(&l, tar.data, tar.len, 0, steps[i], &err));
		assert_string_equal(l.heard.data, words.data);
	}
	for (size_t first = 1; first < tar.len; first++) {
		assert_ok(read_split(&l, tar.data, tar.len, first, 0, &err));
		assert_string_equal(l.heard.data, words.data);
	}
	mrt_buf_release(&l.heard);
	mrt_tar_free(NULL);
}

static void a_cut_at_any_byte_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf tar = MRT_BUF_INIT, words = MRT_BUF_INIT;
	struct listener l = { 0 };
	make_sample(&tar, &words);
	for (size_t n = 0; n < tar.len; n++) {
		char expected[100];
		snprintf(expected, sizeof(expected), "tar: it ends too early, at byte %zu", n);
		assert_code(MRT_CORRUPT, read_split(&l, tar.data, n, 0, n % 3 * 200, &err));
		assert_string_equal(err.text.unmasked, expected);
	}
	mrt_buf_release(&l.heard);
}

static void zeros_may_follow_in_whole_blocks(void **state)
{
	(void)state;
	struct mrt_error err;
	struct listener l = { 0 };
	mrt_auto_buf tar = MRT_BUF_INIT;
	static const char zeros[20 * TAR_BLOCK];
	mrt_buf_add(&tar, zeros, sizeof(zeros));
	for (size_t n = 2 * TAR_BLOCK; n <= tar.len; n += TAR_BLOCK) {
		assert_ok(read_split(&l, tar.data, n, 0, 0, &err));
		assert_code(MRT_CORRUPT, read_split(&l, tar.data, n - 1, 0, 0, &err));
	}
	assert_int_equal(l.heard.len, 0);
	mrt_buf_release(&l.heard);
}

static void a_changed_bit_of_a_header_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf tar = MRT_BUF_INIT;
	struct listener l = { 0 };
	tar_file(&tar, "first", "content", 7);
	tar_header(&tar, "second", '2', 0, "target");
	tar_end(&tar);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		for (size_t at = 0; at <= 1024; at += 1024) {
			char expected[100];
			snprintf(expected, sizeof(expected),
			         "tar: a wrong checksum in the header at byte %zu", at);
			tar.data[at + i] ^= 1;
			assert_code(MRT_CORRUPT, read_tar(&l, &tar, &err));
			assert_string_equal(err.text.unmasked, expected);
			tar.data[at + i] ^= 1;
		}
	mrt_buf_release(&l.heard);
}

static void a_checksum_that_is_no_number_is_wrong(void **state)
{
	(void)state;
	static const char *const fields[] = { "        ", "\0\0\0\0\0\0\0", "0012345x",
		                              "-0012345", "77777777",       "0x12345 " };
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		tar_file(&tar, "f", "", 0);
		memcpy(tar.data + TAR_CHECKSUM, fields[i], 8);
		check_refused(&tar, "tar: a wrong checksum in the header at byte 0");
	}
}

/* The checksum that old tars write, blank and NUL the other way round, and in base 256. */
static void a_checksum_may_be_written_in_any_way(void **state)
{
	(void)state;
	struct mrt_buf tar = MRT_BUF_INIT;
	char field[9];
	tar_file(&tar, "f", "", 0);
	unsigned sum = (unsigned)strtoul(tar.data + TAR_CHECKSUM, NULL, 8);
	snprintf(field, sizeof(field), "%06o", sum);
	memcpy(tar.data + TAR_CHECKSUM, field, 7);
	tar_file(&tar, "f", "", 0);
	snprintf(field, sizeof(field), "  %6o", sum);
	memcpy(tar.data + TAR_BLOCK + TAR_CHECKSUM, field, 8);
	tar_file(&tar, "f", "", 0);
	const char base256[8] = { (char)0x80, 0, 0, 0, 0, 0, (char)(sum >> 8), (char)sum };
	memcpy(tar.data + 2 * TAR_BLOCK + TAR_CHECKSUM, base256, 8);
	check_heard(&tar, "0 f 0 600 []\n0 f 0 600 []\n0 f 0 600 []\n");
}

static void sizes_are_read_in_every_form(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		uint64_t size;
	} sizes[] = {
		{ "00000000000\0", 0 },
		{ "          0 ", 0 },
		{ "0 \0 \0 \0 \0 \0 ", 0 },
		{ "17          ", 15 },
		{ "77777777777 ", (UINT64_C(1) << 33) - 1 },
		{ "777777777777", (UINT64_C(1) << 36) - 1 },
		{ "\x80\0\0\0\0\0\0\0\0\0\0\0", 0 },
		{ "\x80\0\0\0\0\0\0\2\0\0\0\1", (UINT64_C(1) << 33) + 1 },
		{ "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", INT64_MAX },
	};
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		struct listener l = { 0 };
		char expected[100];
		tar_header(&tar, "f", '0', 0, "");
		tar_set(&tar, 0, TAR_SIZE, sizes[i].field, 12);
		snprintf(expected, sizeof(expected), "0 f %" PRIu64 " 600 [%s", sizes[i].size,
		         sizes[i].size ? "" : "]\n");
		assert_code(MRT_CORRUPT, read_tar(&l, &tar, &err));
		assert_string_equal(err.text.unmasked, "tar: it ends too early, at byte 512");
		assert_string_equal(l.heard.data, expected);
		mrt_buf_release(&l.heard);
		mrt_buf_release(&tar);
	}
}

static void a_file_of_nine_gigabytes_passes(void **state)
{
	(void)state;
	struct mrt_error err;
	static char mebibyte[1 << 20];
	const uint64_t size = (UINT64_C(9) << 30) + 1;
	mrt_auto_buf head = MRT_BUF_INIT;
	mrt_auto(mrt_tar) *tar = NULL;
	struct listener l = { .count_only = true, .heard = MRT_BUF_INIT };
	tar_header(&head, "large", '0', size, "");
	assert_int_equal((unsigned char)head.data[TAR_SIZE], 0x80);
	assert_ok(mrt_tar_new(&ops, &l, &tar, &err));
	assert_ok(mrt_tar_feed(tar, head.data, head.len, &err));
	for (unsigned i = 0; i < 9 << 10; i++)
		assert_ok(mrt_tar_feed(tar, mebibyte, sizeof(mebibyte), &err));
	assert_code(MRT_CORRUPT, mrt_tar_end(tar, &err));
	assert_ok(mrt_tar_feed(tar, mebibyte, 3 * TAR_BLOCK - 1, &err));
	assert_code(MRT_CORRUPT, mrt_tar_end(tar, &err));
	assert_string_equal(err.text.unmasked, "tar: it ends too early, at byte 9663678463");
	assert_ok(mrt_tar_feed(tar, mebibyte, 1, &err));
	assert_ok(mrt_tar_end(tar, &err));
	assert_int_equal(l.bytes, size);
	assert_string_equal(l.heard.data, "0 large 9663676417 600 []\n");
	mrt_buf_release(&l.heard);
}

static void impossible_numbers_are_refused(void **state)
{
	(void)state;
	static const struct {
		size_t at, len;
		const char *field;
	} fields[] = {
		{ TAR_SIZE, 12, "            " },
		{ TAR_SIZE, 12, "\0\0\0\0\0\0\0\0\0\0\0" },
		{ TAR_SIZE, 12, "00000000008 " },
		{ TAR_SIZE, 12, "-0000000001 " },
		{ TAR_SIZE, 12, "0000000001 1" },
		{ TAR_SIZE, 12, "0x000000001 " },
		{ TAR_SIZE, 12, "1e3         " },
		{ TAR_SIZE, 12, "\x80\0\0\0\x80\0\0\0\0\0\0\0" },
		{ TAR_SIZE, 12, "\x80\0\0\1\0\0\0\0\0\0\0\0" },
		{ TAR_SIZE, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
		{ TAR_SIZE, 12, "\xc0\0\0\0\0\0\0\0\0\0\0\0" },
		{ TAR_MODE, 8, "        " },
		{ TAR_MODE, 8, "0000809 " },
		{ TAR_MODE, 8, "rwxr-xr-" },
	};
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		tar_file(&tar, "before", "x", 1);
		tar_header(&tar, "f", '0', 0, "");
		tar_set(&tar, 1024, fields[i].at, fields[i].field, fields[i].len);
		check_refused(&tar, "tar: an impossible number in the header at byte 1024");
	}
}

static void only_the_permissions_of_a_mode_are_passed_on(void **state)
{
	(void)state;
	struct mrt_buf tar = MRT_BUF_INIT;
	tar_file(&tar, "f", "", 0);
	tar_set(&tar, 0, TAR_MODE, "0104755 ", 8);
	check_heard(&tar, "0 f 0 4755 []\n");
}

static void what_is_no_file_directory_or_link_is_refused(void **state)
{
	(void)state;
	/* a hard link, devices, a pipe; contiguous, sparse, long names, pax headers, volumes */
	static const char types[] = "13467SLKxgVDMN89 aZ\xff\x01";
	for (const char *type = types; *type; type++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		tar_header(&tar, "name", *type, 0, "target");
		check_refused(&tar, "tar: an entry that is no file, directory or symbolic link in "
		                    "the header at byte 0");
	}
	struct mrt_buf tar = MRT_BUF_INIT;
	tar_file(&tar, "PG_VERSION", "15\n", 3);
	tar_header(&tar, "././@PaxHeader", 'x', 19, "");
	mrt_buf_add_text(&tar, "19 path=../outside\n");
	tar_pad(&tar, 19);
	check_refused(&tar, "tar: an entry that is no file, directory or symbolic link in the "
	                    "header at byte 1024");
}

static void a_file_may_have_the_type_of_old_tars(void **state)
{
	(void)state;
	struct mrt_buf tar = MRT_BUF_INIT;
	tar_file(&tar, "old", "x", 1);
	tar_set(&tar, 0, TAR_TYPE, "", 1);
	check_heard(&tar, "0 old 1 600 [x]\n");
}

static void only_files_have_content(void **state)
{
	(void)state;
	for (const char *type = "25"; *type; type++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		tar_header(&tar, "name", *type, 1, "");
		check_refused(&tar,
		              "tar: content of something that is no file in the header at byte 0");
	}
}

static void without_a_mark_it_is_no_ustar(void **state)
{
	(void)state;
	static const char *const marks[] = { "\0\0\0\0\0\0\0", "USTAR\00000", "ustax\00000" };
	for (size_t i = 0; i < COUNT(marks); i++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		tar_file(&tar, "f", "", 0);
		tar_set(&tar, 0, TAR_MAGIC, marks[i], 8);
		check_refused(&tar, "tar: no ustar mark in the header at byte 0");
	}
}

static void names_lose_what_says_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *name, *heard;
	} names[] = {
		{ "a", "a" },
		{ "a/b", "a/b" },
		{ "./a", "a" },
		{ "././a", "a" },
		{ "a///", "a" },
		{ "./a/", "a" },
		{ ".", "." },
		{ "./", "." },
		{ "././", "." },
		{ "/", "/" },
		/* what is unsafe stays so: mrt_tar_name_safe() must see it */
		{ ".//a", "/a" },
		{ "/a", "/a" },
		{ "..", ".." },
		{ "../a", "../a" },
		{ "./../a", "../a" },
		{ "a/../b", "a/../b" },
		{ "a//b", "a//b" },
		{ "a/./b", "a/./b" },
		{ "a\nb\x7f", "a\nb\x7f" },
		{ "\xff\xc3\x28", "\xff\xc3\x28" },
	};
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		char expected[200];
		tar_header(&tar, names[i].name, '5', 0, "");
		snprintf(expected, sizeof(expected), "5 %s 0 700 []\n", names[i].heard);
		check_heard(&tar, expected);
	}
}

static void a_prefix_stands_before_the_name(void **state)
{
	(void)state;
	char name[101], prefix[156], expected[400];
	memset(name, 'n', 100);
	memset(prefix, 'p', 155);
	name[100] = prefix[155] = '\0';
	struct mrt_buf tar = MRT_BUF_INIT;
	tar_file(&tar, "file", "x", 1);
	tar_set(&tar, 0, TAR_PREFIX, "./base/1", 8);
	check_heard(&tar, "0 base/1/file 1 600 [x]\n");
	tar_header(&tar, name, '2', 0, prefix);
	snprintf(expected, sizeof(expected), "2 %s %.100s 0 600 []\n", name, prefix);
	check_heard(&tar, expected);
	tar_header(&tar, name, '0', 0, "");
	tar_set(&tar, 0, TAR_PREFIX, prefix, 155);
	snprintf(expected, sizeof(expected), "0 %s/%s 0 600 []\n", prefix, name);
	check_heard(&tar, expected);
	tar_header(&tar, "", '5', 0, "");
	tar_set(&tar, 0, TAR_PREFIX, "only", 4);
	check_heard(&tar, "5 only 0 700 []\n");
	/* GNU tar's own format has other things there */
	tar_file(&tar, "gnu", "", 0);
	tar_set(&tar, 0, TAR_PREFIX, "prefix", 6);
	tar_set(&tar, 0, TAR_MAGIC, "ustar  ", 8);
	check_heard(&tar, "0 gnu 0 600 []\n");
}

static void an_entry_without_a_name_is_refused(void **state)
{
	(void)state;
	struct mrt_buf tar = MRT_BUF_INIT;
	tar_file(&tar, "", "x", 1);
	check_refused(&tar, "tar: no name in the header at byte 0");
}

static void nothing_may_follow_the_end(void **state)
{
	(void)state;
	static const char zeros[3 * TAR_BLOCK];
	for (size_t n = 1; n <= 3; n++) {
		struct mrt_buf tar = MRT_BUF_INIT;
		char expected[100];
		tar_file(&tar, "first", "x", 1);
		mrt_buf_add(&tar, zeros, n * TAR_BLOCK);
		snprintf(expected, sizeof(expected),
		         "tar: something behind the end in the header at byte %zu", tar.len);
		tar_file(&tar, "second", "y", 1);
		check_refused(&tar, expected);
	}
}

static void a_listener_that_fails_ends_the_reading(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		char where;
		const char *heard;
	} cases[] = { { 'b', "0 f 3 600 [" },
		      { 'd', "0 f 3 600 [abc" },
		      { 'e', "0 f 3 600 [abc]\n" } };
	mrt_auto_buf tar = MRT_BUF_INIT, empty = MRT_BUF_INIT;
	tar_file(&tar, "f", "abc", 3);
	tar_file(&tar, "more", "", 0);
	tar_end(&tar);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct listener l = { .fail_in = cases[i].where };
		char expected[100];
		snprintf(expected, sizeof(expected), "told to fail in %c", cases[i].where);
		assert_code(MRT_NO_SPACE, read_tar(&l, &tar, &err));
		assert_string_equal(err.text.unmasked, expected);
		assert_string_equal(l.heard.data, cases[i].heard);
		mrt_buf_release(&l.heard);
	}
	/* the end of what has no content comes with its beginning */
	tar_header(&empty, "d", '5', 0, "");
	struct listener begins = { .fail_in = 'b' }, ends = { .fail_in = 'e' };
	assert_code(MRT_NO_SPACE, read_tar(&begins, &empty, &err));
	assert_string_equal(begins.heard.data, "5 d 0 700 [");
	assert_code(MRT_NO_SPACE, read_tar(&ends, &empty, &err));
	assert_string_equal(ends.heard.data, "5 d 0 700 []\n");
	mrt_buf_release(&begins.heard);
	mrt_buf_release(&ends.heard);
}

static void names_that_lead_elsewhere_are_not_safe(void **state)
{
	(void)state;
	static const char *const safe[] = { "a",     "a/b",       "...", "a/..b",   ".a",
		                            "a/b..", "\xff/\x80", " ",   "a\\..\\b" };
	static const char *const unsafe[] = {
		"",      "/",    "/a",      "//a",   "a//b",  "a/",      ".",      "..",
		"./a",   "../a", "a/.",     "a/..",  "a/./b", "a/../b",  "a/b/.",  "a\nb",
		"a\x01", "\x1f", "a\x7f/b", "a/\tb", "../",   "a/b/../", "a/..//", "\r",
	};
	for (size_t i = 0; i < COUNT(safe); i++)
		if (!mrt_tar_name_safe(safe[i]))
			fail_msg("\"%s\" is safe", safe[i]);
	for (size_t i = 0; i < COUNT(unsafe); i++)
		if (mrt_tar_name_safe(unsafe[i]))
			fail_msg("\"%s\" is not safe", unsafe[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tar_is_heard_whole_however_it_is_split),
		cmocka_unit_test(a_cut_at_any_byte_is_noticed),
		cmocka_unit_test(zeros_may_follow_in_whole_blocks),
		cmocka_unit_test(a_changed_bit_of_a_header_is_noticed),
		cmocka_unit_test(a_checksum_that_is_no_number_is_wrong),
		cmocka_unit_test(a_checksum_may_be_written_in_any_way),
		cmocka_unit_test(sizes_are_read_in_every_form),
		cmocka_unit_test(a_file_of_nine_gigabytes_passes),
		cmocka_unit_test(impossible_numbers_are_refused),
		cmocka_unit_test(only_the_permissions_of_a_mode_are_passed_on),
		cmocka_unit_test(what_is_no_file_directory_or_link_is_refused),
		cmocka_unit_test(a_file_may_have_the_type_of_old_tars),
		cmocka_unit_test(only_files_have_content),
		cmocka_unit_test(without_a_mark_it_is_no_ustar),
		cmocka_unit_test(names_lose_what_says_nothing),
		cmocka_unit_test(a_prefix_stands_before_the_name),
		cmocka_unit_test(an_entry_without_a_name_is_refused),
		cmocka_unit_test(nothing_may_follow_the_end),
		cmocka_unit_test(a_listener_that_fails_ends_the_reading),
		cmocka_unit_test(names_that_lead_elsewhere_are_not_safe),
	};
	return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
