/* copy.h - the keys of one Redis into another that runs: built beside, then swapped in.
 *
 * Each database is copied with SCAN, DUMP and RESTORE into a database of the target that nobody
 * uses; when all are there and counted, one transaction of SWAPDB puts them in place. Until then
 * what clients see is untouched, and after it everything is there.
 * Source: the manuals of Redis' commands DUMP, RESTORE (ABSTTL), SWAPDB, FUNCTION RESTORE.
 */
#ifndef MRT_CLIENT_REDIS_COPY_H
#define MRT_CLIENT_REDIS_COPY_H

#include "client/redis/connection.h"
#include "client/redis/databases.h"

/* What the target is, whether it has room to build beside, and how many keys its databases hold
 * (databases[].before). Changes nothing. MRT_UNSUPPORTED: a cluster, a replica, too few databases.
 */
int mrt_redis_copy_look(struct mrt_redis *to, const struct mrt_context *ctx,
                        const struct mrt_redis_copy_options *options, struct mrt_error *err);
/* After a look at the same server, short before. MRT_CHANGED: a database that was empty is not any
 * more; nothing is changed then, as after every other failure, unless the error says so. A killed
 * process leaves the databases it built in; they are logged first. */
int mrt_redis_copy(struct mrt_redis *from, struct mrt_redis *to, const struct mrt_context *ctx,
                   const struct mrt_redis_copy_options *options, struct mrt_error *err);

#endif
