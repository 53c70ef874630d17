/* basebackup.h - BASE_BACKUP of the streaming replication protocol (PostgreSQL 15 and newer;
 * source: the server's manual, "Streaming Replication Protocol"). */
#ifndef MRT_CLIENT_PG_BASEBACKUP_H
#define MRT_CLIENT_PG_BASEBACKUP_H

#include "client/pg/connection.h"

struct mrt_pg_tablespace {
	const char *oid, *location; /* NULL: the data directory itself */
	uint64_t size;              /* bytes, as the server reckons */
};
struct mrt_pg_basebackup_start {
	uint64_t lsn;
	unsigned timeline;
	const struct mrt_pg_tablespace *tablespaces;
	size_t n_tablespaces;
};

struct mrt_pg_basebackup_options {
	const char *label;
	bool spread;                    /* wait for an ordinary checkpoint, else ask for one now */
	bool allow_damaged;             /* wrong page checksums do not fail it */
	uint64_t max_rate;              /* bytes a second; 0: no limit */
	const char *manifest_checksums; /* "CRC32C", "SHA256" */
	int compression_level;          /* zstd in the server; 0: none */
};

/* Called in this order: start; for each archive archive, then data; manifest, then data. A negative
 * result ends the backup and is returned. */
struct mrt_pg_basebackup_ops {
	int (*start)(void *context, const struct mrt_pg_basebackup_start *start,
	             struct mrt_error *err);
	int (*archive)(void *context, const char *oid, struct mrt_error *err); /* NULL: the base */
	int (*manifest)(void *context, struct mrt_error *err);
	int (*data)(void *context, const void *data, size_t len, struct mrt_error *err);
	void (*progress)(void *context, uint64_t done); /* the server's own count of bytes */
};

struct mrt_pg_basebackup_end {
	uint64_t lsn;
	unsigned timeline;
	bool damaged; /* pages with wrong checksums were seen, and allowed */
};

/* In a connection with replication=database. WAL is part of the base archive; the caller sees to it
 * that the server keeps it so long. 0 only when the server said that all is well. MRT_BAD: pages
 * with wrong checksums (SQLSTATE XX001), reported after all data. */
int mrt_pg_basebackup(struct mrt_pg *pg, const struct mrt_context *ctx,
                      const struct mrt_pg_basebackup_options *options,
                      const struct mrt_pg_basebackup_ops *ops, void *context,
                      struct mrt_pg_basebackup_end *ret, struct mrt_error *err);

#endif
