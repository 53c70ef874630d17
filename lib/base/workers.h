/* workers.h - a few threads that work off a queue of jobs, in the order they were submitted. */
#ifndef MRT_BASE_WORKERS_H
#define MRT_BASE_WORKERS_H

#include "base/auto.h"
#include "base/error.h"

/* Embedded in what a job works on; must stay alive until the function returns. */
struct mrt_job {
	void (*work)(struct mrt_job *job);
	struct mrt_job *next;
};

struct mrt_workers;
/* Threads start with the first jobs. */
int mrt_workers_new(unsigned threads, struct mrt_workers **ret, struct mrt_error *err);
/* Works off what is queued, then ends the threads. */
void mrt_workers_free(struct mrt_workers *workers);
MRT_DEFINE_AUTO(mrt_workers)
int mrt_workers_submit(struct mrt_workers *workers, struct mrt_job *job, struct mrt_error *err);

#endif
