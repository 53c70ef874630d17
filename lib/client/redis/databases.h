/* databases.h - which databases are copied, and how far that is. */
#ifndef MRT_CLIENT_REDIS_DATABASES_H
#define MRT_CLIENT_REDIS_DATABASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mrt_redis_copy_database {
	uint64_t number;
	uint64_t keys, expires; /* what the copy must have; those that expire may be fewer */
	uint64_t before;        /* set: keys that the target had */
	uint64_t copied;        /* set: keys that it has now */
	uint64_t staging;       /* set: where it is built */
	bool begun;             /* set: it is ours, and something of ours is there */
	uint64_t sent;          /* set: keys that we put there, at most */
	uint64_t left_out;      /* set: keys of the backup that another restore left */
};
struct mrt_redis_copy_options {
	struct mrt_redis_copy_database *databases;
	size_t n;
	bool functions;     /* libraries are copied, too */
	bool may_not_empty; /* what the target's databases hold is given up */
};

#endif
