/* test_age.c - age files made, read, and refused; the cases follow the rules of C2SP age.md. */
#include "unit.h"
#include "streams.h"

#include "base/secret.h"
#include "codec/age/header.h"
#include "codec/age/bech32.h"
#include "codec/digest.h"
#include "codec/age/stream.h"

#define CHUNK ((size_t)65536)
#define SEALED (CHUNK + MRT_AGE_TAG)

/* One key pair for all tests, and a stranger. */
static char *secret, *recipient, *other_secret, *other_recipient;
static struct mrt_age_recipients *recipients;
static struct mrt_age_identities *identities;

static int make_keys(void **state)
{
	(void)state;
	struct mrt_error err;
	assert_ok(mrt_age_key_new(&secret, &recipient, &err));
	assert_ok(mrt_age_key_new(&other_secret, &other_recipient, &err));
	assert_ok(mrt_age_recipients_new(&recipients, &err));
	assert_ok(mrt_age_recipients_add(recipients, recipient, &err));
	assert_ok(mrt_age_identities_new(&identities, &err));
	assert_ok(mrt_age_identities_read(identities, secret, "key", &err));
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	mrt_age_recipients_free(recipients);
	mrt_age_identities_free(identities);
	mrt_secret_free(secret);
	mrt_secret_free(other_secret);
	free(recipient);
	free(other_recipient);
	return 0;
}

static void encrypt(const void *data, size_t len, size_t step, struct mrt_buf *ret)
{
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct memory_sink to = MEMORY_SINK;
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_sink) *sink = NULL;
	assert_ok(mrt_age_encryptor(&to.sink, recipients, &sink, &err));
	assert_ok(mrt_stream_copy(&ctx, &from.source, sink, &err));
	assert_ok(mrt_sink_prepare(sink, &err));
	assert_int_equal(to.committed, 0);
	size_t prepared = to.buf.len;
	assert_ok(mrt_sink_commit(sink, &err));
	assert_int_equal(to.buf.len, prepared);
	assert_int_equal(to.committed, 1);
	mrt_buf_add(ret, to.buf.data, to.buf.len);
	mrt_sink_free(&to.sink);
}

static int decrypt(const void *data, size_t len, size_t step, const struct mrt_age_identities *with,
                   struct mrt_buf *ret, struct mrt_error *err)
{
	const struct mrt_context ctx = plain_run();
	struct memory_source from = MEMORY_SOURCE(data, len, step);
	mrt_auto(mrt_source) *source = NULL;
	mrt_buf_clear(ret);
	int rc = mrt_age_source(&from.source, with, &source, err);
	return rc < 0 ? rc : mrt_stream_slurp(&ctx, source, ret, err);
}

static size_t header_of(const struct mrt_buf *file)
{
	size_t n = mrt_age_header_length(file->data, file->len);
	assert_true(n > 0);
	return n;
}

static void bytes_come_back_at_every_chunk_border(void **state)
{
	(void)state;
	struct mrt_error err;
	static const size_t sizes[] = { 0,         1,         CHUNK - 1,     CHUNK,
		                        CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK + 7 };
	static const size_t steps[] = { 0, 1000, CHUNK };
	mrt_autofree char *noise = malloc(4 * CHUNK);
	fill_noise(noise, 4 * CHUNK, 5);
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t k = 0; k < COUNT(steps); k++) {
			mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
			encrypt(noise, sizes[i], steps[k], &file);
			size_t chunks = sizes[i] == 0 ? 1 : (sizes[i] + CHUNK - 1) / CHUNK;
			assert_int_equal(file.len,
			                 header_of(&file) + 16 + sizes[i] + chunks * MRT_AGE_TAG);
			assert_ok(decrypt(file.data, file.len, steps[k], identities, &plain, &err));
			assert_int_equal(plain.len, sizes[i]);
			if (plain.len > 0)
				assert_memory_equal(plain.data, noise, plain.len);
		}
}

