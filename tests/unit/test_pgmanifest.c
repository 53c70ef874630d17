/* test_pgmanifest.c - backup_manifest as it streams by: whole, in pieces, cut, damaged. */
#include "unit.h"
#include "basebackup.h"

#include "codec/pg/manifest.h"

/* Lines that PostgreSQL 15 wrote: with CRC32C, with SHA256 and a path that is not UTF-8, with no
 * checksums. The digests are those of sha256sum(1). */
#define BODY                                                                            \
	"\"Files\": [\n"                                                                \
	"{ \"Path\": \"pg_tblspc/16384/PG_15_202209061/5/16385\", \"Size\": 40960, "    \
	"\"Last-Modified\": \"2026-11-25 18:02:40 GMT\", \"Checksum-Algorithm\": "      \
	"\"CRC32C\", \"Checksum\": \"14046aa8\" },\n"                                   \
	"{ \"Encoded-Path\": \"626173652fff\", \"Size\": 3, "                           \
	"\"Last-Modified\": \"2026-11-25 18:02:39 GMT\", \"Checksum-Algorithm\": "      \
	"\"SHA256\", \"Checksum\": "                                                    \
	"\"238903180cc104ec2c5d8b3f20c5bc61b389ec0a967df8cc208cdc7cd454174f\" },\n"     \
	"{ \"Path\": \"global/pg_control\", \"Size\": 8192, "                           \
	"\"Last-Modified\": \"2026-11-25 18:02:40 GMT\" }\n"                            \
	"],\n"                                                                          \
	"\"WAL-Ranges\": [\n"                                                           \
	"{ \"Timeline\": 1, \"Start-LSN\": \"0/800028\", \"End-LSN\": \"0/800100\" }\n" \
	"],\n"
static const char version_1[] =
        "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n" BODY "\"Manifest-Checksum\": "
        "\"ddc23d93552632f642618f1ad1f4c494d15b11ad3a8ac6a65a507f5d8368481f\"}\n";
static const char version_2[] =
        "{ \"PostgreSQL-Backup-Manifest-Version\": 2,\n"
        "\"System-Identifier\": 7712033420912970512,\n" BODY "\"Manifest-Checksum\": "
        "\"8200be89590197e36c06ba4d24565a1aa9bb52bd4e3ee7f69795702a33a70942\"}\n";
static const char sample_heard[] =
        "pg_tblspc/16384/PG_15_202209061/5/16385 40960 CRC32C 14046aa8\n"
        "base/\xff 3 SHA256 238903180cc104ec2c5d8b3f20c5bc61b389ec0a967df8cc208cdc7cd454174f\n"
        "global/pg_control 8192 NONE \n";

static int on_file(void *context, const struct mrt_pgmanifest_file *file, struct mrt_error *err)
{
	struct mrt_buf *heard = context;
	mrt_buf_printf(heard, "%s %" PRIu64 " %s %s\n", file->path, file->size, file->algorithm,
	               file->checksum);
	return mrt_buf_check(heard, err);
}

/* Feeds len bytes: first of them, then pieces of step bytes (0: the rest at once). */
static int read_split(const char *data, size_t len, size_t first, size_t step,
                      struct mrt_buf *heard, struct mrt_pgmanifest_info *ret, struct mrt_error *err)
{
	mrt_auto(mrt_pgmanifest) *m = NULL;
	int rc = mrt_pgmanifest_new(heard ? on_file : NULL, heard, &m, err);
	for (size_t at = 0; rc == 0 && at < len;) {
		size_t want = at == 0 && first > 0 ? first : step;
		size_t n = want == 0 || want > len - at ? len - at : want;
		rc = mrt_pgmanifest_feed(m, data + at, n, err);
		at += n;
	}
	if (rc == 0)
		rc = mrt_pgmanifest_end(m, err);
	if (rc == 0 && ret)
		*ret = *mrt_pgmanifest_info(m);
	return rc;
}

static int read_text(const struct mrt_buf *text, struct mrt_pgmanifest_info *ret,
                     struct mrt_error *err)
{
	return read_split(text->data, text->len, 0, 0, NULL, ret, err);
}

