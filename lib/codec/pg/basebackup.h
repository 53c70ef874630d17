/* basebackup.h - the tars of a PostgreSQL base backup, compared in passing with its
 * backup_manifest.
 *
 * Every file's size and checksum goes, together with its path, into a sum that does not depend on
 * the order; the same is done with the lines of the manifest; at the end both sums must be equal.
 * Whichever side comes first is also kept in a table (up to MRT_PGBASE_NAMED files, 8 MiB), so that
 * the other side can name the first file that differs. Only WAL segments are not in the manifest:
 * they are checked as codec/pg/wal.h says, and must reach over the manifest's WAL ranges.
 */
#ifndef MRT_CODEC_PG_BASEBACKUP_H
#define MRT_CODEC_PG_BASEBACKUP_H

#include "codec/pg/manifest.h"
#include "codec/pg/wal.h"
#include "codec/tar.h"

#define MRT_PGBASE_NAMED ((size_t)384 << 10)

/* ops: who wants the entries too (restore), with the path under the data directory, in tablespaces
 * "pg_tblspc/<oid>/...". end() comes after the file's checksum proved right, if the manifest came
 * first. */
struct mrt_pgbase_options {
	const char
	        *algorithm; /* of the checksums when the tars come first; else the manifest says */
	uint64_t system_identifier;    /* that WAL must be of; 0: not known */
	const struct mrt_tar_ops *ops; /* or NULL */
	void *context;
};

struct mrt_pgbase_info {
	uint64_t files, bytes; /* in the tars, WAL apart */
	uint64_t wal_segments, wal_bytes;
	bool has_tablespace_map;
};

struct mrt_pgbase;
int mrt_pgbase_new(const struct mrt_pgbase_options *options, struct mrt_pgbase **ret,
                   struct mrt_error *err);
void mrt_pgbase_free(struct mrt_pgbase *base);
MRT_DEFINE_AUTO(mrt_pgbase)

/* The next archive begins: oid of a tablespace, or NULL: the base. The one before ends. */
int mrt_pgbase_archive(struct mrt_pgbase *base, const char *oid, struct mrt_error *err);
int mrt_pgbase_feed(struct mrt_pgbase *base, const void *data, size_t len, struct mrt_error *err);
/* The last archive ends. */
int mrt_pgbase_archives_end(struct mrt_pgbase *base, struct mrt_error *err);
/* The manifest: before all archives, or behind them. */
int mrt_pgbase_manifest(struct mrt_pgbase *base, const void *data, size_t len,
                        struct mrt_error *err);
int mrt_pgbase_manifest_end(struct mrt_pgbase *base, struct mrt_error *err);
/* Both sides are there: are they the same, and is the WAL? MRT_CORRUPT. */
int mrt_pgbase_end(struct mrt_pgbase *base, struct mrt_error *err);

const struct mrt_pgbase_info *mrt_pgbase_info(const struct mrt_pgbase *base);
const struct mrt_pgmanifest_info *mrt_pgbase_manifest_info(const struct mrt_pgbase *base);
/* Was the file of this path in the tars? Only when the manifest came first and the table holds all:
 * to name what is missing. */
bool mrt_pgbase_missing(const struct mrt_pgbase *base, const char *path);

#endif
