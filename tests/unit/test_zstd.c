/* test_zstd.c - compression as a filter, decompression as a source and as a filter. */
#include "unit.h"
#include "streams.h"

#include "codec/zstd.h"

#include <zstd.h>

/* Compresses data into ret, written in pieces of step bytes. */
static void compress(const void *data, size_t len, size_t step, int level, unsigned workers,
                     struct mrt_buf *ret)
{
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct memory_sink to = MEMORY_SINK;
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_sink) *sink = NULL;
	struct mrt_tally tally;
	const struct mrt_zstd_options how = { .level = level, .workers = workers, .plain = &tally };
	assert_ok(mrt_zstd_compressor(&to.sink, &how, &sink, &err));
	assert_ok(mrt_stream_copy(&ctx, &from.source, sink, &err));
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

static int collect(void *context, const void *data, size_t len, struct mrt_error *err)
{
	assert_true(len > 0);
	mrt_buf_add(context, data, len);
	return mrt_buf_check(context, err);
}

/* As a source, and pumped by one thread and by three: all must hear the same. */
static int decompress(const void *data, size_t len, size_t step, struct mrt_buf *ret,
                      struct mrt_error *err)
{
	const struct mrt_context ctx = plain_run();
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_source) *source = NULL;
	int rc = mrt_zstd_source(&from.source, &source, err);
	if (rc == 0)
		rc = mrt_stream_slurp(&ctx, source, ret, err);
	for (unsigned threads = 1; threads <= 3; threads += 2) {
		mrt_auto_buf pumped = MRT_BUF_INIT;
		struct mrt_error why = { 0 };
		from = MEMORY_SOURCE(data, len, step);
		int code = mrt_zstd_pump(&from.source, threads, collect, &pumped, &why);
		if (code != rc)
			fail_msg("pumped by %u: %s, not %s", threads, why.text.unmasked,
			         rc < 0 ? err->text.unmasked : "");
		if (rc < 0)
			assert_memory_equal(why.text.unmasked, "zstd: ", 6);
		assert_true(rc < 0 || pumped.len == ret->len);
		if (pumped.len > 0 && pumped.len <= ret->len)
			assert_memory_equal(pumped.data, ret->data, pumped.len);
	}
	return rc;
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
		assert_string_equal(err.text.unmasked, expected);
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
		assert_int_equal(strncmp(err.text.unmasked, "zstd: ", 6), 0);
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
	assert_contains(err.text.unmasked, "checksum");
	assert_contains(err.text.unmasked, "near byte ");
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

/* Frames of others: without a size, of more than ours, skippable, and all of them mixed. */
static void frames_of_others_are_decompressed_too(void **state)
{
	(void)state;
	struct mrt_error err;
	size_t size = 3 * MRT_ZSTD_FRAME + 17;
	mrt_autofree char *data = malloc(size);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i >> 10 ^ i % 13);
	size_t room = ZSTD_compressBound(size);
	mrt_autofree char *large = malloc(room), *stream = malloc(room);
	size_t large_len = ZSTD_compress(large, room, data, size, 1);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = { data, size, 0 };
	ZSTD_outBuffer out = { stream, room, 0 };
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	assert_int_equal(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
	ZSTD_freeCCtx(context);
	static const char skippable[] = "\x51\x2a\x4d\x18\x05\0\0\0skip!";
	/* o: ours, l: large, s: stream, k: skippable, e: empty */
	static const char *const orders[] = { "o",  "l",   "s",    "ol",    "os",      "so",
		                              "lo", "oko", "koke", "ooeoo", "okolskoe" };
	for (size_t i = 0; i < COUNT(orders); i++) {
		mrt_auto_buf packed = MRT_BUF_INIT, plain = MRT_BUF_INIT;
		size_t want = 0;
		for (const char *p = orders[i]; *p; p++) {
			if (*p == 'o')
				compress(data, 2 * MRT_ZSTD_FRAME + 5, 0, 1, 2, &packed);
			else if (*p == 'l')
				mrt_buf_add(&packed, large, large_len);
			else if (*p == 's')
				mrt_buf_add(&packed, stream, out.pos);
			else if (*p == 'k')
				mrt_buf_add(&packed, skippable, sizeof(skippable) - 1);
			else
				compress("", 0, 0, 1, 0, &packed);
			want += *p == 'o'                ? 2 * MRT_ZSTD_FRAME + 5
			        : *p == 'l' || *p == 's' ? size
			                                 : 0;
		}
		assert_ok(decompress(packed.data, packed.len, 100003, &plain, &err));
		assert_int_equal(plain.len, want);
		mrt_buf_clear(&plain);
		assert_code(MRT_CORRUPT, decompress(packed.data, packed.len - 1, 0, &plain, &err));
	}
}

