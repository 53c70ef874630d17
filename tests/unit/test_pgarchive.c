/* test_pgarchive.c - pg_dump archives as they stream by: whole, in pieces, cut, damaged. */
#include "unit.h"
#include "archive.h"

#include "codec/pg/archive.h"

/* Feeds in pieces of step bytes (0: all at once) and ends. */
static int read_all(const void *data, size_t len, size_t step, struct mrt_pgarchive **ret,
                    struct mrt_error *err)
{
	mrt_auto(mrt_pgarchive) *a = NULL;
	int rc = mrt_pgarchive_new(&a, err);
	for (size_t at = 0; rc == 0 && at < len;) {
		size_t n = step == 0 || step > len - at ? len - at : step;
		rc = mrt_pgarchive_feed(a, (const char *)data + at, n, err);
		at += n;
	}
	if (rc == 0)
		rc = mrt_pgarchive_end(a, err);
	if (rc == 0 && ret)
		*ret = mrt_steal(a);
	return rc;
}

static int read_sample(const struct sample *s, struct mrt_error *err)
{
	return read_all(s->out.data, s->out.len, 0, NULL, err);
}

static void check_info(const struct mrt_pgarchive_info *info, const struct sample *s)
{
	assert_int_equal(info->version_major, 1);
	assert_int_equal(info->version_minor, s->minor);
	assert_string_equal(info->database, "school");
	assert_string_equal(info->server_version, "15.14 (Debian 15.14-0+deb12u1)");
	assert_string_equal(info->dump_version, "15.14");
	assert_int_equal(info->entries, 6);
	assert_int_equal(info->size, s->out.len);
	assert_int_equal(info->n_tables, 2);
	assert_int_equal(info->tables[0].dump_id, 3001);
	assert_string_equal(info->tables[0].schema, "public");
	assert_string_equal(info->tables[0].name, "t");
	assert_int_equal(info->tables[0].rows, 3);
	assert_true(info->tables[0].done);
	assert_string_equal(info->tables[1].schema, "s");
	assert_string_equal(info->tables[1].name, "empty");
	assert_int_equal(info->tables[1].rows, 0);
	assert_int_equal(info->n_extensions, 1);
	assert_string_equal(info->extensions[0], "pgcrypto");
	assert_int_equal(info->n_owners, 2);
	assert_string_equal(info->owners[0], "alice");
	assert_string_equal(info->owners[1], "bob");
	assert_int_equal(info->large_objects, 2);
}

static void every_version_is_read_whole_and_in_any_pieces(void **state)
{
	(void)state;
	struct mrt_error err;
	static const size_t steps[] = { 0, 1, 2, 3, 5, 7, 64, 1000 };
	for (unsigned minor = 14; minor <= 16; minor++) {
		struct sample s;
		make_sample(&s, minor);
		for (size_t i = 0; i < COUNT(steps); i++) {
			mrt_auto(mrt_pgarchive) *a = NULL;
			assert_ok(read_all(s.out.data, s.out.len, steps[i], &a, &err));
			check_info(mrt_pgarchive_info(a), &s);
		}
		mrt_buf_release(&s.out);
	}
}

static void a_cut_at_any_byte_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	for (unsigned minor = 14; minor <= 16; minor++) {
		struct sample s;
		make_sample(&s, minor);
		for (size_t n = 0; n < s.out.len; n++)
			assert_code(MRT_CORRUPT, read_all(s.out.data, n, 0, NULL, &err));
		mrt_buf_release(&s.out);
	}
}

static void a_cut_says_what_is_missing(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sample s;
	make_sample(&s, 14);
	char expected[200];
	assert_code(MRT_CORRUPT, read_all(s.out.data, 0, 0, NULL, &err));
	assert_string_equal(err.text.unmasked, "pg_dump archive, byte 0: it is empty");
	assert_code(MRT_CORRUPT, read_all(s.out.data, s.second_block, 0, NULL, &err));
	snprintf(expected, sizeof(expected),
	         "pg_dump archive, byte %zu: it ends before the rows of s.empty", s.second_block);
	assert_string_equal(err.text.unmasked, expected);
	assert_code(MRT_CORRUPT, read_all(s.out.data, s.blobs, 0, NULL, &err));
	assert_contains(err.text.unmasked, "it ends before the large objects");
	assert_code(MRT_CORRUPT, read_all(s.out.data, s.chunk + 9, 0, NULL, &err));
	assert_contains(err.text.unmasked, "the archive ends in the middle");
	mrt_buf_release(&s.out);
}

