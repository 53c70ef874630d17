/* test_pgwal.c - WAL segments: a chain of whole pages, and everything that breaks it. */
#include "unit.h"
#include "basebackup.h"

#include "codec/pg/wal.h"

#define MIB ((uint32_t)1 << 20)

/* Feeds a segment under a name, in pieces of step bytes (0: at once). */
static int feed_named(struct mrt_pgwal *wal, const char *name, const struct mrt_buf *segment,
                      size_t step, struct mrt_error *err)
{
	int rc = mrt_pgwal_begin(wal, name, segment->len, err);
	for (size_t at = 0; rc == 0 && at < segment->len;) {
		size_t n = step == 0 || step > segment->len - at ? segment->len - at : step;
		rc = mrt_pgwal_data(wal, segment->data + at, n, err);
		at += n;
	}
	return rc;
}

static int feed_segment(struct mrt_pgwal *wal, uint32_t timeline, uint64_t start,
                        const struct mrt_buf *segment, size_t step, struct mrt_error *err)
{
	char name[25];
	wal_name(timeline, start, segment->len, name);
	return feed_named(wal, name, segment, step, err);
}

static int feed_whole(struct mrt_pgwal *wal, uint32_t timeline, uint64_t start, uint32_t size,
                      struct mrt_error *err)
{
	mrt_auto_buf segment = MRT_BUF_INIT;
	wal_segment(&segment, timeline, start, size, WAL_PAGE);
	return feed_segment(wal, timeline, start, &segment, 0, err);
}

static void segments_have_names_of_24_hex_digits(void **state)
{
	(void)state;
	static const char *const others[] = {
		"",
		"00000001000000000000000",
		"0000000100000000000000020",
		"00000001000000000000000a",
		"00000001000000000000000G",
		"000000010000000000000002.partial",
		"00000002.history",
		"000000010000000000000002.00000028.backup",
		"00000001 00000000 0000002",
		"0x0000010000000000000002",
		"-00000010000000000000002",
	};
	assert_true(mrt_pgwal_is_segment("000000010000000000000002"));
	assert_true(mrt_pgwal_is_segment("FFFFFFFFABCDEF9876543210"));
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct mrt_pgwal wal = { 0 };
		char expected[100];
		assert_false(mrt_pgwal_is_segment(others[i]));
		snprintf(expected, sizeof(expected), "'%.40s' is no WAL segment", others[i]);
		assert_code(MRT_CORRUPT, mrt_pgwal_begin(&wal, others[i], MIB, &err));
		assert_string_equal(err.text.unmasked, expected);
		assert_int_equal(wal.segments, 0);
	}
}

static void whole_segments_are_a_chain_in_any_pieces(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		uint32_t size;
		size_t step;
	} cases[] = {
		{ MIB, 0 },     { MIB, 1 },         { MIB, 3 },      { MIB, 15 },
		{ MIB, 17 },    { MIB, 39 },        { MIB, 41 },     { MIB, 512 },
		{ MIB, 8191 },  { MIB, 8192 },      { MIB, 8193 },   { MIB, 32768 },
		{ 2 * MIB, 7 }, { 16 * MIB, 1000 }, { 16 * MIB, 0 }, { 64 * MIB / 2, 65536 }
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mrt_pgwal wal = { 0 };
		const uint32_t size = cases[i].size;
		const uint64_t start = UINT64_C(0x300000000) + size;
		for (unsigned k = 0; k < (size > 2 * MIB ? 2 : 3); k++) {
			mrt_auto_buf segment = MRT_BUF_INIT;
			wal_segment(&segment, 1, start + k * size, size, WAL_PAGE);
			assert_ok(feed_segment(&wal, 1, start + k * size, &segment, cases[i].step,
			                       &err));
			assert_int_equal(wal.segments, k + 1);
			assert_int_equal(wal.from, start);
			assert_int_equal(wal.to, start + (k + 1) * size);
		}
		assert_int_equal(wal.size, size);
		assert_int_equal(wal.system_identifier, WAL_SYSTEM);
		assert_ok(mrt_pgwal_covers(&wal, start, wal.to, &err));
		assert_ok(mrt_pgwal_covers(&wal, start + 40, start + 40, &err));
	}
}

