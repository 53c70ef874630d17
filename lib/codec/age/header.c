/* header.c - stanzas, wrapped file keys, and the MAC over all of them. */
#include "codec/age/header.h"
#include "base/context.h"
#include "codec/digest.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define INTRO "age-encryption.org/"
#define VERSION "age-encryption.org/v1"
#define X25519_INFO "age-encryption.org/v1/X25519"
#define SCRYPT_LABEL "age-encryption.org/v1/scrypt"
#define SCRYPT_MAX 22 /* log2 of the work factor: 4 GiB of memory */
#define SALT 16
#define COLUMNS 64
#define ARGS_MAX 16
#define WRAPPED (MRT_AGE_FILE_KEY + MRT_AGE_TAG)
#define MAC_CHARS 43

static const unsigned char zero_nonce[12];

struct text {
	const char *at;
	size_t len;
};
struct stanza {
	struct text args[ARGS_MAX];
	size_t n_args;
	struct text body; /* its lines, line feeds included */
	size_t body_len;  /* bytes it decodes to */
};

bool mrt_age_header_begins(const void *data, size_t len)
{
	return len >= sizeof(INTRO) - 1 && memcmp(data, INTRO, sizeof(INTRO) - 1) == 0;
}

static int mac_of(const unsigned char file_key[MRT_AGE_FILE_KEY], const char *text, size_t len,
                  unsigned char ret[MRT_SHA256_SIZE], struct mrt_error *err)
{
	unsigned char key[MRT_AGE_KEY];
	int rc = mrt_age_hkdf(file_key, MRT_AGE_FILE_KEY, NULL, 0, "header", key, err);
	if (rc == 0)
		rc = mrt_hmac_sha256(key, sizeof(key), text, len, ret, err);
	explicit_bzero(key, sizeof(key));
	return rc;
}

/* The key that wraps the file key between an ephemeral share and a recipient. */
static int wrap_key(const unsigned char secret[MRT_AGE_KEY], const unsigned char peer[MRT_AGE_KEY],
                    const unsigned char share[MRT_AGE_KEY],
                    const unsigned char recipient[MRT_AGE_KEY], unsigned char ret[MRT_AGE_KEY],
                    struct mrt_error *err)
{
	unsigned char shared[MRT_AGE_KEY], salt[2 * MRT_AGE_KEY];
	memcpy(salt, share, MRT_AGE_KEY);
	memcpy(salt + MRT_AGE_KEY, recipient, MRT_AGE_KEY);
	int rc = mrt_age_shared(secret, peer, shared, err);
	if (rc == 0)
		rc = mrt_age_hkdf(shared, sizeof(shared), salt, sizeof(salt), X25519_INFO, ret,
		                  err);
	explicit_bzero(shared, sizeof(shared));
	return rc;
}

static int add_stanza(const unsigned char recipient[MRT_AGE_KEY],
                      const unsigned char file_key[MRT_AGE_FILE_KEY], struct mrt_buf *buf,
                      struct mrt_error *err)
{
	unsigned char secret[MRT_AGE_KEY], share[MRT_AGE_KEY], key[MRT_AGE_KEY], body[WRAPPED];
	mrt_auto(mrt_age_aead) *aead = NULL;
	mrt_random(secret, sizeof(secret));
	int rc = mrt_age_public(secret, share, err);
	if (rc == 0)
		rc = wrap_key(secret, recipient, share, recipient, key, err);
	if (rc == 0)
		rc = mrt_age_aead_new(key, &aead, err);
	if (rc == 0)
		rc = mrt_age_seal(aead, zero_nonce, file_key, MRT_AGE_FILE_KEY, body, err);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(key, sizeof(key));
	if (rc < 0)
		return rc;
	mrt_buf_add_text(buf, "-> X25519 ");
	mrt_age_base64(share, sizeof(share), buf);
	mrt_buf_add_char(buf, '\n');
	mrt_age_base64(body, sizeof(body), buf); /* 43 characters: one line */
	mrt_buf_add_char(buf, '\n');
	return 0;
}

int mrt_age_header_make(const struct mrt_age_recipients *recipients,
                        const unsigned char file_key[MRT_AGE_FILE_KEY], struct mrt_buf *buf,
                        struct mrt_error *err)
{
	unsigned char mac[MRT_SHA256_SIZE];
	if (recipients->n == 0)
		return mrt_fail(err, MRT_CONFIG, "there is no recipient to encrypt to");
	mrt_buf_add_text(buf, VERSION "\n");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < recipients->n; i++)
		rc = add_stanza(recipients->pairs[i].public, file_key, buf, err);
	mrt_buf_add_text(buf, "---");
	if (rc == 0)
		rc = mrt_buf_check(buf, err);
	if (rc == 0)
		rc = mac_of(file_key, buf->data, buf->len, mac, err);
	if (rc < 0)
		return rc;
	mrt_buf_add_char(buf, ' ');
	mrt_age_base64(mac, sizeof(mac), buf);
	mrt_buf_add_char(buf, '\n');
	return mrt_buf_check(buf, err);
}