static void a_changed_byte_of_the_structure_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	for (unsigned minor = 14; minor <= 16; minor++) {
		struct sample s;
		make_sample(&s, minor);
		const size_t places[] = {
			0,
			4,
			5,
			6,
			8,
			9,
			10,
			11,
			s.count,
			s.count + 1,
			s.count + 4,
			s.first_id,
			s.has_data,
			s.has_data + 1,
			s.data_desc,
			s.data_desc + 1,
			s.data_desc + 7,
			s.section,
			s.block_type,
			s.block_id,
			s.block_id + 1,
			s.chunk,
			s.chunk + 1,
			s.chunk + 4,
			s.chunk_end - 1,
			s.chunk_end - 2,
			s.chunk_end,
			s.chunk_end + 1,
			s.second_block,
			s.blobs,
			s.blobs + 2,
			s.end - 1,
		};
		for (size_t i = 0; i < COUNT(places); i++) {
			s.out.data[places[i]] ^= 0x5a;
			int rc = read_sample(&s, &err);
			if (rc != MRT_CORRUPT && rc != MRT_UNSUPPORTED)
				fail_msg("1.%u: nobody noticed byte %zu", minor, places[i]);
			s.out.data[places[i]] ^= 0x5a;
		}
		assert_ok(read_sample(&s, &err));
		mrt_buf_release(&s.out);
	}
}

static void no_changed_byte_does_harm(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sample s;
	make_sample(&s, 16);
	for (size_t i = 0; i < s.out.len; i++)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			s.out.data[i] ^= (char)(1 << bit);
			int rc = read_all(s.out.data, s.out.len, 13, NULL, &err);
			assert_true(rc == 0 || rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED);
			s.out.data[i] ^= (char)(1 << bit);
		}
	mrt_buf_release(&s.out);
}

static void bytes_after_the_end_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	for (int byte = 0; byte < 256; byte++) {
		struct sample s;
		make_sample(&s, 15);
		put_byte(&s, byte);
		assert_code(MRT_CORRUPT, read_sample(&s, &err));
		mrt_buf_release(&s.out);
	}
}

static void a_second_block_for_one_table_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sample s;
	make_sample(&s, 14);
	put_block(&s, 1, 3000);
	put_chunk(&s, "\\.\n\n\n");
	put_int(&s, 0);
	assert_code(MRT_CORRUPT, read_sample(&s, &err));
	assert_contains(err.text.unmasked, "a second data block for one table");
	mrt_buf_release(&s.out);
	make_sample(&s, 14);
	put_block(&s, 3, 3002);
	put_int(&s, 0);
	assert_code(MRT_CORRUPT, read_sample(&s, &err));
	mrt_buf_release(&s.out);
}

static void a_block_that_no_entry_announces_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		int type, id;
	} blocks[] = { { 1, 6 },    { 1, 99 },   { 1, 2000000 }, { 1, -1 },
		       { 1, 3002 }, { 3, 3000 }, { 3, 0 } };
	for (size_t i = 0; i < COUNT(blocks); i++) {
		struct sample s;
		make_sample(&s, 14);
		s.out.len = s.second_block;
		put_block(&s, blocks[i].type, blocks[i].id);
		put_int(&s, 0);
		assert_code(MRT_CORRUPT, read_sample(&s, &err));
		assert_contains(err.text.unmasked, "a data block that no entry announces");
		mrt_buf_release(&s.out);
	}
}

static void entries_that_cannot_be_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		int id;
		const char *tag, *desc, *words;
	} entries[] = {
		{ 9, "t", "TABLE DATA", "two entries with one dump id" },
		{ -3, "t", "TABLE DATA", "a dump id out of range" },
		{ 50000001, "t", "TABLE DATA", "a dump id out of range" },
		{ 10, NULL, "TABLE DATA", "table data without a name" },
		{ 10, "t", "SOMETHING NEW", "data of unknown kind 'SOMETHING NEW'" },
		{ 10, "t", NULL, "data of unknown kind ''" },
	};
	for (size_t i = 0; i < COUNT(entries); i++) {
		struct sample s = { .out = MRT_BUF_INIT };
		put_header(&s, 14, 0, 2);
		put_entry(&s, 9, true, "public", "first", "TABLE DATA", "o");
		put_entry(&s, entries[i].id, true, "public", entries[i].tag, entries[i].desc, "o");
		assert_code(MRT_CORRUPT, read_sample(&s, &err));
		assert_contains(err.text.unmasked, entries[i].words);
		mrt_buf_release(&s.out);
	}
}

