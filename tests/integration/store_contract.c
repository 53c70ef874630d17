/* store_contract.c - the promises of client/store.h, kept by whatever store the environment names.
 *
 * Run by test_store.py and test_s3.py, once per driver; what a driver does not declare (odd keys)
 * it must refuse. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/text.h"
#include "repository/layout.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PART ((size_t)5 << 20) /* the least that S3 allows */

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%/=-"

static struct mrt_context ctx = { .wall = mrt_clock_wall };
static struct mrt_config *config;
static struct mrt_store *store;
static struct mrt_error err;
static struct mrt_store_capabilities can; /* as the driver says without trying */

#define good(call)                                                    \
	do {                                                          \
		if ((call) < 0)                                       \
			fail_msg("%s: %s", #call, err.text.unmasked); \
	} while (0)

static void fill(char *data, size_t len, unsigned seed)
{
	uint32_t x = seed * 2654435761u + 1;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		data[i] = (char)(x >> 24);
	}
}

/* Written in uneven pieces, as filters do. */
static int put(const char *key, const char *data, size_t len, bool commit)
{
	mrt_auto(mrt_sink) *sink = NULL;
	int rc = mrt_store_put(store, &ctx, key, &sink, &err);
	for (size_t at = 0, n = 70001; rc == 0 && at < len; at += n) {
		n = len - at < n ? len - at : n;
		rc = mrt_sink_write(sink, data + at, n, &err);
	}
	if (rc == 0)
		rc = mrt_sink_prepare(sink, &err);
	return rc == 0 && commit ? mrt_sink_commit(sink, &err) : rc;
}

static bool exists(const char *key)
{
	struct mrt_object object;
	int rc = mrt_store_head(store, &ctx, key, &object, &err);
	assert_true(rc == 0 || rc == MRT_NOT_FOUND);
	return rc == 0;
}

static void assert_holds(const char *key, const char *data, size_t len)
{
	mrt_auto_buf buf = { .ceiling = (size_t)1 << 28 };
	struct mrt_object object;
	good(mrt_store_head(store, &ctx, key, &object, &err));
	assert_int_equal(object.size, len);
	good(mrt_store_get_bytes(store, &ctx, key, &buf, &err));
	assert_int_equal(buf.len, len);
	if (len > 0)
		assert_memory_equal(buf.data, data, len);
}

static void every_size_comes_back_exactly(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, PART - 1, PART, PART + 1, 4 * PART + 12345 };
	mrt_autofree char *data = malloc(5 * PART);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char key[64];
		snprintf(key, sizeof(key), "sizes/%zu", sizes[i]);
		fill(data, sizes[i], (unsigned)i);
		good(put(key, data, sizes[i], true));
		assert_holds(key, data, sizes[i]);
	}
}

static void ranges_are_delivered_exactly(void **state)
{
	(void)state;
	size_t len = 3 * PART + 77;
	mrt_autofree char *data = malloc(len);
	fill(data, len, 9);
	good(put("ranged", data, len, true));
	const struct {
		uint64_t offset, len, want;
	} ranges[] = { { 0, 10, 10 },
		       { PART - 3, 6, 6 },
		       { 5, UINT64_MAX, len - 5 },
		       { len - 1, 10, 1 },
		       { len, 10, 0 },
		       { len + 5, 10, 0 },
		       { PART, 2 * PART, 2 * PART },
		       { 3, 0, 0 } };
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		mrt_auto(mrt_source) *source = NULL;
		mrt_auto_buf buf = MRT_BUF_INIT;
		good(mrt_store_get(store, &ctx, "ranged", ranges[i].offset, ranges[i].len, &source,
		                   &err));
		good(mrt_stream_slurp(&ctx, source, &buf, &err));
		assert_int_equal(buf.len, ranges[i].want);
		if (buf.len > 0)
			assert_memory_equal(buf.data, data + ranges[i].offset, buf.len);
	}
}

static void nothing_is_visible_before_commit_or_after_abort(void **state)
{
	(void)state;
	static const size_t sizes[] = { 3, 2 * PART + 5 };
	mrt_autofree char *data = malloc(3 * PART);
	fill(data, 3 * PART, 1);
	for (size_t i = 0; i < 2; i++) {
		mrt_auto(mrt_sink) *sink = NULL;
		struct mrt_store_page page;
		good(mrt_store_put(store, &ctx, "hidden/x", &sink, &err));
		good(mrt_sink_write(sink, data, sizes[i], &err));
		assert_false(exists("hidden/x"));
		good(mrt_sink_prepare(sink, &err));
		assert_false(exists("hidden/x"));
		good(mrt_store_list(store, &ctx, "hidden/", NULL, 0, &page, &err));
		assert_int_equal(page.n, 0);
		mrt_store_page_release(&page);
		mrt_sink_free(mrt_steal(sink)); /* abort */
		assert_false(exists("hidden/x"));
	}
	struct mrt_leftovers left;
	good(mrt_store_leftovers(store, &ctx, "hidden/", INT64_MAX / 4, &left, &err));
	assert_int_equal(left.found, 0);
}

