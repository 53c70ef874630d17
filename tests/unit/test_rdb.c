/* test_rdb.c - snapshots of Redis walked through: every type, every cut, every wrong byte. */
#include "unit.h"

#include "codec/rdb.h"

/* A literal's bytes, zeros included. */
#define BYTES(text) text, sizeof(text) - 1

struct bytes {
	const char *at;
	size_t len;
};

/* One key each: type, name, value. */
static const struct bytes keys[] = {
	{ BYTES("\x00\x01"
	        "a\x05hello") },
	{ BYTES("\x00\x01"
	        "b\xc0\x7f") }, /* numbers of 1, 2, 4 bytes */
	{ BYTES("\x00\x01"
	        "c\xc1\x39\x30") },
	{ BYTES("\x00\x01"
	        "d\xc2\x15\xcd\x5b\x07") },
	{ BYTES("\x00\x01"
	        "e\xc3\x03\x40\x80xyz") }, /* compressed */
	{ BYTES("\x00\x01"
	        "f\x80\x00\x00\x00\x02ok") }, /* a length of 32, of 64, of 14 bits */
	{ BYTES("\x00\x01"
	        "g\x81\x00\x00\x00\x00\x00\x00\x00\x02ok") },
	{ BYTES("\x00\x01"
	        "h\x40\x02ok") },
	{ BYTES("\x00\x00\x00") }, /* an empty name, an empty value */
	{ BYTES("\x01\x01"
	        "i\x02\x01x\x01y") }, /* list */
	{ BYTES("\x02\x01"
	        "j\x02\x01x\xc0\x01") }, /* set */
	{ BYTES("\x03\x01"
	        "k\x04\x01x\x03"
	        "1.5\x01y\xfd\x01z\xfe\x01w\xff") }, /* scores as text */
	{ BYTES("\x04\x01"
	        "l\x01\x01x\x01y") }, /* hash */
	{ BYTES("\x05\x01"
	        "m\x01\x01x\x00\x00\x00\x00\x00\x00\xf0\x3f") },
	{ BYTES("\x07\x01"
	        "n\x81\xb4\x92\x3b\x44\x55\x66\x77\x88\x01\x05\x02\x06\x03"
	        "abcd"
	        "\x04"
	        "abcdefgh\x05\x03xyz\x00") }, /* a module's */
	{ BYTES("\x0b\x01"
	        "o\x03xxx") },
	{ BYTES("\x0e\x01"
	        "p\x02\x01x\x01y") },
	{ BYTES("\x10\x01"
	        "q\x03xxx") },
	{ BYTES("\x12\x01"
	        "r\x02\x01\x01x\x02\x01y") }, /* list of listpacks */
	/* streams: nodes, lengths, groups with pending entries and consumers */
	{ BYTES("\x0f\x01"
	        "s\x01\x01x\x01y\x01\x02\x03\x01\x01g\x01\x02\x01"
	        "0123456789abcdef"
	        "01234567\x01"
	        "\x01\x01"
	        "c"
	        "01234567\x01"
	        "0123456789abcdef") },
	{ BYTES("\x13\x01"
	        "t\x00\x01\x02\x03\x04\x05\x06\x07\x08\x01\x01g\x01\x02\x03\x00\x00") },
	{ BYTES("\x15\x01"
	        "u\x00\x01\x02\x03\x04\x05\x06\x07\x08\x01\x01g\x01\x02\x03\x00\x01\x01"
	        "c"
	        "01234567"
	        "89abcdef\x00") },
	{ BYTES("\x18\x01"
	        "v"
	        "01234567\x01\x05\x01x\x01y") }, /* hash with times to live */
	{ BYTES("\x19\x01"
	        "w"
	        "01234567\x03xxx") },
};

static void add_head(struct mrt_buf *file)
{
	mrt_buf_add(file, BYTES("REDIS0011"));
	mrt_buf_add(file, BYTES("\xfa\x09redis-ver\x06"
	                        "7.2.99"));
	mrt_buf_add(file, BYTES("\xfa\x0aredis-bits\xc0\x40"));
	mrt_buf_add(file, BYTES("\xfa\x07repl-id\x04"
	                        "abcd"));
	mrt_buf_add(file, BYTES("\xfa\x0brepl-offset\xc1\x39\x30"));
	mrt_buf_add(file, BYTES("\xf7\x81\xb4\x92\x3b\x44\x55\x66\x77\x88\x02\x02\x05\x02hi\x00"));
	mrt_buf_add(file, BYTES("\xf5\x05#!lua"));
	mrt_buf_add(file, BYTES("\xfe\x00\xfb\x10\x01"));
}

static void add_end(struct mrt_buf *file, bool checksum)
{
	mrt_buf_add(file, BYTES("\xff"));
	uint64_t crc = checksum ? mrt_crc64_jones(0, file->data, file->len) : 0;
	for (unsigned i = 0; i < 8; i++)
		mrt_buf_add_char(file, (char)(crc >> 8 * i));
}

