/* retry.c - exponential backoff with jitter. */
#include "base/retry.h"

void mrt_retry_init(struct mrt_retry *retry, int64_t first, int64_t longest, int64_t give_up_after)
{
	*retry = (struct mrt_retry) { .first = first,
		                      .longest = longest,
		                      .give_up_after = give_up_after,
		                      .since = mrt_clock_monotonic() };
}

int mrt_retry_wait(struct mrt_retry *retry, const struct mrt_context *ctx, int64_t at_least,
                   struct mrt_error *err)
{
	int64_t range = retry->first;
	for (unsigned i = 0; i < retry->attempt && range < retry->longest; i++)
		range *= 2;
	if (range > retry->longest)
		range = retry->longest;
	uint64_t dice;
	mrt_random(&dice, sizeof(dice));
	int64_t pause = range > 0 ? range / 4 + (int64_t)(dice % (uint64_t)range) * 3 / 4 : 0;
	if (pause < at_least)
		pause = at_least;
	int64_t spent = mrt_clock_monotonic() - retry->since;
	if (spent + pause > retry->give_up_after) {
		char text[MRT_DURATION_SIZE];
		mrt_duration_format(spent, text);
		mrt_error_append(err, "gave up after %u attempts in %s", retry->attempt + 1, text);
		return err->code;
	}
	retry->attempt++;
	struct mrt_error stop;
	int rc = mrt_context_sleep(ctx, pause, &stop);
	if (rc < 0)
		*err = stop;
	return rc;
}
