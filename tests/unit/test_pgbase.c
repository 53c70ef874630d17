/* test_pgbase.c - the tars of a base backup against its manifest, whichever comes first. */
#include "unit.h"
#include "backups.h"

static const char *const algorithms[] = { "CRC32C", "SHA256", "NONE" };

static void a_sound_backup_is_accepted_in_both_orders_and_any_pieces(void **state)
{
	(void)state;
	struct mrt_error err;
	static const size_t steps[] = { 0, 1, 7, 511, 512, 513, 8192, 100000 };
	uint64_t bytes = 0;
	for (size_t i = 0; i < N_PIECES; i++)
		bytes += strlen(sound[i].data);
	for (size_t i = 0; i < COUNT(algorithms) * COUNT(steps) * 2; i++) {
		struct backup b = backup_of(algorithms[i % COUNT(algorithms)]);
		enum order order = i % 2;
		mrt_auto(mrt_pgbase) *base = NULL;
		/* with the manifest first the algorithm need not be known */
		const struct mrt_pgbase_options how = {
			.algorithm = order == TARS_FIRST ? b.algorithm : NULL,
			.system_identifier = WAL_SYSTEM,
		};
		write_backup(&b);
		assert_ok(read_backup(&b, order, steps[i / 2 / COUNT(algorithms)], &how, &base,
		                      &err));
		const struct mrt_pgbase_info *info = mrt_pgbase_info(base);
		assert_int_equal(info->files, N_PIECES);
		assert_int_equal(info->bytes, bytes);
		assert_int_equal(info->wal_segments, 2);
		assert_int_equal(info->wal_bytes, 2 * SEGMENT);
		assert_true(info->has_tablespace_map);
		assert_int_equal(mrt_pgbase_manifest_info(base)->files, N_PIECES);
		assert_int_equal(mrt_pgbase_manifest_info(base)->bytes, bytes);
		assert_int_equal(mrt_pgbase_manifest_info(base)->n_ranges, 1);
		release_backup(&b);
	}
	mrt_pgbase_free(NULL);
}

/* What PostgreSQL 15 wrote into its manifests about the file PG_VERSION. */
static void checksums_are_written_as_the_server_writes_them(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const checksums[][2] = {
		{ "CRC32C", "8a744722" },
		{ "SHA256", "238903180cc104ec2c5d8b3f20c5bc61b389ec0a967df8cc208cdc7cd454174f" },
	};
	for (size_t i = 0; i < COUNT(checksums); i++) {
		struct backup b = { .manifest = MRT_BUF_INIT,
			            .base = MRT_BUF_INIT,
			            .space = MRT_BUF_INIT };
		const struct mrt_pgbase_options how = { .algorithm = checksums[i][0] };
		tar_file(&b.base, "PG_VERSION", "15\n", 3);
		add_wal(&b.base, WAL_START);
		tar_end(&b.base);
		tar_end(&b.space);
		manifest_begin(&b.manifest, 0);
		manifest_file(&b.manifest, "PG_VERSION", 3, checksums[i][0], checksums[i][1]);
		manifest_ranges(&b.manifest);
		manifest_range(&b.manifest, "1", "0/800028", "0/800100");
		manifest_end(&b.manifest);
		assert_ok(read_backup(&b, TARS_FIRST, 0, &how, NULL, &err));
		assert_ok(read_backup(&b, MANIFEST_FIRST, 0, &how, NULL, &err));
		release_backup(&b);
	}
}

static void a_differing_byte_is_named_with_its_file(void **state)
{
	(void)state;
	static const char words[] =
	        "base/1/16390: its size or checksum is not that of backup_manifest";
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		struct backup b = backup_of(algorithms[i]);
		bool none = strcmp(algorithms[i], "NONE") == 0;
		b.pieces[TABLE].listed = "Rows of a table";
		check(&b, none ? "" : words, none ? "" : words);
		b.pieces[TABLE].listed = "rows of a table and more";
		check(&b, words, words);
		b.pieces[TABLE].listed = "";
		check(&b, words, words);
		b.pieces[TABLE].listed = NULL;
		b.pieces[EMPTY].listed = "not empty";
		check(&b, "base/1/empty: its size or checksum is not that of backup_manifest",
		      "base/1/empty: its size or checksum is not that of backup_manifest");
	}
}

