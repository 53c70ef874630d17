/* archive.h - reads a pg_dump custom-format archive as it streams by, to its last byte.
 *
 * Source: PostgreSQL, src/bin/pg_dump/pg_backup_archiver.c and pg_backup_custom.c. The layout of
 * versions 1.14 (PostgreSQL 12 to 15), 1.15 and 1.16 (16 and later), written to a pipe:
 *
 *   "PGDMP" major minor revision intsize offsize format(1)
 *   compression (1.14: int; from 1.15: byte)
 *   seconds minutes hours day month year isdst: 7 ints
 *   database, server version, pg_dump version: 3 strings
 *   number of entries: int, then per entry:
 *     dump id, has data: ints; table oid, oid, tag, description: strings; section: int;
 *     definition, drop, copy statement, namespace, tablespace, access method: strings;
 *     (1.16: relkind: int;) owner, "false": strings; dependencies: strings, ended by a NULL;
 *     offset: flag byte + offsize bytes
 *   then until the end of the file, per entry with data:
 *     0x01, dump id, chunks                              (table data)
 *     0x03, dump id, { large object's oid, chunks } 0    (large objects)
 *   chunks: { length int, bytes } length 0
 *
 *   int: sign byte + intsize bytes, little-endian; string: int length (-1: NULL) + bytes.
 *
 * A table of contents proves nothing (pg_restore -l accepts a cut archive); mrt_pgarchive_end()
 * does: every entry with data had its ended block, and nothing follows. The data must be
 * uncompressed inside; rows are counted from it.
 */
#ifndef MRT_CODEC_PG_ARCHIVE_H
#define MRT_CODEC_PG_ARCHIVE_H

#include "base/buf.h"

#include <stdint.h>

struct mrt_pgarchive_table {
	int32_t dump_id;
	char *schema, *name;
	uint64_t rows, bytes;
	bool done;
};

struct mrt_pgarchive_info {
	unsigned version_major, version_minor; /* of the archive: 1.14 ... */
	char *database, *server_version, *dump_version;
	struct mrt_pgarchive_table *tables; /* TABLE DATA entries, in the archive's order */
	size_t n_tables;
	char **extensions, **owners;
	size_t n_extensions, n_owners;
	uint64_t entries;       /* in the table of contents */
	uint64_t large_objects; /* that had data */
	uint64_t size;          /* bytes fed */
};

struct mrt_pgarchive;

int mrt_pgarchive_new(struct mrt_pgarchive **ret, struct mrt_error *err);
void mrt_pgarchive_free(struct mrt_pgarchive *archive);
MRT_DEFINE_AUTO(mrt_pgarchive)
/* The next bytes; MRT_CORRUPT names the offset in the archive. */
int mrt_pgarchive_feed(struct mrt_pgarchive *archive, const void *data, size_t len,
                       struct mrt_error *err);
/* There are no more bytes: MRT_CORRUPT unless the archive is whole. */
int mrt_pgarchive_end(struct mrt_pgarchive *archive, struct mrt_error *err);
/* Valid as long as the archive; whole after mrt_pgarchive_end(). */
const struct mrt_pgarchive_info *mrt_pgarchive_info(const struct mrt_pgarchive *archive);

#endif
