/* rate.h - not faster than so many bytes a second, for several threads together. */
#ifndef MRT_BASE_RATE_H
#define MRT_BASE_RATE_H

#include "base/context.h"

#include <pthread.h>

struct mrt_rate {
	uint64_t limit; /* bytes a second; 0: none */
	int64_t next;   /* monotonic ns: when the bytes so far may have come */
	pthread_mutex_t lock;
};
void mrt_rate_init(struct mrt_rate *rate, uint64_t limit);
void mrt_rate_release(struct mrt_rate *rate);
/* After n bytes: waits until they may have come. Time that was not used is not made up for. */
int mrt_rate_spend(struct mrt_rate *rate, const struct mrt_context *ctx, uint64_t n,
                   struct mrt_error *err);

#endif
