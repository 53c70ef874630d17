/* rdb.c - walks through a snapshot by a small stack of what is still to come.
 *
 *   "REDIS0010", then opcodes and keys: FA aux, FE database, FB its size, FC and FD expiry, F8 and
 *   F9 of eviction, F5 function, F7 of a module, else a type, a key and a value; FF, 8 bytes CRC-64
 *
 * Each step takes one token of a few bytes, or skips; a value pushes what it consists of.
 */
#include "codec/rdb.h"
#include "base/text.h"

#include <inttypes.h>
#include <isa-l/crc64.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_MAX 16
#define DEPTH_MAX 32
#define CAPTURE_MAX 63
#define DATABASES_MAX 65536

enum kind {
	HEADER,
	TOP,
	KEY,         /* a key's name, then it counts */
	SKIP,        /* n bytes */
	NUMBER,      /* n bytes of a little-endian integer in a string's place */
	COMPRESSED,  /* two lengths, and so many bytes as the first says */
	STRINGS,     /* n strings */
	LENS,        /* n lengths */
	SCORES_TEXT, /* n members, each with a score as text */
	SCORES,      /* n members, each with a score of 8 bytes */
	SCORE_TEXT,  /* one such score */
	CONTAINERS,  /* n nodes of a list, each with its kind */
	FIELDS_TTL,  /* n fields of a hash, each with its time to live */
	MODULE,      /* what a module wrote, up to its end */
	GROUPS,      /* n consumer groups of a stream */
	PENDING,     /* n pending entries */
	CONSUMERS,   /* n consumers */
	OF_LEN,      /* a length first: then so many of what */
	AUX_NAME,
	AUX_VALUE,
	SELECT,
	FUNCTION,
	MODULE_ID,
	CHECKSUM,
	DONE
};

struct todo {
	enum kind kind;
	enum kind what;   /* OF_LEN: of which kind */
	uint64_t n;       /* how many; OF_LEN: for each of the length */
	unsigned version; /* of a stream's format: 1, 2, 3 */
};

struct mrt_rdb {
	struct mrt_rdb_info info;
	struct todo stack[DEPTH_MAX];
	size_t depth;
	uint64_t crc, offset;
	unsigned char token[TOKEN_MAX];
	size_t have;
	const unsigned char *in, *end; /* of the piece at hand */
	bool expires;                  /* the next key has a time to live */
	/* a string that is kept */
	char name[CAPTURE_MAX + 1], *capture;
	size_t captured, to_capture;
};

uint64_t mrt_crc64_jones(uint64_t crc, const void *data, size_t len)
{
	return ~crc64_jones_refl(~crc, data, len);
}

int mrt_rdb_new(struct mrt_rdb **ret, struct mrt_error *err)
{
	struct mrt_rdb *r = calloc(1, sizeof(*r));
	if (!r)
		return mrt_no_memory(err);
	r->info.modules = MRT_BUF_INIT;
	r->stack[r->depth++] = (struct todo) { .kind = HEADER };
	*ret = r;
	return 0;
}

void mrt_rdb_free(struct mrt_rdb *r)
{
	if (!r)
		return;
	mrt_buf_release(&r->info.modules);
	free(r->info.databases);
	free(r);
}

const struct mrt_rdb_info *mrt_rdb_info(const struct mrt_rdb *r)
{
	return &r->info;
}

static int corrupt(const struct mrt_rdb *r, const char *what, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "RDB: %s, at byte %" PRIu64, what, r->offset);
}

/* n bytes of a token in one piece, or NULL when they are not all there yet. */
static const unsigned char *look(struct mrt_rdb *r, size_t n)
{
	size_t more = r->have < n ? n - r->have : 0;
	if (r->have == 0 && (size_t)(r->end - r->in) >= n)
		return r->in;
	if ((size_t)(r->end - r->in) < more)
		more = (size_t)(r->end - r->in);
	if (more > 0)
		memcpy(r->token + r->have, r->in, more);
	r->have += more;
	r->in += more;
	return r->have >= n ? r->token : NULL;
}

/* The token is used: it counts for the checksum. */
static void take_bytes(struct mrt_rdb *r, size_t n)
{
	if (r->have == 0) {
		r->crc = mrt_crc64_jones(r->crc, r->in, n);
		r->in += n;
	} else {
		r->crc = mrt_crc64_jones(r->crc, r->token, n);
		r->have -= n;
		memmove(r->token, r->token + n, r->have);
	}
	r->offset += n;
}

static int push(struct mrt_rdb *r, enum kind kind, uint64_t n, struct mrt_error *err)
{
	if (r->depth == DEPTH_MAX)
		return corrupt(r, "too deep", err);
	r->stack[r->depth++] = (struct todo) { .kind = kind, .n = n };
	return 0;
}

