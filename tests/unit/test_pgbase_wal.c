/* test_pgbase_wal.c - the WAL in a base backup against the ranges of its manifest. */
#include "unit.h"
#include "backups.h"

static void wal_must_reach_over_the_ranges_of_the_manifest(void **state)
{
	(void)state;
	struct backup b = backup_of("CRC32C");
	b.segments = 0;
	check(&b, "WAL from 0/800028 to 0/900100 is needed; there is none",
	      "WAL from 0/800028 to 0/900100 is needed; there is none");
	b.segments = 1;
	check(&b, "WAL from 0/800028 to 0/900100 is needed; unbroken is 0/800000 to 0/900000",
	      "WAL from 0/800028 to 0/900100 is needed; unbroken is 0/800000 to 0/900000");
	b.range_end = "0/900000";
	check(&b, "", "");
	b.range_end = "0/900001";
	check(&b, "WAL from 0/800028 to 0/900001 is needed; unbroken is 0/800000 to 0/900000",
	      "WAL from 0/800028 to 0/900001 is needed; unbroken is 0/800000 to 0/900000");
	b.segments = 3;
	check(&b, "", "");
}

static void a_manifest_without_ranges_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	struct backup b = backup_of("CRC32C");
	write_backup(&b);
	b.manifest.len = (size_t)(strstr(b.manifest.data, "{ \"Timeline") - b.manifest.data);
	mrt_buf_add_text(&b.manifest, "],\n");
	manifest_digest(&b.manifest);
	for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++) {
		assert_code(MRT_CORRUPT, read_backup(&b, order, 0, &how, NULL, &err));
		assert_string_equal(err.text.unmasked, "backup_manifest names no range of WAL");
	}
	release_backup(&b);
}

static void every_range_must_be_covered(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	for (unsigned good = 0; good <= 1; good++) {
		struct backup b = backup_of("CRC32C");
		write_backup(&b);
		char *end = strstr(b.manifest.data, "\n],\n\"Manifest");
		b.manifest.len = (size_t)(end - b.manifest.data);
		manifest_range(&b.manifest, "2", "0/900100", good ? "0/A00000" : "0/A00001");
		manifest_end(&b.manifest);
		if (good)
			assert_ok(read_backup(&b, TARS_FIRST, 0, &how, NULL, &err));
		else
			assert_code(MRT_CORRUPT, read_backup(&b, TARS_FIRST, 0, &how, NULL, &err));
		if (!good)
			assert_string_equal(err.text.unmasked,
			                    "WAL from 0/900100 to 0/A00001 is needed; "
			                    "unbroken is 0/800000 to 0/A00000");
		release_backup(&b);
	}
}

static void damaged_wal_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" },
	                                other = { .algorithm = "CRC32C",
		                                  .system_identifier = 4711 };
	write_backup(&b);
	/* two segments and the end are the last of the base */
	size_t second = b.base.len - 2 * TAR_BLOCK - SEGMENT, first = second - TAR_BLOCK - SEGMENT;
	for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++) {
		b.base.data[first + 5 * WAL_PAGE + WAL_ADDRESS] ^= 1;
		assert_code(MRT_CORRUPT, read_backup(&b, order, 1000, &how, NULL, &err));
		assert_string_equal(err.text.unmasked,
		                    "WAL from 0/800028 to 0/900100 is needed; unbroken is "
		                    "0/900000 to 0/A00000");
		b.base.data[first + 5 * WAL_PAGE + WAL_ADDRESS] ^= 1;
		b.base.data[second + WAL_ADDRESS] ^= 1;
		assert_code(MRT_CORRUPT, read_backup(&b, order, 1000, &how, NULL, &err));
		assert_string_equal(err.text.unmasked,
		                    "the WAL segment 000000010000000000000009 is damaged "
		                    "at its beginning");
		b.base.data[second + WAL_ADDRESS] ^= 1;
		assert_code(MRT_CORRUPT, read_backup(&b, order, 1000, &other, NULL, &err));
		assert_string_equal(err.text.unmasked,
		                    "the WAL segment 000000010000000000000008 is of the "
		                    "system 7712033420912970512, not 4711");
		assert_ok(read_backup(&b, order, 1000, &how, NULL, &err));
	}
	release_backup(&b);
}

static void a_cut_wal_segment_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_pgbase_options how = { .algorithm = "CRC32C" };
	mrt_auto_buf tar = MRT_BUF_INIT;
	mrt_auto(mrt_pgbase) *base = NULL;
	tar_file(&tar, "pg_wal/000000010000000000000008", "cut", 3);
	assert_ok(mrt_pgbase_new(&how, &base, &err));
	assert_ok(mrt_pgbase_archive(base, NULL, &err));
	assert_code(MRT_CORRUPT, mrt_pgbase_feed(base, tar.data, tar.len, &err));
	assert_string_equal(err.text.unmasked,
	                    "the WAL segment 000000010000000000000008 has 3 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wal_must_reach_over_the_ranges_of_the_manifest),
		cmocka_unit_test(a_manifest_without_ranges_is_refused),
		cmocka_unit_test(every_range_must_be_covered),
		cmocka_unit_test(damaged_wal_is_noticed),
		cmocka_unit_test(a_cut_wal_segment_is_noticed),
	};
	return cmocka_run_group_tests_name("pgbase-wal", tests, NULL, NULL);
}