static void a_file_is_never_made_with_the_same_key_twice(void **state)
{
	(void)state;
	mrt_auto_buf one = MRT_BUF_INIT, two = MRT_BUF_INIT;
	encrypt("same", 4, 0, &one);
	encrypt("same", 4, 0, &two);
	assert_int_equal(one.len, two.len);
	size_t n = header_of(&one);
	assert_memory_not_equal(one.data, two.data, n);
	assert_memory_not_equal(one.data + n, two.data + n, 16);
}

static void any_of_several_recipients_opens_it(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_age_recipients) *both = NULL;
	struct memory_sink to = MEMORY_SINK;
	mrt_auto(mrt_sink) *sink = NULL;
	assert_ok(mrt_age_recipients_new(&both, &err));
	assert_code(MRT_CONFIG, mrt_age_recipients_read(both, "# ours\n\n", "file", &err));
	mrt_autofree char *list = NULL;
	assert_ok(mrt_text_printf(&list, &err, "# two\n%s\r\n\n%s\n%s\n", recipient,
	                          other_recipient, recipient));
	assert_ok(mrt_age_recipients_read(both, list, "file", &err));
	assert_string_equal(mrt_age_recipient(both, 0), recipient);
	assert_string_equal(mrt_age_recipient(both, 1), other_recipient);
	assert_null(mrt_age_recipient(both, 2));
	assert_ok(mrt_age_encryptor(&to.sink, both, &sink, &err));
	assert_ok(mrt_sink_write(sink, "hello", 5, &err));
	assert_ok(mrt_sink_commit(sink, &err));
	const char *const keys[] = { secret, other_secret };
	for (size_t i = 0; i < COUNT(keys); i++) {
		mrt_auto(mrt_age_identities) *one = NULL;
		mrt_auto_buf plain = MRT_BUF_INIT;
		assert_ok(mrt_age_identities_new(&one, &err));
		assert_ok(mrt_age_identities_read(one, keys[i], "key", &err));
		assert_ok(decrypt(to.buf.data, to.buf.len, 0, one, &plain, &err));
		assert_string_equal(mrt_buf_text(&plain), "hello");
	}
	mrt_sink_free(&to.sink);
}

static void a_stranger_opens_nothing(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	mrt_auto(mrt_age_identities) *stranger = NULL;
	encrypt("hello", 5, 0, &file);
	assert_ok(mrt_age_identities_new(&stranger, &err));
	assert_code(MRT_CONFIG, decrypt(file.data, file.len, 0, stranger, &plain, &err));
	assert_string_equal(err.text.unmasked, "none of the 0 identities given opens it");
	assert_ok(mrt_age_identities_read(stranger, other_secret, "key", &err));
	assert_code(MRT_CONFIG, decrypt(file.data, file.len, 0, stranger, &plain, &err));
	assert_string_equal(err.text.unmasked, "none of the 1 identities given opens it");
	assert_int_equal(plain.len, 0);
}

static void a_cut_at_any_byte_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_autofree char *noise = malloc(2 * CHUNK);
	fill_noise(noise, 2 * CHUNK, 7);
	mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	encrypt(noise, 2 * CHUNK, 0, &file);
	size_t head = header_of(&file) + 16;
	for (size_t n = 0; n < file.len; n += n < head + 40 || n > file.len - 40 ? 1 : 997) {
		assert_code(MRT_CORRUPT, decrypt(file.data, n, 0, identities, &plain, &err));
		assert_contains(err.text.unmasked, "age: ");
		/* what came out is authentic all the same */
		assert_true(plain.len == 0 || plain.len == CHUNK);
		if (plain.len > 0)
			assert_memory_equal(plain.data, noise, plain.len);
	}
	/* exactly between two chunks */
	assert_code(MRT_CORRUPT, decrypt(file.data, head + SEALED, 0, identities, &plain, &err));
	assert_int_equal(plain.len, 0);
}

