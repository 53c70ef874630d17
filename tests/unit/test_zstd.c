/* test_zstd.c - compression as a filter, decompression as a source. */
#include "unit.h"
#include "streams.h"

#include "codec/zstd.h"

#include <zstd.h>

/* Compresses data into ret, written in pieces of step bytes. */
static void compress(const void *data, size_t len, size_t step, int level, unsigned workers,
                     struct mrt_buf *ret)
{
	struct mrt_error err;
	const struct mrt_run run = plain_run();
	struct memory_sink to = MEMORY_SINK;
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_sink) *sink = NULL;
	struct mrt_tally tally;
	const struct mrt_zstd_options how = { .level = level, .workers = workers, .plain = &tally };
	assert_ok(mrt_zstd_compressor(&to.sink, &how, &sink, &err));
	assert_ok(mrt_stream_copy(&run, &from.source, sink, &err));
	assert_ok(mrt_sink_prepare(sink, &err));
	assert_int_equal(to.committed, 0);
	size_t prepared = to.buf.len;
	assert_ok(mrt_sink_commit(sink, &err));
	assert_int_equal(to.buf.len, prepared);
	assert_int_equal(to.committed, 1);
	char sha256[MRT_SHA256_HEX];
	mrt_auto(mrt_digest) *digest = NULL;
	assert_ok(mrt_digest_new(&digest, &err));
	assert_ok(mrt_digest_add(digest, data, len, &err));
	assert_ok(mrt_digest_end(digest, sha256, &err));
	assert_string_equal(tally.sha256, sha256);
	assert_int_equal(tally.size, len);
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
	const struct mrt_zstd_options how = { .level = 3 };
	mrt_auto(mrt_sink) *sink = NULL;
	to.fail_with = MRT_NO_SPACE;
	assert_ok(mrt_zstd_compressor(&to.sink, &how, &sink, &err));
	assert_code(MRT_NO_SPACE, mrt_sink_commit(sink, &err));
	assert_int_equal(to.committed, 0);
}

/* Several frames, filled by odd steps, compressed side by side: order, sizes and digest hold. */
static void many_frames_keep_their_order(void **state)
{
	(void)state;
	size_t size = 5 * MRT_ZSTD_FRAME + 12345;
	char *data = malloc(size);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i >> 12 ^ i % 251);
	for (unsigned workers = 0; workers <= 3; workers++) {
		round_trip(data, size, 0, 1, workers);
		round_trip(data, MRT_ZSTD_FRAME, 100003, 1, workers);
		round_trip(data, 2 * MRT_ZSTD_FRAME, MRT_ZSTD_FRAME, 1, workers);
		round_trip(data, MRT_ZSTD_FRAME + 1, 0, 1, workers);
	}
	free(data);
}

static void each_frame_says_how_long_it_is(void **state)
{
	(void)state;
	size_t size = 2 * MRT_ZSTD_FRAME + 77;
	char *data = calloc(1, size);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, size, 0, 3, 2, &packed);
	const char *p = packed.data, *end = p + packed.len;
	static const size_t expected[] = { MRT_ZSTD_FRAME, MRT_ZSTD_FRAME, 77 };
	for (size_t i = 0; i < 3; i++) {
		assert_true(p < end);
		assert_int_equal(ZSTD_getFrameContentSize(p, (size_t)(end - p)), expected[i]);
		p += ZSTD_findFrameCompressedSize(p, (size_t)(end - p));
	}
	assert_ptr_equal(p, end);
	free(data);
}

/* The workers of a compressor that is given up have work under way. */
static void a_compressor_given_up_ends_at_once(void **state)
{
	(void)state;
	struct mrt_error err;
	struct memory_sink to = MEMORY_SINK;
	struct mrt_tally tally;
	const struct mrt_zstd_options how = {
		.level = 3, .workers = 2, .frames = 6, .plain = &tally
	};
	mrt_auto(mrt_sink) *sink = NULL;
	size_t size = 3 * MRT_ZSTD_FRAME + 1;
	char *data = calloc(1, size);
	assert_ok(mrt_zstd_compressor(&to.sink, &how, &sink, &err));
	assert_ok(mrt_sink_write(sink, data, size, &err));
	mrt_sink_free(mrt_steal(sink));
	assert_int_equal(to.committed, 0);
	mrt_sink_free(&to.sink);
	free(data);
}

static size_t memory(int level, unsigned workers, unsigned frames)
{
	const struct mrt_zstd_options how = { .level = level,
		                              .workers = workers,
		                              .frames = frames };
	return mrt_zstd_memory(&how);
}

static void higher_levels_and_more_workers_need_more_memory(void **state)
{
	(void)state;
	for (int level = 2; level <= MRT_ZSTD_LEVEL_MAX; level++)
		assert_true(memory(level, 0, 1) >= memory(level - 1, 0, 1));
	for (unsigned n = 2; n < 8; n++) {
		assert_true(memory(3, n, 9) > memory(3, n - 1, 9));
		assert_true(memory(3, 1, n) > memory(3, 1, n - 1));
	}
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
		cmocka_unit_test(many_frames_keep_their_order),
		cmocka_unit_test(each_frame_says_how_long_it_is),
		cmocka_unit_test(a_compressor_given_up_ends_at_once),
		cmocka_unit_test(higher_levels_and_more_workers_need_more_memory),
	};
	return cmocka_run_group_tests_name("zstd", tests, NULL, NULL);
}
