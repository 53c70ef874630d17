/* test_parallel.c - the pool of buffers and the worker threads. */
#include "unit.h"

#include "base/pool.h"
#include "base/workers.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static void a_pool_hands_out_so_many_buffers_and_no_more(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(50 * MRT_MILLISECOND);
	mrt_auto(mrt_pool) *pool = NULL;
	void *a = NULL, *b = NULL, *c = NULL;
	assert_ok(mrt_pool_new(100, 2, &pool, &err));
	assert_int_equal(mrt_pool_buffer_size(pool), 100);
	assert_ok(mrt_pool_acquire(pool, &ctx, &a, &err));
	assert_ok(mrt_pool_acquire(pool, &ctx, &b, &err));
	assert_ptr_not_equal(a, b);
	memset(a, 1, 100);
	memset(b, 2, 100);
	assert_code(MRT_DEADLINE, mrt_pool_acquire(pool, &ctx, &c, &err));
	assert_null(c);
	mrt_pool_give(pool, a);
	assert_ok(mrt_pool_acquire(pool, &ctx, &c, &err));
	assert_ptr_equal(c, a);
	mrt_pool_give(pool, b);
	mrt_pool_give(pool, c);
}

static void taking_ahead_leaves_the_reserve_to_those_in_need(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(MRT_SECOND);
	mrt_auto(mrt_pool) *pool = NULL;
	void *need[2];
	assert_ok(mrt_pool_new(8, MRT_POOL_RESERVE + 1, &pool, &err));
	void *luxury = mrt_pool_take(pool);
	assert_non_null(luxury);
	assert_null(mrt_pool_take(pool));
	assert_ok(mrt_pool_acquire(pool, &ctx, &need[0], &err));
	assert_ok(mrt_pool_acquire(pool, &ctx, &need[1], &err));
	assert_null(mrt_pool_take(pool));
	mrt_pool_give(pool, luxury);
	assert_null(mrt_pool_take(pool));
	mrt_pool_give(pool, need[0]);
	mrt_pool_give(pool, need[1]);
	mrt_pool_give(pool, NULL);
}

struct giver {
	struct mrt_job job;
	struct mrt_pool *pool;
	void *buffer;
};

static void give_soon(struct mrt_job *job)
{
	struct giver *g = (struct giver *)job;
	const struct mrt_context ctx = plain_run();
	mrt_context_sleep(&ctx, 30 * MRT_MILLISECOND, NULL);
	mrt_pool_give(g->pool, g->buffer);
}

static void whoever_waits_gets_the_buffer_that_is_given_back(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto(mrt_pool) *pool = NULL;
	mrt_auto(mrt_workers) *workers = NULL;
	struct giver g = { .job.work = give_soon };
	void *got = NULL;
	assert_ok(mrt_pool_new(8, 1, &pool, &err));
	assert_ok(mrt_workers_new(1, false, &workers, &err));
	assert_ok(mrt_pool_acquire(pool, &ctx, &g.buffer, &err));
	g.pool = pool;
	assert_ok(mrt_workers_submit(workers, &g.job, &err));
	assert_ok(mrt_pool_acquire(pool, &ctx, &got, &err));
	assert_ptr_equal(got, g.buffer);
	mrt_pool_give(pool, got);
}

static void waiting_for_a_buffer_ends_when_the_run_is_cancelled(void **state)
{
	(void)state;
	struct mrt_error err;
	atomic_int abort = 0;
	struct mrt_context ctx = plain_run();
	ctx.abort = &abort;
	mrt_auto(mrt_pool) *pool = NULL;
	void *a = NULL, *b = NULL;
	assert_ok(mrt_pool_new(8, 1, &pool, &err));
	assert_ok(mrt_pool_acquire(pool, &ctx, &a, &err));
	abort = 1;
	assert_code(MRT_CANCELLED, mrt_pool_acquire(pool, &ctx, &b, &err));
	mrt_pool_give(pool, a);
}

struct step {
	struct mrt_job job;
	int number;
	int *order;
	atomic_int *n;
};

static void note_step(struct mrt_job *job)
{
	struct step *s = (struct step *)job;
	s->order[(*s->n)++] = s->number;
}

