/* link.h - bytes to and from a Redis server; only for the files of redis. */
#ifndef MRT_CLIENT_REDIS_LINK_H
#define MRT_CLIENT_REDIS_LINK_H

#include "base/buf.h"
#include "client/redis/options.h"

#include <hiredis/hiredis.h>
#include <openssl/ssl.h>

#define MRT_REDIS_CHUNK ((size_t)1 << 18)

struct mrt_redis {
	int fd;
	SSL_CTX *context;
	SSL *ssl; /* NULL: plain */
	struct mrt_redis_options options;
	char *url, *host, *port, *path, *user, *password, *where;
	int64_t db;
	bool tls;
	char *in; /* MRT_REDIS_CHUNK bytes, of which [from, to) are not used yet */
	size_t from, to;
	redisReader *replies; /* makes replies of them */
};

/* MRT_UNREACHABLE: where it was, and what happened. */
int mrt_redis_lost(const struct mrt_redis *redis, const char *what, struct mrt_error *err);
int mrt_redis_connect_local(struct mrt_redis *redis, const struct mrt_context *ctx,
                            struct mrt_error *err);
int mrt_redis_connect_remote(struct mrt_redis *redis, const struct mrt_context *ctx,
                             struct mrt_error *err);
int mrt_redis_start_tls(struct mrt_redis *redis, const struct mrt_context *ctx,
                        struct mrt_error *err);
int mrt_redis_send(struct mrt_redis *redis, const struct mrt_context *ctx, const char *data,
                   size_t len, struct mrt_error *err);
/* Appends a command to out, for mrt_redis_send(); lengths: of the n words. */
int mrt_redis_format(struct mrt_buf *out, size_t n, const char *const *words, const size_t *lengths,
                     struct mrt_error *err);
/* The next reply, an error reply too: freeReplyObject(). */
int mrt_redis_reply(struct mrt_redis *redis, const struct mrt_context *ctx, redisReply **ret,
                    struct mrt_error *err);
/* Sends a command of n words and gives its reply, which may be NULL; an error reply is MRT_REFUSED.
 * lengths: of the words, or NULL. */
int mrt_redis_ask(struct mrt_redis *redis, const struct mrt_context *ctx, size_t n,
                  const char *const *words, const size_t *lengths, redisReply **ret,
                  struct mrt_error *err);
int mrt_redis_select(struct mrt_redis *redis, const struct mrt_context *ctx, uint64_t database,
                     struct mrt_error *err);
/* Ends the connection; nothing more can be said over it. */
void mrt_redis_shut(struct mrt_redis *redis);
/* Another connection to the same server. */
int mrt_redis_again(const struct mrt_redis *redis, const struct mrt_context *ctx,
                    struct mrt_redis **ret, struct mrt_error *err);
/* At least one byte more into redis->in. */
int mrt_redis_receive(struct mrt_redis *redis, const struct mrt_context *ctx,
                      struct mrt_error *err);

#endif