static void pages_may_have_any_size_the_server_is_built_with(void **state)
{
	(void)state;
	struct mrt_error err;
	for (uint32_t page = 1024; page <= 65536; page *= 2)
		for (size_t step = 0; step <= 1001; step += 1001) {
			struct mrt_pgwal wal = { 0 };
			mrt_auto_buf segment = MRT_BUF_INIT;
			wal_segment(&segment, 1, MIB, MIB, page);
			assert_ok(feed_segment(&wal, 1, MIB, &segment, step, &err));
			assert_int_equal(wal.to, 2 * MIB);
			/* and each page is looked at */
			struct mrt_pgwal broken = { 0 };
			segment.data[5 * page + WAL_ADDRESS] ^= 1;
			assert_ok(feed_segment(&broken, 1, MIB, &segment, step, &err));
			assert_int_equal(broken.to, MIB + 5 * page);
		}
}

static void the_chain_goes_on_in_the_next_file_of_names(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgwal wal = { 0 };
	mrt_auto_buf last = MRT_BUF_INIT, first = MRT_BUF_INIT;
	wal_segment(&last, 1, 0xfff00000, MIB, WAL_PAGE);
	wal_segment(&first, 1, UINT64_C(0x100000000), MIB, WAL_PAGE);
	assert_ok(feed_named(&wal, "000000010000000000000FFF", &last, 0, &err));
	assert_ok(feed_named(&wal, "000000010000000100000000", &first, 0, &err));
	assert_int_equal(wal.from, 0xfff00000);
	assert_int_equal(wal.to, UINT64_C(0x100100000));
	struct mrt_pgwal large = { 0 };
	mrt_auto_buf sixteen = MRT_BUF_INIT;
	wal_segment(&sixteen, 10, UINT64_C(0x2ff000000), 16 * MIB, WAL_PAGE);
	assert_ok(feed_named(&large, "0000000A00000002000000FF", &sixteen, 0, &err));
	assert_int_equal(large.from, UINT64_C(0x2ff000000));
	assert_int_equal(large.to, UINT64_C(0x300000000));
}

static void a_page_with_a_wrong_address_ends_the_chain(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf segment = MRT_BUF_INIT;
	wal_segment(&segment, 1, MIB, MIB, WAL_PAGE);
	for (uint32_t page = 1; page < MIB / WAL_PAGE; page++)
		for (uint32_t byte = 0; byte < 8; byte++) {
			struct mrt_pgwal wal = { 0 };
			char *p = segment.data + page * WAL_PAGE + WAL_ADDRESS + byte;
			*p ^= 0x10;
			assert_ok(feed_segment(&wal, 1, MIB, &segment, page * byte * 10, &err));
			*p ^= 0x10;
			assert_int_equal(wal.from, MIB);
			assert_int_equal(wal.to, MIB + page * WAL_PAGE);
		}
	struct mrt_pgwal wal = { 0 };
	segment.data[3 * WAL_PAGE + WAL_ADDRESS] ^= 1;
	assert_ok(feed_segment(&wal, 1, MIB, &segment, 0, &err));
	assert_ok(mrt_pgwal_covers(&wal, MIB + 40, MIB + 3 * WAL_PAGE, &err));
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, MIB + 40, MIB + 3 * WAL_PAGE + 1, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/100028 to 0/106001 is needed; unbroken is "
	                    "0/100000 to 0/106000");
	/* what comes in the next segment does not close the hole */
	assert_ok(feed_whole(&wal, 1, 2 * MIB, MIB, &err));
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, MIB + 40, 3 * MIB, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/100028 to 0/300000 is needed; unbroken is "
	                    "0/200000 to 0/300000");
}

static void a_page_of_a_later_timeline_ends_the_chain(void **state)
{
	(void)state;
	struct mrt_error err;
	for (uint32_t timeline = 1; timeline <= 4; timeline++) {
		struct mrt_pgwal wal = { 0 };
		mrt_auto_buf segment = MRT_BUF_INIT;
		wal_segment(&segment, 3, MIB, MIB, WAL_PAGE);
		wal_page(segment.data + 2 * WAL_PAGE, timeline, MIB + 2 * WAL_PAGE);
		assert_ok(feed_segment(&wal, 3, MIB, &segment, 0, &err));
		assert_int_equal(wal.to, timeline > 3 ? MIB + 2 * WAL_PAGE : 2 * MIB);
	}
}

