/* run.h - a private PostgreSQL and Redis in a directory of their own, for one command. */
#ifndef MRT_OPS_SANDBOX_RUN_H
#define MRT_OPS_SANDBOX_RUN_H

#include "config/settings.h"

/* Starts the servers and a file:// store, runs argv with DATABASE_URL, REDIS_URL (where
 * redis-server is installed), MARATEA_STORE and MARATEA_SANDBOX in its environment, stops
 * everything, removes the directory. *ret_status: the command's exit status (128 + n when a signal
 * ended it). */
int mrt_sandbox_run(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *const *argv, int *ret_status, struct mrt_error *err);

#endif
