/* swap.h - what was built beside, put in its place, or taken away; only for copy.c.
 *
 * Each database that is built holds a mark, a key with a value of this restore's own. It says that
 * the database is ours, to others who look for an empty one and to us before we empty it; and as it
 * moves with the swap, where it is tells whether a transaction happened whose answer was lost. EXEC
 * is bound to it (WATCH): once the mark is gone from where it was built, no late EXEC does
 * anything.
 */
#ifndef MRT_CLIENT_REDIS_SWAP_H
#define MRT_CLIENT_REDIS_SWAP_H

#include "client/redis/databases.h"
#include "client/redis/link.h"

#define MRT_REDIS_MARK "maratea:restore"

struct mrt_redis_swap {
	struct mrt_redis *to;
	const struct mrt_context *ctx;
	const struct mrt_redis_copy_options *options;
	char nonce[33];
	const redisReply *functions;        /* FUNCTION DUMP's answer, or NULL */
	const redisReply *functions_before; /* set: the target's, to go back to */
	long long client;                   /* CLIENT ID of to; 0: not known */
};

/* Marks the i-th database's staging, which is selected then. MRT_CHANGED: it is not empty. */
int mrt_redis_swap_claim(struct mrt_redis_swap *swap, size_t i, struct mrt_error *err);
/* Everything is built and counted. On failure it is as it was before, or the error says that it is
 * not, or not known. */
int mrt_redis_swap_in(struct mrt_redis_swap *swap, struct mrt_error *err);
/* It was not: takes away what was built. */
void mrt_redis_swap_give_up(struct mrt_redis_swap *swap);

#endif