static void recycled_pages_follow_the_end(void **state)
{
	(void)state;
	struct mrt_error err;
	for (unsigned zeros = 0; zeros <= 1; zeros++) {
		struct mrt_pgwal wal = { .system_identifier = WAL_SYSTEM };
		mrt_auto_buf segment = MRT_BUF_INIT;
		wal_segment(&segment, 1, 16 * MIB, 16 * MIB, WAL_PAGE);
		for (uint32_t page = WAL_PAGE; page < 16 * MIB; page += WAL_PAGE) {
			memset(segment.data + page, 0, WAL_PAGE);
			if (!zeros)
				wal_page(segment.data + page, 1, 3 * MIB + page);
		}
		/* an old page that would fit again, behind others that do not */
		wal_page(segment.data + 9 * WAL_PAGE, 1, 16 * MIB + 9 * WAL_PAGE);
		assert_ok(feed_segment(&wal, 1, 16 * MIB, &segment, 1000, &err));
		assert_int_equal(wal.to, 16 * MIB + WAL_PAGE);
		assert_ok(mrt_pgwal_covers(&wal, 0x1000028, 0x1000100, &err));
		assert_ok(mrt_pgwal_covers(&wal, 0x1000000, 0x1002000, &err));
		assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0x1000028, 0x1002001, &err));
		assert_string_equal(err.text.unmasked, "WAL from 0/1000028 to 0/1002001 is needed; "
		                                       "unbroken is 0/1000000 to 0/1002000");
	}
}

static void a_gap_between_segments_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgwal wal = { 0 };
	assert_ok(feed_whole(&wal, 1, MIB, MIB, &err));
	assert_ok(feed_whole(&wal, 1, 2 * MIB, MIB, &err));
	assert_ok(feed_whole(&wal, 1, 4 * MIB, MIB, &err));
	assert_int_equal(wal.from, 4 * MIB);
	assert_int_equal(wal.to, 5 * MIB);
	assert_int_equal(wal.segments, 3);
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0x100028, 0x400100, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/100028 to 0/400100 is needed; unbroken is "
	                    "0/400000 to 0/500000");
	assert_ok(mrt_pgwal_covers(&wal, 0x400028, 0x400100, &err));
	/* segments in the wrong order */
	struct mrt_pgwal back = { 0 };
	assert_ok(feed_whole(&back, 1, 2 * MIB, MIB, &err));
	assert_code(MRT_CORRUPT, feed_whole(&back, 1, MIB, MIB, &err));
	assert_string_equal(err.text.unmasked,
	                    "the WAL segment 000000010000000000000001 comes after "
	                    "000000010000000000000002");
}

static void without_segments_there_is_no_wal(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgwal wal = { 0 };
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0x100028, 0x100100, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/100028 to 0/100100 is needed; there is none");
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0, 0, &err));
	/* a segment of which no page came */
	assert_ok(mrt_pgwal_begin(&wal, "000000010000000000000001", MIB, &err));
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0x100028, 0x100100, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/100028 to 0/100100 is needed; there is none");
}

static void both_ends_must_be_covered(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgwal wal = { 0 };
	assert_ok(feed_whole(&wal, 1, 4 * MIB, MIB, &err));
	assert_ok(mrt_pgwal_covers(&wal, 0x400000, 0x500000, &err));
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0x3fffff, 0x500000, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/3FFFFF to 0/500000 is needed; unbroken is "
	                    "0/400000 to 0/500000");
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0x400000, 0x500001, &err));
	assert_code(MRT_CORRUPT, mrt_pgwal_covers(&wal, 0, UINT64_MAX, &err));
	assert_string_equal(err.text.unmasked,
	                    "WAL from 0/0 to FFFFFFFF/FFFFFFFF is needed; unbroken is "
	                    "0/400000 to 0/500000");
}

