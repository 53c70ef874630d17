/* torture.c - every allocation of ours fails once: an error must come back, nothing may leak.
 *
 * The linker routes the allocations of the static library (and of this file) through the wrappers
 * below; those inside libc, OpenSSL, zstd, jansson and libyaml stay as they are. expat is handed
 * our malloc and therefore fails too. A scenario runs again and again, its N-th allocation failing
 * in round N, until it succeeds without having met one.
 */
#include "unit.h"
#include "archive.h"
#include "backups.h"
#include "streams.h"

#include "base/pool.h"
#include "base/retry.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/workers.h"
#include "codec/age/stream.h"
#include "codec/digest.h"
#include "codec/json.h"
#include "codec/pg/archive.h"
#include "codec/sigv4.h"
#include "codec/xml.h"
#include "codec/yaml.h"
#include "codec/zstd.h"
#include "config/settings.h"

#include <pthread.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *data, size_t size);
char *__real_strdup(const char *text);
int __real_vasprintf(char **ret, const char *format, va_list args);
void __real_free(void *data);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *data, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_vasprintf(char **ret, const char *format, va_list args);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args);
void __wrap_free(void *data);

#define LIVE_MAX 4096
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool armed, met; /* met: the failing allocation was asked for */
static unsigned until;  /* so many succeed before it */
static void *live[LIVE_MAX];

static bool fails(void)
{
	pthread_mutex_lock(&lock);
	bool now = armed && !met && until-- == 0;
	met = met || now;
	pthread_mutex_unlock(&lock);
	return now;
}

static void change(void *from, void *to)
{
	pthread_mutex_lock(&lock);
	size_t i = 0;
	while (i < LIVE_MAX && live[i] != from)
		i++;
	if (armed && i < LIVE_MAX)
		live[i] = to;
	pthread_mutex_unlock(&lock);
}

static void *born(void *data)
{
	if (data)
		change(NULL, data);
	return data;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : born(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : born(__real_calloc(n, size));
}

void *__wrap_realloc(void *data, size_t size)
{
	if (fails())
		return NULL;
	/* forgotten first: another thread may get the old address at once */
	if (data)
		change(data, NULL);
	return born(__real_realloc(data, size));
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : born(__real_strdup(text));
}

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
	if (fails())
		return -1;
	int n = __real_vasprintf(ret, format, args);
	if (n >= 0)
		born(*ret);
	return n;
}

int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
{
	(void)flag;
	return __wrap_vasprintf(ret, format, args);
}

void __wrap_free(void *data)
{
	if (data)
		change(data, NULL);
	__real_free(data);
}

/* Runs the scenario until it has met no failure; codes other than MRT_NO_MEMORY only where "other"
 * names one. */
static void torture(int (*scenario)(struct mrt_error *err), int other)
{
	for (unsigned n = 0; n < 20000; n++) {
		struct mrt_error err = { 0 };
		memset(live, 0, sizeof(live));
		until = n;
		met = false;
		armed = true;
		int rc = scenario(&err);
		armed = false;
		if (!met) {
			assert_ok(rc);
			assert_true(n > 0);
			return;
		}
		for (size_t i = 0; i < LIVE_MAX; i++)
			if (live[i])
				fail_msg("allocation %u failing leaves a block behind", n);
		if (rc != 0 && rc != MRT_NO_MEMORY && rc != other)
			fail_msg("allocation %u failing: %s: %s", n,
			         mrt_code_name((enum mrt_code)rc), err.text.unmasked);
		if (rc != 0)
			assert_int_equal(err.code, rc);
	}
	fail_msg("the scenario never succeeds");
}

static int buffers_and_texts(struct mrt_error *err)
{
	mrt_auto_buf buf = MRT_BUF_INIT;
	mrt_autofree char *copy = NULL, *text = NULL, *taken = NULL;
	for (unsigned i = 0; i < 200; i++)
		mrt_buf_printf(&buf, "%u ", i);
	mrt_base64(&buf, "some bytes", 10);
	mrt_percent_encode(&buf, "a b", 3, "");
	int rc = mrt_buf_check(&buf, err);
	if (rc == 0)
		rc = mrt_text_dup("copied", &copy, err);
	if (rc == 0)
		rc = mrt_text_printf(&text, err, "%s and %s", copy, "formatted");
	return rc < 0 ? rc : mrt_buf_take(&buf, &taken, err);
}

