/* rdb.h - a Redis snapshot (RDB) looked at while it passes: is it whole, and what is in it?
 *
 * Every opcode and value is walked through to the end and its checksum, in memory that does not
 * grow with the data. Nothing is decompressed or kept but counts and the auxiliary fields.
 * Source: Redis' rdb.c and rdb.h, versions 9 to 12 of the format (Redis 5 to 7.4).
 */
#ifndef MRT_CODEC_RDB_H
#define MRT_CODEC_RDB_H

#include "base/buf.h"

#include <stdint.h>

struct mrt_rdb_database {
	uint64_t number, keys, expires; /* expires: keys with a time to live */
};
struct mrt_rdb_info {
	unsigned version;        /* of the format */
	char redis_version[32];  /* "7.0.15", or empty */
	char replication_id[64]; /* or empty */
	char replication_offset[32];
	struct mrt_rdb_database *databases; /* in the order of the file */
	size_t n_databases;
	uint64_t keys;          /* of all of them */
	uint64_t functions;     /* libraries */
	struct mrt_buf modules; /* names of modules whose data is in it, each ended by "\n" */
	bool checksum;          /* false: the server does not make one (rdbchecksum no) */
};

struct mrt_rdb;
int mrt_rdb_new(struct mrt_rdb **ret, struct mrt_error *err);
void mrt_rdb_free(struct mrt_rdb *rdb);
MRT_DEFINE_AUTO(mrt_rdb)
/* MRT_CORRUPT tells what is wrong at which byte; MRT_UNSUPPORTED: a type this does not know. */
int mrt_rdb_feed(struct mrt_rdb *rdb, const void *data, size_t len, struct mrt_error *err);
/* No more data: MRT_CORRUPT when it was cut. */
int mrt_rdb_end(struct mrt_rdb *rdb, struct mrt_error *err);
const struct mrt_rdb_info *mrt_rdb_info(const struct mrt_rdb *rdb);

/* CRC-64 of Jones' polynomial as Redis uses it, going on from crc, which is 0 at first. */
uint64_t mrt_crc64_jones(uint64_t crc, const void *data, size_t len);

#endif