struct refusing {
	uint64_t left;
	unsigned calls_after;
};

static int refuse(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct refusing *r = context;
	(void)data;
	if (r->left < len) {
		r->calls_after++;
		return mrt_fail(err, MRT_NO_SPACE, "told to fail");
	}
	r->left -= len;
	return 0;
}

static void who_is_pumped_to_may_refuse(void **state)
{
	(void)state;
	struct mrt_error err;
	size_t size = 9 * MRT_ZSTD_FRAME;
	char *data = calloc(1, size);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, size, 0, 1, 2, &packed);
	free(data);
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct refusing r = { .left = 3 * MRT_ZSTD_FRAME };
		struct memory_source from = MEMORY_SOURCE(packed.data, packed.len, 0);
		assert_code(MRT_NO_SPACE, mrt_zstd_pump(&from.source, threads, refuse, &r, &err));
		assert_string_equal(err.text.unmasked, "told to fail");
		assert_int_equal(r.calls_after, 1);
	}
}

static int broken_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                       struct mrt_error *err)
{
	struct memory_source *m = (struct memory_source *)source;
	if (m->len == 0)
		return mrt_fail(err, MRT_UNREACHABLE, "gone");
	return memory_read(source, data, cap, ret_len, err);
}

static void a_source_that_fails_fails_after_what_it_gave(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct mrt_source_ops ops = { broken_read, memory_free };
	size_t size = 4 * MRT_ZSTD_FRAME;
	char *data = calloc(1, size);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, size, 0, 1, 2, &packed);
	free(data);
	for (unsigned threads = 1; threads <= 4; threads++) {
		mrt_auto_buf plain = MRT_BUF_INIT;
		struct memory_source from = MEMORY_SOURCE(packed.data, packed.len, 0);
		from.source.ops = &ops;
		assert_code(MRT_UNREACHABLE,
		            mrt_zstd_pump(&from.source, threads, collect, &plain, &err));
		assert_int_equal(plain.len, size);
	}
	assert_true(mrt_zstd_pump_memory(2) > mrt_zstd_pump_memory(1));
	assert_true(mrt_zstd_pump_memory(4) < (size_t)40 << 20);
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

/* Decompresses into to, written in pieces of step bytes (0: at once); prepares, does not commit. */
static int unzip(struct memory_sink *to, const void *data, size_t len, size_t step,
                 struct mrt_error *err)
{
	mrt_auto(mrt_sink) *sink = NULL;
	int rc = mrt_zstd_decompressor(&to->sink, &sink, err);
	for (size_t at = 0; rc == 0 && at < len;) {
		size_t n = step == 0 || step > len - at ? len - at : step;
		rc = mrt_sink_write(sink, (const char *)data + at, n, err);
		at += n;
	}
	return rc < 0 ? rc : mrt_sink_prepare(sink, err);
}

static void the_decompressor_gives_back_what_was_compressed(void **state)
{
	(void)state;
	struct mrt_error err;
	static const size_t sizes[] = { 0,
		                        1,
		                        100,
		                        70000,
		                        ((size_t)1 << 17) - 1,
		                        (size_t)1 << 17,
		                        ((size_t)1 << 17) + 1,
		                        (size_t)1 << 20 };
	static const size_t steps[] = { 0, 1, 2, 3, 17, 4096, 100003 };
	mrt_autofree char *noise = malloc((size_t)1 << 20), *zeros = calloc(1, (size_t)1 << 20);
	fill_noise(noise, (size_t)1 << 20, 9);
	for (size_t i = 0; i < COUNT(sizes) * COUNT(steps) * 2; i++) {
		const char *data = i % 2 ? zeros : noise;
		size_t size = sizes[i / 2 % COUNT(sizes)];
		struct memory_sink to = MEMORY_SINK;
		mrt_auto_buf packed = MRT_BUF_INIT;
		compress(data, size, 0, 3, 0, &packed);
		assert_ok(unzip(&to, packed.data, packed.len, steps[i / 2 / COUNT(sizes)], &err));
		assert_int_equal(to.buf.len, size);
		if (size > 0)
			assert_memory_equal(to.buf.data, data, size);
		assert_int_equal(to.prepared, 1);
		assert_int_equal(to.committed, 0);
		mrt_sink_free(&to.sink);
	}
}

