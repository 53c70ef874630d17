/* workers.h - a few threads that work off a queue of jobs, in the order they were submitted. */
#ifndef MRT_BASE_WORKERS_H
#define MRT_BASE_WORKERS_H

#include "base/auto.h"
#include "base/error.h"

#include <stdbool.h>

/* Embedded in what a job works on; must stay alive until the function returns. */
struct mrt_job {
	void (*work)(struct mrt_job *job);
	struct mrt_job *next;
};

struct mrt_workers;
/* Threads start with the first jobs. background: work that only needs doing, which gives way to
 * those we read from and those who read from us. */
int mrt_workers_new(unsigned threads, bool background, struct mrt_workers **ret,
                    struct mrt_error *err);
/* Works off what is queued, then ends the threads. */
void mrt_workers_free(struct mrt_workers *workers);
MRT_DEFINE_AUTO(mrt_workers)
int mrt_workers_submit(struct mrt_workers *workers, struct mrt_job *job, struct mrt_error *err);

/* Tells the scheduler that this thread, and what it starts from now on, lives from throughput: it
 * no longer interrupts others when it wakes up (SCHED_BATCH), and has less weight beside them where
 * nice > 0. A refusal changes nothing. Where server, pg_dump and we share two cores, the server's
 * backend is interrupted 1,500 times in a dump of 3 GiB instead of 30,000 (measured). */
void mrt_thread_batch(int nice);

#endif