static void a_name_is_written_once(void **state)
{
	(void)state;
	mrt_autofree char *data = malloc(2 * PART);
	fill(data, 2 * PART, 2);
	good(put("once/small", "first", 5, true));
	assert_int_equal(put("once/small", "second", 6, true), MRT_EXISTS);
	assert_int_equal(put("once/small", data, 2 * PART, true), MRT_EXISTS);
	assert_holds("once/small", "first", 5);
	good(put("once/large", data, 2 * PART, true));
	assert_int_equal(put("once/large", "x", 1, true), MRT_EXISTS);
	assert_int_equal(put("once/large", data, PART + 1, true), MRT_EXISTS);
	assert_holds("once/large", data, 2 * PART);
}

static void odd_keys_are_kept_apart_or_refused(void **state)
{
	(void)state;
	static const char *const always[] = { "k/sp ace",      "k/sp+ace",  "k/sp%20ace",
		                              "k/100%",        "k/%2F",     "k/ünïcødé/漢字",
		                              "k/q?a=b&c#d",   "k/'\"<>&;", "k/~tilde",
		                              "k/a-b",         "k/a/b",     "k/[x]*{y}",
		                              "k/back\\slash", "k/e=f@g,h" };
	static const char *const odd[] = { "k//double",  "k/./dot",     "k/../up",
		                           "/k/leading", "k/trailing/", "k/.." };
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		if (store->plain_keys && strspn(always[i], PLAIN) != strlen(always[i]))
			assert_int_equal(put(always[i], "x", 1, true), MRT_USAGE);
		else
			good(put(always[i], always[i], strlen(always[i]), true));
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!store->plain_keys || strspn(always[i], PLAIN) == strlen(always[i]))
			assert_holds(always[i], always[i], strlen(always[i]));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (!store->odd_keys) {
			assert_int_equal(put(odd[i], "x", 1, true), MRT_USAGE);
			continue;
		}
		good(put(odd[i], odd[i], strlen(odd[i]), true));
		assert_holds(odd[i], odd[i], strlen(odd[i]));
	}
	assert_int_equal(put("", "x", 1, true), MRT_USAGE);
	assert_int_equal(put("a\nb", "x", 1, true), MRT_USAGE);
	size_t n = 0;
	mrt_autofree char *token = NULL;
	mrt_auto_buf last = MRT_BUF_INIT;
	do {
		struct mrt_store_page page;
		good(mrt_store_list(store, &ctx, "k/", token, 4, &page, &err));
		for (size_t i = 0; i < page.n; i++) {
			assert_true(strcmp(mrt_buf_text(&last), page.objects[i].key) < 0);
			mrt_buf_clear(&last);
			mrt_buf_add_text(&last, page.objects[i].key);
			assert_int_equal(page.objects[i].size, strlen(page.objects[i].key));
		}
		n += page.n;
		free(token);
		token = mrt_steal(page.token);
		mrt_store_page_release(&page);
	} while (token);
	size_t taken = 0;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		taken += !store->plain_keys || strspn(always[i], PLAIN) == strlen(always[i]);
	assert_true(taken >= 5);
	assert_int_equal(n, taken + (store->odd_keys ? 5 : 0));
}

static int count(void *context, const struct mrt_object *object, struct mrt_error *why)
{
	(void)why;
	char want[32];
	size_t *n = context;
	snprintf(want, sizeof(want), "many/%05zu", *n);
	assert_string_equal(object->key, want);
	++*n;
	return 0;
}

#define MANY 2500
static void *put_many(void *arg)
{
	size_t first = (size_t)(uintptr_t)arg;
	for (size_t i = first; i < MANY; i += 4) {
		char key[32];
		struct mrt_error why;
		snprintf(key, sizeof(key), "many/%05zu", i);
		if (mrt_store_put_bytes(store, &ctx, key, "x", 1, &why) < 0)
			return "failed";
	}
	return NULL;
}

