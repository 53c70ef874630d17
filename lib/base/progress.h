/* progress.h - how far a piece of work has come, told by the worker, read by whoever shows it. */
#ifndef MRT_BASE_PROGRESS_H
#define MRT_BASE_PROGRESS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

struct mrt_progress {
	_Atomic uint64_t done, total; /* bytes; total 0: not known */
	_Atomic int64_t began;        /* monotonic ns: when this piece did */
	_Atomic(const char *) what;   /* static text; NULL: nothing is running */
};

/* A piece of work begins, total bytes long (0: not known). progress NULL: nobody watches. */
void mrt_progress_begin(struct mrt_progress *progress, const char *what, uint64_t total);
void mrt_progress_end(struct mrt_progress *progress);

/* Appends "backing up: 42% of 3.0 GiB, 120.0 MiB/s, 15 s left", or what of it is known at now
 * (monotonic ns); nothing when nothing is running. */
void mrt_progress_describe(const struct mrt_progress *progress, int64_t now, struct mrt_buf *buf);

#endif
