/* archive.c - reads a pg_dump custom-format archive as it streams by.
 *
 * A state machine over fields: a field is an int, a string, a byte or a fixed run of bytes, may be
 * cut anywhere by the chunks we are fed, and is handed to take_field() when it is whole. Contents
 * of data blocks never become fields: they are counted where they lie.
 */
#include "codec/pg/archive.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define KEPT_MAX 65536 /* of a string; definitions may be long and are not kept at all */
#define ENTRIES_MAX 50000000

enum field {
	F_MAGIC,
	F_COMPRESSION_INT,
	F_COMPRESSION_BYTE,
	F_TIME,
	F_DATABASE,
	F_SERVER_VERSION,
	F_DUMP_VERSION,
	F_COUNT,
	E_ID,
	E_HAS_DATA,
	E_TABLE_OID,
	E_OID,
	E_TAG,
	E_DESC,
	E_SECTION,
	E_DEFINITION,
	E_DROP,
	E_COPY,
	E_SCHEMA,
	E_TABLESPACE,
	E_METHOD,
	E_RELKIND,
	E_OWNER,
	E_OIDS,
	E_DEPENDENCY,
	E_OFFSET,
	B_TYPE,
	B_ID,
	B_OBJECT,
	B_LENGTH,
	B_BYTES
};
enum shape { BYTE, INT, TEXT, SKIP, FIXED };

static const unsigned char shapes[] = {
	[F_MAGIC] = FIXED,
	[F_COMPRESSION_INT] = INT,
	[F_COMPRESSION_BYTE] = BYTE,
	[F_TIME] = INT,
	[F_DATABASE] = TEXT,
	[F_SERVER_VERSION] = TEXT,
	[F_DUMP_VERSION] = TEXT,
	[F_COUNT] = INT,
	[E_ID] = INT,
	[E_HAS_DATA] = INT,
	[E_TABLE_OID] = SKIP,
	[E_OID] = SKIP,
	[E_TAG] = TEXT,
	[E_DESC] = TEXT,
	[E_SECTION] = INT,
	[E_DEFINITION] = SKIP,
	[E_DROP] = SKIP,
	[E_COPY] = SKIP,
	[E_SCHEMA] = TEXT,
	[E_TABLESPACE] = SKIP,
	[E_METHOD] = SKIP,
	[E_RELKIND] = INT,
	[E_OWNER] = TEXT,
	[E_OIDS] = SKIP,
	[E_DEPENDENCY] = SKIP,
	[E_OFFSET] = FIXED,
	[B_TYPE] = BYTE,
	[B_ID] = INT,
	[B_OBJECT] = INT,
	[B_LENGTH] = INT,
	[B_BYTES] = FIXED,
};

#define MAGIC_SIZE 11                       /* "PGDMP", 3 version bytes, intsize, offsize, format */
static const char copy_end[] = "\\.\n\n\n"; /* what pg_dump writes after the last row */
#define COPY_END 5

struct mrt_pgarchive {
	struct mrt_pgarchive_info info;
	enum field field;
	unsigned repeat; /* of F_TIME */
	unsigned int_size, offset_size;
	/* the field being read */
	unsigned char number[16];
	size_t have; /* bytes of number, or of the fixed run */
	bool length_known, null;
	uint64_t left; /* bytes of the string or chunk still to come */
	struct mrt_buf text;
	/* the entry being read */
	uint64_t to_come;
	int32_t id;
	bool has_data;
	char *tag, *desc, *schema;
	/* entries with data; tables are in info */
	int32_t blobs_to_come; /* entries with large objects whose block has not come */
	/* the block being read */
	unsigned char block;
	struct mrt_pgarchive_table *table;
	char tail[COPY_END];
	struct mrt_pgarchive_ref *refs;
	size_t n_refs, cap_refs, cap_tables;
};

int mrt_pgarchive_new(struct mrt_pgarchive **ret, struct mrt_error *err)
{
	struct mrt_pgarchive *a = calloc(1, sizeof(*a));
	if (!a)
		return mrt_no_memory(err);
	a->text = MRT_BUF_INIT;
	*ret = a;
	return 0;
}