static void whole_file(struct mrt_buf *file)
{
	add_head(file);
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (i == 3)
			mrt_buf_add(file, BYTES("\xfc"
			                        "01234567\xf9\x05"));
		if (i == 5)
			mrt_buf_add(file, BYTES("\xfd"
			                        "0123\xf8\x40\x99"));
		if (i == 20)
			mrt_buf_add(file, BYTES("\xfe\x40\x64\xf4\x01\x02\x03"));
		mrt_buf_add(file, keys[i].at, keys[i].len);
	}
	add_end(file, true);
}

static int feed(struct mrt_rdb *rdb, const char *data, size_t len, size_t step,
                struct mrt_error *err)
{
	int rc = 0;
	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = mrt_rdb_feed(rdb, data + at, len - at < step ? len - at : step, err);
	return rc < 0 ? rc : mrt_rdb_end(rdb, err);
}

static void every_type_is_walked_through_in_pieces_of_any_size(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf file = MRT_BUF_INIT;
	whole_file(&file);
	for (size_t step = 1; step <= file.len; step += step < 40 ? 1 : 97) {
		mrt_auto(mrt_rdb) *rdb = NULL;
		assert_ok(mrt_rdb_new(&rdb, &err));
		assert_ok(feed(rdb, file.data, file.len, step, &err));
		const struct mrt_rdb_info *i = mrt_rdb_info(rdb);
		assert_int_equal(i->version, 11);
		assert_string_equal(i->redis_version, "7.2.99");
		assert_string_equal(i->replication_id, "abcd");
		assert_string_equal(i->replication_offset, "12345");
		assert_int_equal(i->keys, COUNT(keys));
		assert_int_equal(i->functions, 1);
		assert_int_equal(i->n_databases, 2);
		assert_int_equal(i->databases[0].number, 0);
		assert_int_equal(i->databases[0].keys, 20);
		assert_int_equal(i->databases[0].expires, 2);
		assert_int_equal(i->databases[1].number, 100);
		assert_int_equal(i->databases[1].keys, COUNT(keys) - 20);
		assert_true(i->checksum);
		assert_int_equal(strlen(mrt_buf_text(&i->modules)), 10); /* one name, once */
	}
}

static void each_type_ends_where_it_ends(void **state)
{
	(void)state;
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(keys); i++) {
		mrt_auto(mrt_rdb) *rdb = NULL;
		mrt_auto_buf file = MRT_BUF_INIT;
		mrt_buf_add(&file, BYTES("REDIS0010"));
		mrt_buf_add(&file, keys[i].at, keys[i].len);
		add_end(&file, true);
		assert_ok(mrt_rdb_new(&rdb, &err));
		err = (struct mrt_error) { 0 };
		if (feed(rdb, file.data, file.len, file.len, &err) < 0)
			fail_msg("key %zu: %s", i, err.text.unmasked);
		assert_int_equal(mrt_rdb_info(rdb)->keys, 1);
		assert_int_equal(mrt_rdb_info(rdb)->databases[0].keys, 1);
	}
}

static void a_cut_at_any_byte_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf file = MRT_BUF_INIT;
	whole_file(&file);
	for (size_t n = 0; n < file.len; n++) {
		mrt_auto(mrt_rdb) *rdb = NULL;
		char text[80];
		assert_ok(mrt_rdb_new(&rdb, &err));
		assert_code(MRT_CORRUPT, feed(rdb, file.data, n, 7, &err));
		snprintf(text, sizeof(text), "RDB: it ends at byte %zu, before its end", n);
		assert_string_equal(err.text.unmasked, text);
	}
}

static void a_wrong_byte_anywhere_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf file = MRT_BUF_INIT;
	whole_file(&file);
	for (size_t n = 0; n < file.len; n++)
		for (unsigned bit = 0; bit < 8; bit++) {
			mrt_auto(mrt_rdb) *rdb = NULL;
			file.data[n] = (char)(file.data[n] ^ 1 << bit);
			assert_ok(mrt_rdb_new(&rdb, &err));
			err = (struct mrt_error) { 0 };
			int rc = feed(rdb, file.data, file.len, 11, &err);
			if (rc != MRT_CORRUPT && rc != MRT_UNSUPPORTED)
				fail_msg("byte %zu, bit %u: %d", n, bit, rc);
			file.data[n] = (char)(file.data[n] ^ 1 << bit);
		}
}

static void a_checksum_that_is_switched_off_is_told(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_rdb) *rdb = NULL;
	mrt_auto_buf file = MRT_BUF_INIT;
	mrt_buf_add(&file, BYTES("REDIS0010"));
	add_end(&file, false);
	assert_ok(mrt_rdb_new(&rdb, &err));
	assert_ok(feed(rdb, file.data, file.len, 3, &err));
	assert_false(mrt_rdb_info(rdb)->checksum);
	assert_int_equal(mrt_rdb_info(rdb)->n_databases, 0);
}