size_t mrt_age_header_length(const char *text, size_t len)
{
	/* no other line can begin with "---": base64 has no such character */
	const char *end = memmem(text, len, "\n---", 4);
	const char *line = end ? memchr(end + 4, '\n', len - (size_t)(end + 4 - text)) : NULL;
	return line ? (size_t)(line + 1 - text) : 0;
}

static int bad(struct mrt_error *err, const char *what)
{
	return mrt_fail(err, MRT_CORRUPT, "age: the header is malformed: %s", what);
}

/* "-> TYPE ARG...": single blanks, printable characters. */
static int parse_args(struct text line, struct stanza *s, struct mrt_error *err)
{
	if (line.len < 3 || memcmp(line.at, "-> ", 3) != 0)
		return bad(err, "a line that begins no stanza");
	s->n_args = 0;
	size_t from = 3;
	for (size_t i = 3; i <= line.len; i++) {
		if (i < line.len && line.at[i] != ' ') {
			if (line.at[i] < 33 || line.at[i] > 126)
				return bad(err, "a character that no argument may hold");
			continue;
		}
		if (i == from)
			return bad(err, "an empty argument");
		if (s->n_args < ARGS_MAX)
			s->args[s->n_args] = (struct text) { line.at + from, i - from };
		s->n_args++;
		from = i + 1;
	}
	return 0;
}

static bool next_line(const char **p, const char *end, struct text *ret)
{
	const char *feed = memchr(*p, '\n', (size_t)(end - *p));
	if (!feed)
		return false;
	*ret = (struct text) { *p, (size_t)(feed - *p) };
	*p = feed + 1;
	return true;
}

/* Lines of exactly 64 characters, then a shorter one, which may be empty. */
static int parse_body(const char **p, const char *end, struct stanza *s, struct mrt_error *err)
{
	s->body.at = *p;
	s->body_len = 0;
	for (;;) {
		struct text line;
		unsigned char bytes[COLUMNS / 4 * 3];
		if (!next_line(p, end, &line))
			return bad(err, "a stanza without an end");
		size_t n = line.len * 6 / 8;
		if (line.len > COLUMNS)
			return bad(err, "a line of more than 64 characters");
		if (!mrt_age_unbase64(line.at, line.len, bytes, n))
			return bad(err, "a body that is not canonical base64");
		s->body_len += n;
		if (line.len < COLUMNS)
			break;
	}
	s->body.len = (size_t)(*p - s->body.at);
	return 0;
}

static bool is(struct text t, const char *text)
{
	return t.len == strlen(text) && memcmp(t.at, text, t.len) == 0;
}

/* Opens a wrapped file key; MRT_CORRUPT: not with this key. */
static int unwrap(const unsigned char key[MRT_AGE_KEY], const struct stanza *s,
                  unsigned char ret[MRT_AGE_FILE_KEY], struct mrt_error *err)
{
	unsigned char body[WRAPPED];
	mrt_auto(mrt_age_aead) *aead = NULL;
	if (!mrt_age_unbase64(s->body.at, s->body.len - 1, body, sizeof(body)))
		return bad(err, "a wrapped key of the wrong length");
	int rc = mrt_age_aead_new(key, &aead, err);
	return rc < 0 ? rc : mrt_age_open(aead, zero_nonce, body, sizeof(body), ret, err);
}

static int try_x25519(const struct stanza *s, const struct mrt_age_identities *identities,
                      unsigned char ret[MRT_AGE_FILE_KEY], bool *found, struct mrt_error *err)
{
	unsigned char share[MRT_AGE_KEY], key[MRT_AGE_KEY];
	if (s->n_args != 2)
		return bad(err, "an X25519 stanza with the wrong number of arguments");
	if (!mrt_age_unbase64(s->args[1].at, s->args[1].len, share, sizeof(share)))
		return bad(err, "an X25519 share that is not 32 bytes of canonical base64");
	if (s->body_len != WRAPPED)
		return bad(err, "a wrapped key of the wrong length");
	int rc = 0;
	for (size_t i = 0; rc == 0 && !*found && i < identities->n; i++) {
		const struct mrt_age_pair *pair = &identities->pairs[i];
		rc = wrap_key(pair->secret, share, share, pair->public, key, err);
		if (rc == MRT_CORRUPT)
			return bad(err, "an X25519 share of low order");
		if (rc == 0)
			rc = unwrap(key, s, ret, err);
		*found = rc == 0;
		rc = rc == MRT_CORRUPT ? 0 : rc;
	}
	explicit_bzero(key, sizeof(key));
	return rc;
}

/* A decimal number without sign or leading zeros; 0: it is none. */
static unsigned work_factor(struct text t)
{
	unsigned n = 0;
	if (t.len < 1 || t.len > 2 || t.at[0] == '0')
		return 0;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return 0;
		n = n * 10 + (unsigned)(t.at[i] - '0');
	}
	return n;
}