static void free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void mrt_pgarchive_free(struct mrt_pgarchive *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->info.n_tables; i++) {
		free(a->info.tables[i].schema);
		free(a->info.tables[i].name);
	}
	free(a->info.tables);
	free_list(a->info.extensions, a->info.n_extensions);
	free_list(a->info.owners, a->info.n_owners);
	free(a->info.database);
	free(a->info.server_version);
	free(a->info.dump_version);
	free(a->tag);
	free(a->desc);
	free(a->schema);
	free(a->refs);
	mrt_buf_release(&a->text);
	free(a);
}

const struct mrt_pgarchive_info *mrt_pgarchive_info(const struct mrt_pgarchive *a)
{
	return &a->info;
}

static int corrupt(const struct mrt_pgarchive *a, const char *what, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "pg_dump archive, byte %" PRIu64 ": %s", a->info.size,
	                what);
}

/* sign byte, then the magnitude, little-endian; oids above 2^31 come as negative ints */
static bool int_value(const struct mrt_pgarchive *a, int64_t *ret)
{
	uint64_t n = 0;
	for (unsigned i = a->int_size; i > 0; i--)
		n = n << 8 | a->number[i];
	if (n > UINT32_MAX || a->number[0] > 1)
		return false;
	*ret = a->number[0] ? -(int64_t)n : (int64_t)n;
	return true;
}

static int add_text(char ***list, size_t *n, const char *text, struct mrt_error *err)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*list)[i], text) == 0)
			return 0;
	char **grown = realloc(*list, (*n + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	*list = grown;
	int rc = mrt_text_dup(text, &grown[*n], err);
	if (rc == 0)
		++*n;
	return rc;
}

/* Which entry with data has which dump id; sorted by id once the table of contents is over. */
struct mrt_pgarchive_ref {
	int32_t id;
	bool blobs, done;
	size_t table;
};

static int remember_id(struct mrt_pgarchive *a, size_t table, bool blobs, struct mrt_error *err)
{
	if (a->id < 0 || a->id > ENTRIES_MAX)
		return corrupt(a, "a dump id out of range", err);
	if (a->n_refs == a->cap_refs) {
		size_t cap = a->cap_refs ? 2 * a->cap_refs : 64;
		struct mrt_pgarchive_ref *grown = realloc(a->refs, cap * sizeof(*grown));
		if (!grown)
			return mrt_no_memory(err);
		a->refs = grown;
		a->cap_refs = cap;
	}
	a->refs[a->n_refs++] =
	        (struct mrt_pgarchive_ref) { .id = a->id, .blobs = blobs, .table = table };
	return 0;
}

static int by_id(const void *x, const void *y)
{
	int32_t a = ((const struct mrt_pgarchive_ref *)x)->id;
	int32_t b = ((const struct mrt_pgarchive_ref *)y)->id;
	return (a > b) - (a < b);
}

static int sort_ids(struct mrt_pgarchive *a, struct mrt_error *err)
{
	if (a->n_refs > 0)
		qsort(a->refs, a->n_refs, sizeof(*a->refs), by_id);
	for (size_t i = 1; i < a->n_refs; i++)
		if (a->refs[i - 1].id == a->refs[i].id)
			return corrupt(a, "two entries with one dump id", err);
	return 0;
}

static int add_table(struct mrt_pgarchive *a, struct mrt_error *err)
{
	if (!a->tag)
		return corrupt(a, "table data without a name", err);
	if (a->info.n_tables == a->cap_tables) {
		size_t cap = a->cap_tables ? 2 * a->cap_tables : 64;
		struct mrt_pgarchive_table *grown = realloc(a->info.tables, cap * sizeof(*grown));
		if (!grown)
			return mrt_no_memory(err);
		a->info.tables = grown;
		a->cap_tables = cap;
	}
	int rc = remember_id(a, a->info.n_tables, false, err);
	if (rc < 0)
		return rc;
	char *schema = mrt_steal(a->schema);
	if (!schema && (rc = mrt_text_dup("", &schema, err)) < 0)
		return rc;
	a->info.tables[a->info.n_tables++] = (struct mrt_pgarchive_table) {
		.dump_id = a->id, .schema = schema, .name = mrt_steal(a->tag)
	};
	return 0;
}

static int end_entry(struct mrt_pgarchive *a, struct mrt_error *err)
{
	int rc = 0;
	const char *desc = a->desc ? a->desc : "";
	if (a->has_data && strcmp(desc, "TABLE DATA") == 0)
		rc = add_table(a, err);
	else if (a->has_data && (strcmp(desc, "BLOBS") == 0)) {
		/* 17 and later write several such entries; each id may come once */
		rc = remember_id(a, 0, true, err);
		a->blobs_to_come++;
	} else if (a->has_data)
		rc = mrt_fail(err, MRT_CORRUPT,
		              "pg_dump archive, byte %" PRIu64 ": data of unknown kind '%.40s'",
		              a->info.size, desc);
	else if (strcmp(desc, "EXTENSION") == 0 && a->tag)
		rc = add_text(&a->info.extensions, &a->info.n_extensions, a->tag, err);
	a->has_data = false;
	free(mrt_steal(a->tag));
	free(mrt_steal(a->desc));
	free(mrt_steal(a->schema));
	a->field = --a->to_come > 0 ? E_ID : B_TYPE;
	return rc < 0 || a->to_come > 0 ? rc : sort_ids(a, err);
}

static int take_magic(struct mrt_pgarchive *a, struct mrt_error *err)
{
	const unsigned char *m = a->number;
	if (memcmp(m, "PGDMP", 5) != 0)
		return corrupt(a, "this is no pg_dump archive", err);
	a->info.version_major = m[5];
	a->info.version_minor = m[6];
	if (m[5] != 1 || m[6] < 14 || m[6] > 16)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "pg_dump archive of version %u.%u (1.14 to 1.16 are known)", m[5],
		                m[6]);
	a->int_size = m[8];
	a->offset_size = m[9];
	if (m[8] < 4 || m[8] > 8 || m[9] < 1 || m[9] > 8)
		return corrupt(a, "impossible sizes of numbers", err);
	if (m[10] != 1)
		return corrupt(a, "not in custom format", err);
	a->field = m[6] >= 15 ? F_COMPRESSION_BYTE : F_COMPRESSION_INT;
	return 0;
}