static int logging(struct mrt_error *err)
{
	char heard[100];
	mrt_auto_buf lines = MRT_BUF_INIT;
	mrt_auto(mrt_log) *log = NULL;
	int rc = mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log, err);
	if (rc == 0)
		rc = mrt_log_secret(log, "p@ssword", err);
	if (rc == 0)
		rc = mrt_log_secret(log, "another one", err);
	if (rc < 0)
		return rc;
	mrt_logf(log, MRT_LOG_INFO, "p@ssword"); /* may be lost, may not show it */
	snprintf(heard, sizeof(heard), "%.90s", mrt_buf_text(&lines));
	assert_null(strstr(heard, "p@ss"));
	return 0;
}

static int files(struct mrt_error *err)
{
	mrt_autofree char *dir = NULL, *path = NULL;
	mrt_auto_buf buf = MRT_BUF_INIT;
	uint64_t space;
	int rc = mrt_dir_temporary("maratea-torture", 4000, &dir, err);
	if (rc < 0)
		return rc;
	rc = mrt_text_printf(&path, err, "%s/a/b/file", dir);
	if (rc == 0)
		rc = mrt_dir_make_parents(path, 0700, err);
	if (rc == 0)
		rc = mrt_file_write(path, "text", 4, 0600, err);
	if (rc == 0)
		rc = mrt_file_read(path, &buf, err);
	if (rc == 0)
		rc = mrt_dir_free_space("/nowhere/at/all", &space, err);
	assert_int_equal(mrt_dir_remove(dir, NULL), 0);
	return rc;
}

static void nothing(struct mrt_job *job)
{
	(void)job;
}

static int pools_and_workers(struct mrt_error *err)
{
	const struct mrt_context ctx = plain_run();
	struct mrt_job job = { .work = nothing };
	mrt_auto(mrt_pool) *pool = NULL;
	mrt_auto(mrt_workers) *workers = NULL;
	void *buffer = NULL;
	int rc = mrt_pool_new(100, 4, &pool, err);
	if (rc == 0)
		rc = mrt_pool_acquire(pool, &ctx, &buffer, err);
	if (rc == 0) {
		mrt_pool_give(pool, mrt_pool_take(pool));
		mrt_pool_give(pool, buffer);
		rc = mrt_workers_new(2, false, &workers, err);
	}
	return rc < 0 ? rc : mrt_workers_submit(workers, &job, err);
}

static int children(struct mrt_error *err)
{
	const struct mrt_context ctx = run_for(60 * MRT_SECOND);
	const char *const argv[] = { "sh", "-c", "echo out; echo words >&2", NULL };
	mrt_auto_buf out = MRT_BUF_INIT;
	int rc = mrt_spawn_capture(&ctx, argv, &out, err);
	if (rc == 0)
		assert_string_equal(mrt_buf_text(&out), "out\n");
	return rc;
}

static int streams(struct mrt_error *err)
{
	const struct mrt_context ctx = plain_run();
	static char data[50000];
	struct memory_source from = MEMORY_SOURCE(data, sizeof(data), 0);
	struct memory_sink to = MEMORY_SINK;
	struct memory_sink plain_to = MEMORY_SINK;
	mrt_auto(mrt_sink) *compressor = NULL, *decompressor = NULL;
	mrt_auto(mrt_source) *plain = NULL, *tallied = NULL;
	mrt_auto_buf back = MRT_BUF_INIT;
	struct mrt_tally plain_in, out;
	const struct mrt_zstd_options how = { .level = 1, .plain = &plain_in };
	int rc = mrt_zstd_compressor(&to.sink, &how, &compressor, err);
	if (rc == 0)
		rc = mrt_stream_copy(&ctx, &from.source, compressor, err);
	if (rc == 0)
		rc = mrt_sink_commit(compressor, err);
	from = MEMORY_SOURCE(to.buf.data, to.buf.len, 0);
	if (rc == 0)
		rc = mrt_zstd_source(&from.source, &plain, err);
	if (rc == 0)
		rc = mrt_tally_source(plain, &out, &tallied, err);
	if (rc == 0)
		rc = mrt_stream_slurp(&ctx, tallied, &back, err);
	if (rc == 0)
		rc = mrt_zstd_decompressor(&plain_to.sink, &decompressor, err);
	if (rc == 0)
		rc = mrt_sink_write(decompressor, to.buf.data, to.buf.len, err);
	if (rc == 0)
		rc = mrt_sink_commit(decompressor, err);
	mrt_sink_free(&to.sink);
	mrt_sink_free(&plain_to.sink);
	return rc;
}

