/* basebackup.c - a base backup's tars against its manifest. */
#include "codec/pg/basebackup.h"
#include "base/text.h"
#include "codec/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 1024

/* A file of the side that came first: 16 bytes in a table with open addressing. */
struct slot {
	uint64_t path;  /* hash of the path; 0: free */
	uint64_t proof; /* of its digest; the lowest bit: the other side has it, too */
};
struct table {
	struct slot *slots;
	size_t n, size; /* size: a power of two */
	bool whole;     /* every file is in it */
};
#define TABLE_SLOTS ((size_t)512 << 10)
_Static_assert(MRT_PGBASE_NAMED <= TABLE_SLOTS * 3 / 4, "a table needs room to search in");

struct side {
	uint64_t sum[4], files;
};

enum side_name { TARS, MANIFEST };

struct mrt_pgbase {
	struct mrt_pgbase_options how;
	struct mrt_pgbase_info info;
	struct mrt_tar *tar;
	struct mrt_pgmanifest *manifest;
	struct mrt_pgwal wal;
	struct side sides[2];
	struct table table;
	bool any, manifest_first, is_sha256;
	char algorithm[16], oid[16];
	/* the file at hand */
	char path[PATH_MAX_BYTES];
	uint64_t size;
	enum { NONE, PLAIN, WAL } kind;
	uint32_t crc;
	struct mrt_digest *digest;
};

static int table_grow(struct table *t, struct mrt_error *err)
{
	size_t size = t->size ? t->size * 2 : 4096;
	struct slot *slots = calloc(size, sizeof(*slots));
	if (!slots)
		return mrt_no_memory(err);
	for (size_t i = 0; i < t->size; i++) {
		if (t->slots[i].path == 0)
			continue;
		size_t at = t->slots[i].path & (size - 1);
		while (slots[at].path != 0)
			at = (at + 1) & (size - 1);
		slots[at] = t->slots[i];
	}
	free(t->slots);
	t->slots = slots;
	t->size = size;
	return 0;
}

static struct slot *table_find(const struct table *t, uint64_t path)
{
	if (t->size == 0)
		return NULL;
	size_t at = path & (t->size - 1);
	while (t->slots[at].path != 0 && t->slots[at].path != path)
		at = (at + 1) & (t->size - 1);
	return &t->slots[at];
}

static uint64_t hash_path(const char *path)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
	for (const char *p = path; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	h ^= h >> 32;
	return h ? h : 1;
}

static int table_add(struct table *t, uint64_t path, uint64_t proof, const char *text,
                     struct mrt_error *err)
{
	if (!t->whole || t->n == MRT_PGBASE_NAMED) {
		t->whole = false;
		return 0;
	}
	int rc = t->n + 1 > t->size * 3 / 4 ? table_grow(t, err) : 0;
	if (rc < 0)
		return rc;
	struct slot *s = table_find(t, path);
	if (s->path == path)
		return mrt_fail(err, MRT_CORRUPT, "%s is there twice", text);
	*s = (struct slot) { path, proof & ~UINT64_C(1) };
	t->n++;
	return 0;
}

static int table_compare(struct table *t, uint64_t path, uint64_t proof, const char *text,
                         bool from_tar, struct mrt_error *err)
{
	struct slot *s = table_find(t, path);
	if (!s || s->path == 0) {
		if (!t->whole)
			return 0; /* the sums will tell */
		return mrt_fail(err, MRT_CORRUPT, "%s is %s", text,
		                from_tar ? "not in backup_manifest" : "missing in the backup");
	}
	if (s->proof & 1)
		return mrt_fail(err, MRT_CORRUPT, "%s is there twice", text);
	if (s->proof != (proof & ~UINT64_C(1)))
		return mrt_fail(err, MRT_CORRUPT,
		                "%s: its size or checksum is not that of backup_manifest", text);
	s->proof |= 1;
	return 0;
}

static int add_file(struct mrt_pgbase *b, enum side_name name, const char *path, uint64_t size,
                    const char *checksum, struct mrt_error *err)
{
	char text[PATH_MAX_BYTES + 256];
	uint64_t words[4];
	unsigned char digest[MRT_SHA256_SIZE];
	_Static_assert(sizeof(words) == sizeof(digest), "a digest is four words");
	int n = snprintf(text, sizeof(text), "%s%c%" PRIu64 "%c%s", path, 0, size, 0, checksum);
	if (n >= (int)sizeof(text))
		return mrt_fail(err, MRT_CORRUPT, "the path '%.80s...' is too long", path);
	int rc = mrt_sha256(text, (size_t)n, digest, err);
	if (rc < 0)
		return rc;
	memcpy(words, digest, sizeof(words));
	struct side *side = &b->sides[name];
	for (size_t i = 0; i < 4; i++)
		side->sum[i] += words[i];
	side->files++;
	bool first = (name == MANIFEST) == b->manifest_first;
	return first ? table_add(&b->table, hash_path(path), words[0], path, err)
	             : table_compare(&b->table, hash_path(path), words[0], path, name == TARS, err);
}