static void the_decompressor_takes_many_frames(void **state)
{
	(void)state;
	struct mrt_error err;
	size_t size = 2 * MRT_ZSTD_FRAME + 12345;
	mrt_autofree char *data = malloc(size);
	mrt_auto_buf packed = MRT_BUF_INIT;
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i >> 12 ^ i % 251);
	compress(data, size, 0, 1, 2, &packed);
	compress("", 0, 0, 1, 0, &packed);
	compress("end", 3, 0, 1, 0, &packed);
	for (size_t step = 0; step <= 2; step++) {
		struct memory_sink to = MEMORY_SINK;
		assert_ok(unzip(&to, packed.data, packed.len, step, &err));
		assert_int_equal(to.buf.len, size + 3);
		assert_memory_equal(to.buf.data, data, size);
		assert_string_equal(to.buf.data + size, "end");
		mrt_sink_free(&to.sink);
	}
}

static void the_decompressor_notices_a_cut_at_any_byte(void **state)
{
	(void)state;
	struct mrt_error err;
	char data[1000];
	fill_noise(data, sizeof(data), 4);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, sizeof(data), 0, 3, 0, &packed);
	size_t whole = packed.len;
	compress("second", 6, 0, 3, 0, &packed);
	for (size_t n = 0; n <= packed.len; n++) {
		struct memory_sink to = MEMORY_SINK;
		char expected[100];
		if (n == whole || n == packed.len) {
			assert_ok(unzip(&to, packed.data, n, n % 3, &err));
		} else {
			assert_code(MRT_CORRUPT, unzip(&to, packed.data, n, n % 3, &err));
			snprintf(expected, sizeof(expected),
			         "zstd: the data ends inside a frame, at byte %zu", n);
			assert_string_equal(err.text.unmasked, expected);
			assert_int_equal(to.prepared, 0);
		}
		mrt_sink_free(&to.sink);
	}
}

static void the_decompressor_notices_what_the_source_notices(void **state)
{
	(void)state;
	struct mrt_error err;
	char data[2000];
	fill_noise(data, sizeof(data) / 2, 5);
	memset(data + 1000, 'r', 1000);
	mrt_auto_buf packed = MRT_BUF_INIT;
	compress(data, sizeof(data), 0, 3, 0, &packed);
	for (size_t i = 0; i < packed.len; i++) {
		struct memory_sink to = MEMORY_SINK;
		struct mrt_error of_source;
		mrt_auto_buf plain = MRT_BUF_INIT;
		packed.data[i] = (char)(packed.data[i] ^ 0x11);
		int wanted = decompress(packed.data, packed.len, 0, &plain, &of_source);
		int rc = unzip(&to, packed.data, packed.len, 0, &err);
		packed.data[i] = (char)(packed.data[i] ^ 0x11);
		assert_int_equal(rc, wanted);
		if (rc < 0)
			assert_string_equal(err.text.unmasked, of_source.text.unmasked);
		else
			assert_memory_equal(to.buf.data, data, sizeof(data));
		mrt_sink_free(&to.sink);
	}
}

/* zstd does not say how far it came in the call that failed: it is near the right place. */
static void the_decompressor_says_where_a_checksum_is_wrong(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char words[] = "checksum, near byte ";
	for (size_t step = 0; step <= 1; step++) {
		mrt_auto_buf packed = MRT_BUF_INIT;
		struct memory_sink to = MEMORY_SINK;
		compress("first", 5, 0, 3, 0, &packed);
		size_t first = packed.len;
		compress("second", 6, 0, 3, 0, &packed);
		packed.data[packed.len - 1] ^= 1;
		assert_code(MRT_CORRUPT, unzip(&to, packed.data, packed.len, step, &err));
		assert_int_equal(strncmp(err.text.unmasked, "zstd: ", 6), 0);
		assert_contains(err.text.unmasked, words);
		unsigned long near =
		        strtoul(strstr(err.text.unmasked, words) + strlen(words), NULL, 10);
		assert_in_range(near, step == 0 ? first : packed.len - 1, packed.len);
		mrt_sink_free(&to.sink);
		struct memory_sink text = MEMORY_SINK;
		assert_code(MRT_CORRUPT, unzip(&text, "PGDMP and more", 14, step, &err));
		assert_int_equal(text.buf.len, 0);
		mrt_sink_free(&text.sink);
	}
}

