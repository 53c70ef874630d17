/* test_run.c - waiting that can be interrupted, and when to try again. */
#include "unit.h"

#include "base/retry.h"

#include <poll.h>
#include <signal.h>

static volatile sig_atomic_t caught;

static void a_run_without_limits_goes_on(void **state)
{
	(void)state;
	struct mrt_error err;
	caught = 0;
	atomic_int abort = 0;
	struct mrt_context ctx = run_for(60 * MRT_SECOND);
	ctx.signal = &caught;
	ctx.abort = &abort;
	assert_ok(mrt_context_check(&ctx, &err));
	ctx = plain_run();
	assert_ok(mrt_context_check(&ctx, &err));
}

static void a_signal_cancels_and_is_named(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_context ctx = plain_run();
	ctx.signal = &caught;
	caught = SIGINT;
	assert_code(MRT_CANCELLED, mrt_context_check(&ctx, &err));
	assert_string_equal(err.text.unmasked, "interrupted by SIGINT");
	caught = SIGTERM;
	assert_code(MRT_CANCELLED, mrt_context_check(&ctx, &err));
	assert_string_equal(err.text.unmasked, "interrupted by SIGTERM");
	caught = 0;
}

static void a_failed_sibling_stops_the_others(void **state)
{
	(void)state;
	struct mrt_error err;
	atomic_int abort = 1;
	struct mrt_context ctx = plain_run();
	ctx.abort = &abort;
	assert_code(MRT_CANCELLED, mrt_context_check(&ctx, &err));
	assert_string_equal(err.text.unmasked, "stopped because another part failed");
}

static void a_deadline_ends_a_long_sleep(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(30 * MRT_MILLISECOND);
	int64_t before = mrt_clock_monotonic();
	assert_code(MRT_DEADLINE, mrt_context_sleep(&ctx, 60 * MRT_SECOND, &err));
	assert_string_equal(err.text.unmasked, "the time limit of --timeout has passed");
	assert_true(mrt_clock_monotonic() - before < 10 * MRT_SECOND);
}

static void a_sleep_lasts_as_long_as_it_should(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	int64_t before = mrt_clock_monotonic();
	assert_ok(mrt_context_sleep(&ctx, 30 * MRT_MILLISECOND, &err));
	assert_true(mrt_clock_monotonic() - before >= 30 * MRT_MILLISECOND);
	assert_ok(mrt_context_sleep(&ctx, 0, &err));
}

static void polling_tells_what_is_ready_and_what_is_not(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	int ends[2];
	short events = -1;
	assert_int_equal(pipe(ends), 0);
	assert_ok(mrt_context_poll(&ctx, ends[0], POLLIN, 10 * MRT_MILLISECOND, &events, &err));
	assert_int_equal(events, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_ok(mrt_context_poll(&ctx, ends[0], POLLIN, -1, &events, &err));
	assert_int_equal(events & POLLIN, POLLIN);
	close(ends[1]);
	char c;
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_ok(mrt_context_poll(&ctx, ends[0], POLLIN, -1, &events, &err));
	assert_int_equal(events & POLLHUP, POLLHUP);
	close(ends[0]);
}

static void polling_ends_with_the_run(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_MILLISECOND);
	int ends[2];
	short events = 42;
	assert_int_equal(pipe(ends), 0);
	assert_code(MRT_DEADLINE, mrt_context_poll(&ctx, ends[0], POLLIN, -1, &events, &err));
	assert_int_equal(events, 42);
	close(ends[0]);
	close(ends[1]);
}

static void random_bytes_differ(void **state)
{
	(void)state;
	unsigned char a[1000] = { 0 }, b[1000] = { 0 };
	mrt_random(a, sizeof(a));
	mrt_random(b, sizeof(b));
	assert_memory_not_equal(a, b, 32);
	assert_memory_not_equal(a + 968, b + 968, 32);
	mrt_random(a, 0);
}