static int json_texts(struct mrt_error *err)
{
	mrt_auto_json json = NULL;
	mrt_auto_buf buf = MRT_BUF_INIT;
	int rc = mrt_json_parse("{\"a\":[1,2,{\"b\":null}]}", 22, &json, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "bytes", "not utf-8: \xff", err);
	return rc < 0 ? rc : mrt_json_print(json, &buf, err);
}

static int xml_trees(struct mrt_error *err)
{
	static const char text[] = "<?xml version=\"1.0\"?><a xmlns='x'><b>t&amp;t</b><e/><c><d "
	                           "k='v'/>tail</c></a>";
	mrt_auto(mrt_xml) *xml = NULL;
	return mrt_xml_parse(text, sizeof(text) - 1, &xml, err);
}

static int an_empty_xml_root(struct mrt_error *err)
{
	mrt_auto(mrt_xml) *xml = NULL;
	return mrt_xml_parse("<a/>", 4, &xml, err);
}

static int yaml_trees(struct mrt_error *err)
{
	static const char text[] = "a: [1, {b: c}, 'd']\ne:\n  f: g\n";
	mrt_auto(mrt_yaml) *yaml = NULL, *empty = NULL;
	int rc = mrt_yaml_parse("f", text, sizeof(text) - 1, &yaml, err);
	return rc < 0 ? rc : mrt_yaml_parse("f", "", 0, &empty, err);
}

static int signatures(struct mrt_error *err)
{
	const struct mrt_pair pairs[] = { { "host", "h" }, { "x-amz-date", "d" } };
	const struct mrt_sigv4 request = { .access_key = "a",
		                           .secret_key = "s",
		                           .region = "r",
		                           .service = "s3",
		                           .method = "GET",
		                           .path = "/a b",
		                           .query = pairs,
		                           .n_query = 2,
		                           .headers = pairs,
		                           .n_headers = 2,
		                           .payload_sha256 = "UNSIGNED-PAYLOAD" };
	mrt_auto_buf target = MRT_BUF_INIT, authorization = MRT_BUF_INIT;
	return mrt_sigv4_sign(&request, &target, &authorization, err);
}

static int encryption(struct mrt_error *err)
{
	const struct mrt_context ctx = plain_run();
	static char data[100000];
	struct memory_source from = MEMORY_SOURCE(data, sizeof(data), 0);
	struct memory_sink to = MEMORY_SINK;
	mrt_auto(mrt_sink) *encryptor = NULL;
	mrt_auto(mrt_source) *plain = NULL;
	mrt_auto(mrt_age_recipients) *recipients = NULL;
	mrt_auto(mrt_age_identities) *identities = NULL;
	mrt_auto_secret secret = NULL;
	mrt_autofree char *recipient = NULL;
	mrt_auto_buf back = MRT_BUF_INIT;
	int rc = mrt_age_key_new(&secret, &recipient, err);
	if (rc == 0)
		rc = mrt_age_recipients_new(&recipients, err);
	if (rc == 0)
		rc = mrt_age_recipients_add(recipients, recipient, err);
	if (rc == 0)
		rc = mrt_age_encryptor(&to.sink, recipients, &encryptor, err);
	if (rc == 0)
		rc = mrt_stream_copy(&ctx, &from.source, encryptor, err);
	if (rc == 0)
		rc = mrt_sink_commit(encryptor, err);
	from = MEMORY_SOURCE(to.buf.data, to.buf.len, 0);
	if (rc == 0)
		rc = mrt_age_identities_new(&identities, err);
	if (rc == 0)
		rc = mrt_age_identities_read(identities, secret, "key", err);
	if (rc == 0)
		rc = mrt_age_source(&from.source, identities, &plain, err);
	if (rc == 0)
		rc = mrt_stream_slurp(&ctx, plain, &back, err);
	if (rc == 0)
		assert_int_equal(back.len, sizeof(data));
	mrt_sink_free(&to.sink);
	return rc;
}