static void one_worker_keeps_the_order_and_freeing_finishes_the_queue(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_workers *workers = NULL;
	struct step steps[100];
	int order[100];
	atomic_int n = 0;
	assert_ok(mrt_workers_new(1, false, &workers, &err));
	for (int i = 0; i < 100; i++) {
		steps[i] = (struct step) {
			.job.work = note_step, .number = i, .order = order, .n = &n
		};
		assert_ok(mrt_workers_submit(workers, &steps[i].job, &err));
	}
	mrt_workers_free(workers);
	assert_int_equal(n, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(order[i], i);
}

struct meeting {
	struct mrt_job job;
	atomic_int *here, *ended;
	int wanted;
	bool met;
};

/* Comes together with all others, or gives up. */
static void meet(struct mrt_job *job)
{
	struct meeting *m = (struct meeting *)job;
	int64_t end = mrt_clock_monotonic() + 3 * MRT_SECOND;
	++*m->here;
	while (*m->here < m->wanted && mrt_clock_monotonic() < end)
		usleep(1000);
	m->met = *m->here >= m->wanted;
	++*m->ended;
}

static void hold_meeting(struct mrt_workers *workers, int n)
{
	struct mrt_error err;
	atomic_int here = 0, ended = 0;
	struct meeting meetings[4];
	for (int i = 0; i < n; i++) {
		meetings[i] = (struct meeting) {
			.job.work = meet, .here = &here, .ended = &ended, .wanted = n
		};
		assert_ok(mrt_workers_submit(workers, &meetings[i].job, &err));
	}
	while (ended < n)
		usleep(1000);
	usleep(20000); /* they are idle again */
	for (int i = 0; i < n; i++)
		assert_true(meetings[i].met);
}

static void as_many_jobs_run_at_once_as_there_are_threads(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_workers) *workers = NULL;
	assert_ok(mrt_workers_new(4, false, &workers, &err));
	hold_meeting(workers, 4);
	hold_meeting(workers, 4);
}

static void a_burst_after_a_pause_starts_the_threads_it_needs(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_workers) *workers = NULL;
	assert_ok(mrt_workers_new(4, false, &workers, &err));
	hold_meeting(workers, 1); /* one thread exists, and is idle */
	hold_meeting(workers, 4);
}

struct asked {
	struct mrt_job job;
	int policy, nice;
};

static void ask(struct mrt_job *job)
{
	struct asked *a = (struct asked *)job;
	a->policy = sched_getscheduler(0);
	a->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void background_workers_give_way_and_others_do_not(void **state)
{
	(void)state;
	struct mrt_error err;
	struct asked quiet = { .job.work = ask }, usual = { .job.work = ask };
	struct mrt_workers *background = NULL, *workers = NULL;
	int nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	assert_ok(mrt_workers_new(1, true, &background, &err));
	assert_ok(mrt_workers_new(1, false, &workers, &err));
	assert_ok(mrt_workers_submit(background, &quiet.job, &err));
	assert_ok(mrt_workers_submit(workers, &usual.job, &err));
	mrt_workers_free(background);
	mrt_workers_free(workers);
	assert_int_equal(quiet.policy, SCHED_BATCH);
	assert_int_equal(quiet.nice, nice + 5 < 19 ? nice + 5 : 19);
	assert_int_equal(usual.policy, sched_getscheduler(0));
	assert_int_equal(usual.nice, nice);
}

static void workers_without_work_end_at_once(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_workers *workers = NULL;
	assert_ok(mrt_workers_new(8, false, &workers, &err));
	mrt_workers_free(workers);
	mrt_workers_free(NULL);
	mrt_pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_hands_out_so_many_buffers_and_no_more),
		cmocka_unit_test(taking_ahead_leaves_the_reserve_to_those_in_need),
		cmocka_unit_test(whoever_waits_gets_the_buffer_that_is_given_back),
		cmocka_unit_test(waiting_for_a_buffer_ends_when_the_run_is_cancelled),
		cmocka_unit_test(one_worker_keeps_the_order_and_freeing_finishes_the_queue),
		cmocka_unit_test(as_many_jobs_run_at_once_as_there_are_threads),
		cmocka_unit_test(a_burst_after_a_pause_starts_the_threads_it_needs),
		cmocka_unit_test(background_workers_give_way_and_others_do_not),
		cmocka_unit_test(workers_without_work_end_at_once),
	};
	return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
