/* redis_link.h - bytes to and from a Redis server; only for redis.c. */
#ifndef MRT_CLIENT_REDIS_LINK_H
#define MRT_CLIENT_REDIS_LINK_H

#include "client/redis.h"

#include <openssl/ssl.h>

#define MRT_REDIS_CHUNK ((size_t)1 << 18)

struct mrt_redis {
	int fd;
	SSL_CTX *context;
	SSL *ssl; /* NULL: plain */
	struct mrt_redis_options options;
	char *host, *port, *path, *user, *password, *where;
	int64_t db;
	bool tls;
	char *in; /* MRT_REDIS_CHUNK bytes, of which [from, to) are not used yet */
	size_t from, to;
};

/* MRT_UNREACHABLE: where it was, and what happened. */
int mrt_redis_lost(const struct mrt_redis *redis, const char *what, struct mrt_error *err);
int mrt_redis_connect_local(struct mrt_redis *redis, const struct mrt_run *run,
                            struct mrt_error *err);
int mrt_redis_connect_remote(struct mrt_redis *redis, const struct mrt_run *run,
                             struct mrt_error *err);
int mrt_redis_start_tls(struct mrt_redis *redis, const struct mrt_run *run, struct mrt_error *err);
int mrt_redis_send(struct mrt_redis *redis, const struct mrt_run *run, const char *data, size_t len,
                   struct mrt_error *err);
/* At least one byte more into redis->in. */
int mrt_redis_receive(struct mrt_redis *redis, const struct mrt_run *run, struct mrt_error *err);

#endif