static int configurations(struct mrt_error *err)
{
	const struct mrt_context ctx = plain_run();
	const struct mrt_config_flag flags[] = { { "store.url", "b" } };
	mrt_autofree char *dir = NULL, *path = NULL;
	mrt_auto(mrt_config) *config = NULL;
	mrt_auto(mrt_config) *view = NULL;
	int rc = mrt_dir_temporary("maratea-torture", 4000, &dir, err);
	if (rc < 0)
		return rc;
	rc = mrt_text_printf(&path, err, "%s/maratea.yaml", dir);
	static const char text[] = "stores: { a: { url: 'file:///a' }, b: { url: 'file:///b' } }\n"
	                           "targets: { t: { redis-url: 'redis://h' } }\n"
	                           "backup: { assertions: [ { sql: x, expect: y } ] }\n";
	if (rc == 0)
		rc = mrt_file_write(path, text, sizeof(text) - 1, 0600, err);
	if (rc == 0)
		rc = mrt_config_load(&ctx, path, flags, 1, &config, err);
	if (rc == 0)
		rc = mrt_config_view(&ctx, config, "t", NULL, &view, err);
	if (rc == 0)
		assert_string_equal(view->store_url, "file:///b");
	assert_int_equal(mrt_dir_remove(dir, NULL), 0);
	return rc;
}

static struct sample archive;

static int archives(struct mrt_error *err)
{
	mrt_auto(mrt_pgarchive) *a = NULL;
	int rc = mrt_pgarchive_new(&a, err);
	if (rc == 0)
		rc = mrt_pgarchive_feed(a, archive.out.data, archive.out.len, err);
	return rc < 0 ? rc : mrt_pgarchive_end(a, err);
}

static struct backup backup;

static int backups_after_their_manifest(struct mrt_error *err)
{
	const struct mrt_pgbase_options how = { 0 };
	return read_backup(&backup, MANIFEST_FIRST, 1000, &how, NULL, err);
}

static int backups_before_their_manifest(struct mrt_error *err)
{
	const struct mrt_pgbase_options how = { .algorithm = "SHA256" };
	return read_backup(&backup, TARS_FIRST, 1000, &how, NULL, err);
}

#define TORTURED(scenario, other)                    \
	static void scenario##_survive(void **state) \
	{                                            \
		(void)state;                         \
		torture(scenario, other);            \
	}
TORTURED(buffers_and_texts, 0)
TORTURED(logging, 0)
TORTURED(files, 0)
TORTURED(pools_and_workers, 0)
TORTURED(children, 0)
TORTURED(streams, 0)
TORTURED(encryption, 0)
TORTURED(configurations, MRT_CONFIG)
TORTURED(json_texts, 0)
TORTURED(xml_trees, 0)
TORTURED(yaml_trees, 0)
TORTURED(signatures, 0)
TORTURED(archives, 0)
TORTURED(backups_after_their_manifest, 0)
TORTURED(backups_before_their_manifest, 0)
TORTURED(an_empty_xml_root, 0)

int main(void)
{
	make_sample(&archive, 16);
	backup = backup_of("SHA256");
	write_backup(&backup);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_and_texts_survive),
		cmocka_unit_test(logging_survive),
		cmocka_unit_test(files_survive),
		cmocka_unit_test(pools_and_workers_survive),
		cmocka_unit_test(children_survive),
		cmocka_unit_test(streams_survive),
		cmocka_unit_test(encryption_survive),
		cmocka_unit_test(configurations_survive),
		cmocka_unit_test(json_texts_survive),
		cmocka_unit_test(yaml_trees_survive),
		cmocka_unit_test(signatures_survive),
		cmocka_unit_test(archives_survive),
		cmocka_unit_test(backups_after_their_manifest_survive),
		cmocka_unit_test(backups_before_their_manifest_survive),
		cmocka_unit_test(xml_trees_survive),
		cmocka_unit_test(an_empty_xml_root_survive),
	};
	int failed = cmocka_run_group_tests_name("torture", tests, NULL, NULL);
	mrt_buf_release(&archive.out);
	release_backup(&backup);
	return failed;
}
