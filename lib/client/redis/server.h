/* server.h - a private Redis on a unix socket: the sandbox's, and what snapshots are loaded
 * into to prove that they can be. */
#ifndef MRT_CLIENT_REDIS_SERVER_H
#define MRT_CLIENT_REDIS_SERVER_H

#include "client/redis/connection.h"

#define MRT_REDIS_SERVER_FILE "dump.rdb"

struct mrt_redis_server_options {
	const char *dir;       /* there, and the server's own: socket, log, and the snapshot */
	bool load;             /* dir/dump.rdb is there: load it, with every value looked into */
	uint64_t databases;    /* at least so many; 0: Redis' default */
	int64_t start_timeout; /* ns until it answers */
	int64_t load_timeout;  /* ns until the snapshot is loaded */
};

struct mrt_redis_server;
/* Runs it as an unprivileged user (mrt_unprivileged). MRT_NOT_FOUND: redis-server is not installed.
 * MRT_BAD: it does not load the snapshot; its own last words. MRT_UNSUPPORTED: it ended for another
 * reason. */
int mrt_redis_server_start(const struct mrt_context *ctx,
                           const struct mrt_redis_server_options *options,
                           struct mrt_redis_server **ret, struct mrt_error *err);
/* Stops it and leaves the directory. */
void mrt_redis_server_free(struct mrt_redis_server *server);
MRT_DEFINE_AUTO(mrt_redis_server)
/* "unix:///dir/redis.sock" */
const char *mrt_redis_server_url(const struct mrt_redis_server *server);
/* A connection to this server and to no other: the process that was started must listen there. */
int mrt_redis_server_connect(const struct mrt_redis_server *server, const struct mrt_context *ctx,
                             const struct mrt_redis_options *options, struct mrt_redis **ret,
                             struct mrt_error *err);

/* The version of the redis-server that would be started, "7.0.15". MRT_NOT_FOUND: none. */
int mrt_redis_server_version(const struct mrt_context *ctx, char *ret, size_t size,
                             struct mrt_error *err);

#endif
