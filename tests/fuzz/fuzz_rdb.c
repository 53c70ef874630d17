/* fuzz_rdb.c - snapshots of Redis: the first byte says the size of the pieces; whole and in pieces
 * must be understood alike. */
#include "codec/rdb.h"
#include "fuzz.h"

static int walk(const uint8_t *data, size_t len, size_t step, struct mrt_rdb **ret,
                struct mrt_error *err)
{
	int rc = mrt_rdb_new(ret, err);
	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = mrt_rdb_feed(*ret, data + at, len - at < step ? len - at : step, err);
	return rc < 0 ? rc : mrt_rdb_end(*ret, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mrt_error err = { 0 }, again = { 0 };
	mrt_auto(mrt_rdb) *whole = NULL;
	mrt_auto(mrt_rdb) *pieces = NULL;
	if (len == 0)
		return 0;
	int rc = walk(data + 1, len - 1, len, &whole, &err);
	fuzz_check(walk(data + 1, len - 1, (size_t)data[0] + 1, &pieces, &again) == rc);
	fuzz_check(rc == 0 || rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED);
	fuzz_check(rc == 0 || strcmp(err.text.unmasked, again.text.unmasked) == 0);
	const struct mrt_rdb_info *a = mrt_rdb_info(whole), *b = mrt_rdb_info(pieces);
	fuzz_check(a->keys == b->keys && a->n_databases == b->n_databases);
	fuzz_check(strcmp(a->redis_version, b->redis_version) == 0);
	uint64_t keys = 0;
	for (size_t i = 0; i < a->n_databases; i++) {
		keys += a->databases[i].keys;
		fuzz_check(a->databases[i].expires <= a->databases[i].keys);
	}
	fuzz_check(keys == a->keys);
	return 0;
}