static void a_listing_of_2500_keys_is_complete_and_deleting_them_is_too(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, put_many, (void *)i);
	for (size_t i = 0; i < 4; i++) {
		void *failure;
		pthread_join(threads[i], &failure);
		assert_null(failure);
	}
	size_t n = 0;
	good(mrt_store_each(store, &ctx, "many/", count, &n, &err));
	assert_int_equal(n, MANY);
	static char keys[MANY + 1][32];
	const char *list[MANY + 1];
	for (size_t i = 0; i <= MANY; i++) { /* the last does not exist: that is done already */
		snprintf(keys[i], sizeof(keys[i]), "many/%05zu", i);
		list[i] = keys[i];
	}
	good(mrt_store_delete_many(store, &ctx, list, MANY + 1, &err));
	n = 0;
	good(mrt_store_each(store, &ctx, "many/", count, &n, &err));
	assert_int_equal(n, 0);
}

struct racer {
	int rc;
	char data[8];
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct mrt_error why;
	r->rc = mrt_store_put_bytes(store, &ctx, "raced", r->data, sizeof(r->data), &why);
	return NULL;
}

static void exactly_one_of_concurrent_puts_wins(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		pthread_t threads[8];
		struct racer racers[8];
		unsigned won = 0, winner = 0;
		for (unsigned i = 0; i < 8; i++) {
			memset(racers[i].data, (int)('a' + i), sizeof(racers[i].data));
			pthread_create(&threads[i], NULL, race, &racers[i]);
		}
		for (unsigned i = 0; i < 8; i++) {
			pthread_join(threads[i], NULL);
			assert_true(racers[i].rc == 0 || racers[i].rc == MRT_EXISTS);
			won += racers[i].rc == 0;
			winner = racers[i].rc == 0 ? i : winner;
		}
		if (can.conditional_put != MRT_NO) {
			assert_int_equal(won, 1);
			assert_holds("raced", racers[winner].data, 8);
		}
		assert_true(won >= 1);
		good(mrt_store_delete(store, &ctx, "raced", &err));
	}
}

static void *put_large(void *arg)
{
	char key[32];
	size_t len = 2 * PART + 100;
	mrt_autofree char *data = malloc(len);
	fill(data, len, (unsigned)(uintptr_t)arg);
	snprintf(key, sizeof(key), "at-once/%u", (unsigned)(uintptr_t)arg);
	struct mrt_error why;
	mrt_auto(mrt_sink) *sink = NULL;
	int rc = mrt_store_put(store, &ctx, key, &sink, &why);
	if (rc == 0)
		rc = mrt_sink_write(sink, data, len, &why);
	if (rc == 0)
		rc = mrt_sink_commit(sink, &why);
	mrt_auto_buf back = MRT_BUF_INIT;
	if (rc == 0)
		rc = mrt_store_get_bytes(store, &ctx, key, &back, &why);
	return rc == 0 && back.len == len && memcmp(back.data, data, len) == 0 ? NULL : "failed";
}

static void several_large_objects_go_up_and_down_at_once(void **state)
{
	(void)state;
	pthread_t threads[3];
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, put_large, (void *)i);
	for (size_t i = 0; i < 3; i++) {
		void *failure;
		pthread_join(threads[i], &failure);
		assert_null(failure);
	}
}

static void what_does_not_exist_is_not_found(void **state)
{
	(void)state;
	struct mrt_object object;
	mrt_auto(mrt_source) *source = NULL;
	assert_int_equal(mrt_store_head(store, &ctx, "no/such", &object, &err), MRT_NOT_FOUND);
	assert_int_equal(mrt_store_get(store, &ctx, "no/such", 0, 1, &source, &err), MRT_NOT_FOUND);
	assert_non_null(strstr(err.text.unmasked, "no such object"));
	good(mrt_store_delete(store, &ctx, "no/such", &err));
}