static int take_text(struct mrt_pgarchive *a, struct mrt_error *err)
{
	char **to = NULL;
	switch (a->field) {
	case F_DATABASE:
		to = &a->info.database;
		break;
	case F_SERVER_VERSION:
		to = &a->info.server_version;
		break;
	case F_DUMP_VERSION:
		to = &a->info.dump_version;
		break;
	case E_TAG:
		to = &a->tag;
		break;
	case E_DESC:
		to = &a->desc;
		break;
	case E_SCHEMA:
		to = &a->schema;
		break;
	default:
		if (!a->null && a->text.len > 0)
			return add_text(&a->info.owners, &a->info.n_owners, a->text.data, err);
		return 0;
	}
	if (a->null)
		return 0;
	if (memchr(mrt_buf_text(&a->text), '\0', a->text.len))
		return corrupt(a, "a NUL byte in a name", err);
	return mrt_text_dup(mrt_buf_text(&a->text), to, err);
}

static int take_number(struct mrt_pgarchive *a, int64_t n, struct mrt_error *err)
{
	switch (a->field) {
	case F_COUNT:
		if (n < 0 || n > ENTRIES_MAX)
			return corrupt(a, "an impossible number of entries", err);
		a->info.entries = a->to_come = (uint64_t)n;
		a->field = n > 0 ? E_ID : B_TYPE;
		return 0;
	case E_ID:
		a->id = (int32_t)n;
		break;
	case E_HAS_DATA:
		if (n != 0 && n != 1)
			return corrupt(a, "an entry that is neither with nor without data", err);
		a->has_data = n == 1;
		break;
	case F_TIME:
		if (++a->repeat < 7)
			return 0;
		break;
	case F_COMPRESSION_INT:
	case F_COMPRESSION_BYTE:
		if (n != 0)
			return corrupt(a, "compressed inside; its rows cannot be counted", err);
		a->field = F_TIME;
		return 0;
	default:
		break;
	}
	a->field++;
	if (a->field == E_RELKIND && a->info.version_minor < 16)
		a->field++;
	return 0;
}

