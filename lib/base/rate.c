/* rate.c - a bucket of bytes that fills evenly. */
#include "base/rate.h"

void mrt_rate_init(struct mrt_rate *r, uint64_t limit)
{
	*r = (struct mrt_rate) { .limit = limit };
	pthread_mutex_init(&r->lock, NULL);
}

void mrt_rate_release(struct mrt_rate *r)
{
	pthread_mutex_destroy(&r->lock);
}

int mrt_rate_spend(struct mrt_rate *r, const struct mrt_context *ctx, uint64_t n,
                   struct mrt_error *err)
{
	if (r->limit == 0 || n == 0)
		return 0;
	pthread_mutex_lock(&r->lock);
	int64_t now = mrt_clock_monotonic();
	if (r->next < now)
		r->next = now;
	r->next += (int64_t)((double)n / (double)r->limit * (double)MRT_SECOND);
	int64_t pause = r->next - now;
	pthread_mutex_unlock(&r->lock);
	return pause > 0 ? mrt_context_sleep(ctx, pause, err) : 0;
}