static void progress_is_counted_where_somebody_wants_it(void **state)
{
	(void)state;
	struct mrt_progress progress = { 0 };
	struct mrt_context ctx = plain_run();
	mrt_context_progress(&ctx, 5);
	ctx.progress = &progress;
	mrt_context_progress(&ctx, 5);
	mrt_context_progress(&ctx, 7);
	assert_int_equal(progress.done, 12);
}

static void retrying_gives_up_with_the_last_words_of_the_peer(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct mrt_retry retry;
	mrt_retry_init(&retry, 100 * MRT_MILLISECOND, MRT_SECOND, MRT_MILLISECOND);
	mrt_fail(&err, MRT_UNREACHABLE, "connection refused");
	assert_int_equal(mrt_retry_wait(&retry, &ctx, 0, &err), MRT_UNREACHABLE);
	assert_int_equal(err.code, MRT_UNREACHABLE);
	assert_string_equal(err.text.unmasked,
	                    "connection refused (gave up after 1 attempts in 0.0 s)");
}

static void retrying_pauses_within_its_bounds(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct mrt_retry retry;
	mrt_retry_init(&retry, 2 * MRT_MILLISECOND, 8 * MRT_MILLISECOND, 60 * MRT_SECOND);
	mrt_fail(&err, MRT_UNREACHABLE, "slow down");
	for (unsigned i = 0; i < 20; i++) {
		int64_t before = mrt_clock_monotonic();
		assert_ok(mrt_retry_wait(&retry, &ctx, 0, &err));
		assert_true(mrt_clock_monotonic() - before >= 500000);
		assert_int_equal(retry.attempt, i + 1);
	}
	assert_true(mrt_clock_monotonic() - retry.since < 20 * MRT_SECOND);
	assert_string_equal(err.text.unmasked, "slow down");
}

static void the_peer_may_ask_for_a_longer_pause(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct mrt_retry retry;
	mrt_retry_init(&retry, MRT_MILLISECOND, MRT_MILLISECOND, 60 * MRT_SECOND);
	mrt_fail(&err, MRT_REFUSED, "503");
	int64_t before = mrt_clock_monotonic();
	assert_ok(mrt_retry_wait(&retry, &ctx, 60 * MRT_MILLISECOND, &err));
	assert_true(mrt_clock_monotonic() - before >= 60 * MRT_MILLISECOND);
	assert_int_equal(mrt_retry_wait(&retry, &ctx, 3600 * MRT_SECOND, &err), MRT_REFUSED);
	assert_contains(err.text.unmasked, "503 (gave up after 2 attempts in");
}

static void a_cancelled_run_does_not_wait_to_try_again(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_context ctx = plain_run();
	ctx.signal = &caught;
	caught = SIGTERM;
	struct mrt_retry retry;
	mrt_retry_init(&retry, 5 * MRT_SECOND, 5 * MRT_SECOND, 60 * MRT_SECOND);
	mrt_fail(&err, MRT_UNREACHABLE, "refused");
	int64_t before = mrt_clock_monotonic();
	assert_int_equal(mrt_retry_wait(&retry, &ctx, 0, &err), MRT_CANCELLED);
	assert_string_equal(err.text.unmasked, "interrupted by SIGTERM");
	assert_true(mrt_clock_monotonic() - before < MRT_SECOND);
	caught = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_without_limits_goes_on),
		cmocka_unit_test(a_signal_cancels_and_is_named),
		cmocka_unit_test(a_failed_sibling_stops_the_others),
		cmocka_unit_test(a_deadline_ends_a_long_sleep),
		cmocka_unit_test(a_sleep_lasts_as_long_as_it_should),
		cmocka_unit_test(polling_tells_what_is_ready_and_what_is_not),
		cmocka_unit_test(polling_ends_with_the_run),
		cmocka_unit_test(random_bytes_differ),
		cmocka_unit_test(progress_is_counted_where_somebody_wants_it),
		cmocka_unit_test(retrying_gives_up_with_the_last_words_of_the_peer),
		cmocka_unit_test(retrying_pauses_within_its_bounds),
		cmocka_unit_test(the_peer_may_ask_for_a_longer_pause),
		cmocka_unit_test(a_cancelled_run_does_not_wait_to_try_again),
	};
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
