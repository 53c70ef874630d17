/* test_content.c - content objects through zstd into volumes of a store, and back. */
#include "unit.h"

#include "repository/content.h"

#include <sys/stat.h>

#define VOLUME 65536
#define FOLDER "p/postgres/20261122T020000Z-3fa9c1/"

static char *dir;
static struct mrt_store *store;
static struct mrt_context ctx;

static int begin(void **state)
{
	(void)state;
	struct mrt_error err = { 0 };
	char url[PATH_SIZE];
	dir = temporary_dir();
	ctx = plain_run();
	snprintf(url, sizeof(url), "file://%s/store", dir);
	const struct mrt_store_options options = { .url = url };
	assert_ok(mrt_store_open(&options, &store, &err));
	return 0;
}

static int end(void **state)
{
	(void)state;
	mrt_store_free(mrt_steal(store));
	remove_dir(dir);
	return 0;
}

static void open_writer(struct mrt_content_writer **ret)
{
	struct mrt_error err;
	const struct mrt_content_options options = { .volume_size = VOLUME, .zstd.level = 1 };
	assert_ok(mrt_content_open(&ctx, store, FOLDER, "db/s.zst", &options, ret, &err));
}

/* Writes noise and gives the manifest that describes it. */
static void write_noise(size_t size, struct mrt_manifest **ret)
{
	struct mrt_error err;
	mrt_auto(mrt_content_writer) *w = NULL;
	mrt_autofree char *data = malloc(size + 1);
	json_t *object = NULL;
	fill_noise(data, size, 9);
	open_writer(&w);
	for (size_t at = 0; at < size; at += 50000)
		assert_ok(mrt_sink_write(mrt_content_sink(w), data + at,
		                         size - at < 50000 ? size - at : 50000, &err));
	assert_ok(mrt_content_commit(w, &object, &err));
	mrt_auto_json json =
	        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:[o]}", "format", 1, "id",
	                  "20261122T020000Z-3fa9c1", "platform", "p", "target", "postgres",
	                  "method", "logical", "started", "2026-11-22T02:00:00Z", "ended",
	                  "2026-11-22T02:00:10Z", "databases", "objects", object);
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_manifest_print(json, &text, &err));
	assert_ok(mrt_manifest_parse(text.data, text.len, ret, &err));
}

static int read_back(const struct mrt_manifest *m, struct mrt_buf *ret, struct mrt_error *err)
{
	mrt_auto(mrt_source) *source = NULL;
	int rc = mrt_content_source(&ctx, store, m, &m->objects[0], &source, err);
	return rc < 0 ? rc : mrt_stream_slurp(&ctx, source, ret, err);
}

static void flip(const char *name, off_t at)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/store/" FOLDER "%s", dir, name);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	int byte = fgetc(f);
	fseek(f, at, SEEK_SET);
	fputc(byte ^ 0x11, f);
	fclose(f);
}

static void bytes_come_back_from_as_many_volumes_as_needed(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		size_t size, volumes;
	} cases[] = { { 0, 1 },
		      { 1, 1 },
		      { VOLUME - 100, 1 },
		      { VOLUME, 2 },
		      { 2 * VOLUME - 100, 2 },
		      { 10 * VOLUME, 11 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		mrt_auto(mrt_manifest) *m = NULL;
		mrt_auto_buf got = MRT_BUF_INIT;
		mrt_autofree char *data = malloc(cases[i].size + 1);
		fill_noise(data, cases[i].size, 9);
		write_noise(cases[i].size, &m);
		const struct mrt_manifest_object *o = &m->objects[0];
		assert_int_equal(o->size, cases[i].size);
		assert_int_equal(o->n_volumes, cases[i].volumes);
		assert_string_equal(o->volumes[0].key, "db/s.zst");
		for (size_t v = 0; v + 1 < o->n_volumes; v++)
			assert_int_equal(o->volumes[v].size, VOLUME);
		if (o->n_volumes == 11)
			assert_string_equal(o->volumes[10].key, "db/s.zst.0011");
		assert_ok(read_back(m, &got, &err));
		assert_int_equal(got.len, cases[i].size);
		if (got.len > 0)
			assert_memory_equal(got.data, data, got.len);
		end(NULL);
		begin(NULL);
	}
}

static void a_volume_that_is_just_full_is_the_last_one(void **state)
{
	(void)state;
	struct mrt_error err;
	for (size_t size = VOLUME - 40; size < VOLUME; size++) {
		mrt_auto(mrt_manifest) *m = NULL;
		mrt_auto_buf got = MRT_BUF_INIT;
		write_noise(size, &m);
		uint64_t stored = m->objects[0].stored_size;
		assert_int_equal(m->objects[0].n_volumes, stored <= VOLUME ? 1 : 2);
		assert_ok(read_back(m, &got, &err));
		assert_int_equal(got.len, size);
		end(NULL);
		begin(NULL);
	}
}