static int begin_block(struct mrt_pgarchive *a, int64_t id, struct mrt_error *err)
{
	const struct mrt_pgarchive_ref key = { .id = (int32_t)id };
	struct mrt_pgarchive_ref *ref = NULL;
	if (a->n_refs > 0 && id == key.id)
		ref = bsearch(&key, a->refs, a->n_refs, sizeof(key), by_id);
	if (!ref || ref->blobs != (a->block == 3))
		return corrupt(a, "a data block that no entry announces", err);
	if (ref->done)
		return corrupt(a, "a second data block for one table", err);
	ref->done = true;
	memset(a->tail, 0, sizeof(a->tail));
	a->table = ref->blobs ? NULL : &a->info.tables[ref->table];
	a->blobs_to_come -= ref->blobs;
	a->field = ref->blobs ? B_OBJECT : B_LENGTH;
	return 0;
}

static int end_chunks(struct mrt_pgarchive *a, struct mrt_error *err)
{
	if (a->block == 3) {
		a->info.large_objects++;
		a->field = B_OBJECT;
		return 0;
	}
	struct mrt_pgarchive_table *t = a->table;
	if (memcmp(a->tail, copy_end, COPY_END) != 0)
		return mrt_fail(err, MRT_CORRUPT,
		                "pg_dump archive, byte %" PRIu64
		                ": the rows of %s.%s do not end with \"\\.\"",
		                a->info.size, t->schema, t->name);
	t->rows -= 3; /* the newlines of copy_end */
	t->done = true;
	a->field = B_TYPE;
	return 0;
}

static int take_block(struct mrt_pgarchive *a, int64_t n, struct mrt_error *err)
{
	switch (a->field) {
	case B_TYPE:
		if (n != 1 && n != 3)
			return corrupt(a, "an unknown kind of data block", err);
		a->block = (unsigned char)n;
		a->field = B_ID;
		return 0;
	case B_ID:
		return begin_block(a, n, err);
	case B_OBJECT:
		a->field = n == 0 ? B_TYPE : B_LENGTH;
		return 0;
	default:
		if (n < 0)
			return corrupt(a, "a chunk of negative length", err);
		a->left = (uint64_t)n;
		if (n == 0)
			return end_chunks(a, err);
		a->field = B_BYTES;
		return 0;
	}
}

/* Counts newlines in a form that compilers make vector code of. */
static size_t newlines(const char *p, size_t len)
{
	size_t total = 0;
	while (len > 0) {
		size_t n = len < 255 ? len : 255;
		unsigned char count = 0; /* cannot overflow in 255 steps */
		for (size_t i = 0; i < n; i++)
			count = (unsigned char)(count + (p[i] == '\n'));
		total += count;
		p += n;
		len -= n;
	}
	return total;
}

static void count_bytes(struct mrt_pgarchive *a, const char *p, size_t len)
{
	struct mrt_pgarchive_table *t = a->table;
	if (!t)
		return;
	t->bytes += len;
	t->rows += newlines(p, len);
	if (len >= COPY_END) {
		memcpy(a->tail, p + len - COPY_END, COPY_END);
	} else {
		memmove(a->tail, a->tail + len, COPY_END - len);
		memcpy(a->tail + COPY_END - len, p, len);
	}
}

/* Takes what it can of a field at p; returns how many bytes that was, 1 in *whole when it ended. */
static size_t gather(struct mrt_pgarchive *a, const unsigned char *p, size_t len, bool *whole)
{
	enum shape shape = shapes[a->field];
	bool counting = shape == BYTE || shape == FIXED || !a->length_known;
	if (counting) {
		size_t want = shape == BYTE          ? 1
		              : a->field == F_MAGIC  ? MAGIC_SIZE
		              : a->field == E_OFFSET ? 1 + a->offset_size
		                                     : 1 + a->int_size;
		size_t n = want - a->have < len ? want - a->have : len;
		memcpy(a->number + a->have, p, n);
		a->have += n;
		*whole = a->have == want;
		return n;
	}
	size_t n = a->left < len ? (size_t)a->left : len;
	if (shape == TEXT)
		mrt_buf_add(&a->text, p, n);
	a->left -= n;
	*whole = a->left == 0;
	return n;
}

