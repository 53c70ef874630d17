/* wal.h - are passing WAL segments whole? (source: PostgreSQL's access/xlog_internal.h)
 *
 * A segment is a file of pages; each begins with a header that names its own address, so that a
 * missing, cut, or recycled page shows. Records are not parsed: their CRCs are recovery's business.
 */
#ifndef MRT_CODEC_PG_WAL_H
#define MRT_CODEC_PG_WAL_H

#include "base/error.h"

#include <stdint.h>

#define MRT_PGWAL_NAME 24 /* "000000010000000000000002" */

struct mrt_pgwal {
	uint64_t system_identifier; /* 0 until the first segment, then it must be this */
	uint64_t from, to;          /* LSNs of the unbroken chain so far; equal: none */
	uint64_t segments, size;    /* how many, and bytes of each */
	/* the segment at hand */
	char name[MRT_PGWAL_NAME + 1];
	uint64_t start, offset;
	uint32_t timeline, page_size;
	unsigned char header[40];
	bool broken; /* the rest of the segment is old */
};

/* Is this a segment's name? */
bool mrt_pgwal_is_segment(const char *name);
/* Segments come in order. MRT_CORRUPT names the segment. */
int mrt_pgwal_begin(struct mrt_pgwal *wal, const char *name, uint64_t size, struct mrt_error *err);
int mrt_pgwal_data(struct mrt_pgwal *wal, const void *data, size_t len, struct mrt_error *err);
/* Does the chain reach from start to end? */
int mrt_pgwal_covers(const struct mrt_pgwal *wal, uint64_t start, uint64_t end,
                     struct mrt_error *err);

#endif
