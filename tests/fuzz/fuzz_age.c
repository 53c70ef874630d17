/* fuzz_age.c - age files and keys: the first byte says the size of the reads; whole and in pieces
 * must be heard alike. The seeds are encrypted to the key below, and to nobody else's. */
#include "base/buf.h"
#include "codec/age/header.h"
#include "codec/age/bech32.h"
#include "fuzz.h"
#include "codec/age/stream.h"

static const char key[] =
        "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

struct pieces {
	struct mrt_source source;
	const uint8_t *data;
	size_t len, step;
};

static int pieces_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                       struct mrt_error *err)
{
	struct pieces *p = (struct pieces *)source;
	size_t n = p->len < p->step ? p->len : p->step;
	n = n < cap ? n : cap;
	(void)err;
	memcpy(data, p->data, n);
	p->data += n;
	p->len -= n;
	*ret_len = n;
	return 0;
}

static void pieces_free(struct mrt_source *source)
{
	(void)source;
}

static int decrypt(const uint8_t *data, size_t len, size_t step, struct mrt_buf *plain,
                   struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { pieces_read, pieces_free };
	const struct mrt_context ctx = { .wall = mrt_clock_wall };
	struct pieces from = { { &ops }, data, len, step };
	mrt_auto(mrt_age_identities) *identities = NULL;
	mrt_auto(mrt_source) *source = NULL;
	fuzz_check(mrt_age_identities_new(&identities, err) == 0);
	fuzz_check(mrt_age_identities_read(identities, key, "key", err) == 0);
	fuzz_check(mrt_age_source(&from.source, identities, &source, err) == 0);
	return mrt_stream_slurp(&ctx, source, plain, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mrt_error err = { 0 }, again = { 0 };
	mrt_auto_buf whole = MRT_BUF_INIT, cut = MRT_BUF_INIT, text = MRT_BUF_INIT;
	if (len == 0)
		return 0;
	size_t step = (size_t)data[0] + 1;
	data++;
	len--;
	int rc = decrypt(data, len, len + 1, &whole, &err);
	fuzz_check(decrypt(data, len, step, &cut, &again) == rc);
	fuzz_check(whole.len == cut.len &&
	           memcmp(mrt_buf_text(&whole), mrt_buf_text(&cut), whole.len) == 0);
	fuzz_check(rc == 0 || rc == MRT_CORRUPT || rc == MRT_CONFIG || rc == MRT_UNSUPPORTED);
	fuzz_check(rc == 0 || strcmp(err.text.unmasked, again.text.unmasked) == 0);

	/* the same bytes as a key, and as a list of keys */
	unsigned char bytes[MRT_AGE_KEY];
	mrt_auto(mrt_age_recipients) *recipients = NULL;
	mrt_auto(mrt_age_identities) *identities = NULL;
	fuzz_check(mrt_age_recipients_new(&recipients, &err) == 0);
	fuzz_check(mrt_age_identities_new(&identities, &err) == 0);
	mrt_buf_add(&text, data, len);
	if (mrt_bech32_decode(mrt_buf_text(&text), "age", bytes, sizeof(bytes), &err) == 0) {
		mrt_auto_buf back = MRT_BUF_INIT;
		mrt_bech32_encode("age", bytes, sizeof(bytes), &back);
		fuzz_check(strcasecmp(mrt_buf_text(&back), mrt_buf_text(&text)) == 0);
	}
	rc = mrt_age_recipients_read(recipients, mrt_buf_text(&text), "name", &err);
	fuzz_check(rc == 0 || rc == MRT_CONFIG);
	rc = mrt_age_identities_read(identities, mrt_buf_text(&text), "name", &err);
	fuzz_check(rc == 0 || rc == MRT_CONFIG);
	return 0;
}
