/* manifest.h - PostgreSQL's backup_manifest, pushed in (source: the server's manual, "Backup
 * Manifest Format"; versions 1 and 2).
 *
 * It is JSON with one object a line, about 143 bytes for each file, and is never held as a whole.
 * Its last line is the SHA-256 of all bytes before it.
 */
#ifndef MRT_CODEC_PG_MANIFEST_H
#define MRT_CODEC_PG_MANIFEST_H

#include "base/auto.h"
#include "base/error.h"

#include <stdint.h>

struct mrt_pgmanifest_file {
	const char *path; /* under the data directory; bytes, not always UTF-8 */
	uint64_t size;
	const char *algorithm; /* "CRC32C", "SHA256", ...; "NONE" */
	const char *checksum;  /* lower-case hex, "" for NONE */
};

struct mrt_pgmanifest_range { /* of WAL that a consistent start needs */
	unsigned timeline;
	uint64_t start, end; /* LSNs */
};
#define MRT_PGMANIFEST_RANGES 16

struct mrt_pgmanifest_info {
	unsigned version;
	uint64_t system_identifier; /* 0: not in it (version 1) */
	uint64_t files, bytes;
	struct mrt_pgmanifest_range ranges[MRT_PGMANIFEST_RANGES];
	size_t n_ranges;
};

struct mrt_pgmanifest;
/* file is called for each file in order; may be NULL. */
int mrt_pgmanifest_new(int (*file)(void *context, const struct mrt_pgmanifest_file *file,
                                   struct mrt_error *err),
                       void *context, struct mrt_pgmanifest **ret, struct mrt_error *err);
void mrt_pgmanifest_free(struct mrt_pgmanifest *manifest);
MRT_DEFINE_AUTO(mrt_pgmanifest)
/* MRT_CORRUPT names the line. */
int mrt_pgmanifest_feed(struct mrt_pgmanifest *manifest, const void *data, size_t len,
                        struct mrt_error *err);
/* Complete, and its digest right? */
int mrt_pgmanifest_end(struct mrt_pgmanifest *manifest, struct mrt_error *err);
const struct mrt_pgmanifest_info *mrt_pgmanifest_info(const struct mrt_pgmanifest *manifest);

/* "0/2000028" */
int mrt_lsn_parse(const char *text, uint64_t *ret, struct mrt_error *err);
#define MRT_LSN_SIZE 20
void mrt_lsn_format(uint64_t lsn, char ret[MRT_LSN_SIZE]);

#endif
