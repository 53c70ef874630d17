/* channel.h - c-ares under our deadline. */
#ifndef MRT_CLIENT_DNS_CHANNEL_H
#define MRT_CLIENT_DNS_CHANNEL_H

#include "client/dns/options.h"

#include <ares.h>

/* flags: ARES_FLAG_...; server: "ADDRESS:PORT" instead of options->resolver, or NULL. */
int mrt_dns_channel_open(const struct mrt_dns_options *options, int flags, const char *server,
                         ares_channel *ret, struct mrt_error *err);
/* Until *done, or the deadline (monotonic ns). */
int mrt_dns_channel_wait(const struct mrt_context *ctx, ares_channel channel, const bool *done,
                         int64_t deadline, struct mrt_error *err);

#endif
