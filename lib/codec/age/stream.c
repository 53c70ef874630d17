/* stream.c - the payload: chunks of 64 KiB, each sealed, numbered, the last one marked.
 *
 *   header, 16 bytes of nonce, chunk... (65,536 bytes + tag), last chunk (1 to 65,536 bytes + tag;
 *   empty only when the payload is)
 */
#include "codec/age/stream.h"
#include "codec/age/header.h"

#include <inttypes.h>
#include <string.h>

#define CHUNK ((size_t)65536)
#define SEALED (CHUNK + MRT_AGE_TAG)
#define NONCE 16

/* 11 bytes of counter, big-endian, and whether it is the last. */
static void chunk_nonce(uint64_t counter, bool last, unsigned char ret[12])
{
	memset(ret, 0, 12);
	for (unsigned i = 0; i < 8; i++)
		ret[10 - i] = (unsigned char)(counter >> 8 * i);
	ret[11] = last;
}

static int payload_aead(const unsigned char file_key[MRT_AGE_FILE_KEY],
                        const unsigned char nonce[NONCE], struct mrt_age_aead **ret,
                        struct mrt_error *err)
{
	unsigned char key[MRT_AGE_KEY];
	int rc = mrt_age_hkdf(file_key, MRT_AGE_FILE_KEY, nonce, NONCE, "payload", key, err);
	if (rc == 0)
		rc = mrt_age_aead_new(key, ret, err);
	explicit_bzero(key, sizeof(key));
	return rc;
}

struct encryptor {
	struct mrt_sink sink;
	struct mrt_sink *next;
	struct mrt_age_aead *aead;
	uint64_t counter;
	size_t held; /* bytes in plain: the last chunk is only known at the end */
	bool ended;
	unsigned char plain[CHUNK], sealed[SEALED];
};

static int seal(struct encryptor *e, const unsigned char *data, size_t len, bool last,
                struct mrt_error *err)
{
	unsigned char nonce[12];
	chunk_nonce(e->counter++, last, nonce);
	int rc = mrt_age_seal(e->aead, nonce, data, len, e->sealed, err);
	return rc < 0 ? rc : mrt_sink_write(e->next, e->sealed, len + MRT_AGE_TAG, err);
}

static int encryptor_write(struct mrt_sink *sink, const void *data, size_t len,
                           struct mrt_error *err)
{
	struct encryptor *e = (struct encryptor *)sink;
	const unsigned char *p = data;
	while (len > 0) {
		int rc = 0;
		if (e->held == CHUNK) {
			rc = seal(e, e->plain, CHUNK, false, err);
			e->held = 0;
		}
		/* whole chunks that are not the last need no copy */
		for (; rc == 0 && e->held == 0 && len > CHUNK; p += CHUNK, len -= CHUNK)
			rc = seal(e, p, CHUNK, false, err);
		if (rc < 0)
			return rc;
		size_t n = CHUNK - e->held < len ? CHUNK - e->held : len;
		memcpy(e->plain + e->held, p, n);
		e->held += n;
		p += n;
		len -= n;
	}
	return 0;
}

static int encryptor_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct encryptor *e = (struct encryptor *)sink;
	int rc = e->ended ? 0 : seal(e, e->plain, e->held, true, err);
	e->ended = true;
	return rc < 0 ? rc : mrt_sink_prepare(e->next, err);
}

static int encryptor_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	int rc = encryptor_prepare(sink, err);
	return rc < 0 ? rc : mrt_sink_commit(((struct encryptor *)sink)->next, err);
}

static void encryptor_free(struct mrt_sink *sink)
{
	struct encryptor *e = (struct encryptor *)sink;
	mrt_age_aead_free(e->aead);
	explicit_bzero(e->plain, sizeof(e->plain));
	free(e);
}

int mrt_age_encryptor(struct mrt_sink *next, const struct mrt_age_recipients *recipients,
                      struct mrt_sink **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = { .write = encryptor_write,
		                                 .prepare = encryptor_prepare,
		                                 .commit = encryptor_commit,
		                                 .free = encryptor_free };
	unsigned char file_key[MRT_AGE_FILE_KEY], nonce[NONCE];
	mrt_auto_buf header = MRT_BUF_INIT;
	struct encryptor *e = calloc(1, sizeof(*e));
	if (!e)
		return mrt_no_memory(err);
	mrt_auto(mrt_sink) *sink = &e->sink;
	e->sink.ops = &ops;
	e->next = next;
	mrt_random(file_key, sizeof(file_key));
	mrt_random(nonce, sizeof(nonce));
	int rc = mrt_age_header_make(recipients, file_key, &header, err);
	if (rc == 0)
		rc = payload_aead(file_key, nonce, &e->aead, err);
	explicit_bzero(file_key, sizeof(file_key));
	if (rc == 0)
		rc = mrt_sink_write(next, header.data, header.len, err);
	if (rc == 0)
		rc = mrt_sink_write(next, nonce, sizeof(nonce), err);
	if (rc == 0)
		*ret = mrt_steal(sink);
	return rc;
}

struct decryptor {
	struct mrt_source source;
	struct mrt_source *from;
	const struct mrt_age_identities *identities;
	struct mrt_age_aead *aead; /* NULL: the header is still to be read */
	uint64_t counter;
	struct mrt_buf in; /* the header, and what was read behind it */
	size_t used;       /* of in */
	size_t have; /* bytes in sealed: one more than a chunk, to know whether it is the last */
	size_t given, open; /* of plain */
	bool last, refused;
	unsigned char sealed[SEALED + 1], plain[CHUNK];
};

