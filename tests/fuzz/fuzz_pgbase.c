/* fuzz_pgbase.c - base backups, and the pages of WAL segments. An input is a size of pieces (one
 * byte), the manifest's length (two bytes, little-endian), the manifest up to its digest, and one
 * tar; the tar first and the manifest first must come to the same judgement. What follows the
 * length is also read as the beginning of a WAL segment. */
#include "base/buf.h"
#include "codec/digest.h"
#include "codec/pg/basebackup.h"
#include "fuzz.h"

struct input {
	struct mrt_buf manifest;
	const uint8_t *tar;
	size_t tar_len, step;
	const char *oid;
};

typedef int feed_fn(struct mrt_pgbase *base, const void *data, size_t len, struct mrt_error *err);

static int feed(feed_fn *to, struct mrt_pgbase *base, const void *data, size_t len, size_t step,
                struct mrt_error *err)
{
	int rc = 0;
	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = to(base, (const char *)data + at, step < len - at ? step : len - at, err);
	return rc;
}

static int read_manifest(struct mrt_pgbase *base, const struct input *in, struct mrt_error *err)
{
	int rc =
	        feed(mrt_pgbase_manifest, base, in->manifest.data, in->manifest.len, in->step, err);
	return rc < 0 ? rc : mrt_pgbase_manifest_end(base, err);
}

static int read_tar(struct mrt_pgbase *base, const struct input *in, struct mrt_error *err)
{
	int rc = mrt_pgbase_archive(base, in->oid, err);
	if (rc == 0)
		rc = feed(mrt_pgbase_feed, base, in->tar, in->tar_len, in->step, err);
	return rc < 0 ? rc : mrt_pgbase_archives_end(base, err);
}

/* True: the files are those of the manifest, whatever is said about WAL. */
static bool read_base(const struct input *in, bool manifest_first)
{
	struct mrt_error err = { 0 };
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	mrt_auto(mrt_pgbase) *base = NULL;
	fuzz_check(mrt_pgbase_new(&how, &base, &err) == 0);
	int rc = manifest_first ? read_manifest(base, in, &err) : read_tar(base, in, &err);
	if (rc == 0)
		rc = manifest_first ? read_tar(base, in, &err) : read_manifest(base, in, &err);
	bool both = rc == 0;
	if (rc == 0)
		rc = mrt_pgbase_end(base, &err);
	fuzz_check(rc == 0 || rc == MRT_CORRUPT);
	fuzz_check(mrt_pgbase_info(base)->wal_segments <= in->tar_len / 512);
	bool alike = rc == 0 || strstr(err.text.unmasked, "WAL") == err.text.unmasked ||
	             strcmp(err.text.unmasked, "backup_manifest names no range of WAL") == 0;
	if (both && alike)
		fuzz_check(mrt_pgbase_info(base)->files == mrt_pgbase_manifest_info(base)->files);
	return both && alike;
}

static void read_wal(const uint8_t *data, size_t len, size_t step)
{
	struct mrt_pgwal ends[2] = { 0 };
	int rc[2] = { 0 };
	for (unsigned k = 0; k < 2; k++) {
		size_t n = k == 0 ? len : step;
		fuzz_check(mrt_pgwal_begin(&ends[k], "000000010000000000000001", 1 << 20, NULL) ==
		           0);
		for (size_t at = 0; rc[k] == 0 && at < len; at += n)
			rc[k] = mrt_pgwal_data(&ends[k], data + at, n < len - at ? n : len - at,
			                       NULL);
		fuzz_check(rc[k] == 0 || rc[k] == MRT_CORRUPT);
		fuzz_check(ends[k].from == 1 << 20 && ends[k].to >= 1 << 20);
		fuzz_check(ends[k].to - ends[k].from <= len + 65536);
	}
	fuzz_check(rc[0] == rc[1] && ends[0].to == ends[1].to);
	fuzz_check(ends[0].system_identifier == ends[1].system_identifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 3)
		return 0;
	size_t manifest = (size_t)data[1] | (size_t)data[2] << 8, rest = len - 3;
	if (manifest > rest)
		manifest = rest;
	unsigned char raw[MRT_SHA256_SIZE];
	struct input in = {
		.manifest = MRT_BUF_INIT,
		.tar = data + 3 + manifest,
		.tar_len = rest - manifest,
		.step = (size_t)1 + data[0],
		.oid = data[0] % 2 ? "16384" : NULL,
	};
	fuzz_check(mrt_sha256(data + 3, manifest, raw, NULL) == 0);
	mrt_buf_add(&in.manifest, data + 3, manifest);
	mrt_buf_add_text(&in.manifest, "\"Manifest-Checksum\": \"");
	for (size_t i = 0; i < sizeof(raw); i++)
		mrt_buf_printf(&in.manifest, "%02x", raw[i]);
	mrt_buf_add_text(&in.manifest, "\"}\n");
	fuzz_check(mrt_buf_check(&in.manifest, NULL) == 0);
	fuzz_check(read_base(&in, false) == read_base(&in, true));
	mrt_buf_release(&in.manifest);
	read_wal(data + 3, rest, in.step);
	return 0;
}
