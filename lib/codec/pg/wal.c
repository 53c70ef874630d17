/* wal.c - the chain of page headers in WAL segments. */
#include "codec/pg/wal.h"
#include "codec/pg/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHORT_HEADER 16 /* of a page: what we look at */
#define LONG_HEADER 40  /* of a segment's first page */
#define HAS_LONG_HEADER 0x0002

bool mrt_pgwal_is_segment(const char *name)
{
	return strlen(name) == MRT_PGWAL_NAME && strspn(name, "0123456789ABCDEF") == MRT_PGWAL_NAME;
}

int mrt_pgwal_begin(struct mrt_pgwal *w, const char *name, uint64_t size, struct mrt_error *err)
{
	unsigned timeline, high, low;
	if (!mrt_pgwal_is_segment(name) || sscanf(name, "%8X%8X%8X", &timeline, &high, &low) != 3)
		return mrt_fail(err, MRT_CORRUPT, "'%.40s' is no WAL segment", name);
	bool possible = size >= (1u << 20) && size <= (1u << 30) && (size & (size - 1)) == 0;
	if (!possible || (w->size > 0 && size != w->size))
		return mrt_fail(err, MRT_CORRUPT, "the WAL segment %s has %" PRIu64 " bytes", name,
		                size);
	uint64_t start = ((uint64_t)high << 32) + (uint64_t)low * size;
	bool first = w->segments == 0, again = !first && start == w->start;
	if (low >= (UINT64_C(1) << 32) / size)
		return mrt_fail(err, MRT_CORRUPT, "'%.40s' is no WAL segment", name);
	if (!first && (start < w->start || (again && timeline <= w->timeline)))
		return mrt_fail(err, MRT_CORRUPT, "the WAL segment %s comes after %s", name,
		                w->name);
	/* where a timeline branched off, its first segment is the old one's over again */
	if (w->from == w->to || (w->to != start && !again))
		w->from = start;
	w->to = start;
	w->size = size;
	w->start = start;
	w->timeline = timeline;
	w->offset = 0;
	w->page_size = 0;
	w->broken = false;
	w->segments++;
	snprintf(w->name, sizeof(w->name), "%s", name);
	return 0;
}

static uint64_t number(const unsigned char *p, size_t len)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;
	switch (len) { /* in the byte order of the server, which is ours: it must restore here */
	case 2:
		memcpy(&two, p, 2);
		return two;
	case 4:
		memcpy(&four, p, 4);
		return four;
	default:
		memcpy(&eight, p, 8);
		return eight;
	}
}

static int first_page(struct mrt_pgwal *w, struct mrt_error *err)
{
	uint64_t sysid = number(w->header + 24, 8);
	uint32_t size = (uint32_t)number(w->header + 36, 4);
	if (!(number(w->header + 2, 2) & HAS_LONG_HEADER) || number(w->header + 8, 8) != w->start ||
	    number(w->header + 32, 4) != w->size || size < 1024 || size > 65536 ||
	    (size & (size - 1)) != 0)
		return mrt_fail(err, MRT_CORRUPT, "the WAL segment %s is damaged at its beginning",
		                w->name);
	if (w->system_identifier != 0 && sysid != w->system_identifier)
		return mrt_fail(err, MRT_CORRUPT,
		                "the WAL segment %s is of the system %" PRIu64 ", not %" PRIu64,
		                w->name, sysid, w->system_identifier);
	w->system_identifier = sysid;
	w->page_size = size;
	return 0;
}

/* A page's header is there. In the last segment old pages follow the new ones. */
static int page(struct mrt_pgwal *w, uint64_t at, struct mrt_error *err)
{
	int rc = at == 0 ? first_page(w, err) : 0;
	if (rc < 0 || w->broken)
		return rc;
	w->broken =
	        number(w->header + 8, 8) != w->start + at || number(w->header + 4, 4) > w->timeline;
	if (!w->broken)
		w->to = w->start + at + w->page_size;
	return 0;
}

int mrt_pgwal_data(struct mrt_pgwal *w, const void *data, size_t len, struct mrt_error *err)
{
	const unsigned char *p = data;
	while (len > 0) {
		uint64_t page_size = w->page_size ? w->page_size : w->size;
		uint64_t in = w->offset % page_size;
		size_t header = w->offset < page_size ? LONG_HEADER : SHORT_HEADER;
		size_t n = (size_t)(page_size - in) < len ? (size_t)(page_size - in) : len;
		if (in < header) {
			n = header - in < len ? (size_t)(header - in) : len;
			memcpy(w->header + in, p, n);
			int rc = in + n == header ? page(w, w->offset - in, err) : 0;
			if (rc < 0)
				return rc;
		}
		w->offset += n;
		p += n;
		len -= n;
	}
	return 0;
}

int mrt_pgwal_covers(const struct mrt_pgwal *w, uint64_t start, uint64_t end, struct mrt_error *err)
{
	if (w->from <= start && end <= w->to && w->from < w->to)
		return 0;
	char a[MRT_LSN_SIZE], b[MRT_LSN_SIZE], c[MRT_LSN_SIZE], d[MRT_LSN_SIZE];
	mrt_lsn_format(start, a);
	mrt_lsn_format(end, b);
	mrt_lsn_format(w->from, c);
	mrt_lsn_format(w->to, d);
	if (w->from == w->to)
		return mrt_fail(err, MRT_CORRUPT, "WAL from %s to %s is needed; there is none", a,
		                b);
	return mrt_fail(err, MRT_CORRUPT, "WAL from %s to %s is needed; unbroken is %s to %s", a, b,
	                c, d);
}
