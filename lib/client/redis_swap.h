/* redis_swap.h - what was built beside, put in its place, or taken away; only for redis_copy.c.
 *
 * In the first database that is built lies a mark, which EXEC's connection watches and its
 * transaction removes. Whoever deletes the mark knows: it was there, so the transaction has not
 * happened and never will; or it was not, so it has. That decides after a lost answer.
 */
#ifndef MRT_CLIENT_REDIS_SWAP_H
#define MRT_CLIENT_REDIS_SWAP_H

#include "client/redis_copy.h"
#include "client/redis_link.h"

struct mrt_redis_swap {
	struct mrt_redis *to;
	const struct mrt_run *run;
	const struct mrt_redis_copy_options *options;
	const redisReply *functions;        /* FUNCTION DUMP's answer, or NULL */
	const redisReply *functions_before; /* set: the target's, to go back to */
	long long client;                   /* CLIENT ID of to; 0: not known */
};

/* Everything is built and counted. On failure it is as it was before, or the error says that it is
 * not known. */
int mrt_redis_swap_in(struct mrt_redis_swap *swap, struct mrt_error *err);
/* It was not: takes away what was built. */
void mrt_redis_swap_give_up(struct mrt_redis_swap *swap);

#endif