static int push_of_len(struct mrt_rdb *r, enum kind what, uint64_t each, unsigned version,
                       struct mrt_error *err)
{
	int rc = push(r, OF_LEN, each, err);
	if (rc == 0) {
		r->stack[r->depth - 1].what = what;
		r->stack[r->depth - 1].version = version;
	}
	return rc;
}

/* A length's token: bytes it has, 0 when its first byte is not there yet. */
static size_t len_size(struct mrt_rdb *r)
{
	const unsigned char *p = look(r, 1);
	if (!p)
		return 0;
	switch (*p >> 6) {
	case 0:
		return 1;
	case 1:
		return 2;
	case 2:
		return *p == 0x80 ? 5 : *p == 0x81 ? 9 : SIZE_MAX;
	default:
		return 1; /* an encoding */
	}
}

static uint64_t big_endian(const unsigned char *p, size_t n)
{
	uint64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

/* 1: a length; 2: an encoding of a string instead; 0: more is needed. */
static int take_len(struct mrt_rdb *r, uint64_t *ret, struct mrt_error *err)
{
	size_t n = len_size(r);
	if (n == SIZE_MAX)
		return corrupt(r, "an impossible length", err);
	const unsigned char *p = n > 0 ? look(r, n) : NULL;
	if (!p)
		return 0;
	bool encoding = *p >> 6 == 3;
	*ret = n == 1   ? *p & 63
	       : n == 2 ? (uint64_t)(*p & 63) << 8 | p[1]
	                : big_endian(p + 1, n - 1);
	take_bytes(r, n);
	return encoding ? 2 : 1;
}

static int plain_len(struct mrt_rdb *r, uint64_t *ret, struct mrt_error *err)
{
	int rc = take_len(r, ret, err);
	return rc == 2 ? corrupt(r, "an encoding where a length must be", err) : rc;
}

static void begin_capture(struct mrt_rdb *r, char *to, size_t size)
{
	r->capture = to;
	r->captured = 0;
	r->to_capture = size - 1;
	*to = '\0';
}

/* One string: its length, then its bytes by a SKIP; 1 when it was begun. */
static int begin_string(struct mrt_rdb *r, struct mrt_error *err)
{
	uint64_t n = 0;
	int rc = take_len(r, &n, err);
	if (rc <= 0)
		return rc;
	if (rc == 1)
		rc = push(r, SKIP, n, err);
	else if (n < 3)
		rc = push(r, NUMBER, (uint64_t)1 << n, err);
	else if (n == 3)
		rc = push(r, COMPRESSED, 0, err);
	else
		rc = corrupt(r, "an unknown encoding of a string", err);
	return rc < 0 ? rc : 1;
}

static int value_of(struct mrt_rdb *r, unsigned type, struct mrt_error *err)
{
	int rc;
	switch (type) {
	case 0: /* string */
	case 9: /* and what is kept as one: zipmap, ziplists, intset, listpacks */
	case 10:
	case 11:
	case 12:
	case 13:
	case 16:
	case 17:
	case 20:
		return push(r, STRINGS, 1, err);
	case 1: /* list, set */
	case 2:
	case 14: /* list of ziplists */
		return push_of_len(r, STRINGS, 1, 0, err);
	case 4: /* hash */
		return push_of_len(r, STRINGS, 2, 0, err);
	case 3:
		return push_of_len(r, SCORES_TEXT, 1, 0, err);
	case 5:
		return push_of_len(r, SCORES, 1, 0, err);
	case 7: /* a module's */
		rc = push(r, MODULE, 0, err);
		return rc < 0 ? rc : push(r, MODULE_ID, 0, err);
	case 18: /* list of listpacks, each with its container's kind */
		return push_of_len(r, CONTAINERS, 1, 0, err);
	case 15: /* streams, the older last */
	case 19:
	case 21: {
		unsigned version = type == 15 ? 1 : type == 19 ? 2 : 3;
		rc = push_of_len(r, GROUPS, 1, version, err);
		if (rc == 0)
			rc = push(r, LENS, version == 1 ? 3 : 8, err);
		return rc < 0 ? rc : push_of_len(r, STRINGS, 2, 0, err);
	}
	case 24: /* hash with times to live: the earliest first */
		rc = push_of_len(r, FIELDS_TTL, 1, 0, err);
		return rc < 0 ? rc : push(r, SKIP, 8, err);
	case 25:
		rc = push(r, STRINGS, 1, err);
		return rc < 0 ? rc : push(r, SKIP, 8, err);
	default:
		return mrt_fail(err, MRT_UNSUPPORTED, "RDB: type %u is not known, at byte %" PRIu64,
		                type, r->offset - 1);
	}
}

static struct mrt_rdb_database *database(struct mrt_rdb *r, uint64_t number, struct mrt_error *err)
{
	struct mrt_rdb_info *i = &r->info;
	if (i->n_databases == DATABASES_MAX) {
		corrupt(r, "too many databases", err);
		return NULL;
	}
	struct mrt_rdb_database *grown =
	        realloc(i->databases, (i->n_databases + 1) * sizeof(*grown));
	if (!grown) {
		mrt_no_memory(err);
		return NULL;
	}
	i->databases = grown;
	grown[i->n_databases] = (struct mrt_rdb_database) { .number = number };
	return &grown[i->n_databases++];
}

static int opcode(struct mrt_rdb *r, unsigned op, struct mrt_error *err)
{
	int rc;
	switch (op) {
	case 0xff:
		r->stack[r->depth - 1].kind = CHECKSUM;
		return 0;
	case 0xfe:
		return push(r, SELECT, 0, err);
	case 0xfd:
		r->expires = true;
		return push(r, SKIP, 4, err);
	case 0xfc:
		r->expires = true;
		return push(r, SKIP, 8, err);
	case 0xfb:
		return push(r, LENS, 2, err);
	case 0xfa:
		rc = push(r, AUX_VALUE, 0, err);
		return rc < 0 ? rc : push(r, AUX_NAME, 0, err);
	case 0xf9:
		return push(r, SKIP, 1, err);
	case 0xf8:
		return push(r, LENS, 1, err);
	case 0xf7:
		rc = push(r, MODULE, 0, err);
		if (rc == 0)
			rc = push(r, LENS, 2, err); /* when it is to be loaded */
		return rc < 0 ? rc : push(r, MODULE_ID, 0, err);
	case 0xf5:
		return push(r, FUNCTION, 0, err);
	case 0xf4: /* a slot of a cluster */
		return push(r, LENS, 3, err);
	default:
		rc = value_of(r, op, err);
		return rc < 0 ? rc : push(r, KEY, 0, err);
	}
}

/* Nine characters of six bits, and ten bits of version. */
static void name_module(struct mrt_rdb *r, uint64_t id)
{
	static const char letters[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char name[11];
	for (unsigned i = 0; i < 9; i++)
		name[i] = letters[id >> (58 - 6 * i) & 63];
	name[9] = '\n';
	name[10] = '\0';
	if (!strstr(mrt_buf_text(&r->info.modules), name))
		mrt_buf_add_text(&r->info.modules, name);
}

static void note_aux(struct mrt_rdb *r)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} fields[] = {
		{ "redis-ver", r->info.redis_version, sizeof(r->info.redis_version) },
		{ "repl-id", r->info.replication_id, sizeof(r->info.replication_id) },
		{ "repl-offset", r->info.replication_offset, sizeof(r->info.replication_offset) },
	};
	r->to_capture = 0;
	for (size_t i = 0; i < MRT_COUNT(fields); i++)
		if (strcmp(r->name, fields[i].name) == 0)
			begin_capture(r, fields[i].to, fields[i].size);
}

