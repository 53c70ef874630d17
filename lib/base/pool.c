/* pool.c - a fixed number of equal buffers, allocated at first use. */
#include "base/pool.h"

#include <pthread.h>

struct mrt_pool {
	pthread_mutex_t lock;
	pthread_cond_t given;
	size_t size;
	unsigned count, out, n_idle; /* out: buffers in use */
	void **idle;
};

int mrt_pool_new(size_t buffer_size, unsigned count, struct mrt_pool **ret, struct mrt_error *err)
{
	struct mrt_pool *pool = calloc(1, sizeof(*pool));
	void **idle = calloc(count, sizeof(*idle));
	if (!pool || !idle) {
		free(pool);
		free(idle);
		return mrt_no_memory(err);
	}
	pool->size = buffer_size;
	pool->count = count;
	pool->idle = idle;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->given, &attr);
	pthread_condattr_destroy(&attr);
	*ret = pool;
	return 0;
}

void mrt_pool_free(struct mrt_pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < pool->n_idle; i++)
		free(pool->idle[i]);
	free(pool->idle);
	pthread_cond_destroy(&pool->given);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

size_t mrt_pool_buffer_size(const struct mrt_pool *pool)
{
	return pool->size;
}

static void *take_locked(struct mrt_pool *pool)
{
	void *buffer = pool->n_idle > 0 ? pool->idle[--pool->n_idle] : malloc(pool->size);
	if (buffer)
		pool->out++;
	return buffer;
}

int mrt_pool_acquire(struct mrt_pool *pool, const struct mrt_context *ctx, void **ret,
                     struct mrt_error *err)
{
	pthread_mutex_lock(&pool->lock);
	int rc = 0;
	while (pool->out >= pool->count && (rc = mrt_context_check(ctx, err)) == 0) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += 100 * MRT_MILLISECOND;
		until.tv_sec += until.tv_nsec / MRT_SECOND;
		until.tv_nsec %= MRT_SECOND;
		pthread_cond_timedwait(&pool->given, &pool->lock, &until);
	}
	void *buffer = rc == 0 ? take_locked(pool) : NULL;
	pthread_mutex_unlock(&pool->lock);
	if (rc < 0)
		return rc;
	if (!buffer)
		return mrt_no_memory(err);
	*ret = buffer;
	return 0;
}

void *mrt_pool_take(struct mrt_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	void *buffer = NULL;
	if (pool->out + MRT_POOL_RESERVE < pool->count)
		buffer = take_locked(pool);
	pthread_mutex_unlock(&pool->lock);
	return buffer;
}

void mrt_pool_give(struct mrt_pool *pool, void *buffer)
{
	if (!buffer)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->idle[pool->n_idle++] = buffer;
	pool->out--;
	pthread_cond_signal(&pool->given);
	pthread_mutex_unlock(&pool->lock);
}
