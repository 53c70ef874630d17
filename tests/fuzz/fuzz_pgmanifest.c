/* fuzz_pgmanifest.c - backup_manifest as it stands, and with the digest made right so that all of
 * it is reached; whole, and in pieces of which the first byte says the size. */
#include "base/buf.h"
#include "codec/digest.h"
#include "codec/pg/manifest.h"
#include "fuzz.h"

struct outcome {
	int rc;
	struct mrt_error err;
	struct mrt_pgmanifest_info info;
	uint64_t files, bytes;
};

static int on_file(void *context, const struct mrt_pgmanifest_file *file, struct mrt_error *err)
{
	struct outcome *out = context;
	(void)err;
	fuzz_check(file->path && file->algorithm && file->checksum);
	fuzz_check(file->size <= INT64_MAX);
	out->files++;
	out->bytes += file->size;
	return 0;
}

static void read_manifest(const void *data, size_t len, size_t step, struct outcome *out)
{
	mrt_auto(mrt_pgmanifest) *m = NULL;
	*out = (struct outcome) { 0 };
	fuzz_check(mrt_pgmanifest_new(on_file, out, &m, &out->err) == 0);
	for (size_t at = 0; out->rc == 0 && at < len; at += step)
		out->rc = mrt_pgmanifest_feed(m, (const char *)data + at,
		                              step < len - at ? step : len - at, &out->err);
	if (out->rc == 0)
		out->rc = mrt_pgmanifest_end(m, &out->err);
	fuzz_check(out->rc == 0 || out->rc == MRT_CORRUPT);
	out->info = *mrt_pgmanifest_info(m);
	fuzz_check(out->files == out->info.files && out->bytes == out->info.bytes);
	fuzz_check(out->info.n_ranges <= MRT_PGMANIFEST_RANGES);
	if (out->rc < 0)
		return;
	fuzz_check(out->info.version == 1 || out->info.version == 2);
	for (size_t i = 0; i < out->info.n_ranges; i++) {
		const struct mrt_pgmanifest_range *r = &out->info.ranges[i];
		char text[MRT_LSN_SIZE];
		uint64_t again = 0;
		fuzz_check(r->timeline > 0 && r->start <= r->end);
		mrt_lsn_format(r->end, text);
		fuzz_check(mrt_lsn_parse(text, &again, NULL) == 0 && again == r->end);
	}
}

static void read_both_ways(const void *data, size_t len, size_t step)
{
	struct outcome whole, pieces;
	read_manifest(data, len, len > 0 ? len : 1, &whole);
	read_manifest(data, len, step, &pieces);
	fuzz_check(whole.rc == pieces.rc &&
	           strcmp(whole.err.text.unmasked, pieces.err.text.unmasked) == 0);
	fuzz_check(whole.files == pieces.files && whole.bytes == pieces.bytes);
	fuzz_check(whole.info.n_ranges == pieces.info.n_ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char line[] = "\"Manifest-Checksum\": \"";
	if (len == 0)
		return 0;
	size_t step = (size_t)1 + data[0];
	read_both_ways(data + 1, len - 1, step);
	/* the last line that says so is replaced, or one is added */
	size_t body = len - 1;
	for (size_t n = body; n > sizeof(line); n--)
		if (memcmp(data + n - sizeof(line) + 1, line, sizeof(line) - 1) == 0) {
			body = n - sizeof(line);
			break;
		}
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_auto(mrt_digest) *digest = NULL;
	char hex[MRT_SHA256_HEX];
	fuzz_check(mrt_digest_new(&digest, NULL) == 0);
	fuzz_check(mrt_digest_add(digest, data + 1, body, NULL) == 0);
	fuzz_check(mrt_digest_end(digest, hex, NULL) == 0);
	mrt_buf_add(&text, data + 1, body);
	mrt_buf_printf(&text, "%s%s\"}\n", line, hex);
	fuzz_check(mrt_buf_check(&text, NULL) == 0);
	read_both_ways(text.data, text.len, step);
	return 0;
}