static void a_window_of_more_than_32_mebibytes_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	/* a frame header without content size: the byte after the flags is the window */
	for (unsigned log = 20; log <= 31; log++) {
		struct memory_sink to = MEMORY_SINK;
		const unsigned char frame[] = {
			0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, 1, 0, 0
		};
		int rc = unzip(&to, frame, sizeof(frame), 0, &err);
		assert_int_equal(rc, log <= 25 ? 0 : MRT_CORRUPT);
		mrt_sink_free(&to.sink);
	}
}

static void the_decompressor_commits_what_is_behind_it(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf packed = MRT_BUF_INIT;
	struct memory_sink to = MEMORY_SINK;
	mrt_auto(mrt_sink) *sink = NULL, *cut = NULL;
	compress("text", 4, 0, 3, 0, &packed);
	assert_ok(mrt_zstd_decompressor(&to.sink, &sink, &err));
	assert_ok(mrt_sink_write(sink, packed.data, packed.len, &err));
	assert_ok(mrt_sink_commit(sink, &err));
	assert_int_equal(to.committed, 1);
	assert_true(to.prepared > 0);
	assert_string_equal(to.buf.data, "text");
	assert_ok(mrt_zstd_decompressor(&to.sink, &cut, &err));
	assert_ok(mrt_sink_write(cut, packed.data, packed.len - 1, &err));
	assert_code(MRT_CORRUPT, mrt_sink_commit(cut, &err));
	assert_int_equal(to.committed, 1);
	mrt_sink_free(&to.sink);
}

static void a_failing_sink_fails_the_decompressor(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf packed = MRT_BUF_INIT;
	struct memory_sink to = MEMORY_SINK;
	compress("text", 4, 0, 3, 0, &packed);
	to.fail_with = MRT_NO_SPACE;
	assert_code(MRT_NO_SPACE, unzip(&to, packed.data, packed.len, 0, &err));
	assert_string_equal(err.text.unmasked, "told to fail");
	assert_int_equal(to.prepared, 0);
	mrt_sink_free(&to.sink);
}

static void without_a_digest_the_size_is_still_told(void **state)
{
	(void)state;
	struct mrt_error err;
	size_t size = MRT_ZSTD_FRAME + 5;
	mrt_autofree char *data = calloc(1, size);
	for (unsigned workers = 0; workers <= 2; workers++) {
		struct memory_sink to = MEMORY_SINK;
		struct mrt_tally tally = { .size = 99, .sha256 = "old" };
		const struct mrt_zstd_options how = {
			.level = 1, .workers = workers, .plain = &tally, .no_digest = true
		};
		mrt_auto(mrt_sink) *sink = NULL;
		mrt_auto_buf plain = MRT_BUF_INIT;
		assert_ok(mrt_zstd_compressor(&to.sink, &how, &sink, &err));
		assert_ok(mrt_sink_write(sink, data, size, &err));
		assert_ok(mrt_sink_commit(sink, &err));
		assert_int_equal(tally.size, size);
		assert_string_equal(tally.sha256, "");
		assert_ok(decompress(to.buf.data, to.buf.len, 0, &plain, &err));
		assert_int_equal(plain.len, size);
		assert_memory_equal(plain.data, data, size);
		mrt_sink_free(&to.sink);
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
		cmocka_unit_test(frames_of_others_are_decompressed_too),
		cmocka_unit_test(who_is_pumped_to_may_refuse),
		cmocka_unit_test(a_source_that_fails_fails_after_what_it_gave),
		cmocka_unit_test(a_compressor_given_up_ends_at_once),
		cmocka_unit_test(higher_levels_and_more_workers_need_more_memory),
		cmocka_unit_test(the_decompressor_gives_back_what_was_compressed),
		cmocka_unit_test(the_decompressor_takes_many_frames),
		cmocka_unit_test(the_decompressor_notices_a_cut_at_any_byte),
		cmocka_unit_test(the_decompressor_notices_what_the_source_notices),
		cmocka_unit_test(the_decompressor_says_where_a_checksum_is_wrong),
		cmocka_unit_test(a_window_of_more_than_32_mebibytes_is_refused),
		cmocka_unit_test(the_decompressor_commits_what_is_behind_it),
		cmocka_unit_test(a_failing_sink_fails_the_decompressor),
		cmocka_unit_test(without_a_digest_the_size_is_still_told),
	};
	return cmocka_run_group_tests_name("zstd", tests, NULL, NULL);
}