static void a_flipped_bit_anywhere_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_autofree char *noise = malloc(CHUNK + 100);
	fill_noise(noise, CHUNK + 100, 9);
	mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	encrypt(noise, CHUNK + 100, 0, &file);
	size_t head = header_of(&file) + 16;
	for (size_t n = 0; n < file.len; n += n < head || n > file.len - 150 ? 1 : 997)
		for (unsigned bit = 0; bit < 8; bit++) {
			file.data[n] = (char)(file.data[n] ^ 1 << bit);
			err = (struct mrt_error) { 0 };
			int rc = decrypt(file.data, file.len, 0, identities, &plain, &err);
			/* a wrapped key that no longer opens is another's as far as one can tell */
			if (rc != MRT_CORRUPT && rc != MRT_CONFIG && rc != MRT_UNSUPPORTED)
				fail_msg("byte %zu, bit %u: %d %s", n, bit, rc, err.text.unmasked);
			assert_true(plain.len == 0 || plain.len == CHUNK);
			file.data[n] = (char)(file.data[n] ^ 1 << bit);
		}
	assert_ok(decrypt(file.data, file.len, 0, identities, &plain, &err));
}

static void what_follows_the_last_chunk_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_autofree char *noise = malloc(CHUNK);
	fill_noise(noise, CHUNK, 11);
	static const size_t sizes[] = { 0, 5, CHUNK };
	static const size_t extra[] = { 1, 16, 17, SEALED };
	mrt_autofree char *more = calloc(1, SEALED);
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t k = 0; k < COUNT(extra); k++) {
			mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
			encrypt(noise, sizes[i], 0, &file);
			mrt_buf_add(&file, more, extra[k]);
			assert_code(MRT_CORRUPT,
			            decrypt(file.data, file.len, 0, identities, &plain, &err));
			assert_int_equal(plain.len, 0);
		}
}

/* A file of our own making: text (through "---"), its true MAC, and a payload of chunks. */
struct payload_chunk {
	size_t len;
	bool last;
};

static void finish(struct mrt_buf *file, const unsigned char file_key[MRT_AGE_FILE_KEY],
                   const char *mac_suffix, const struct payload_chunk *chunks, size_t n)
{
	struct mrt_error err;
	unsigned char key[MRT_AGE_KEY], mac[MRT_SHA256_SIZE], nonce[16] = { 1 };
	assert_ok(mrt_age_hkdf(file_key, MRT_AGE_FILE_KEY, NULL, 0, "header", key, &err));
	assert_ok(mrt_hmac_sha256(key, sizeof(key), file->data, file->len, mac, &err));
	mrt_buf_add_char(file, ' ');
	mrt_age_base64(mac, sizeof(mac), file);
	mrt_buf_add_text(file, mac_suffix);
	mrt_buf_add_char(file, '\n');
	mrt_buf_add(file, nonce, sizeof(nonce));
	mrt_auto(mrt_age_aead) *aead = NULL;
	assert_ok(mrt_age_hkdf(file_key, MRT_AGE_FILE_KEY, nonce, sizeof(nonce), "payload", key,
	                       &err));
	assert_ok(mrt_age_aead_new(key, &aead, &err));
	static unsigned char plain[CHUNK], sealed[SEALED];
	for (size_t i = 0; i < n; i++) {
		unsigned char number[12] = { 0 };
		number[10] = (unsigned char)i;
		number[11] = chunks[i].last;
		assert_ok(mrt_age_seal(aead, number, plain, chunks[i].len, sealed, &err));
		mrt_buf_add(file, sealed, chunks[i].len + MRT_AGE_TAG);
	}
}

static const unsigned char known_key[MRT_AGE_FILE_KEY] = "sixteen  octets";