static int step_header(struct mrt_rdb *r, struct todo *t, struct mrt_error *err)
{
	const unsigned char *p = look(r, 9);
	if (!p)
		return 0;
	if (memcmp(p, "REDIS", 5) != 0)
		return corrupt(r, "this is no RDB file", err);
	for (size_t i = 5; i < 9; i++) {
		if (p[i] < '0' || p[i] > '9')
			return corrupt(r, "its version is no number", err);
		r->info.version = r->info.version * 10 + (unsigned)(p[i] - '0');
	}
	take_bytes(r, 9);
	t->kind = TOP;
	return 1;
}

static int step_module(struct mrt_rdb *r, struct mrt_error *err)
{
	uint64_t op = 0;
	int rc = plain_len(r, &op, err);
	if (rc <= 0)
		return rc;
	switch (op) {
	case 0:
		r->depth--;
		return 1;
	case 1: /* integers */
	case 2:
		rc = push(r, LENS, 1, err);
		break;
	case 3: /* float, double */
		rc = push(r, SKIP, 4, err);
		break;
	case 4:
		rc = push(r, SKIP, 8, err);
		break;
	case 5:
		rc = push(r, STRINGS, 1, err);
		break;
	default:
		return corrupt(r, "an unknown opcode of a module", err);
	}
	return rc < 0 ? rc : 1;
}