static void a_differing_file_of_a_tablespace_is_named(void **state)
{
	(void)state;
	struct backup b = backup_of("CRC32C");
	b.pieces[IN_SPACE].listed = "other rows";
	check(&b,
	      "pg_tblspc/16384/PG_15_202209061/5/16385: its size or checksum is not that of "
	      "backup_manifest",
	      "tablespace 16384: pg_tblspc/16384/PG_15_202209061/5/16385: its size or checksum is "
	      "not that of backup_manifest");
}

static void every_changed_byte_of_a_large_file_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	char noise[3000], checksum[MRT_SHA256_HEX];
	fill_noise(noise, sizeof(noise), 8);
	for (size_t a = 0; a < 2; a++) {
		struct backup b = { .manifest = MRT_BUF_INIT,
			            .base = MRT_BUF_INIT,
			            .space = MRT_BUF_INIT };
		const struct mrt_pgbase_options how = { .algorithm = algorithms[a] };
		checksum_hex(algorithms[a], noise, sizeof(noise), checksum);
		tar_file(&b.base, "base/1/1", noise, sizeof(noise));
		tar_end(&b.base);
		tar_end(&b.space);
		manifest_begin(&b.manifest, 0);
		manifest_file(&b.manifest, "base/1/1", sizeof(noise), algorithms[a], checksum);
		manifest_ranges(&b.manifest);
		manifest_range(&b.manifest, "1", "0/800028", "0/800100");
		manifest_end(&b.manifest);
		for (size_t i = 0; i < sizeof(noise); i += 1 + i % 3) {
			b.base.data[TAR_BLOCK + i] ^= (char)(1 << i % 8);
			assert_code(MRT_CORRUPT, read_backup(&b, i % 2, i, &how, NULL, &err));
			assert_string_equal(
			        err.text.unmasked,
			        "base/1/1: its size or checksum is not that of backup_manifest");
			b.base.data[TAR_BLOCK + i] ^= (char)(1 << i % 8);
		}
		release_backup(&b);
	}
}

static void exchanged_contents_are_noticed(void **state)
{
	(void)state;
	struct backup b = backup_of("CRC32C");
	b.pieces[TABLE].data = sound[VERSION].data;
	b.pieces[TABLE].listed = sound[TABLE].data;
	b.pieces[VERSION].data = sound[TABLE].data;
	b.pieces[VERSION].listed = sound[VERSION].data;
	check(&b, "PG_VERSION: its size or checksum is not that of backup_manifest",
	      "PG_VERSION: its size or checksum is not that of backup_manifest");
}

static void a_file_that_only_the_tars_have_is_noticed(void **state)
{
	(void)state;
	struct backup b = backup_of("CRC32C");
	b.pieces[TABLE].in_manifest = 0;
	check(&b, "the backup has 7 files; backup_manifest lists 6",
	      "base/1/16390 is not in backup_manifest");
	b = backup_of("SHA256");
	b.pieces[IN_SPACE].in_manifest = 0;
	check(&b, "the backup has 7 files; backup_manifest lists 6",
	      "tablespace 16384: pg_tblspc/16384/PG_15_202209061/5/16385 is not in "
	      "backup_manifest");
	/* only files whose name is a segment's, in pg_wal itself, are no matter of the manifest */
	b = backup_of("NONE");
	b.pieces[STATUS].name = "pg_wal/00000002.history";
	b.pieces[STATUS].in_manifest = 0;
	check(&b, "the backup has 7 files; backup_manifest lists 6",
	      "pg_wal/00000002.history is not in backup_manifest");
	b.pieces[STATUS].name = "pg_wal/archive_status/000000010000000000000008";
	check(&b, "the backup has 7 files; backup_manifest lists 6",
	      "pg_wal/archive_status/000000010000000000000008 is not in backup_manifest");
	b.pieces[STATUS].archive = "16384";
	b.pieces[STATUS].name = "pg_wal/000000010000000000000008";
	check(&b, "the backup has 7 files; backup_manifest lists 6",
	      "tablespace 16384: pg_tblspc/16384/pg_wal/000000010000000000000008 is not in "
	      "backup_manifest");
}