/* Wants that code and those words however the bytes arrive, and releases the text. */
static void check_refused(struct mrt_buf *text, const char *words)
{
	struct mrt_error err;
	static const size_t steps[] = { 0, 1, 37, 4096 };
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_code(MRT_CORRUPT,
		            read_split(text->data, text->len, 0, steps[i], NULL, NULL, &err));
		assert_string_equal(err.text.unmasked, words);
	}
	mrt_buf_release(text);
}

static void check_sample(const char *text, size_t len, size_t first, size_t step)
{
	struct mrt_error err;
	struct mrt_pgmanifest_info info;
	mrt_auto_buf heard = MRT_BUF_INIT;
	assert_ok(read_split(text, len, first, step, &heard, &info, &err));
	assert_string_equal(mrt_buf_text(&heard), sample_heard);
	assert_int_equal(info.version, text == version_2 ? 2 : 1);
	assert_int_equal(info.system_identifier, text == version_2 ? WAL_SYSTEM : 0);
	assert_int_equal(info.files, 3);
	assert_int_equal(info.bytes, 40960 + 3 + 8192);
	assert_int_equal(info.n_ranges, 1);
	assert_int_equal(info.ranges[0].timeline, 1);
	assert_int_equal(info.ranges[0].start, 0x800028);
	assert_int_equal(info.ranges[0].end, 0x800100);
}

static void both_versions_are_read_however_they_are_split(void **state)
{
	(void)state;
	static const size_t steps[] = { 0, 1, 2, 3, 7, 64, 143, 1000 };
	for (size_t i = 0; i < COUNT(steps); i++) {
		check_sample(version_1, strlen(version_1), 0, steps[i]);
		check_sample(version_2, strlen(version_2), 0, steps[i]);
	}
	for (size_t first = 1; first < strlen(version_2); first++)
		check_sample(version_2, strlen(version_2), first, 0);
}

static void nobody_needs_to_listen(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgmanifest_info info;
	assert_ok(read_split(version_1, strlen(version_1), 0, 0, NULL, &info, &err));
	assert_int_equal(info.files, 3);
	mrt_pgmanifest_free(NULL);
}

static void a_cut_at_any_byte_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	unsigned lines = 0;
	for (size_t n = 0; n < strlen(version_2); n++) {
		char expected[100];
		lines += n > 0 && version_2[n - 1] == '\n';
		snprintf(expected, sizeof(expected), "backup_manifest, line %u: it ends too early",
		         lines);
		assert_code(MRT_CORRUPT,
		            read_split(version_2, n, 0, n % 2 * 100, NULL, NULL, &err));
		assert_string_equal(err.text.unmasked, expected);
	}
}

static void a_changed_byte_anywhere_is_noticed(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char masks[] = { 1, 2, 0x20, (char)0x80, '\n', (char)0xff };
	char text[sizeof(version_2)];
	memcpy(text, version_2, sizeof(text));
	for (size_t i = 0; i < strlen(version_2); i++)
		for (size_t k = 0; k < COUNT(masks); k++) {
			text[i] = (char)(version_2[i] ^ masks[k]);
			assert_code(MRT_CORRUPT,
			            read_split(text, strlen(version_2), 0, 0, NULL, NULL, &err));
			assert_int_equal(strncmp(err.text.unmasked, "backup_manifest", 15), 0);
			text[i] = version_2[i];
		}
}

static void a_change_that_means_nothing_is_noticed_by_the_digest(void **state)
{
	(void)state;
	struct mrt_buf text = MRT_BUF_INIT;
	mrt_buf_add_text(&text, version_1);
	char *minute = strstr(text.data, "18:02:40");
	minute[4] = '3';
	check_refused(&text, "backup_manifest: its own digest is wrong");
	mrt_buf_add_text(&text, version_1);
	text.data[text.len - 5] ^= 1;
	check_refused(&text, "backup_manifest: its own digest is wrong");
}