static void a_changed_byte_names_its_volume(void **state)
{
	(void)state;
	struct mrt_error err;
	static const off_t places[] = { 0, 1, 1000, VOLUME / 2, VOLUME - 1 };
	mrt_auto(mrt_manifest) *m = NULL;
	write_noise(5 * VOLUME, &m);
	for (size_t i = 0; i < COUNT(places); i++) {
		mrt_auto_buf got = MRT_BUF_INIT;
		flip("db/s.zst.0003", places[i]);
		assert_code(MRT_CORRUPT, read_back(m, &got, &err));
		assert_contains(err.text.unmasked, "db/s.zst.0003: its SHA-256 is ");
		flip("db/s.zst.0003", places[i]);
	}
	mrt_auto_buf whole = MRT_BUF_INIT;
	assert_ok(read_back(m, &whole, &err));
	flip("db/s.zst", 0);
	mrt_auto_buf got = MRT_BUF_INIT;
	assert_code(MRT_CORRUPT, read_back(m, &got, &err));
	assert_contains(err.text.unmasked, "db/s.zst: its SHA-256 is ");
}

static void a_missing_or_short_volume_is_named(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_manifest) *m = NULL;
	mrt_auto_buf got = MRT_BUF_INIT;
	char path[PATH_SIZE];
	write_noise(5 * VOLUME, &m);
	assert_int_equal(truncate(path_in(path, dir, "store/" FOLDER "db/s.zst.0004"), 100), 0);
	assert_code(MRT_CORRUPT, read_back(m, &got, &err));
	assert_contains(err.text.unmasked, "db/s.zst.0004 has 100 bytes; the manifest says 65536");
	assert_ok(mrt_store_delete(store, &ctx, FOLDER "db/s.zst.0003", &err));
	mrt_buf_clear(&got);
	assert_code(MRT_CORRUPT, read_back(m, &got, &err));
	assert_contains(err.text.unmasked, "db/s.zst.0003 is missing in the store");
}

static void volumes_in_the_wrong_order_are_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_manifest) *m = NULL;
	mrt_auto_buf got = MRT_BUF_INIT;
	char two[PATH_SIZE], three[PATH_SIZE], aside[PATH_SIZE];
	write_noise(5 * VOLUME, &m);
	path_in(two, dir, "store/" FOLDER "db/s.zst.0002");
	path_in(three, dir, "store/" FOLDER "db/s.zst.0003");
	path_in(aside, dir, "aside");
	assert_int_equal(rename(two, aside) | rename(three, two) | rename(aside, three), 0);
	assert_code(MRT_CORRUPT, read_back(m, &got, &err));
	assert_contains(err.text.unmasked, "db/s.zst.0002: its SHA-256 is ");
}

static int count(void *context, const struct mrt_object *object, struct mrt_error *err)
{
	(void)object, (void)err;
	++*(unsigned *)context;
	return 0;
}

static void without_commit_nothing_is_visible(void **state)
{
	(void)state;
	struct mrt_error err;
	unsigned n = 0;
	struct mrt_leftovers left = { 0 };
	mrt_autofree char *data = malloc(5 * VOLUME);
	fill_noise(data, 5 * VOLUME, 9);
	{
		mrt_auto(mrt_content_writer) *w = NULL;
		open_writer(&w);
		assert_ok(mrt_sink_write(mrt_content_sink(w), data, 5 * VOLUME, &err));
		assert_ok(mrt_sink_prepare(mrt_content_sink(w), &err));
		assert_ok(mrt_store_each(store, &ctx, "", count, &n, &err));
		assert_int_equal(n, 0);
	}
	assert_ok(mrt_store_each(store, &ctx, "", count, &n, &err));
	assert_int_equal(n, 0);
	assert_ok(mrt_store_leftovers(store, &ctx, "", 0, &left, &err));
	assert_int_equal(left.found, 0);
	mrt_content_writer_free(NULL);
}

static void a_taken_name_is_not_replaced(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_content_writer) *w = NULL;
	mrt_auto_buf got = MRT_BUF_INIT;
	json_t *json = NULL;
	assert_ok(mrt_store_put_bytes(store, &ctx, FOLDER "db/s.zst", "older", 5, &err));
	open_writer(&w);
	int rc = mrt_sink_write(mrt_content_sink(w), "x", 1, &err);
	if (rc == 0)
		rc = mrt_content_commit(w, &json, &err);
	assert_int_equal(rc, MRT_EXISTS);
	assert_null(json);
	assert_ok(mrt_store_get_bytes(store, &ctx, FOLDER "db/s.zst", &got, &err));
	assert_string_equal(mrt_buf_text(&got), "older");
}

#define with_store(test) cmocka_unit_test_setup_teardown(test, begin, end)
int main(void)
{
	const struct CMUnitTest tests[] = {
		with_store(bytes_come_back_from_as_many_volumes_as_needed),
		with_store(a_volume_that_is_just_full_is_the_last_one),
		with_store(a_changed_byte_names_its_volume),
		with_store(a_missing_or_short_volume_is_named),
		with_store(volumes_in_the_wrong_order_are_noticed),
		with_store(without_commit_nothing_is_visible),
		with_store(a_taken_name_is_not_replaced),
	};
	return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
