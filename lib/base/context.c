/* context.c - waiting that can be interrupted. */
#include "base/context.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Signals interrupt the main thread's poll at once; other threads look up this often. */
#define SLICE (100 * MRT_MILLISECOND)

int mrt_context_check(const struct mrt_context *ctx, struct mrt_error *err)
{
	if (ctx->signal && *ctx->signal)
		return mrt_fail(err, MRT_CANCELLED, "interrupted by %s",
		                *ctx->signal == SIGINT   ? "SIGINT"
		                : *ctx->signal == SIGHUP ? "SIGHUP"
		                                         : "SIGTERM");
	if (ctx->abort && *ctx->abort)
		return mrt_fail(err, MRT_CANCELLED, "stopped because another part failed");
	if (ctx->deadline && mrt_clock_monotonic() >= ctx->deadline)
		return mrt_fail(err, MRT_DEADLINE, "the time limit of --timeout has passed");
	return 0;
}

int mrt_context_poll(const struct mrt_context *ctx, int fd, short events, int64_t wait_ns,
                     short *ret_events, struct mrt_error *err)
{
	int64_t end = wait_ns < 0 ? INT64_MAX : mrt_clock_monotonic() + wait_ns;
	for (;;) {
		int rc = mrt_context_check(ctx, err);
		if (rc < 0)
			return rc;
		int64_t left = end - mrt_clock_monotonic();
		if (left < 0)
			left = 0;
		int64_t slice = left < SLICE ? left : SLICE;
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, fd >= 0 ? 1 : 0,
		             (int)((slice + MRT_MILLISECOND - 1) / MRT_MILLISECOND));
		if (n < 0 && errno != EINTR)
			return mrt_fail_errno(err, errno, "wait");
		if (n > 0 || left == 0) {
			*ret_events = n > 0 ? p.revents : 0;
			return 0;
		}
	}
}

int mrt_context_sleep(const struct mrt_context *ctx, int64_t ns, struct mrt_error *err)
{
	short events;
	return mrt_context_poll(ctx, -1, 0, ns, &events, err);
}

void mrt_random_hex(size_t n_bytes, char *ret)
{
	unsigned char raw[32];
	mrt_assert(n_bytes <= sizeof(raw));
	mrt_random(raw, n_bytes);
	mrt_hex(raw, n_bytes, ret);
}

void mrt_uuid_make(char ret[MRT_UUID_SIZE])
{
	unsigned char raw[16];
	char hex[33];
	mrt_random(raw, sizeof(raw));
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
	mrt_hex(raw, sizeof(raw), hex);
	snprintf(ret, MRT_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
	         hex + 20);
}

void mrt_random(void *ret, size_t len)
{
	/* up to 256 bytes getrandom() neither fails nor returns short once the pool is ready */
	unsigned char *p = ret;
	while (len > 0) {
		ssize_t n = getrandom(p, len < 256 ? len : 256, 0);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}