/* A score as text: its length, or one of three names. */
static int step_score(struct mrt_rdb *r, struct todo *t)
{
	const unsigned char *p = look(r, 1);
	if (!p)
		return 0;
	*t = (struct todo) { .kind = SKIP, .n = *p < 253 ? *p : 0 };
	take_bytes(r, 1);
	return 1;
}

static int step_of_len(struct mrt_rdb *r, struct mrt_error *err)
{
	struct todo *t = &r->stack[r->depth - 1];
	uint64_t n = 0;
	int rc = plain_len(r, &n, err);
	if (rc <= 0)
		return rc;
	if (t->n > 1 && n > UINT64_MAX / t->n)
		return corrupt(r, "an impossible number of elements", err);
	*t = (struct todo) { .kind = t->what, .n = n * t->n, .version = t->version };
	return 1;
}

static int step_compressed(struct mrt_rdb *r, struct todo *t, struct mrt_error *err)
{
	uint64_t n = 0;
	int rc = plain_len(r, &n, err);
	if (rc <= 0)
		return rc;
	r->to_capture = 0; /* nothing that we keep is long enough for it */
	*t = (struct todo) { .kind = SKIP, .n = n };
	rc = push(r, LENS, 1, err);
	return rc < 0 ? rc : 1;
}

static int step_number(struct mrt_rdb *r, const struct todo *t)
{
	size_t n = (size_t)t->n;
	const unsigned char *p = look(r, n);
	uint32_t value = 0;
	if (!p)
		return 0;
	for (size_t i = 0; i < n; i++)
		value |= (uint32_t)p[i] << 8 * i;
	int64_t number = n == 1 ? (int8_t)value : n == 2 ? (int16_t)value : (int32_t)value;
	if (r->to_capture > 0)
		snprintf(r->capture, r->to_capture + 1, "%" PRId64, number);
	r->to_capture = 0;
	take_bytes(r, n);
	r->depth--;
	return 1;
}

/* One of several; each pushes what it consists of, the last of it first. */
static int step_many(struct mrt_rdb *r, struct todo *t, struct mrt_error *err)
{
	int rc = 0;
	unsigned version = t->version;
	if (t->n == 0) {
		r->depth--;
		return 1;
	}
	switch (t->kind) {
	case STRINGS:
		rc = begin_string(r, err);
		break;
	case LENS: {
		uint64_t ignored;
		rc = plain_len(r, &ignored, err);
		break;
	}
	case SCORES_TEXT:
		rc = push(r, SCORE_TEXT, 0, err);
		if (rc == 0)
			rc = push(r, STRINGS, 1, err);
		rc = rc < 0 ? rc : 1;
		break;
	case SCORES:
		rc = push(r, SKIP, 8, err);
		if (rc == 0)
			rc = push(r, STRINGS, 1, err);
		rc = rc < 0 ? rc : 1;
		break;
	case CONTAINERS:
		rc = push(r, STRINGS, 1, err);
		if (rc == 0)
			rc = push(r, LENS, 1, err);
		rc = rc < 0 ? rc : 1;
		break;
	case FIELDS_TTL: /* time to live, field, value */
		rc = push(r, STRINGS, 2, err);
		if (rc == 0)
			rc = push(r, LENS, 1, err);
		rc = rc < 0 ? rc : 1;
		break;
	case PENDING: /* id, time of delivery, how often */
		rc = push(r, LENS, 1, err);
		if (rc == 0)
			rc = push(r, SKIP, 24, err);
		rc = rc < 0 ? rc : 1;
		break;
	case CONSUMERS: /* name, times, ids of pending entries */
		rc = push_of_len(r, SKIP, 16, 0, err);
		if (rc == 0)
			rc = push(r, SKIP, version >= 3 ? 16 : 8, err);
		if (rc == 0)
			rc = push(r, STRINGS, 1, err);
		rc = rc < 0 ? rc : 1;
		break;
	default: /* GROUPS: name, last id, entries read, pending, consumers */
		rc = push_of_len(r, CONSUMERS, 1, version, err);
		if (rc == 0)
			rc = push_of_len(r, PENDING, 1, version, err);
		if (rc == 0)
			rc = push(r, LENS, version >= 2 ? 3 : 2, err);
		if (rc == 0)
			rc = push(r, STRINGS, 1, err);
		rc = rc < 0 ? rc : 1;
		break;
	}
	if (rc == 1)
		t->n--;
	return rc;
}