static void a_file_that_only_the_manifest_has_is_noticed(void **state)
{
	(void)state;
	struct backup b = backup_of("CRC32C");
	b.pieces[TABLE].in_tars = 0;
	check(&b, "base/1/16390 is missing in the backup",
	      "the backup has 6 files; backup_manifest lists 7");
	b = backup_of("NONE");
	b.pieces[EMPTY].in_tars = 0;
	check(&b, "base/1/empty is missing in the backup",
	      "the backup has 6 files; backup_manifest lists 7");
	b = backup_of("NONE");
	for (size_t i = 0; i < N_PIECES; i++)
		b.pieces[i].in_tars = 0;
	check(&b, "pg_tblspc/16384/PG_15_202209061/5/16385 is missing in the backup",
	      "the backup has 0 files; backup_manifest lists 7");
}

static void what_is_missing_can_be_asked(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("CRC32C");
	const struct mrt_pgbase_options how = { 0 };
	mrt_auto(mrt_pgbase) *base = NULL;
	b.pieces[TABLE].in_tars = b.pieces[IN_SPACE].in_tars = 0;
	write_backup(&b);
	assert_code(MRT_CORRUPT, read_backup(&b, MANIFEST_FIRST, 0, &how, &base, &err));
	assert_true(mrt_pgbase_missing(base, "base/1/16390"));
	assert_true(mrt_pgbase_missing(base, "pg_tblspc/16384/PG_15_202209061/5/16385"));
	assert_false(mrt_pgbase_missing(base, "base/1/empty"));
	assert_false(mrt_pgbase_missing(base, "PG_VERSION"));
	assert_false(mrt_pgbase_missing(base, "PG_15_202209061/5/16385"));
	assert_false(mrt_pgbase_missing(base, "nobody/knows"));
	assert_false(mrt_pgbase_missing(base, ""));
	release_backup(&b);
	mrt_auto(mrt_pgbase) *fresh = NULL;
	assert_ok(mrt_pgbase_new(&how, &fresh, &err));
	assert_false(mrt_pgbase_missing(fresh, "PG_VERSION"));
}

static void a_file_twice_is_noticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PIECES; i++) {
		char tars[220], manifest[200];
		const struct piece *p = &sound[i];
		snprintf(manifest, sizeof(manifest), "%s%s is there twice",
		         p->archive ? "pg_tblspc/16384/" : "", p->name);
		snprintf(tars, sizeof(tars), "%s%s", p->archive ? "tablespace 16384: " : "",
		         manifest);
		struct backup b = backup_of("CRC32C");
		b.pieces[i].in_tars = 2;
		check(&b, tars, tars);
		b = backup_of("SHA256");
		b.pieces[i].in_manifest = 2;
		check(&b, manifest, manifest);
		b = backup_of("NONE");
		b.pieces[i].in_tars = b.pieces[i].in_manifest = 2;
		check(&b, tars, manifest);
	}
}

static void other_kinds_of_checksums_are_named(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const others[] = { "SHA224", "SHA384", "SHA512", "crc32c", "MD5" };
	for (size_t i = 0; i < COUNT(others); i++) {
		struct backup b = backup_of(others[i]);
		const struct mrt_pgbase_options none = { 0 }, how = { .algorithm = others[i] };
		mrt_auto(mrt_pgbase) *base = NULL;
		char expected[100];
		snprintf(expected, sizeof(expected),
		         "backup_manifest has checksums of the kind '%s'", others[i]);
		assert_code(MRT_UNSUPPORTED, mrt_pgbase_new(&how, &base, &err));
		assert_string_equal(err.text.unmasked, expected);
		assert_null(base);
		write_backup(&b);
		assert_code(MRT_UNSUPPORTED, read_backup(&b, MANIFEST_FIRST, 0, &none, NULL, &err));
		assert_string_equal(err.text.unmasked, expected);
		release_backup(&b);
	}
}

static void all_checksums_must_be_of_one_kind(void **state)
{
	(void)state;
	struct mrt_error err;
	struct backup b = backup_of("SHA256");
	const struct mrt_pgbase_options crc = { .algorithm = "CRC32C" }, none = { 0 };
	write_backup(&b);
	for (enum order order = TARS_FIRST; order <= MANIFEST_FIRST; order++) {
		assert_code(MRT_CORRUPT, read_backup(&b, order, 0, &crc, NULL, &err));
		assert_string_equal(err.text.unmasked,
		                    "pg_tblspc/16384/PG_15_202209061/5/16385 has a checksum "
		                    "of the kind 'SHA256', not CRC32C");
	}
	mrt_buf_clear(&b.manifest);
	manifest_begin(&b.manifest, 0);
	manifest_file(&b.manifest, "first", 0, "CRC32C", "00000000");
	manifest_file(&b.manifest, "second", 0, "NONE", "");
	manifest_ranges(&b.manifest);
	assert_code(MRT_CORRUPT, read_backup(&b, MANIFEST_FIRST, 0, &none, NULL, &err));
	assert_string_equal(err.text.unmasked,
	                    "second has a checksum of the kind 'NONE', not CRC32C");
	release_backup(&b);
}