static void missing_parts_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to; /* what to leave out; NULL: up to the digest */
		const char *words;
	} parts[] = {
		{ "{ \"PostgreSQL", "\"Files\"", "line 1: it has no version" },
		{ "\"Files\"", "{ \"Path\": \"pg_tblspc",
		  "line 2: it is no PostgreSQL backup manifest" },
		{ "],\n\"WAL", "\"WAL", "line 6: it is no object" },
		{ "\"WAL", "{ \"Timeline", "line 7: WAL-Ranges are missing" },
		{ "\"WAL", NULL, "line 7: WAL-Ranges are missing" },
		{ "],\n\"Manifest", NULL, "line 9: it is no object" },
	};
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct mrt_buf text = MRT_BUF_INIT;
		char expected[100];
		mrt_buf_add_text(&text, version_1);
		char *digest = strstr(text.data, "\"Manifest");
		char *from = strstr(text.data, parts[i].from);
		char *to = parts[i].to ? strstr(text.data, parts[i].to) : digest;
		memmove(from, to, (size_t)(digest - to));
		text.len -= (size_t)(to - from) + strlen(digest);
		manifest_digest(&text);
		snprintf(expected, sizeof(expected), "backup_manifest, %s", parts[i].words);
		check_refused(&text, expected);
	}
}

static void a_last_line_that_is_no_digest_is_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"",
		"\"Manifest-Checksum\": \"\"}",
		"\"Manifest-Checksum\": \"ddc23d93\"}",
		"\"Manifest-Checksum\": "
		"\"ddc23d93552632f642618f1ad1f4c494d15b11ad3a8ac6a65a507f5d8368481f\"",
		"\"Manifest-Checksum\": "
		"\"ddc23d93552632f642618f1ad1f4c494d15b11ad3a8ac6a65a507f5d8368481f\"} ",
		"\"Manifest-Checksum\": "
		"\"ddc23d93552632f642618f1ad1f4c494d15b11ad3a8ac6a65a507f5d8368481f\"}\r",
		"\"Manifest-Checksum\" : "
		"\"ddc23d93552632f642618f1ad1f4c494d15b11ad3a8ac6a65a507f5d8368481f\"}",
	};
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct mrt_buf text = MRT_BUF_INIT;
		mrt_buf_add(&text, version_1,
		            (size_t)(strstr(version_1, "\"Manifest") - version_1));
		mrt_buf_printf(&text, "%s\n", lines[i]);
		check_refused(&text, "backup_manifest, line 10: no digest at its end");
	}
}

static void nothing_may_follow_the_digest(void **state)
{
	(void)state;
	struct mrt_buf text = MRT_BUF_INIT;
	mrt_buf_printf(&text, "%s\n", version_1);
	check_refused(&text, "backup_manifest, line 11: something behind the end");
	mrt_buf_printf(&text, "%s%s", version_1, version_1);
	check_refused(&text, "backup_manifest, line 11: something behind the end");
	mrt_buf_printf(&text, "%s ", version_1);
	check_refused(&text, "backup_manifest, line 10: it ends too early");
}

static void other_versions_are_refused(void **state)
{
	(void)state;
	static const char *const versions[] = { "0", "3", "10", "999999999", "11" };
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct mrt_buf text = MRT_BUF_INIT;
		mrt_buf_printf(&text, "{ \"PostgreSQL-Backup-Manifest-Version\": %s,\n" BODY,
		               versions[i]);
		manifest_digest(&text);
		check_refused(&text, "backup_manifest, line 1: its version is neither 1 nor 2");
	}
}

static void what_is_no_manifest_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "\n",
		                             "{}\n",
		                             "{ \"PostgreSQL-Backup-Manifest-Version\": one,\n",
		                             "{ \"PostgreSQL-Backup-Manifest-Version\": -1,\n",
		                             "{ \"PostgreSQL-Backup-Manifest-Version\": \"1\",\n",
		                             "START WAL LOCATION: 0/28\n",
		                             "[]\n",
		                             "\"Files\": [ ]\n" };
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct mrt_buf text = MRT_BUF_INIT;
		mrt_buf_add_text(&text, texts[i]);
		check_refused(&text,
		              "backup_manifest, line 1: it is no PostgreSQL backup manifest");
	}
}

/* A manifest of one file's line. */
static void one_file(struct mrt_buf *text, const char *line)
{
	*text = MRT_BUF_INIT;
	manifest_begin(text, 0);
	mrt_buf_printf(text, "\n%s", line);
	manifest_ranges(text);
	manifest_range(text, "1", "0/28", "0/100");
	manifest_end(text);
}