static void a_damaged_first_page_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		size_t at, len;
		const char *bytes;
	} changes[] = {
		{ WAL_INFO, 2, "\0\0" },
		{ WAL_INFO, 2, "\5\0" },
		{ WAL_ADDRESS, 1, "\1" },
		{ WAL_ADDRESS + 2, 1, "\x20" },
		{ WAL_ADDRESS + 7, 1, "\1" },
		{ WAL_SEGMENT_SIZE, 4, "\0\0\0\0" },
		{ WAL_SEGMENT_SIZE, 4, "\0\0\x20\0" },
		{ WAL_PAGE_SIZE, 4, "\0\0\0\0" },
		{ WAL_PAGE_SIZE, 4, "\0\2\0\0" },
		{ WAL_PAGE_SIZE, 4, "\0\0\2\0" },
		{ WAL_PAGE_SIZE, 4, "\0\x30\0\0" },
		{ WAL_PAGE_SIZE, 4, "\xff\xff\xff\xff" },
		{ 0, WAL_PAGE_SIZE,
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0" },
	};
	for (size_t i = 0; i < COUNT(changes); i++)
		for (size_t step = 0; step <= 1; step++) {
			struct mrt_pgwal wal = { 0 };
			mrt_auto_buf segment = MRT_BUF_INIT;
			wal_segment(&segment, 1, MIB, MIB, WAL_PAGE);
			memcpy(segment.data + changes[i].at, changes[i].bytes, changes[i].len);
			assert_code(MRT_CORRUPT, feed_segment(&wal, 1, MIB, &segment, step, &err));
			assert_string_equal(err.text.unmasked,
			                    "the WAL segment 000000010000000000000001 "
			                    "is damaged at its beginning");
			assert_int_equal(wal.from, wal.to);
		}
}

static void a_segment_of_another_system_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgwal wal = { .system_identifier = 4711 };
	assert_code(MRT_CORRUPT, feed_whole(&wal, 1, MIB, MIB, &err));
	assert_string_equal(err.text.unmasked,
	                    "the WAL segment 000000010000000000000001 is of the system "
	                    "7712033420912970512, not 4711");
	struct mrt_pgwal first = { 0 };
	mrt_auto_buf other = MRT_BUF_INIT;
	wal_segment(&other, 1, 2 * MIB, MIB, WAL_PAGE);
	other.data[WAL_SYSTEM_ID] ^= 1;
	assert_ok(feed_whole(&first, 1, MIB, MIB, &err));
	assert_code(MRT_CORRUPT, feed_segment(&first, 1, 2 * MIB, &other, 1, &err));
	assert_string_equal(err.text.unmasked,
	                    "the WAL segment 000000010000000000000002 is of the system "
	                    "7712033420912970513, not 7712033420912970512");
}

static void impossible_sizes_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const uint64_t sizes[] = { 0,          1,
		                          8192,       MIB / 2,
		                          MIB - 1,    MIB + 1,
		                          3 * MIB,    UINT64_C(1) << 31,
		                          UINT64_MAX, UINT64_C(1) << 63 };
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct mrt_pgwal wal = { 0 };
		char expected[100];
		assert_code(MRT_CORRUPT,
		            mrt_pgwal_begin(&wal, "000000010000000000000001", sizes[i], &err));
		snprintf(expected, sizeof(expected),
		         "the WAL segment 000000010000000000000001 has %" PRIu64 " bytes",
		         sizes[i]);
		assert_string_equal(err.text.unmasked, expected);
	}
	struct mrt_pgwal wal = { 0 };
	assert_ok(mrt_pgwal_begin(&wal, "000000010000000000000001", UINT64_C(1) << 30, &err));
	struct mrt_pgwal two = { 0 };
	assert_ok(feed_whole(&two, 1, MIB, MIB, &err));
	assert_code(MRT_CORRUPT, feed_whole(&two, 1, 2 * MIB, 2 * MIB, &err));
	assert_string_equal(err.text.unmasked,
	                    "the WAL segment 000000010000000000000001 has 2097152 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_have_names_of_24_hex_digits),
		cmocka_unit_test(whole_segments_are_a_chain_in_any_pieces),
		cmocka_unit_test(pages_may_have_any_size_the_server_is_built_with),
		cmocka_unit_test(the_chain_goes_on_in_the_next_file_of_names),
		cmocka_unit_test(a_page_with_a_wrong_address_ends_the_chain),
		cmocka_unit_test(a_page_of_a_later_timeline_ends_the_chain),
		cmocka_unit_test(recycled_pages_follow_the_end),
		cmocka_unit_test(a_gap_between_segments_is_noticed),
		cmocka_unit_test(without_segments_there_is_no_wal),
		cmocka_unit_test(both_ends_must_be_covered),
		cmocka_unit_test(a_damaged_first_page_is_refused),
		cmocka_unit_test(a_segment_of_another_system_is_refused),
		cmocka_unit_test(impossible_sizes_are_refused),
	};
	return cmocka_run_group_tests_name("pgwal", tests, NULL, NULL);
}
