/* connection.h - a connection to a Redis server, plain, over TLS or a unix socket.
 *
 * Commands are formatted, and replies read, by hiredis; the connection is ours, and so are its
 * deadlines. A snapshot comes over the replication link, as replicas get it: nothing is written to
 * the server's disk by us, and no other program is needed.
 * Source: Redis' protocol specification (RESP2), redis-cli's and replication.c's use of SYNC.
 */
#ifndef MRT_CLIENT_REDIS_CONNECTION_H
#define MRT_CLIENT_REDIS_CONNECTION_H

#include "base/buf.h"
#include "client/redis/options.h"

struct mrt_redis;
/* url: redis[s]://[[user]:password@]host[:port][/db] or unix://[[user]:password@]path[?db=N].
 * Connects and authenticates. MRT_CONFIG, MRT_UNREACHABLE, MRT_REFUSED. */
int mrt_redis_connect(const struct mrt_context *ctx, const char *url,
                      const struct mrt_redis_options *options, struct mrt_redis **ret,
                      struct mrt_error *err);
void mrt_redis_free(struct mrt_redis *redis);
MRT_DEFINE_AUTO(mrt_redis)
/* "host:port" or the socket's path, for messages. */
const char *mrt_redis_where(const struct mrt_redis *redis);

/* The database that the URL names, or -1. */
int64_t mrt_redis_database(const struct mrt_redis *redis);

/* The reply's text (a status, a bulk string, a number) is appended to ret, which may be NULL. An
 * error reply is MRT_REFUSED in the server's words. words end in NULL. */
int mrt_redis_command(struct mrt_redis *redis, const struct mrt_context *ctx,
                      const char *const *words, struct mrt_buf *ret, struct mrt_error *err);
/* The value of a field of INFO's text, copied into ret; "" when there is none. */
void mrt_redis_info(const char *info, const char *field, char *ret, size_t size);

/* "db3:keys=2,expires=1" of INFO's text: the keys of a database, and those with a time to live. */
void mrt_redis_keyspace(const char *info, const char *database, uint64_t *ret_keys,
                        uint64_t *ret_expires);

/* Asks for a snapshot and gives each() its bytes; 0 when the stream ended where it was announced
 * to. While the server prepares it, each() is called with no bytes from time to time. The
 * connection is of no use afterwards. */
int mrt_redis_snapshot(struct mrt_redis *redis, const struct mrt_context *ctx,
                       int (*each)(void *context, const void *data, size_t len,
                                   struct mrt_error *err),
                       void *context, struct mrt_error *err);

#endif