static int choose_algorithm(struct mrt_pgbase *b, const char *name, struct mrt_error *err)
{
	b->is_sha256 = strcmp(name, "SHA256") == 0;
	if (!b->is_sha256 && strcmp(name, "CRC32C") != 0 && strcmp(name, "NONE") != 0)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "backup_manifest has checksums of the kind '%.20s'", name);
	snprintf(b->algorithm, sizeof(b->algorithm), "%s", name);
	return 0;
}

static int manifest_file(void *context, const struct mrt_pgmanifest_file *file,
                         struct mrt_error *err)
{
	struct mrt_pgbase *b = context;
	int rc = *b->algorithm ? 0 : choose_algorithm(b, file->algorithm, err);
	if (rc == 0 && strcmp(file->algorithm, b->algorithm) != 0)
		rc = mrt_fail(err, MRT_CORRUPT, "%s has a checksum of the kind '%.20s', not %s",
		              file->path, file->algorithm, b->algorithm);
	return rc < 0 ? rc : add_file(b, MANIFEST, file->path, file->size, file->checksum, err);
}

static int path_of(struct mrt_pgbase *b, const char *name, struct mrt_error *err)
{
	int n = *b->oid ? snprintf(b->path, sizeof(b->path), "pg_tblspc/%s/%s", b->oid, name)
	                : snprintf(b->path, sizeof(b->path), "%s", name);
	if (n >= (int)sizeof(b->path) || !mrt_tar_name_safe(name))
		return mrt_fail(err, MRT_CORRUPT, "the backup has the impossible path '%.80s'",
		                name);
	return 0;
}

static int begin_file(struct mrt_pgbase *b, const struct mrt_tar_entry *entry,
                      struct mrt_error *err)
{
	const char *slash = strrchr(b->path, '/');
	bool wal = !*b->oid && strncmp(b->path, "pg_wal/", 7) == 0;
	b->size = entry->size;
	b->kind = wal && slash == b->path + 6 && mrt_pgwal_is_segment(slash + 1) ? WAL : PLAIN;
	b->crc = 0;
	if (b->kind == WAL) {
		b->info.wal_segments++;
		b->info.wal_bytes += entry->size;
		return mrt_pgwal_begin(&b->wal, slash + 1, entry->size, err);
	}
	b->info.files++;
	b->info.bytes += entry->size;
	if (!*b->oid && strcmp(b->path, "tablespace_map") == 0)
		b->info.has_tablespace_map = true;
	return b->is_sha256 ? mrt_digest_new(&b->digest, err) : 0;
}

static int on_begin(void *context, const struct mrt_tar_entry *entry, struct mrt_error *err)
{
	struct mrt_pgbase *b = context;
	/* the data directory or tablespace itself */
	if (strcmp(entry->name, ".") == 0 && entry->type == MRT_TAR_DIRECTORY)
		return 0;
	int rc = path_of(b, entry->name, err);
	if (rc == 0 && entry->type == MRT_TAR_FILE)
		rc = begin_file(b, entry, err);
	if (rc < 0 || !b->how.ops)
		return rc;
	struct mrt_tar_entry whole = *entry;
	whole.name = b->path;
	return b->how.ops->begin(b->how.context, &whole, err);
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct mrt_pgbase *b = context;
	int rc = 0;
	if (b->kind == WAL)
		rc = mrt_pgwal_data(&b->wal, data, len, err);
	else if (b->kind == PLAIN && b->is_sha256)
		rc = mrt_digest_add(b->digest, data, len, err);
	else if (b->kind == PLAIN)
		b->crc = mrt_crc32c(b->crc, data, len);
	return rc == 0 && b->how.ops ? b->how.ops->data(b->how.context, data, len, err) : rc;
}

static int end_file(struct mrt_pgbase *b, struct mrt_error *err)
{
	char hex[MRT_SHA256_HEX] = "";
	int rc = 0;
	if (b->is_sha256)
		rc = mrt_digest_end(b->digest, hex, err);
	else if (strcmp(b->algorithm, "CRC32C") == 0)
		for (size_t i = 0; i < 4; i++) /* its bytes, little-endian */
			snprintf(hex + 2 * i, 3, "%02x", b->crc >> (8 * i) & 0xff);
	mrt_digest_free(mrt_steal(b->digest));
	return rc < 0 ? rc : add_file(b, TARS, b->path, b->size, hex, err);
}

static int on_end(void *context, struct mrt_error *err)
{
	struct mrt_pgbase *b = context;
	if (!*b->path)
		return 0;
	int rc = b->kind == PLAIN ? end_file(b, err) : 0;
	if (rc == 0 && b->how.ops)
		rc = b->how.ops->end(b->how.context, err);
	b->kind = NONE;
	b->path[0] = '\0';
	return rc;
}