/* The header of an empty file with that number, of which the checksum is right. */
static void number_header(struct mrt_buf *header, unsigned n)
{
	char name[20];
	snprintf(name, sizeof(name), "base/1/%08u", n);
	mrt_buf_clear(header);
	tar_header(header, name, '0', 0, "");
}

/* More files than the table names: those beyond it count in the sums. */
static void check_many(unsigned in_tars, unsigned in_manifest, unsigned odd, const char *words)
{
	struct mrt_error err;
	const struct mrt_pgbase_options how = { .algorithm = "NONE" };
	mrt_auto_buf bytes = MRT_BUF_INIT, manifest = { .ceiling = (size_t)256 << 20 };
	mrt_auto(mrt_pgbase) *base = NULL;
	assert_ok(mrt_pgbase_new(&how, &base, &err));
	assert_ok(mrt_pgbase_archive(base, NULL, &err));
	for (unsigned n = 0; n < in_tars; n++) {
		number_header(&bytes, n);
		assert_ok(mrt_pgbase_feed(base, bytes.data, bytes.len, &err));
	}
	mrt_buf_clear(&bytes);
	add_wal(&bytes, WAL_START);
	tar_end(&bytes);
	assert_ok(mrt_pgbase_feed(base, bytes.data, bytes.len, &err));
	assert_ok(mrt_pgbase_archives_end(base, &err));
	manifest_begin(&manifest, 0);
	for (unsigned n = 0; n < in_manifest; n++) {
		char name[20];
		snprintf(name, sizeof(name), "base/1/%08u", n);
		manifest_file(&manifest, name, n == odd, "NONE", "");
	}
	manifest_ranges(&manifest);
	manifest_range(&manifest, "1", "0/800028", "0/800100");
	manifest_end(&manifest);
	int rc = mrt_pgbase_manifest(base, manifest.data, manifest.len, &err);
	if (rc == 0)
		rc = mrt_pgbase_manifest_end(base, &err);
	if (rc == 0)
		rc = mrt_pgbase_end(base, &err);
	assert_int_equal(rc, *words ? MRT_CORRUPT : 0);
	if (*words)
		assert_string_equal(err.text.unmasked, words);
	assert_false(in_tars > MRT_PGBASE_NAMED && mrt_pgbase_missing(base, "base/1/00000000"));
}

static void more_files_than_the_table_names_are_compared_by_their_sum(void **state)
{
	(void)state;
	const unsigned most = (unsigned)MRT_PGBASE_NAMED, none = UINT32_MAX;
	check_many(most + 1, most + 1, none, "");
	check_many(most + 1, most + 1, most,
	           "the files are not those of backup_manifest: at least one differs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_backup_is_accepted_in_both_orders_and_any_pieces),
		cmocka_unit_test(checksums_are_written_as_the_server_writes_them),
		cmocka_unit_test(a_differing_byte_is_named_with_its_file),
		cmocka_unit_test(a_differing_file_of_a_tablespace_is_named),
		cmocka_unit_test(every_changed_byte_of_a_large_file_is_noticed),
		cmocka_unit_test(exchanged_contents_are_noticed),
		cmocka_unit_test(a_file_that_only_the_tars_have_is_noticed),
		cmocka_unit_test(a_file_that_only_the_manifest_has_is_noticed),
		cmocka_unit_test(what_is_missing_can_be_asked),
		cmocka_unit_test(a_file_twice_is_noticed),
		cmocka_unit_test(other_kinds_of_checksums_are_named),
		cmocka_unit_test(all_checksums_must_be_of_one_kind),
		cmocka_unit_test(more_files_than_the_table_names_are_compared_by_their_sum),
	};
	return cmocka_run_group_tests_name("pgbase", tests, NULL, NULL);
}