static void lines_that_describe_no_file_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *line, *words;
	} lines[] = {
		{ "", "it is no object" },
		{ ",", "it is no object" },
		{ "[]", "it is no object" },
		{ "1", "it is no object" },
		{ "{ \"Path\": \"a\", \"Size\": 1 },,", "it is no object" },
		{ "{ \"Path\": \"a\", \"Size\": 1 } { }", "it is no object" },
		{ "{ \"Path\": \"a\", \"Path\": \"b\", \"Size\": 1 }", "it is no object" },
		{ "{ \"Path\": \"a\xff\", \"Size\": 1 }", "it is no object" },
		{ "{ \"Path\": \"a\\u0000b\", \"Size\": 1 }", "it is no object" },
		{ "{ \"Path\": \"a\", \"Size\": 9223372036854775808 }", "it is no object" },
		{ "{ \"Size\": 1 }", "a file without a path" },
		{ "{ \"Path\": 1, \"Size\": 1 }", "a file without a path" },
		{ "{ \"Path\": null, \"Size\": 1 }", "a file without a path" },
		{ "{ \"Path\": \"a\" }", "a file without a size" },
		{ "{ \"Path\": \"a\", \"Size\": -1 }", "a file without a size" },
		{ "{ \"Path\": \"a\", \"Size\": \"1\" }", "a file without a size" },
		{ "{ \"Path\": \"a\", \"Size\": 1.0 }", "a file without a size" },
		{ "{ \"Encoded-Path\": \"6\", \"Size\": 1 }", "an impossible path" },
		{ "{ \"Encoded-Path\": \"616\", \"Size\": 1 }", "an impossible path" },
		{ "{ \"Encoded-Path\": \"6g\", \"Size\": 1 }", "an impossible path" },
		{ "{ \"Encoded-Path\": \"0x61\", \"Size\": 1 }", "an impossible path" },
	};
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct mrt_buf text;
		char expected[100];
		one_file(&text, lines[i].line);
		snprintf(expected, sizeof(expected), "backup_manifest, line 3: %s", lines[i].words);
		check_refused(&text, expected);
	}
}

static void a_file_is_passed_on_as_it_stands(void **state)
{
	(void)state;
	static const struct {
		const char *line, *heard;
	} lines[] = {
		{ "{ \"Path\": \"a\", \"Size\": 9223372036854775807 }",
		  "a 9223372036854775807 NONE \n" },
		{ "{ \"Path\": \"../a\", \"Size\": 0, \"Checksum-Algorithm\": \"SHA224\", "
		  "\"Checksum\": \"00\" }",
		  "../a 0 SHA224 00\n" },
		{ "{\"Size\":1,\"Path\":\"a\\\"\\u00e4\",\"more\":[{}]}", "a\"\xc3\xa4 1 NONE \n" },
		{ "{ \"Encoded-Path\": \"C3a40A\", \"Size\": 1 }", "\xc3\xa4\n 1 NONE \n" },
	};
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(lines); i++) {
		mrt_auto_buf text = MRT_BUF_INIT, heard = MRT_BUF_INIT;
		one_file(&text, lines[i].line);
		assert_ok(read_split(text.data, text.len, 0, 1, &heard, NULL, &err));
		assert_string_equal(heard.data, lines[i].heard);
	}
}

static void an_encoded_path_has_less_than_4096_bytes(void **state)
{
	(void)state;
	struct mrt_error err;
	char line[9000];
	mrt_auto_buf longest = MRT_BUF_INIT, heard = MRT_BUF_INIT;
	struct mrt_buf longer;
	int n = snprintf(line, sizeof(line), "{ \"Encoded-Path\": \"");
	memset(line + n, '6', 2 * 4096);
	snprintf(line + n + 2 * 4095, 100, "\", \"Size\": 1 }");
	one_file(&longest, line);
	assert_ok(read_split(longest.data, longest.len, 0, 0, &heard, NULL, &err));
	assert_int_equal(heard.len, 4095 + strlen(" 1 NONE \n"));
	memset(line + n, '6', 2 * 4096);
	snprintf(line + n + 2 * 4096, 100, "\", \"Size\": 1 }");
	one_file(&longer, line);
	check_refused(&longer, "backup_manifest, line 3: an impossible path");
}

static void a_listener_that_fails_ends_the_reading(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto_buf heard = { .ceiling = 100 };
	assert_code(MRT_FAILED, read_split(version_1, strlen(version_1), 0, 0, &heard, NULL, &err));
	assert_string_equal(err.text.unmasked, "text longer than 100 bytes");
}