int mrt_pgbase_new(const struct mrt_pgbase_options *options, struct mrt_pgbase **ret,
                   struct mrt_error *err)
{
	mrt_auto(mrt_pgbase) *b = calloc(1, sizeof(*b));
	if (!b)
		return mrt_no_memory(err);
	b->how = *options;
	b->table.whole = true;
	b->wal.system_identifier = options->system_identifier;
	b->kind = NONE;
	int rc = mrt_pgmanifest_new(manifest_file, b, &b->manifest, err);
	if (rc == 0 && options->algorithm)
		rc = choose_algorithm(b, options->algorithm, err);
	if (rc == 0)
		*ret = mrt_steal(b);
	return rc;
}

void mrt_pgbase_free(struct mrt_pgbase *b)
{
	if (!b)
		return;
	mrt_tar_free(b->tar);
	mrt_pgmanifest_free(b->manifest);
	mrt_digest_free(b->digest);
	free(b->table.slots);
	free(b);
}

static int in_archive(const struct mrt_pgbase *b, int rc, struct mrt_error *err)
{
	return rc == MRT_CORRUPT && *b->oid ? mrt_prefix(err, rc, "tablespace %s", b->oid) : rc;
}

int mrt_pgbase_archive(struct mrt_pgbase *b, const char *oid, struct mrt_error *err)
{
	static const struct mrt_tar_ops ops = { on_begin, on_data, on_end };
	int rc = mrt_pgbase_archives_end(b, err);
	b->any = true;
	snprintf(b->oid, sizeof(b->oid), "%s", oid ? oid : "");
	return rc < 0 ? rc : mrt_tar_new(&ops, b, &b->tar, err);
}

int mrt_pgbase_feed(struct mrt_pgbase *b, const void *data, size_t len, struct mrt_error *err)
{
	int rc = mrt_tar_feed(b->tar, data, len, err);
	return rc < 0 ? in_archive(b, rc, err) : 0;
}

int mrt_pgbase_archives_end(struct mrt_pgbase *b, struct mrt_error *err)
{
	if (!b->tar)
		return 0;
	int rc = mrt_tar_end(b->tar, err);
	mrt_tar_free(mrt_steal(b->tar));
	return rc < 0 ? in_archive(b, rc, err) : 0;
}

int mrt_pgbase_manifest(struct mrt_pgbase *b, const void *data, size_t len, struct mrt_error *err)
{
	if (!b->any)
		b->manifest_first = true;
	return mrt_pgmanifest_feed(b->manifest, data, len, err);
}

int mrt_pgbase_manifest_end(struct mrt_pgbase *b, struct mrt_error *err)
{
	return mrt_pgmanifest_end(b->manifest, err);
}

static int check_wal(const struct mrt_pgbase *b, struct mrt_error *err)
{
	const struct mrt_pgmanifest_info *info = mrt_pgmanifest_info(b->manifest);
	int rc = info->n_ranges == 0
	                 ? mrt_fail(err, MRT_CORRUPT, "backup_manifest names no range of WAL")
	                 : 0;
	if (rc == 0 && info->system_identifier != 0 && b->wal.system_identifier != 0 &&
	    info->system_identifier != b->wal.system_identifier)
		rc = mrt_fail(err, MRT_CORRUPT,
		              "the WAL is of the system %" PRIu64
		              "; backup_manifest is of %" PRIu64,
		              b->wal.system_identifier, info->system_identifier);
	for (size_t i = 0; rc == 0 && i < info->n_ranges; i++)
		rc = mrt_pgwal_covers(&b->wal, info->ranges[i].start, info->ranges[i].end, err);
	return rc;
}

int mrt_pgbase_end(struct mrt_pgbase *b, struct mrt_error *err)
{
	const struct side *tars = &b->sides[TARS], *manifest = &b->sides[MANIFEST];
	if (tars->files != manifest->files)
		return mrt_fail(err, MRT_CORRUPT,
		                "the backup has %" PRIu64 " files; backup_manifest lists %" PRIu64,
		                tars->files, manifest->files);
	if (memcmp(tars->sum, manifest->sum, sizeof(tars->sum)) != 0)
		return mrt_fail(err, MRT_CORRUPT,
		                "the files are not those of backup_manifest: at least one differs");
	return check_wal(b, err);
}

const struct mrt_pgbase_info *mrt_pgbase_info(const struct mrt_pgbase *b)
{
	return &b->info;
}

const struct mrt_pgmanifest_info *mrt_pgbase_manifest_info(const struct mrt_pgbase *b)
{
	return mrt_pgmanifest_info(b->manifest);
}

bool mrt_pgbase_missing(const struct mrt_pgbase *b, const char *path)
{
	bool all = b->table.whole && b->manifest_first;
	const struct slot *s = all ? table_find(&b->table, hash_path(path)) : NULL;
	return s && s->path != 0 && !(s->proof & 1);
}
