/* backups.h - whole base backups of a few files, sound or not, and their reading in both orders. */
#ifndef MRT_TESTS_BACKUPS_H
#define MRT_TESTS_BACKUPS_H

#include "basebackup.h"

#include "codec/pg/basebackup.h"

#define SEGMENT ((uint32_t)1 << 20)
#define WAL_START ((uint64_t)8 * SEGMENT)

/* One file of a backup and what is wrong with it. */
struct piece {
	const char *archive, *name; /* archive NULL: the base */
	const char *data;
	unsigned in_tars, in_manifest; /* how often */
	const char *listed;            /* the content that the manifest means; NULL: data */
};

#define N_PIECES 7
static UNUSED const struct piece sound[N_PIECES] = {
	{ "16384", "PG_15_202209061/5/16385", "rows of a table in a tablespace", 1, 1, NULL },
	{ NULL, "backup_label", "START WAL LOCATION: 0/800028\n", 1, 1, NULL },
	{ NULL, "tablespace_map", "16384 /srv/ts\n", 1, 1, NULL },
	{ NULL, "PG_VERSION", "15\n", 1, 1, NULL },
	{ NULL, "base/1/empty", "", 1, 1, NULL },
	{ NULL, "base/1/16390", "rows of a table", 1, 1, NULL },
	{ NULL, "pg_wal/archive_status/000000010000000000000008.done", "", 1, 1, NULL },
};
enum { IN_SPACE, LABEL, MAP, VERSION, EMPTY, TABLE, STATUS }; /* indexes of sound */

struct backup {
	struct piece pieces[N_PIECES];
	const char *algorithm;
	const char *range_end;
	unsigned segments;
	/* made of the above */
	struct mrt_buf base, space, manifest;
};

static UNUSED struct backup backup_of(const char *algorithm)
{
	struct backup b = { .algorithm = algorithm, .range_end = "0/900100", .segments = 2 };
	memcpy(b.pieces, sound, sizeof(sound));
	return b;
}

static UNUSED void add_wal(struct mrt_buf *tar, uint64_t start)
{
	mrt_auto_buf segment = MRT_BUF_INIT;
	char name[25], path[40];
	wal_segment(&segment, 1, start, SEGMENT, WAL_PAGE);
	wal_name(1, start, SEGMENT, name);
	snprintf(path, sizeof(path), "pg_wal/%s", name);
	tar_file(tar, path, segment.data, segment.len);
}

static UNUSED void list_piece(struct backup *b, const struct piece *p)
{
	char path[200], checksum[MRT_SHA256_HEX];
	const char *data = p->listed ? p->listed : p->data;
	snprintf(path, sizeof(path), "%s%s%s%s", p->archive ? "pg_tblspc/" : "",
	         p->archive ? p->archive : "", p->archive ? "/" : "", p->name);
	checksum_hex(b->algorithm, data, strlen(data), checksum);
	for (unsigned i = 0; i < p->in_manifest; i++)
		manifest_file(&b->manifest, path, strlen(data), b->algorithm, checksum);
}

static UNUSED void write_backup(struct backup *b)
{
	b->base = b->space = b->manifest = MRT_BUF_INIT;
	manifest_begin(&b->manifest, WAL_SYSTEM);
	tar_header(&b->base, "./", '5', 0, "");
	tar_header(&b->space, "PG_15_202209061/", '5', 0, "");
	tar_header(&b->base, "pg_wal/", '5', 0, "");
	tar_header(&b->base, "pg_tblspc/16384", '2', 0, "/srv/ts");
	for (const struct piece *p = b->pieces; p < b->pieces + N_PIECES; p++) {
		for (unsigned i = 0; i < p->in_tars; i++)
			tar_file(p->archive ? &b->space : &b->base, p->name, p->data,
			         strlen(p->data));
		list_piece(b, p);
	}
	for (unsigned i = 0; i < b->segments; i++)
		add_wal(&b->base, WAL_START + i * SEGMENT);
	tar_end(&b->base);
	tar_end(&b->space);
	manifest_ranges(&b->manifest);
	manifest_range(&b->manifest, "1", "0/800028", b->range_end);
	manifest_end(&b->manifest);
}

static UNUSED void release_backup(struct backup *b)
{
	mrt_buf_release(&b->base);
	mrt_buf_release(&b->space);
	mrt_buf_release(&b->manifest);
}

typedef int feed_fn(struct mrt_pgbase *base, const void *data, size_t len, struct mrt_error *err);

static UNUSED int feed(feed_fn *to, struct mrt_pgbase *base, const struct mrt_buf *data,
                       size_t step, struct mrt_error *err)
{
	int rc = 0;
	for (size_t at = 0; rc == 0 && at < data->len;) {
		size_t n = step == 0 || step > data->len - at ? data->len - at : step;
		rc = to(base, data->data + at, n, err);
		at += n;
	}
	return rc;
}

static UNUSED int feed_manifest(struct mrt_pgbase *base, const struct backup *b, size_t step,
                                struct mrt_error *err)
{
	int rc = feed(mrt_pgbase_manifest, base, &b->manifest, step, err);
	return rc < 0 ? rc : mrt_pgbase_manifest_end(base, err);
}

static UNUSED int feed_tars(struct mrt_pgbase *base, const struct backup *b, size_t step,
                            struct mrt_error *err)
{
	int rc = mrt_pgbase_archive(base, "16384", err);
	if (rc == 0)
		rc = feed(mrt_pgbase_feed, base, &b->space, step, err);
	if (rc == 0)
		rc = mrt_pgbase_archive(base, NULL, err);
	if (rc == 0)
		rc = feed(mrt_pgbase_feed, base, &b->base, step, err);
	return rc < 0 ? rc : mrt_pgbase_archives_end(base, err);
}

enum order { TARS_FIRST, MANIFEST_FIRST };

/* *ret, when not NULL, is the reader, even after a failure; the caller frees it. */
static UNUSED int read_backup(const struct backup *b, enum order order, size_t step,
                              const struct mrt_pgbase_options *options, struct mrt_pgbase **ret,
                              struct mrt_error *err)
{
	mrt_auto(mrt_pgbase) *base = NULL;
	int rc = mrt_pgbase_new(options, &base, err);
	if (rc == 0 && order == MANIFEST_FIRST)
		rc = feed_manifest(base, b, step, err);
	if (rc == 0)
		rc = feed_tars(base, b, step, err);
	if (rc == 0 && order == TARS_FIRST)
		rc = feed_manifest(base, b, step, err);
	if (rc == 0)
		rc = mrt_pgbase_end(base, err);
	if (ret)
		*ret = mrt_steal(base);
	return rc;
}

/* Writes the backup, reads it in both orders, wants those words ("": it is right), releases it. */
static UNUSED void check(struct backup *b, const char *tars_first, const char *manifest_first)
{
	struct mrt_error err;
	static const size_t steps[] = { 0, 513 };
	const struct mrt_pgbase_options how = { .algorithm = b->algorithm };
	write_backup(b);
	for (size_t i = 0; i < COUNT(steps); i++)
		for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++) {
			const char *words = order == TARS_FIRST ? tars_first : manifest_first;
			if (!*words) {
				assert_ok(read_backup(b, order, steps[i], &how, NULL, &err));
				continue;
			}
			assert_code(MRT_CORRUPT, read_backup(b, order, steps[i], &how, NULL, &err));
			assert_string_equal(err.text.unmasked, words);
		}
	release_backup(b);
}

#endif