/* The one stanza for our identity: "-> X25519 share\nbody\n". */
static void our_stanza(struct mrt_buf *ret)
{
	struct mrt_error err;
	mrt_auto_buf header = MRT_BUF_INIT;
	assert_ok(mrt_age_header_make(recipients, known_key, &header, &err));
	const char *from = strstr(header.data, "-> "), *to = strstr(header.data, "--- ");
	mrt_buf_add(ret, from, (size_t)(to - from));
}

static void only_whole_payloads_are_accepted(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		struct payload_chunk chunks[3];
		size_t n, released;
		bool good;
	} cases[] = {
		{ { { 0, true } }, 1, 0, true },
		{ { { CHUNK, true } }, 1, CHUNK, true },
		{ { { CHUNK, false }, { 1, true } }, 2, CHUNK + 1, true },
		{ { { 0 } }, 0, 0, false },                             /* no chunk */
		{ { { 5, false } }, 1, 0, false },                      /* no last one */
		{ { { CHUNK, false } }, 1, 0, false },                  /* the same, full */
		{ { { CHUNK, false }, { 0, true } }, 2, CHUNK, false }, /* an empty last one */
		{ { { CHUNK, true }, { 5, true } }, 2, 0, false },      /* two last ones */
		{ { { 100, false }, { 5, true } }, 2, 0, false },       /* a short one inside */
		{ { { CHUNK, false }, { CHUNK, false } }, 2, CHUNK, false }, /* no last one */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
		mrt_buf_add_text(&file, "age-encryption.org/v1\n");
		our_stanza(&file);
		mrt_buf_add_text(&file, "---");
		finish(&file, known_key, "", cases[i].chunks, cases[i].n);
		err = (struct mrt_error) { 0 };
		int rc = decrypt(file.data, file.len, 0, identities, &plain, &err);
		if (rc != (cases[i].good ? 0 : MRT_CORRUPT) || plain.len != cases[i].released)
			fail_msg("case %zu: %d, %zu bytes, %s", i, rc, plain.len,
			         err.text.unmasked);
	}
}