/* A process that is gone in the middle of a put, as after SIGKILL. */
static void die_while_putting(const char *key, const char *data, size_t len)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct mrt_store *own = NULL;
		struct mrt_sink *sink = NULL;
		int rc = mrt_repository_open(config, 10, &own, &err);
		if (rc == 0)
			rc = mrt_store_put(own, &ctx, key, &sink, &err);
		if (rc == 0)
			rc = mrt_sink_write(sink, data, len, &err);
		if (rc == 0)
			rc = mrt_sink_prepare(sink, &err);
		_exit(rc == 0 ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void leftovers_older_than_the_grace_are_removed(void **state)
{
	(void)state;
	struct mrt_leftovers left;
	mrt_autofree char *data = calloc(1, 2 * PART);
	die_while_putting("left/over", data, 2 * PART);
	good(mrt_store_leftovers(store, &ctx, "left/", 3600 * MRT_SECOND, &left, &err));
	assert_int_equal(left.found, can.leaves_uploads);
	assert_int_equal(left.removed, 0);
	good(mrt_store_leftovers(store, &ctx, "left/", -5 * MRT_SECOND, &left, &err));
	assert_int_equal(left.found, can.leaves_uploads);
	assert_int_equal(left.removed, can.leaves_uploads);
	good(mrt_store_leftovers(store, &ctx, "left/", -5 * MRT_SECOND, &left, &err));
	assert_int_equal(left.found, 0);
	assert_false(exists("left/over"));
}

/* On S3 nobody can tell who still writes: callers keep an upload young by beats of their own. */
static void a_put_at_work_is_whole_or_fails_when_leftovers_are_removed(void **state)
{
	(void)state;
	struct mrt_leftovers left;
	mrt_auto(mrt_sink) *sink = NULL;
	mrt_autofree char *data = calloc(1, 2 * PART);
	/* only what is elsewhere, and whose owner nobody can ask, can be taken away */
	bool local = strncmp(store->name, "file:", 5) == 0 || !can.leaves_uploads;
	good(mrt_store_put(store, &ctx, "left/atwork", &sink, &err));
	good(mrt_sink_write(sink, data, 2 * PART, &err));
	good(mrt_sink_prepare(sink, &err));
	good(mrt_store_leftovers(store, &ctx, "left/", -5 * MRT_SECOND, &left, &err));
	assert_int_equal(left.found, can.leaves_uploads);
	assert_int_equal(left.removed, local ? 0 : 1);
	int rc = mrt_sink_commit(sink, &err);
	assert_int_equal(rc == 0, local);
	assert_int_equal(exists("left/atwork"), local);
	if (local)
		assert_holds("left/atwork", data, 2 * PART);
}

static void the_probe_tells_what_the_store_can_do(void **state)
{
	(void)state;
	struct mrt_store_capabilities c;
	good(mrt_store_probe(store, &ctx, true, &c, &err));
	assert_int_equal(c.conditional_put, can.conditional_put == MRT_NO ? MRT_NO : MRT_YES);
	assert_int_equal(c.odd_keys, store->odd_keys);
	assert_int_equal(c.has_clock, !store->plain_keys); /* libs3 does not tell the time */
	assert_int_equal(c.leaves_uploads, !store->plain_keys);
	assert_true(c.clock_skew > -60 * MRT_SECOND && c.clock_skew < 60 * MRT_SECOND);
	struct mrt_store_page page;
	good(mrt_store_list(store, &ctx, ".maratea-probe", NULL, 0, &page, &err));
	assert_int_equal(page.n, 0);
	mrt_store_page_release(&page);
}

static int open_store(void **state)
{
	(void)state;
	const struct mrt_config_flag flags[] = { { "store.part-size", "5MiB" },
		                                 { "store.volume-size", "1GiB" } };
	if (mrt_config_load(&ctx, "/dev/null", flags, 2, &config, &err) < 0 ||
	    mrt_repository_open(config, 10, &store, &err) < 0 ||
	    mrt_store_probe(store, &ctx, false, &can, &err) < 0) {
		print_error("%s\n", err.text.unmasked);
		return -1;
	}
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	mrt_store_free(store);
	mrt_config_free(config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_comes_back_exactly),
		cmocka_unit_test(ranges_are_delivered_exactly),
		cmocka_unit_test(nothing_is_visible_before_commit_or_after_abort),
		cmocka_unit_test(a_name_is_written_once),
		cmocka_unit_test(odd_keys_are_kept_apart_or_refused),
		cmocka_unit_test(a_listing_of_2500_keys_is_complete_and_deleting_them_is_too),
		cmocka_unit_test(exactly_one_of_concurrent_puts_wins),
		cmocka_unit_test(several_large_objects_go_up_and_down_at_once),
		cmocka_unit_test(what_does_not_exist_is_not_found),
		cmocka_unit_test(leftovers_older_than_the_grace_are_removed),
		cmocka_unit_test(a_put_at_work_is_whole_or_fails_when_leftovers_are_removed),
		cmocka_unit_test(the_probe_tells_what_the_store_can_do),
	};
	return cmocka_run_group_tests(tests, open_store, close_store);
}
