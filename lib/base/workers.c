/* workers.c - a few threads that work off a queue of jobs. */
#include "base/workers.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#define BACKGROUND_NICE 5

struct mrt_workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct mrt_job *first, **last;
	unsigned wanted, running, idle, queued;
	bool background;
	bool closing;
	pthread_t threads[];
};

void mrt_thread_batch(int nice)
{
	const struct sched_param param = { .sched_priority = 0 };
	sched_setscheduler(0, SCHED_BATCH, &param); /* of this thread alone, as Linux has it */
	if (nice > 0)
		setpriority(PRIO_PROCESS, (id_t)gettid(),
		            getpriority(PRIO_PROCESS, (id_t)gettid()) + nice);
}

static void *work(void *arg)
{
	struct mrt_workers *w = arg;
	if (w->background)
		mrt_thread_batch(BACKGROUND_NICE);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		w->idle++;
		while (!w->first && !w->closing)
			pthread_cond_wait(&w->more, &w->lock);
		w->idle--;
		struct mrt_job *job = w->first;
		if (!job)
			break;
		w->first = job->next;
		w->queued--;
		if (!w->first)
			w->last = &w->first;
		pthread_mutex_unlock(&w->lock);
		job->work(job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int mrt_workers_new(unsigned threads, bool background, struct mrt_workers **ret,
                    struct mrt_error *err)
{
	struct mrt_workers *w = calloc(1, sizeof(*w) + threads * sizeof(pthread_t));
	if (!w)
		return mrt_no_memory(err);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->last = &w->first;
	w->wanted = threads;
	w->background = background;
	*ret = w;
	return 0;
}

int mrt_workers_submit(struct mrt_workers *w, struct mrt_job *job, struct mrt_error *err)
{
	job->next = NULL;
	pthread_mutex_lock(&w->lock);
	int failed = 0;
	if (w->idle <= w->queued && w->running < w->wanted) {
		failed = pthread_create(&w->threads[w->running], NULL, work, w);
		w->running += failed == 0;
	}
	if (w->running > 0) { /* fewer threads than wanted still do the work */
		failed = 0;
		*w->last = job;
		w->last = &job->next;
		w->queued++;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return failed ? mrt_fail_errno(err, failed, "start a thread") : 0;
}

void mrt_workers_free(struct mrt_workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->running; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
