/* retry.h - when to try again: exponential backoff with jitter, bounded by time without progress.
 *
 * The range doubles with each attempt; the pause is a quarter of it, and a random part of the rest,
 * so that many clients spread out and none returns at once. (The "full jitter" of the AWS
 * Architecture Blog, 2015, would also allow pauses near zero.)
 */
#ifndef MRT_BASE_RETRY_H
#define MRT_BASE_RETRY_H

#include "base/context.h"

struct mrt_retry {
	int64_t first, longest; /* ns: bounds of the pauses */
	int64_t give_up_after;  /* ns without progress */
	int64_t since;          /* monotonic: the last progress */
	unsigned attempt;
};

void mrt_retry_init(struct mrt_retry *retry, int64_t first, int64_t longest, int64_t give_up_after);
/* Sleeps before the next attempt and returns 0. When time is up it returns err's own code, its
 * text (the peer's last words) followed by how long we tried. at_least: Retry-After in ns, or 0. */
int mrt_retry_wait(struct mrt_retry *retry, const struct mrt_context *ctx, int64_t at_least,
                   struct mrt_error *err);

#endif
