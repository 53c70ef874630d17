/* pool.h - equal buffers with a fixed number of them: what bounds the memory of a whole process.
 *
 * Whoever holds a buffer either gives it back on its own or waits only for others that do, so
 * acquire() always returns in the end. take() is for luxury (reading ahead): it never waits and
 * leaves MRT_POOL_RESERVE buffers to those who need one.
 */
#ifndef MRT_BASE_POOL_H
#define MRT_BASE_POOL_H

#include "base/context.h"

#define MRT_POOL_RESERVE 2

struct mrt_pool;

int mrt_pool_new(size_t buffer_size, unsigned count, struct mrt_pool **ret, struct mrt_error *err);
void mrt_pool_free(struct mrt_pool *pool);
MRT_DEFINE_AUTO(mrt_pool)

size_t mrt_pool_buffer_size(const struct mrt_pool *pool);
int mrt_pool_acquire(struct mrt_pool *pool, const struct mrt_context *ctx, void **ret,
                     struct mrt_error *err);
void *mrt_pool_take(struct mrt_pool *pool); /* NULL: none to spare */
void mrt_pool_give(struct mrt_pool *pool, void *buffer);

#endif