/* {intro} {before} our stanza {after} ---: the MAC is right in all of them. */
static const struct {
	const char *intro, *before, *after, *mac_suffix;
	int code;
	const char *text;
} headers[] = {
	{ "age-encryption.org/v1\n", "", "", "", 0, "" },
	{ "age-encryption.org/v1\n", "-> some-grease abc ~!x\n\n", "-> z z\nAAAA\n", "", 0, "" },
	{ "age-encryption.org/v1\n",
	  "-> long\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n", "", "",
	  0, "" },
	{ "age-encryption.org/v1\n",
	  "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", 0, "" }, /* another's */
	{ "age-encryption.org/v2\n", "", "", "", MRT_UNSUPPORTED,
	  "age: version 'age-encryption.org/v2' is not known here" },
	{ "age-encryption.org/v1\r\n", "", "", "", MRT_UNSUPPORTED, "is not known here" },
	{ "age\n", "", "", "", MRT_CORRUPT, "age: this is no age file" },
	{ "age-encryption.org/v1\n", "", "", " ", MRT_CORRUPT, "a MAC that is not 32 bytes" },
	{ "age-encryption.org/v1\n", "", "", "A", MRT_CORRUPT, "a MAC that is not 32 bytes" },
	{ "age-encryption.org/v1\n", "", "", "\r", MRT_CORRUPT, "a MAC that is not 32 bytes" },
	{ "age-encryption.org/v1\n", "->\n\n", "", "", MRT_CORRUPT, "begins no stanza" },
	{ "age-encryption.org/v1\n", "-> \n\n", "", "", MRT_CORRUPT, "an empty argument" },
	{ "age-encryption.org/v1\n", "-> a  b\n\n", "", "", MRT_CORRUPT, "an empty argument" },
	{ "age-encryption.org/v1\n", "-> a \n\n", "", "", MRT_CORRUPT, "an empty argument" },
	{ "age-encryption.org/v1\n", "->  a\n\n", "", "", MRT_CORRUPT, "an empty argument" },
	{ "age-encryption.org/v1\n", "-> a\r\n\n", "", "", MRT_CORRUPT, "no argument may hold" },
	{ "age-encryption.org/v1\n", "-> \xc3\xa9\n\n", "", "", MRT_CORRUPT,
	  "no argument may hold" },
	{ "age-encryption.org/v1\n", "-> a\n", "", "", MRT_CORRUPT, "not canonical base64" },
	{ "age-encryption.org/v1\n", "-> a\nAA==\n", "", "", MRT_CORRUPT, "not canonical base64" },
	{ "age-encryption.org/v1\n", "-> a\nAB\n", "", "", MRT_CORRUPT, "not canonical base64" },
	{ "age-encryption.org/v1\n", "-> a\nA\n", "", "", MRT_CORRUPT, "not canonical base64" },
	{ "age-encryption.org/v1\n", "-> a\nAAAA\r\n", "", "", MRT_CORRUPT,
	  "not canonical base64" },
	{ "age-encryption.org/v1\n", "-> a\nAAAA\nAAAA\n", "", "", MRT_CORRUPT,
	  "begins no stanza" },
	{ "age-encryption.org/v1\n",
	  "-> a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", "", "",
	  MRT_CORRUPT, "not canonical base64" }, /* the short line is missing */
	{ "age-encryption.org/v1\n",
	  "-> a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", "", "",
	  MRT_CORRUPT, "more than 64 characters" },
	{ "age-encryption.org/v1\n", "\n", "", "", MRT_CORRUPT, "begins no stanza" },
	{ "age-encryption.org/v1\n",
	  "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc extra\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", MRT_CORRUPT, "the wrong number of arguments" },
	{ "age-encryption.org/v1\n", "-> X25519\nAAAA\n", "", "", MRT_CORRUPT,
	  "the wrong number of arguments" },
	{ "age-encryption.org/v1\n",
	  "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOC\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", MRT_CORRUPT, "an X25519 share that is not 32 bytes" },
	{ "age-encryption.org/v1\n",
	  "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCd\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", MRT_CORRUPT, "an X25519 share that is not 32 bytes" },
	{ "age-encryption.org/v1\n",
	  "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", MRT_CORRUPT, "an X25519 share of low order" },
	{ "age-encryption.org/v1\n",
	  "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7UAAAA\n",
	  "", "", MRT_CORRUPT, "a wrapped key of the wrong length" },
	{ "age-encryption.org/v1\n", "",
	  "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", MRT_CORRUPT, "an scrypt stanza beside others" },
	{ "age-encryption.org/v1\n",
	  "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", MRT_CONFIG, "it is encrypted with a passphrase" },
	{ "age-encryption.org/v1\n",
	  "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 23\n"
	  "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n",
	  "", "", MRT_UNSUPPORTED, "an scrypt work factor of 2^23" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 010\nAAAA\n", "", "",
	  MRT_CORRUPT, "work factor that is no number" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA +1\nAAAA\n", "", "",
	  MRT_CORRUPT, "work factor that is no number" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 0\nAAAA\n", "", "",
	  MRT_CORRUPT, "work factor that is no number" },
	{ "age-encryption.org/v1\n",
	  "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18446744073709551617\nAAAA\n", "", "", MRT_CORRUPT,
	  "work factor that is no number" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA\nAAAA\n", "", "",
	  MRT_CORRUPT, "the wrong number of arguments" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10 10\nAAAA\n", "", "",
	  MRT_CORRUPT, "the wrong number of arguments" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAA 10\nAAAA\n", "", "",
	  MRT_CORRUPT, "an scrypt salt that is not 16 bytes" },
	{ "age-encryption.org/v1\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\nAAAA\n", "", "",
	  MRT_CORRUPT, "a wrapped key of the wrong length" },
};

