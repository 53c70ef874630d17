/* fuzz_pgarchive.c - pg_dump archives: fed whole, and in pieces of which the first byte says the
 * size; both must come to the same end. */
#include "codec/pg/archive.h"
#include "fuzz.h"

struct outcome {
	int rc;
	uint64_t rows, tables, objects;
};

static struct outcome read_archive(const uint8_t *data, size_t len, size_t step)
{
	struct mrt_error err;
	struct outcome out = { 0 };
	mrt_auto(mrt_pgarchive) *a = NULL;
	fuzz_check(mrt_pgarchive_new(&a, &err) == 0);
	for (size_t at = 0; out.rc == 0 && at < len; at += step)
		out.rc = mrt_pgarchive_feed(a, data + at, step < len - at ? step : len - at, &err);
	if (out.rc == 0)
		out.rc = mrt_pgarchive_end(a, &err);
	fuzz_check(out.rc == 0 || out.rc == MRT_CORRUPT || out.rc == MRT_UNSUPPORTED);
	const struct mrt_pgarchive_info *info = mrt_pgarchive_info(a);
	out.tables = info->n_tables;
	out.objects = info->large_objects;
	for (size_t i = 0; i < info->n_tables; i++) {
		fuzz_check(info->tables[i].schema && info->tables[i].name);
		fuzz_check(info->tables[i].rows <= len);
		if (out.rc == 0)
			out.rows += info->tables[i].rows;
	}
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	struct outcome whole = read_archive(data + 1, len - 1, len);
	struct outcome pieces = read_archive(data + 1, len - 1, 1 + data[0] % 64);
	fuzz_check(whole.rc == pieces.rc && whole.rows == pieces.rows);
	fuzz_check(whole.tables == pieces.tables && whole.objects == pieces.objects);
	return 0;
}