static int step_skip(struct mrt_rdb *r, struct todo *t)
{
	if (t->n == 0) {
		r->to_capture = 0;
		r->depth--;
		return 1;
	}
	size_t there = r->have > 0 ? r->have : (size_t)(r->end - r->in);
	size_t n = t->n < there ? (size_t)t->n : there;
	if (n == 0)
		return 0;
	const unsigned char *from = r->have > 0 ? r->token : r->in;
	if (r->to_capture > 0) {
		size_t keep = r->to_capture - r->captured < n ? r->to_capture - r->captured : n;
		memcpy(r->capture + r->captured, from, keep);
		r->captured += keep;
		r->capture[r->captured] = '\0';
	}
	take_bytes(r, n);
	t->n -= n;
	return 1;
}

static int step_select(struct mrt_rdb *r, struct mrt_error *err)
{
	uint64_t n = 0;
	int rc = plain_len(r, &n, err);
	if (rc <= 0)
		return rc;
	r->depth--;
	return database(r, n, err) ? 1 : err ? (int)err->code : MRT_NO_MEMORY;
}

static int step_key(struct mrt_rdb *r, struct mrt_error *err)
{
	struct mrt_rdb_info *i = &r->info;
	r->depth--;
	struct mrt_rdb_database *d =
	        i->n_databases > 0 ? &i->databases[i->n_databases - 1] : database(r, 0, err);
	if (!d)
		return err ? (int)err->code : MRT_NO_MEMORY;
	d->keys++;
	d->expires += r->expires;
	i->keys++;
	r->expires = false;
	int rc = push(r, STRINGS, 1, err);
	return rc < 0 ? rc : 1;
}

static int step_checksum(struct mrt_rdb *r, struct todo *t, struct mrt_error *err)
{
	const unsigned char *p = look(r, 8);
	if (!p)
		return 0;
	uint64_t want = 0, is = r->crc;
	for (unsigned i = 0; i < 8; i++)
		want |= (uint64_t)p[i] << 8 * i;
	r->info.checksum = want != 0;
	if (want != 0 && want != is)
		return mrt_fail(err, MRT_CORRUPT,
		                "RDB: its CRC-64 is %016" PRIx64 "; it says %016" PRIx64, is, want);
	take_bytes(r, 8);
	t->kind = DONE;
	return 1;
}

/* 1: it went on; 0: more is needed. */
static int step(struct mrt_rdb *r, struct mrt_error *err)
{
	struct todo *t = &r->stack[r->depth - 1];
	const unsigned char *p;
	uint64_t id = 0;
	int rc;
	switch (t->kind) {
	case HEADER:
		return step_header(r, t, err);
	case TOP:
		p = look(r, 1);
		if (!p)
			return 0;
		id = *p;
		take_bytes(r, 1);
		rc = opcode(r, (unsigned)id, err);
		return rc < 0 ? rc : 1;
	case KEY:
		return step_key(r, err);
	case SKIP:
		return step_skip(r, t);
	case OF_LEN:
		return step_of_len(r, err);
	case MODULE:
		return step_module(r, err);
	case NUMBER:
		return step_number(r, t);
	case COMPRESSED:
		return step_compressed(r, t, err);
	case SCORE_TEXT:
		return step_score(r, t);
	case AUX_NAME:
		r->depth--;
		begin_capture(r, r->name, sizeof(r->name));
		rc = push(r, STRINGS, 1, err);
		return rc < 0 ? rc : 1;
	case AUX_VALUE:
		r->depth--;
		note_aux(r);
		rc = push(r, STRINGS, 1, err);
		return rc < 0 ? rc : 1;
	case SELECT:
		return step_select(r, err);
	case FUNCTION:
		r->info.functions++;
		r->depth--;
		rc = push(r, STRINGS, 1, err);
		return rc < 0 ? rc : 1;
	case MODULE_ID:
		rc = plain_len(r, &id, err);
		if (rc <= 0)
			return rc;
		r->depth--;
		name_module(r, id);
		return 1;
	case CHECKSUM:
		return step_checksum(r, t, err);
	case DONE:
		return r->in < r->end || r->have > 0 ? corrupt(r, "data after its end", err) : 0;
	default:
		return step_many(r, t, err);
	}
}

int mrt_rdb_feed(struct mrt_rdb *r, const void *data, size_t len, struct mrt_error *err)
{
	r->in = data;
	r->end = r->in + len;
	for (;;) {
		int rc = step(r, err);
		if (rc <= 0)
			return rc;
	}
}

int mrt_rdb_end(struct mrt_rdb *r, struct mrt_error *err)
{
	if (r->stack[r->depth - 1].kind != DONE)
		return mrt_fail(err, MRT_CORRUPT,
		                "RDB: it ends at byte %" PRIu64 ", before its end",
		                r->offset + r->have);
	return mrt_buf_check(&r->info.modules, err);
}