static void several_ranges_of_wal_are_kept(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgmanifest_info info;
	for (unsigned n = 0; n <= MRT_PGMANIFEST_RANGES + 1; n++) {
		struct mrt_buf text = MRT_BUF_INIT;
		manifest_begin(&text, WAL_SYSTEM);
		manifest_file(&text, "a", 1, "NONE", "");
		manifest_ranges(&text);
		for (unsigned i = 1; i <= n; i++) {
			char timeline[20], start[20], end[20];
			snprintf(timeline, sizeof(timeline), "%u", i);
			snprintf(start, sizeof(start), "%X/%X", i, i * 8);
			snprintf(end, sizeof(end), "%X/FFFFFFF8", i);
			manifest_range(&text, timeline, start, end);
		}
		manifest_end(&text);
		if (n > MRT_PGMANIFEST_RANGES) {
			check_refused(&text, "backup_manifest, line 23: too many WAL ranges");
			return;
		}
		/* the server never writes a list without ranges, which is a blank line here */
		if (n > 0) {
			assert_ok(read_text(&text, &info, &err));
			assert_int_equal(info.n_ranges, n);
		}
		for (unsigned i = 1; i <= n; i++) {
			assert_int_equal(info.ranges[i - 1].timeline, i);
			assert_int_equal(info.ranges[i - 1].start, (uint64_t)i << 32 | i * 8);
			assert_int_equal(info.ranges[i - 1].end, (uint64_t)i << 32 | 0xfffffff8);
		}
		mrt_buf_release(&text);
	}
}

static void impossible_ranges_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *timeline, *start, *end;
	} ranges[] = {
		{ "0", "0/28", "0/100" },
		{ "-1", "0/28", "0/100" },
		{ "4294967296", "0/28", "0/100" },
		{ "\"1\"", "0/28", "0/100" },
		{ "null", "0/28", "0/100" },
		{ "1", "0/101", "0/100" },
		{ "1", "1/0", "0/100" },
		{ "1", "", "0/100" },
		{ "1", "0/28", "" },
		{ "1", "28", "0/100" },
		{ "1", "0/28", "0/100000000" },
		{ "1", "0/28", "0/1O0" },
	};
	for (size_t i = 0; i < COUNT(ranges); i++) {
		struct mrt_buf text = MRT_BUF_INIT;
		manifest_begin(&text, 0);
		manifest_file(&text, "a", 1, "NONE", "");
		manifest_ranges(&text);
		manifest_range(&text, ranges[i].timeline, ranges[i].start, ranges[i].end);
		manifest_end(&text);
		check_refused(&text, "backup_manifest, line 6: an impossible WAL range");
	}
}

static void the_largest_range_is_possible(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pgmanifest_info info;
	mrt_auto_buf text = MRT_BUF_INIT;
	manifest_begin(&text, 0);
	manifest_file(&text, "a", 1, "NONE", "");
	manifest_ranges(&text);
	manifest_range(&text, "4294967295", "0/0", "FFFFFFFF/FFFFFFFF");
	manifest_range(&text, "1", "7/7", "7/7");
	manifest_end(&text);
	assert_ok(read_text(&text, &info, &err));
	assert_int_equal(info.ranges[0].timeline, UINT32_MAX);
	assert_int_equal(info.ranges[0].start, 0);
	assert_true(info.ranges[0].end == UINT64_MAX);
	assert_int_equal(info.ranges[1].start, info.ranges[1].end);
}

/* A line of that many bytes, in the list of files. */
static void long_line(struct mrt_buf *text, size_t len)
{
	mrt_autofree char *line = malloc(len + 1);
	static const char start[] = "{ \"Path\": \"a\", \"Size\": 1, \"x\": \"", end[] = "\" }";
	memset(line, 'x', len);
	memcpy(line, start, strlen(start));
	memcpy(line + len - strlen(end), end, sizeof(end));
	one_file(text, line);
}

static void a_line_has_less_than_64_kibibytes(void **state)
{
	(void)state;
	struct mrt_error err;
	static const size_t steps[] = { 0, 1, 4096, 65535, 65536 };
	mrt_auto_buf longest = MRT_BUF_INIT, longer = MRT_BUF_INIT;
	long_line(&longest, 65535);
	long_line(&longer, 65536);
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_ok(read_split(longest.data, longest.len, 0, steps[i], NULL, NULL, &err));
		assert_code(MRT_CORRUPT,
		            read_split(longer.data, longer.len, 0, steps[i], NULL, NULL, &err));
		assert_contains(err.text.unmasked, ": a line without end");
	}
}