static int try_scrypt(const struct stanza *s, const struct mrt_age_identities *identities,
                      unsigned char ret[MRT_AGE_FILE_KEY], bool *found, struct mrt_error *err)
{
	unsigned char salt[sizeof(SCRYPT_LABEL) - 1 + SALT], key[MRT_AGE_KEY];
	memcpy(salt, SCRYPT_LABEL, sizeof(SCRYPT_LABEL) - 1);
	if (s->n_args != 3)
		return bad(err, "an scrypt stanza with the wrong number of arguments");
	if (!mrt_age_unbase64(s->args[1].at, s->args[1].len, salt + sizeof(SCRYPT_LABEL) - 1, SALT))
		return bad(err, "an scrypt salt that is not 16 bytes of canonical base64");
	unsigned log_n = work_factor(s->args[2]);
	if (log_n == 0)
		return bad(err, "an scrypt work factor that is no number");
	if (log_n > SCRYPT_MAX)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "age: an scrypt work factor of 2^%u; the most accepted is 2^%d",
		                log_n, SCRYPT_MAX);
	if (s->body_len != WRAPPED)
		return bad(err, "a wrapped key of the wrong length");
	if (!identities->passphrase)
		return mrt_fail(err, MRT_CONFIG, "it is encrypted with a passphrase");
	int rc = mrt_age_scrypt(identities->passphrase, salt, sizeof(salt), log_n, key, err);
	if (rc == 0)
		rc = unwrap(key, s, ret, err);
	explicit_bzero(key, sizeof(key));
	if (rc == MRT_CORRUPT)
		return mrt_fail(err, MRT_CONFIG, "the passphrase is wrong");
	*found = rc == 0;
	return rc;
}

static int check_mac(const char *text, struct text line, const unsigned char *file_key,
                     struct mrt_error *err)
{
	unsigned char mac[MRT_SHA256_SIZE], ours[MRT_SHA256_SIZE];
	if (line.len != 4 + MAC_CHARS || line.at[3] != ' ' ||
	    !mrt_age_unbase64(line.at + 4, MAC_CHARS, mac, sizeof(mac)))
		return bad(err, "a MAC that is not 32 bytes of canonical base64");
	if (!file_key)
		return 0;
	int rc = mac_of(file_key, text, (size_t)(line.at + 3 - text), ours, err);
	if (rc == 0 && CRYPTO_memcmp(mac, ours, sizeof(mac)) != 0)
		rc = mrt_fail(err, MRT_CORRUPT,
		              "age: the header was tampered with: its MAC differs");
	return rc;
}

static int check_version(struct text line, struct mrt_error *err)
{
	if (is(line, VERSION))
		return 0;
	if (mrt_age_header_begins(line.at, line.len))
		return mrt_fail(err, MRT_UNSUPPORTED, "age: version '%.*s' is not known here",
		                (int)(line.len < 60 ? line.len : 60), line.at);
	return mrt_fail(err, MRT_CORRUPT, "age: this is no age file");
}

int mrt_age_header_open(const char *text, size_t len, const struct mrt_age_identities *identities,
                        unsigned char ret[MRT_AGE_FILE_KEY], struct mrt_error *err)
{
	const char *p = text, *end = text + len;
	unsigned char file_key[MRT_AGE_FILE_KEY];
	bool found = false, scrypt = false;
	size_t n = 0;
	struct text line;
	int rc = next_line(&p, end, &line) ? check_version(line, err) : bad(err, "no line feed");
	while (rc == 0) {
		struct stanza s;
		if (!next_line(&p, end, &line))
			rc = bad(err, "it has no end");
		else if (line.len >= 3 && memcmp(line.at, "---", 3) == 0)
			break;
		else
			rc = parse_args(line, &s, err);
		if (rc == 0)
			rc = parse_body(&p, end, &s, err);
		if (rc < 0)
			break;
		n++;
		scrypt = scrypt || is(s.args[0], "scrypt");
		if (scrypt && n > 1)
			rc = bad(err, "an scrypt stanza beside others");
		else if (is(s.args[0], "X25519"))
			rc = try_x25519(&s, identities, file_key, &found, err);
		else if (is(s.args[0], "scrypt"))
			rc = try_scrypt(&s, identities, file_key, &found, err);
	}
	if (rc == 0 && n == 0)
		rc = bad(err, "it has no stanza");
	if (rc == 0)
		rc = check_mac(text, line, found ? file_key : NULL, err);
	if (rc == 0 && !found)
		rc = mrt_fail(err, MRT_CONFIG, "none of the %zu identities given opens it",
		              identities->n);
	if (rc == 0)
		memcpy(ret, file_key, sizeof(file_key));
	explicit_bzero(file_key, sizeof(file_key));
	return rc;
}
