/* context.h - the circumstances of one piece of work: where it logs, when it must stop.
 *
 * main makes one; whatever blocks, logs or may be cancelled takes it first. A part that is to
 * be stopped on its own (one job of several) gets a copy with its own abort flag.
 */
#ifndef MRT_BASE_CONTEXT_H
#define MRT_BASE_CONTEXT_H

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"

#include <signal.h>

struct mrt_context {
	struct mrt_log *log;
	const volatile sig_atomic_t *signal; /* number of the signal that asks to stop, or 0 */
	atomic_int *abort;                   /* not 0: a sibling failed, stop quietly */
	int64_t deadline;                    /* monotonic ns; 0: none */
	int64_t (*wall)(void);               /* the clock that names and dates things */
	struct mrt_progress *progress;       /* may be NULL */
	/* Asks for a secret, without echo (mrt_secret_free()); NULL: nobody is there. */
	int (*ask)(const char *question, char **ret, struct mrt_error *err);
};

/* 0, or MRT_CANCELLED or MRT_DEADLINE with the reason. */
int mrt_context_check(const struct mrt_context *ctx, struct mrt_error *err);
/* Sleeps, but no longer than the work may last. */
int mrt_context_sleep(const struct mrt_context *ctx, int64_t ns, struct mrt_error *err);
/* Waits until fd is ready for events (poll(2)). ret_events is 0 when wait_ns passed first;
 * wait_ns < 0 waits as long as the work may last. */
int mrt_context_poll(const struct mrt_context *ctx, int fd, short events, int64_t wait_ns,
                     short *ret_events, struct mrt_error *err);
/* Cryptographically random bytes. */
void mrt_random(void *ret, size_t len);
/* The hex digits of so many random bytes; ret has 2 * n_bytes + 1. */
void mrt_random_hex(size_t n_bytes, char *ret);
/* A random UUID (RFC 4122, version 4). */
#define MRT_UUID_SIZE 37
void mrt_uuid_make(char ret[MRT_UUID_SIZE]);

static inline void mrt_context_progress(const struct mrt_context *ctx, uint64_t bytes)
{
	if (ctx->progress)
		atomic_fetch_add_explicit(&ctx->progress->done, bytes, memory_order_relaxed);
}

#define mrt_warn(ctx, ...) mrt_logf((ctx)->log, MRT_LOG_WARNING, __VA_ARGS__)
#define mrt_info(ctx, ...) mrt_logf((ctx)->log, MRT_LOG_INFO, __VA_ARGS__)
#define mrt_debug(ctx, ...) mrt_logf((ctx)->log, MRT_LOG_DEBUG, __VA_ARGS__)
/* "format: what the error says"; the log masks it. */
#define mrt_warn_because(ctx, why, ...) \
	mrt_log_error((ctx)->log, MRT_LOG_WARNING, why, false, __VA_ARGS__)
#define mrt_info_because(ctx, why, ...) \
	mrt_log_error((ctx)->log, MRT_LOG_INFO, why, false, __VA_ARGS__)
#define mrt_debug_because(ctx, why, ...) \
	mrt_log_error((ctx)->log, MRT_LOG_DEBUG, why, false, __VA_ARGS__)

#endif
