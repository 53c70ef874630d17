/* test_zstd.c - compression as a filter, decompression as a source. */
#include "unit.h"
#include "streams.h"

#include "codec/zstd.h"

/* Compresses data into ret, written in pieces of step bytes. */
static void compress(const void *data, size_t len, size_t step, int level, unsigned workers,
                     struct mrt_buf *ret)
{
	struct mrt_error err;
	const struct mrt_run run = plain_run();
	struct memory_sink to = MEMORY_SINK;
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_sink) *sink = NULL;
	assert_ok(mrt_zstd_compressor(&to.sink, level, workers, &sink, &err));
	assert_ok(mrt_stream_copy(&run, &from.source, sink, &err));
	assert_ok(mrt_sink_prepare(sink, &err));
	assert_int_equal(to.committed, 0);
	size_t prepared = to.buf.len;
	assert_ok(mrt_sink_commit(sink, &err));
	assert_int_equal(to.buf.len, prepared);
	assert_int_equal(to.committed, 1);
	mrt_buf_add(ret, to.buf.data, to.buf.len);
	mrt_sink_free(&to.sink);
}

static int decompress(const void *data, size_t len, size_t step, struct mrt_buf *ret,
                      struct mrt_error *err)
{
	const struct mrt_run run = plain_run();
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_source) *source = NULL;
	int rc = mrt_zstd_source(&from.source, &source, err);
	return rc < 0 ? rc : mrt_stream_slurp(&run, source, ret, err);
}

static void round_trip(const void *data, size_t len, size_t step, int level, unsigned workers)
{
	struct mrt_error err;
	mrt_auto_buf packed = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	compress(data, len, step, level, workers, &packed);
	assert_true(packed.len > 0);
	assert_ok(decompress(packed.data, packed.len, step, &plain, &err));
	assert_int_equal(plain.len, len);
	if (len > 0)
		assert_memory_equal(plain.data, data, len);
}

static void bytes_come_back_as_they_were(void **state)
{
	(void)state;
	size_t size = (size_t)1 << 20;
	mrt_autofree char *noise = malloc(size), *zeros = calloc(1, size);
	fill_noise(noise, size, 3);
	for (unsigned workers = 0; workers <= 2; workers += 2) {
		round_trip("", 0, 0, 3, workers);
		round_trip("x", 1, 0, 3, workers);
		round_trip(noise, size, 0, 3, workers);
		round_trip(zeros, size, 4097, 3, workers);
	}
	round_trip(noise, 70000, 1, 1, 0);
	round_trip(zeros, size, 0, MRT_ZSTD_LEVEL_MAX, 0);
}

static void a_cut_at_any_byte_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	char data[1000];
	fill_noise(data, sizeof(data), 4);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, sizeof(data), 0, 3, 0, &packed);
	for (size_t n = 1; n < packed.len; n++) {
		mrt_auto_buf plain = MRT_BUF_INIT;
		char expected[100];
		assert_code(MRT_CORRUPT, decompress(packed.data, n, 0, &plain, &err));
		snprintf(expected, sizeof(expected),
		         "zstd: the data ends inside a frame, at byte %zu", n);
		assert_string_equal(err.text, expected);
	}
}

static void no_frame_at_all_is_a_cut_too(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf plain = MRT_BUF_INIT;
	assert_code(MRT_CORRUPT, decompress("", 0, 0, &plain, &err));
}

static void a_flipped_byte_anywhere_is_noticed_or_harmless(void **state)
{
	(void)state;
	struct mrt_error err;
	char data[2000];
	fill_noise(data, sizeof(data) / 2, 5);
	memset(data + 1000, 'r', 1000);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, sizeof(data), 0, 3, 0, &packed);
	unsigned harmless = 0;
	for (size_t i = 0; i < packed.len; i++) {
		mrt_auto_buf plain = MRT_BUF_INIT;
		packed.data[i] = (char)(packed.data[i] ^ 0x11);
		int rc = decompress(packed.data, packed.len, 0, &plain, &err);
		packed.data[i] = (char)(packed.data[i] ^ 0x11);
		if (rc == 0) {
			harmless++;
			assert_int_equal(plain.len, sizeof(data));
			assert_memory_equal(plain.data, data, sizeof(data));
			continue;
		}
		assert_int_equal(rc, MRT_CORRUPT);
		assert_int_equal(strncmp(err.text, "zstd: ", 6), 0);
	}
	assert_true(harmless <= 4); /* the window's size may be another */
}

static void a_wrong_checksum_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf packed = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	compress("checked", 7, 0, 3, 0, &packed);
	packed.data[packed.len - 1] ^= 1;
	assert_code(MRT_CORRUPT, decompress(packed.data, packed.len, 0, &plain, &err));
	assert_contains(err.text, "checksum");
	assert_contains(err.text, "near byte ");
}

static void frames_one_after_the_other_are_one_text(void **state)
{
	(void)state;
	struct mrt_error err;
	for (size_t step = 0; step <= 2; step++) {
		mrt_auto_buf packed = MRT_BUF_INIT, plain = MRT_BUF_INIT;
		compress("one ", 4, 0, 3, 0, &packed);
		compress("", 0, 0, 3, 0, &packed);
		compress("two", 3, 0, 19, 2, &packed);
		assert_ok(decompress(packed.data, packed.len, step, &plain, &err));
		assert_string_equal(mrt_buf_text(&plain), "one two");
		mrt_buf_add_char(&packed, 'x');
		mrt_buf_clear(&plain);
		assert_code(MRT_CORRUPT, decompress(packed.data, packed.len, step, &plain, &err));
	}
}

static void what_is_not_zstd_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf plain = MRT_BUF_INIT;
	assert_code(MRT_CORRUPT, decompress("PGDMP and more", 14, 0, &plain, &err));
	assert_int_equal(plain.len, 0);
}

static void a_failing_sink_fails_the_compressor(void **state)
{
	(void)state;
	struct mrt_error err;
	struct memory_sink to = MEMORY_SINK;
	mrt_auto(mrt_sink) *sink = NULL;
	to.fail_with = MRT_NO_SPACE;
	assert_ok(mrt_zstd_compressor(&to.sink, 3, 0, &sink, &err));
	assert_code(MRT_NO_SPACE, mrt_sink_commit(sink, &err));
	assert_int_equal(to.committed, 0);
}

static void higher_levels_and_more_workers_need_more_memory(void **state)
{
	(void)state;
	for (int level = 2; level <= MRT_ZSTD_LEVEL_MAX; level++)
		assert_true(mrt_zstd_memory(level, 0) >= mrt_zstd_memory(level - 1, 0));
	for (unsigned workers = 1; workers < 8; workers++)
		assert_true(mrt_zstd_memory(3, workers) > mrt_zstd_memory(3, workers - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_back_as_they_were),
		cmocka_unit_test(a_cut_at_any_byte_is_noticed),
		cmocka_unit_test(no_frame_at_all_is_a_cut_too),
		cmocka_unit_test(a_flipped_byte_anywhere_is_noticed_or_harmless),
		cmocka_unit_test(a_wrong_checksum_is_noticed),
		cmocka_unit_test(frames_one_after_the_other_are_one_text),
		cmocka_unit_test(what_is_not_zstd_is_refused),
		cmocka_unit_test(a_failing_sink_fails_the_compressor),
		cmocka_unit_test(higher_levels_and_more_workers_need_more_memory),
	};
	return cmocka_run_group_tests_name("zstd", tests, NULL, NULL);
}