static void what_is_no_snapshot_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		struct bytes bytes;
		int code;
		const char *text;
	} cases[] = {
		{ { BYTES("PGDMP1234") }, MRT_CORRUPT, "RDB: this is no RDB file, at byte 0" },
		{ { BYTES("REDIS00x0") }, MRT_CORRUPT, "RDB: its version is no number, at byte 0" },
		{ { BYTES("REDIS0010\x1e") },
		  MRT_UNSUPPORTED,
		  "RDB: type 30 is not known, at byte 9" },
		{ { BYTES("REDIS0010\x06") },
		  MRT_UNSUPPORTED,
		  "RDB: type 6 is not known, at byte 9" },
		{ { BYTES("REDIS0010\x00\x82") },
		  MRT_CORRUPT,
		  "RDB: an impossible length, at byte 10" },
		{ { BYTES("REDIS0010\x00\xc4") },
		  MRT_CORRUPT,
		  "RDB: an unknown encoding of a string, at byte 11" },
		{ { BYTES("REDIS0010\xfe\xc0") },
		  MRT_CORRUPT,
		  "RDB: an encoding where a length must be, at byte 11" },
		{ { BYTES("REDIS0010\x04\x01h\x81\xff\xff\xff\xff\xff\xff\xff\xff") },
		  MRT_CORRUPT,
		  "RDB: an impossible number of elements, at byte 21" },
		{ { BYTES("REDIS0010\x07\x01m\x01\x09") },
		  MRT_CORRUPT,
		  "RDB: an unknown opcode of a module, at byte 14" },
		{ { BYTES("REDIS0010\xff\x00\x00\x00\x00\x00\x00\x00\x00x") },
		  MRT_CORRUPT,
		  "RDB: data after its end, at byte 18" },
		{ { BYTES("REDIS0010\xff\x01\x00\x00\x00\x00\x00\x00\x00") },
		  MRT_CORRUPT,
		  "RDB: its CRC-64 is " },
		{ { BYTES("REDIS0010\x00\x01k\x81\xff\xff\xff\xff\xff\xff\xff\xff"
		          "abc") },
		  MRT_CORRUPT,
		  "RDB: it ends at byte 24, before its end" },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t step = 1; step < 100; step += 98) {
			mrt_auto(mrt_rdb) *rdb = NULL;
			assert_ok(mrt_rdb_new(&rdb, &err));
			err = (struct mrt_error) { 0 };
			int rc = feed(rdb, cases[i].bytes.at, cases[i].bytes.len, step, &err);
			if (rc != cases[i].code ||
			    strncmp(err.text.unmasked, cases[i].text, strlen(cases[i].text)) != 0)
				fail_msg("case %zu, step %zu: %d, \"%s\"", i, step, rc,
				         err.text.unmasked);
		}
}

static void long_values_are_skipped_and_long_names_cut(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_rdb) *rdb = NULL;
	mrt_auto_buf file = MRT_BUF_INIT;
	mrt_autofree char *value = malloc(200000);
	fill_noise(value, 200000, 21);
	mrt_buf_add(&file, BYTES("REDIS0010\xfa\x09redis-ver\x40\xc8"));
	mrt_buf_add(&file, value, 200);
	mrt_buf_add(&file, BYTES("\xfa\x40\xc8"));
	mrt_buf_add(&file, value, 200);
	mrt_buf_add(&file, BYTES("\x01x\x00\x01k\x80\x00\x03\x0d\x40"));
	mrt_buf_add(&file, value, 200000);
	add_end(&file, true);
	assert_ok(mrt_rdb_new(&rdb, &err));
	assert_ok(feed(rdb, file.data, file.len, 4097, &err));
	assert_int_equal(mrt_rdb_info(rdb)->keys, 1);
	assert_memory_equal(mrt_rdb_info(rdb)->redis_version, value,
	                    strnlen(mrt_rdb_info(rdb)->redis_version, 31));
}

static void the_checksum_is_redis_own(void **state)
{
	(void)state;
	assert_true(mrt_crc64_jones(0, "123456789", 9) == UINT64_C(0xe9c6d914c4b8d9ca));
	uint64_t crc = mrt_crc64_jones(0, "1234", 4);
	assert_true(mrt_crc64_jones(crc, "56789", 5) == UINT64_C(0xe9c6d914c4b8d9ca));
	assert_true(mrt_crc64_jones(0, "", 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_walked_through_in_pieces_of_any_size),
		cmocka_unit_test(each_type_ends_where_it_ends),
		cmocka_unit_test(a_cut_at_any_byte_is_noticed),
		cmocka_unit_test(a_wrong_byte_anywhere_is_noticed),
		cmocka_unit_test(a_checksum_that_is_switched_off_is_told),
		cmocka_unit_test(what_is_no_snapshot_is_refused),
		cmocka_unit_test(long_values_are_skipped_and_long_names_cut),
		cmocka_unit_test(the_checksum_is_redis_own),
	};
	return cmocka_run_group_tests_name("rdb", tests, NULL, NULL);
}