static void nul_bytes_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	char text[sizeof(version_1)];
	memcpy(text, version_1, sizeof(text));
	unsigned line = 1;
	for (size_t i = 0; i < strlen(version_1); i++) {
		char expected[100];
		snprintf(expected, sizeof(expected), "backup_manifest, line %u: a NUL", line);
		line += version_1[i] == '\n';
		if (version_1[i] == '\n')
			continue; /* then it is in the middle of a longer line */
		text[i] = '\0';
		assert_code(MRT_CORRUPT,
		            read_split(text, strlen(version_1), 0, i % 2, NULL, NULL, &err));
		assert_string_equal(err.text.unmasked, expected);
		text[i] = version_1[i];
	}
}

static void lsns_are_read_as_the_server_writes_them(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *text;
		uint64_t lsn;
	} lsns[] = {
		{ "0/0", 0 },
		{ "0/2000028", 0x2000028 },
		{ "16/B374D848", UINT64_C(0x16b374d848) },
		{ "16/b374d848", UINT64_C(0x16b374d848) },
		{ "00000001/00000002", UINT64_C(0x100000002) },
		{ "FFFFFFFF/FFFFFFFF", UINT64_MAX },
	};
	for (size_t i = 0; i < COUNT(lsns); i++) {
		uint64_t lsn = 1;
		char text[MRT_LSN_SIZE];
		assert_ok(mrt_lsn_parse(lsns[i].text, &lsn, &err));
		assert_true(lsn == lsns[i].lsn);
		mrt_lsn_format(lsn, text);
		assert_ok(mrt_lsn_parse(text, &lsn, &err));
		assert_true(lsn == lsns[i].lsn);
	}
	char text[MRT_LSN_SIZE];
	mrt_lsn_format(UINT64_C(0x16b374d848), text);
	assert_string_equal(text, "16/B374D848");
}

static void what_is_no_lsn_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char *const texts[] = {
		"",     "/",     "0",           "0/",          "/0",          "0/0/0", "0x1/0",
		" 0/0", "0/0 ",  "-1/0",        "+1/0",        "1/+0",        "0//0",  "g/0",
		"0/g",  "0/0\n", "000000001/0", "0/123456789", "123456789/0", "0 /0",  "1/-1"
	};
	for (size_t i = 0; i < COUNT(texts); i++) {
		uint64_t lsn = 99;
		char expected[100];
		snprintf(expected, sizeof(expected), "'%s' is no LSN", texts[i]);
		assert_code(MRT_CORRUPT, mrt_lsn_parse(texts[i], &lsn, &err));
		assert_string_equal(err.text.unmasked, expected);
		assert_int_equal(lsn, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_are_read_however_they_are_split),
		cmocka_unit_test(nobody_needs_to_listen),
		cmocka_unit_test(a_cut_at_any_byte_is_noticed),
		cmocka_unit_test(a_changed_byte_anywhere_is_noticed),
		cmocka_unit_test(a_change_that_means_nothing_is_noticed_by_the_digest),
		cmocka_unit_test(missing_parts_are_named),
		cmocka_unit_test(a_last_line_that_is_no_digest_is_refused),
		cmocka_unit_test(nothing_may_follow_the_digest),
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(what_is_no_manifest_is_refused),
		cmocka_unit_test(lines_that_describe_no_file_are_refused),
		cmocka_unit_test(a_file_is_passed_on_as_it_stands),
		cmocka_unit_test(an_encoded_path_has_less_than_4096_bytes),
		cmocka_unit_test(a_listener_that_fails_ends_the_reading),
		cmocka_unit_test(several_ranges_of_wal_are_kept),
		cmocka_unit_test(impossible_ranges_are_refused),
		cmocka_unit_test(the_largest_range_is_possible),
		cmocka_unit_test(a_line_has_less_than_64_kibibytes),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(lsns_are_read_as_the_server_writes_them),
		cmocka_unit_test(what_is_no_lsn_is_refused),
	};
	return cmocka_run_group_tests_name("pgmanifest", tests, NULL, NULL);
}
