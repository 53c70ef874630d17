/* test_progress.c - what is said about work that goes on. */
#include "base/progress.h"
#include "base/clock.h"
#include "unit.h"

static const char *describe(struct mrt_progress *p, int64_t after, struct mrt_buf *buf)
{
	mrt_buf_clear(buf);
	mrt_progress_describe(p, p->began + after, buf);
	return mrt_buf_text(buf);
}

static void nothing_is_said_of_no_work(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	struct mrt_progress p = { 0 };
	assert_string_equal(describe(&p, MRT_SECOND, &buf), "");
	mrt_progress_begin(&p, "restoring", 0);
	mrt_progress_end(&p);
	assert_string_equal(describe(&p, MRT_SECOND, &buf), "");
	mrt_progress_begin(NULL, "restoring", 0);
	mrt_progress_end(NULL);
}

static void with_a_total_it_tells_percent_rate_and_what_is_left(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	struct mrt_progress p = { 0 };
	mrt_progress_begin(&p, "restoring", 400 << 20);
	p.done = 100 << 20;
	assert_string_equal(describe(&p, 10 * MRT_SECOND, &buf),
	                    "restoring: 25% of 400.0 MiB, 10.0 MiB/s, 30 s left");
	p.done = 400 << 20;
	assert_string_equal(describe(&p, 40 * MRT_SECOND, &buf),
	                    "restoring: 100% of 400.0 MiB, 10.0 MiB/s, 0.0 s left");
}

/* The rate counts from when the work began, however late somebody looks for the first time. */
static void no_rate_is_made_of_hardly_any_time(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	struct mrt_progress p = { 0 };
	mrt_progress_begin(&p, "restoring", 100 << 20);
	p.done = 35 << 20;
	assert_string_equal(describe(&p, 0, &buf), "restoring: 35% of 100.0 MiB");
	assert_string_equal(describe(&p, -1, &buf), "restoring: 35% of 100.0 MiB");
	assert_string_equal(describe(&p, 7 * MRT_SECOND, &buf),
	                    "restoring: 35% of 100.0 MiB, 5.0 MiB/s, 13 s left");
}

static void without_a_total_it_tells_what_is_done(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	struct mrt_progress p = { 0 };
	mrt_progress_begin(&p, "backing up", 0);
	assert_string_equal(describe(&p, 3 * MRT_SECOND, &buf), "backing up: since 3.0 s");
	p.done = 6 << 20;
	assert_string_equal(describe(&p, 3 * MRT_SECOND, &buf), "backing up: 6.0 MiB, 2.0 MiB/s");
	p.total = 5 << 20; /* an estimate that was too low */
	assert_string_equal(describe(&p, 3 * MRT_SECOND, &buf), "backing up: 6.0 MiB, 2.0 MiB/s");
}

static void the_next_piece_starts_from_nothing(void **state)
{
	(void)state;
	mrt_auto_buf buf = MRT_BUF_INIT;
	struct mrt_progress p = { 0 };
	mrt_progress_begin(&p, "verifying", 100);
	p.done = 100;
	int64_t before = mrt_clock_monotonic();
	mrt_progress_begin(&p, "recovering", 0);
	assert_true(p.began >= before);
	assert_string_equal(describe(&p, 90 * MRT_SECOND, &buf), "recovering: since 1m 30s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_of_no_work),
		cmocka_unit_test(with_a_total_it_tells_percent_rate_and_what_is_left),
		cmocka_unit_test(no_rate_is_made_of_hardly_any_time),
		cmocka_unit_test(without_a_total_it_tells_what_is_done),
		cmocka_unit_test(the_next_piece_starts_from_nothing),
	};
	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