static int fill_header(struct decryptor *d, size_t *ret_len, struct mrt_error *err)
{
	char piece[4096];
	size_t n = 1;
	for (;;) {
		*ret_len = d->in.len > 0 ? mrt_age_header_length(d->in.data, d->in.len) : 0;
		if (*ret_len > 0)
			return 0;
		if (n == 0)
			return mrt_fail(err, MRT_CORRUPT,
			                d->in.len > 0 && mrt_age_magic(d->in.data, d->in.len)
			                        ? "age: the file ends inside its header"
			                        : "age: this is no age file");
		if (d->in.len > MRT_AGE_HEADER_MAX ||
		    (d->in.len > 64 && !mrt_age_magic(d->in.data, d->in.len)))
			return mrt_fail(err, MRT_CORRUPT, "age: this is no age file");
		int rc = mrt_source_read(d->from, piece, sizeof(piece), &n, err);
		if (rc < 0)
			return rc;
		mrt_buf_add(&d->in, piece, n);
		rc = mrt_buf_check(&d->in, err);
		if (rc < 0)
			return rc;
	}
}

/* What was read behind the header first, then the source. */
static int take_chunk(struct decryptor *d, unsigned char *to, size_t want, size_t *ret_len,
                      struct mrt_error *err)
{
	size_t have = 0;
	if (d->used < d->in.len) {
		have = d->in.len - d->used < want ? d->in.len - d->used : want;
		memcpy(to, d->in.data + d->used, have);
		d->used += have;
	}
	while (have < want) {
		size_t n;
		int rc = mrt_source_read(d->from, to + have, want - have, &n, err);
		if (rc < 0)
			return rc;
		if (n == 0)
			break;
		have += n;
	}
	*ret_len = have;
	return 0;
}

static int begin(struct decryptor *d, struct mrt_error *err)
{
	unsigned char file_key[MRT_AGE_FILE_KEY], nonce[NONCE];
	size_t n = 0;
	int rc = fill_header(d, &d->used, err);
	if (rc == 0)
		rc = mrt_age_header_open(d->in.data, d->used, d->identities, file_key, err);
	d->refused = rc == MRT_CONFIG && d->used > 0;
	if (rc == 0)
		rc = take_chunk(d, nonce, NONCE, &n, err);
	if (rc == 0 && n < NONCE)
		rc = mrt_fail(err, MRT_CORRUPT, "age: the file ends inside its nonce");
	if (rc == 0)
		rc = payload_aead(file_key, nonce, &d->aead, err);
	explicit_bzero(file_key, sizeof(file_key));
	return rc;
}

/* The next chunk to plain. One byte more than it needs tells whether another follows. */
static int open_chunk(struct decryptor *d, struct mrt_error *err)
{
	unsigned char nonce[12];
	size_t n = 0;
	int rc = take_chunk(d, d->sealed + d->have, sizeof(d->sealed) - d->have, &n, err);
	if (rc < 0)
		return rc;
	d->have += n;
	d->last = d->have <= SEALED;
	size_t len = d->last ? d->have : SEALED;
	if (len < MRT_AGE_TAG || (len == MRT_AGE_TAG && d->counter > 0))
		return mrt_fail(err, MRT_CORRUPT, "age: the file is cut at chunk %" PRIu64,
		                d->counter);
	chunk_nonce(d->counter, d->last, nonce);
	rc = mrt_age_open(d->aead, nonce, d->sealed, len, d->plain, err);
	if (rc == MRT_CORRUPT)
		return mrt_fail(err, MRT_CORRUPT,
		                "age: chunk %" PRIu64 " does not authenticate (damaged, cut or "
		                "of another file), near byte %" PRIu64,
		                d->counter, d->counter * SEALED);
	if (rc < 0)
		return rc;
	d->counter++;
	d->open = len - MRT_AGE_TAG;
	d->given = 0;
	d->have -= len;
	if (d->have > 0)
		d->sealed[0] = d->sealed[SEALED];
	return 0;
}

static int decryptor_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                          struct mrt_error *err)
{
	struct decryptor *d = (struct decryptor *)source;
	int rc = d->aead ? 0 : begin(d, err);
	if (rc == 0 && d->given == d->open && !d->last)
		rc = open_chunk(d, err);
	if (rc < 0)
		return rc;
	size_t n = d->open - d->given < cap ? d->open - d->given : cap;
	memcpy(data, d->plain + d->given, n);
	d->given += n;
	*ret_len = n;
	return 0;
}

bool mrt_age_source_refused(const struct mrt_source *source)
{
	return ((const struct decryptor *)source)->refused;
}

static void decryptor_free(struct mrt_source *source)
{
	struct decryptor *d = (struct decryptor *)source;
	mrt_age_aead_free(d->aead);
	mrt_buf_release(&d->in);
	explicit_bzero(d->plain, sizeof(d->plain));
	free(d);
}

int mrt_age_source(struct mrt_source *from, const struct mrt_age_identities *identities,
                   struct mrt_source **ret, struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { decryptor_read, decryptor_free };
	struct decryptor *d = calloc(1, sizeof(*d));
	if (!d)
		return mrt_no_memory(err);
	d->source.ops = &ops;
	d->from = from;
	d->identities = identities;
	d->in = (struct mrt_buf) { .ceiling = 2 * MRT_AGE_HEADER_MAX };
	*ret = &d->source;
	return 0;
}

bool mrt_age_magic(const void *data, size_t len)
{
	return mrt_age_header_begins(data, len);
}