static int take_string_length(struct mrt_pgarchive *a, bool *ended, struct mrt_error *err)
{
	int64_t n;
	if (!int_value(a, &n) || n < -1)
		return corrupt(a, "an impossible length", err);
	if (n > KEPT_MAX && shapes[a->field] == TEXT)
		return corrupt(a, "a name longer than 64 KiB", err);
	a->null = n == -1;
	a->left = n > 0 ? (uint64_t)n : 0;
	a->length_known = true;
	a->have = 0;
	*ended = n <= 0;
	return 0;
}

static int end_string(struct mrt_pgarchive *a, struct mrt_error *err)
{
	int rc = mrt_buf_check(&a->text, err);
	if (rc == 0 && shapes[a->field] == TEXT)
		rc = take_text(a, err);
	mrt_buf_clear(&a->text);
	a->length_known = false;
	if (a->field != E_DEPENDENCY || a->null) {
		a->field++;
		if (a->field == E_RELKIND && a->info.version_minor < 16)
			a->field++;
	}
	return rc;
}

static int take_field(struct mrt_pgarchive *a, struct mrt_error *err)
{
	int64_t n = 0;
	switch (shapes[a->field]) {
	case TEXT:
	case SKIP:
		if (!a->length_known) {
			bool ended = false;
			int rc = take_string_length(a, &ended, err);
			if (rc < 0 || !ended)
				return rc;
		}
		return end_string(a, err);
	case FIXED:
		a->have = 0;
		return a->field == F_MAGIC ? take_magic(a, err) : end_entry(a, err);
	case BYTE:
		n = a->number[0];
		break;
	default:
		if (!int_value(a, &n))
			return corrupt(a, "an impossible number", err);
	}
	a->have = 0;
	return a->field >= B_TYPE ? take_block(a, n, err) : take_number(a, n, err);
}

int mrt_pgarchive_feed(struct mrt_pgarchive *a, const void *data, size_t len, struct mrt_error *err)
{
	const unsigned char *p = data, *end = p + len;
	while (p < end) {
		if (a->field == B_LENGTH && a->have == 0 && a->int_size == 4 && end - p >= 5 &&
		    p[0] == 0 && p[4] < 128 && (p[1] | p[2] | p[3] | p[4])) {
			/* pg_dump writes a chunk per row: the short way for whole lengths */
			a->left = p[1] | (uint64_t)p[2] << 8 | (uint64_t)p[3] << 16 |
			          (uint64_t)p[4] << 24;
			a->field = B_BYTES;
			p += 5;
			a->info.size += 5;
		}
		if (a->field == B_BYTES) {
			size_t n =
			        a->left < (size_t)(end - p) ? (size_t)a->left : (size_t)(end - p);
			count_bytes(a, (const char *)p, n);
			p += n;
			a->info.size += n;
			a->left -= n;
			if (a->left == 0)
				a->field = B_LENGTH;
			continue;
		}
		bool whole = false;
		size_t n = gather(a, p, (size_t)(end - p), &whole);
		p += n;
		a->info.size += n;
		int rc = whole ? take_field(a, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mrt_pgarchive_end(struct mrt_pgarchive *a, struct mrt_error *err)
{
	if (a->info.size == 0)
		return corrupt(a, "it is empty", err);
	if (a->field != B_TYPE || a->have > 0)
		return corrupt(a, "the archive ends in the middle", err);
	for (size_t i = 0; i < a->info.n_tables; i++)
		if (!a->info.tables[i].done)
			return mrt_fail(err, MRT_CORRUPT,
			                "pg_dump archive, byte %" PRIu64
			                ": it ends before the rows of %s.%s",
			                a->info.size, a->info.tables[i].schema,
			                a->info.tables[i].name);
	if (a->blobs_to_come != 0)
		return corrupt(a, "it ends before the large objects", err);
	return 0;
}