static void a_malformed_header_is_refused_though_its_mac_is_right(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct payload_chunk whole = { 3, true };
	for (size_t i = 0; i < COUNT(headers); i++) {
		mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
		mrt_buf_add_text(&file, headers[i].intro);
		mrt_buf_add_text(&file, headers[i].before);
		our_stanza(&file);
		mrt_buf_add_text(&file, headers[i].after);
		mrt_buf_add_text(&file, "---");
		finish(&file, known_key, headers[i].mac_suffix, &whole, 1);
		err = (struct mrt_error) { 0 };
		int rc = decrypt(file.data, file.len, 0, identities, &plain, &err);
		if (rc != headers[i].code || plain.len != (rc == 0 ? 3 : 0) ||
		    !strstr(err.text.unmasked, headers[i].text))
			fail_msg("case %zu: %d, \"%s\"", i, rc, err.text.unmasked);
	}
}

static void a_header_without_end_or_of_a_megabyte_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	mrt_buf_add_text(&file, "age-encryption.org/v1\n---");
	assert_code(MRT_CORRUPT, decrypt(file.data, file.len, 0, identities, &plain, &err));
	assert_string_equal(err.text.unmasked, "age: the file ends inside its header");
	finish(&file, known_key, "", NULL, 0);
	assert_code(MRT_CORRUPT, decrypt(file.data, file.len, 0, identities, &plain, &err));
	assert_string_equal(err.text.unmasked, "age: the header is malformed: it has no stanza");
	mrt_buf_clear(&file);
	mrt_buf_add_text(&file, "age-encryption.org/v1\n-> a\n");
	while (file.len < 2 * MRT_AGE_HEADER_MAX)
		mrt_buf_add_text(
		        &file,
		        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
	assert_code(MRT_CORRUPT, decrypt(file.data, file.len, 0, identities, &plain, &err));
	assert_string_equal(err.text.unmasked, "age: this is no age file");
}

static void a_passphrase_opens_what_is_wrapped_with_it(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf file = MRT_BUF_INIT, plain = MRT_BUF_INIT;
	mrt_auto(mrt_age_identities) *with = NULL;
	mrt_auto(mrt_age_aead) *aead = NULL;
	unsigned char salt[28 + 16] = "age-encryption.org/v1/scrypt", key[MRT_AGE_KEY];
	unsigned char body[MRT_AGE_FILE_KEY + MRT_AGE_TAG], nonce[12] = { 0 };
	const struct payload_chunk whole = { 3, true };
	assert_ok(mrt_age_scrypt("correct horse", salt, sizeof(salt), 4, key, &err));
	assert_ok(mrt_age_aead_new(key, &aead, &err));
	assert_ok(mrt_age_seal(aead, nonce, known_key, sizeof(known_key), body, &err));
	mrt_buf_add_text(&file, "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 4\n");
	mrt_age_base64(body, sizeof(body), &file);
	mrt_buf_add_text(&file, "\n---");
	finish(&file, known_key, "", &whole, 1);
	assert_ok(mrt_age_identities_new(&with, &err));
	assert_ok(mrt_age_identities_passphrase(with, "wrong horse", &err));
	assert_code(MRT_CONFIG, decrypt(file.data, file.len, 0, with, &plain, &err));
	assert_string_equal(err.text.unmasked, "the passphrase is wrong");
	assert_ok(mrt_age_identities_passphrase(with, "correct horse", &err));
	assert_ok(decrypt(file.data, file.len, 0, with, &plain, &err));
	assert_int_equal(plain.len, 3);
}

