/* physical_read.h - a physical backup read back: every byte checked, each file against the server's
 * backup_manifest, WAL for itself. */
#ifndef MRT_OPS_RESTORE_PHYSICAL_READ_H
#define MRT_OPS_RESTORE_PHYSICAL_READ_H

#include "codec/pg/basebackup.h"
#include "repository/content.h"

struct mrt_physical_reader {
	const struct mrt_context *ctx;
	struct mrt_store *store;
	const struct mrt_manifest *manifest;
	/* who wants the bytes, too: both may be NULL. Entries as in codec/pg/basebackup.h */
	const struct mrt_tar_ops *ops;
	int (*on_manifest)(void *context, const void *data, size_t len, struct mrt_error *err);
	void *context;
};
struct mrt_physical_found {
	uint64_t objects, files, bytes, wal_segments;
};
/* MRT_CORRUPT names the first file or object that is not as it should be. */
int mrt_physical_read(const struct mrt_physical_reader *reader, struct mrt_physical_found *ret,
                      struct mrt_error *err);

/* A tablespace of the backup, from the manifest. */
struct mrt_physical_tablespace {
	const char *oid, *location, *object;
	uint64_t size;
};
/* The i-th; MRT_NOT_FOUND behind the last. */
int mrt_physical_tablespace(const struct mrt_manifest *manifest, size_t i,
                            struct mrt_physical_tablespace *ret, struct mrt_error *err);

#endif