static void rows_must_end_as_copy_ends_them(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const data[] = { "1\n2\n", "", "1\n\\.\n", "1\n\\.\n\n", "\n\n\n\n\n" };
	for (size_t i = 0; i < COUNT(data); i++) {
		struct sample s = { .out = MRT_BUF_INIT };
		put_header(&s, 14, 0, 1);
		put_entry(&s, 9, true, "public", "t", "TABLE DATA", "o");
		put_block(&s, 1, 9);
		if (*data[i])
			put_chunk(&s, data[i]);
		put_int(&s, 0);
		assert_code(MRT_CORRUPT, read_sample(&s, &err));
		assert_contains(err.text.unmasked, "the rows of public.t do not end with \"\\.\"");
		mrt_buf_release(&s.out);
	}
}

static void compression_inside_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	for (unsigned minor = 14; minor <= 16; minor++)
		for (int compression = -1; compression <= 9; compression++) {
			struct sample s = { .out = MRT_BUF_INIT };
			put_header(&s, minor, compression, 0);
			if (compression == 0)
				assert_ok(read_sample(&s, &err));
			else
				assert_code(MRT_CORRUPT, read_sample(&s, &err));
			mrt_buf_release(&s.out);
		}
}

static void other_versions_and_formats_are_named(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sample s;
	make_sample(&s, 14);
	s.out.data[6] = 13;
	assert_code(MRT_UNSUPPORTED, read_sample(&s, &err));
	assert_string_equal(err.text.unmasked,
	                    "pg_dump archive of version 1.13 (1.14 to 1.16 are known)");
	s.out.data[6] = 17;
	assert_code(MRT_UNSUPPORTED, read_sample(&s, &err));
	s.out.data[6] = 14;
	s.out.data[5] = 2;
	assert_code(MRT_UNSUPPORTED, read_sample(&s, &err));
	s.out.data[5] = 1;
	s.out.data[10] = 3;
	assert_code(MRT_CORRUPT, read_sample(&s, &err));
	assert_contains(err.text.unmasked, "not in custom format");
	assert_code(MRT_CORRUPT, read_all("-- PostgreSQL database dump\n", 28, 0, NULL, &err));
	assert_contains(err.text.unmasked, "this is no pg_dump archive");
	mrt_buf_release(&s.out);
}

static void an_archive_without_entries_is_whole(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sample s = { .out = MRT_BUF_INIT };
	mrt_auto(mrt_pgarchive) *a = NULL;
	put_header(&s, 14, 0, 0);
	assert_ok(read_all(s.out.data, s.out.len, 0, &a, &err));
	assert_int_equal(mrt_pgarchive_info(a)->entries, 0);
	assert_int_equal(mrt_pgarchive_info(a)->n_tables, 0);
	mrt_buf_release(&s.out);
	mrt_pgarchive_free(NULL);
}

static void several_entries_may_hold_large_objects(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sample s = { .out = MRT_BUF_INIT };
	mrt_auto(mrt_pgarchive) *a = NULL;
	put_header(&s, 16, 0, 2);
	put_entry(&s, 1, true, NULL, "BLOBS", "BLOBS", "o");
	put_entry(&s, 2, true, NULL, "BLOBS", "BLOBS", "o");
	for (int id = 2; id >= 1; id--) {
		put_block(&s, 3, id);
		put_int(&s, -id);
		put_int(&s, 0);
		put_int(&s, 0);
	}
	assert_ok(read_all(s.out.data, s.out.len, 1, &a, &err));
	assert_int_equal(mrt_pgarchive_info(a)->large_objects, 2);
	mrt_buf_release(&s.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_is_read_whole_and_in_any_pieces),
		cmocka_unit_test(a_cut_at_any_byte_is_noticed),
		cmocka_unit_test(a_cut_says_what_is_missing),
		cmocka_unit_test(a_changed_byte_of_the_structure_is_noticed),
		cmocka_unit_test(no_changed_byte_does_harm),
		cmocka_unit_test(bytes_after_the_end_are_refused),
		cmocka_unit_test(a_second_block_for_one_table_is_refused),
		cmocka_unit_test(a_block_that_no_entry_announces_is_refused),
		cmocka_unit_test(entries_that_cannot_be_are_refused),
		cmocka_unit_test(rows_must_end_as_copy_ends_them),
		cmocka_unit_test(compression_inside_is_refused),
		cmocka_unit_test(other_versions_and_formats_are_named),
		cmocka_unit_test(an_archive_without_entries_is_whole),
		cmocka_unit_test(several_entries_may_hold_large_objects),
	};
	return cmocka_run_group_tests_name("pgarchive", tests, NULL, NULL);
}
