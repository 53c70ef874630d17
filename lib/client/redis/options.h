/* options.h - how a connection to a Redis server is made. */
#ifndef MRT_CLIENT_REDIS_OPTIONS_H
#define MRT_CLIENT_REDIS_OPTIONS_H

#include "client/dns/options.h"

#include <sys/types.h>

struct mrt_redis_options {
	struct mrt_dns_options dns;
	const char *ca_file;     /* PEM bundle instead of the system's, or NULL */
	int64_t connect_timeout; /* ns: names, connection, TLS, AUTH */
	int64_t stall_timeout;   /* ns without a byte */
	pid_t peer; /* the process that must listen at the other end of the socket; 0: any */
};

#endif