static void keys_are_bech32_of_one_case(void **state)
{
	(void)state;
	struct mrt_error err;
	/* from BIP 173 */
	unsigned char bytes[20];
	char hex[41];
	mrt_auto_buf text = MRT_BUF_INIT;
	assert_ok(mrt_bech32_decode("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef",
	                            bytes, sizeof(bytes), &err));
	mrt_hex(bytes, sizeof(bytes), hex);
	assert_string_equal(hex, "00443214c74254b635cf84653a56d7c675be77df");
	mrt_bech32_encode("abcdef", bytes, sizeof(bytes), &text);
	assert_string_equal(mrt_buf_text(&text), "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw");
	assert_int_equal(strlen(recipient), 62);
	assert_int_equal(strlen(secret), 74);
	assert_memory_equal(recipient, "age1", 4);
	assert_memory_equal(secret, "AGE-SECRET-KEY-1", 16);
	assert_string_equal(mrt_age_identity(identities, 0), recipient);
	assert_null(mrt_age_identity(identities, 1));
}

static void what_is_no_key_is_refused_and_never_repeated(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_age_recipients) *r = NULL;
	mrt_auto(mrt_age_identities) *ids = NULL;
	mrt_autofree char *changed = NULL, *list = NULL;
	assert_ok(mrt_age_recipients_new(&r, &err));
	assert_ok(mrt_age_identities_new(&ids, &err));
	assert_ok(mrt_text_dup(recipient, &changed, &err));
	changed[20] = changed[20] == 'q' ? 'p' : 'q';
	assert_code(MRT_CONFIG, mrt_age_recipients_add(r, changed, &err));
	assert_contains(err.text.unmasked,
	                "is no age recipient: its checksum is wrong: is it complete?");
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "'' is no age recipient: it does not begin with age1" },
		{ "age1abc", "'age1abc' is no age recipient: it has 7 characters, not 62" },
		{ "Age1abc", "it mixes upper and lower case" },
		{ "ssh-ed25519 AAAA", "SSH keys are not supported as recipients" },
		{ "age1bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		  "character 5 is none of Bech32's" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_code(MRT_CONFIG, mrt_age_recipients_add(r, cases[i].text, &err));
		assert_contains(err.text.unmasked, cases[i].why);
	}
	assert_code(MRT_CONFIG, mrt_age_recipients_add(r, secret, &err));
	assert_contains(err.text.unmasked, "that is a private key, not a recipient");
	assert_null(strstr(err.text.unmasked, secret + 16));
	assert_null(mrt_age_recipient(r, 0));
	assert_ok(mrt_text_printf(&list, &err, "# mine\n%.73s\n", secret));
	assert_code(MRT_CONFIG, mrt_age_identities_read(ids, list, "key.txt", &err));
	assert_string_equal(err.text.unmasked, "key.txt:2: this line is no age identity: it has 73 "
	                                       "characters, not 74");
	assert_code(MRT_CONFIG, mrt_age_identities_read(ids, recipient, "key.txt", &err));
	assert_contains(err.text.unmasked, "key.txt:1: that is a recipient; what decrypts is");
	assert_code(MRT_CONFIG, mrt_age_identities_read(ids, "# none\n", "key.txt", &err));
	assert_string_equal(err.text.unmasked, "key.txt: there is no key in it");
	assert_null(mrt_age_identity(ids, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_back_at_every_chunk_border),
		cmocka_unit_test(a_file_is_never_made_with_the_same_key_twice),
		cmocka_unit_test(any_of_several_recipients_opens_it),
		cmocka_unit_test(a_stranger_opens_nothing),
		cmocka_unit_test(a_cut_at_any_byte_is_noticed),
		cmocka_unit_test(a_flipped_bit_anywhere_is_noticed),
		cmocka_unit_test(what_follows_the_last_chunk_is_refused),
		cmocka_unit_test(only_whole_payloads_are_accepted),
		cmocka_unit_test(a_malformed_header_is_refused_though_its_mac_is_right),
		cmocka_unit_test(a_header_without_end_or_of_a_megabyte_is_refused),
		cmocka_unit_test(a_passphrase_opens_what_is_wrapped_with_it),
		cmocka_unit_test(keys_are_bech32_of_one_case),
		cmocka_unit_test(what_is_no_key_is_refused_and_never_repeated),
	};
	return cmocka_run_group_tests_name("age", tests, make_keys, drop_keys);
}
