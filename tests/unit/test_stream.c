/* test_stream.c - copying, descriptors as sources and sinks, memory files for secrets. */
#include "unit.h"
#include "streams.h"

#include "base/secret.h"
#include "base/workers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static void copying_moves_every_byte_and_does_not_commit(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	size_t size = 3 * MRT_CHUNK + 17;
	mrt_autofree char *data = malloc(size);
	fill_noise(data, size, 1);
	struct memory_source from = MEMORY_SOURCE(data, size, 1000);
	struct memory_sink to = MEMORY_SINK;
	assert_ok(mrt_stream_copy(&ctx, &from.source, &to.sink, &err));
	assert_int_equal(to.buf.len, size);
	assert_memory_equal(to.buf.data, data, size);
	assert_int_equal(to.prepared, 0);
	assert_int_equal(to.committed, 0);
	mrt_sink_free(&to.sink);
}

static void copying_ends_with_the_sinks_failure(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct memory_source from = MEMORY_SOURCE("abc", 3, 0);
	struct memory_sink to = MEMORY_SINK;
	to.fail_with = MRT_NO_SPACE;
	assert_code(MRT_NO_SPACE, mrt_stream_copy(&ctx, &from.source, &to.sink, &err));
	assert_string_equal(err.text.unmasked, "told to fail");
}

static void copying_stops_when_the_run_does(void **state)
{
	(void)state;
	struct mrt_error err;
	atomic_int abort = 1;
	struct mrt_context ctx = plain_run();
	ctx.abort = &abort;
	struct memory_source from = MEMORY_SOURCE("abc", 3, 0);
	struct memory_sink to = MEMORY_SINK;
	assert_code(MRT_CANCELLED, mrt_stream_copy(&ctx, &from.source, &to.sink, &err));
	assert_int_equal(to.buf.len, 0);
}

static void slurping_is_bounded_by_the_buffer(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	struct memory_source from = MEMORY_SOURCE("0123456789", 10, 3);
	mrt_auto_buf enough = { .ceiling = 11 }, tight = { .ceiling = 10 };
	assert_ok(mrt_stream_slurp(&ctx, &from.source, &enough, &err));
	assert_string_equal(mrt_buf_text(&enough), "0123456789");
	from = MEMORY_SOURCE("0123456789", 10, 3);
	assert_code(MRT_FAILED, mrt_stream_slurp(&ctx, &from.source, &tight, &err));
}

struct pouring {
	struct mrt_job job;
	const char *data;
	size_t size;
	int fd, rc;
};

static void pour(struct mrt_job *job)
{
	struct pouring *p = (struct pouring *)job;
	const struct mrt_context ctx = run_for(60 * MRT_SECOND);
	struct memory_source from = MEMORY_SOURCE(p->data, p->size, 0);
	mrt_auto(mrt_sink) *to = NULL;
	p->rc = mrt_sink_of_fd(&ctx, p->fd, &to, NULL);
	if (p->rc == 0)
		p->rc = mrt_stream_copy(&ctx, &from.source, to, NULL);
	if (p->rc == 0)
		p->rc = mrt_sink_commit(to, NULL);
	close(p->fd);
}

static void a_pipe_carries_more_than_it_holds(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(60 * MRT_SECOND);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	size_t size = 1000003;
	mrt_autofree char *data = malloc(size);
	fill_noise(data, size, 2);
	struct pouring p = { .job.work = pour, .data = data, .size = size, .fd = ends[1] };
	struct mrt_workers *workers = NULL;
	assert_ok(mrt_workers_new(1, false, &workers, &err));
	assert_ok(mrt_workers_submit(workers, &p.job, &err));
	mrt_auto(mrt_source) *from = NULL;
	mrt_auto_buf got = MRT_BUF_INIT;
	assert_ok(mrt_source_of_fd(&ctx, ends[0], &from, &err));
	assert_ok(mrt_stream_slurp(&ctx, from, &got, &err));
	mrt_workers_free(workers);
	assert_int_equal(p.rc, 0);
	assert_int_equal(got.len, size);
	assert_memory_equal(got.data, data, size);
	close(ends[0]);
}

static void a_reader_that_went_away_is_an_error(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = plain_run();
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	mrt_auto(mrt_sink) *to = NULL;
	assert_ok(mrt_sink_of_fd(&ctx, ends[1], &to, &err));
	assert_code(MRT_IO, mrt_sink_write(to, "x", 1, &err));
	assert_string_equal(err.text.unmasked, "the reader went away");
	close(ends[1]);
}

static void a_full_pipe_waits_no_longer_than_the_run(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(50 * MRT_MILLISECOND);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	size_t size = (size_t)4 << 20;
	mrt_autofree char *data = calloc(1, size);
	mrt_auto(mrt_sink) *to = NULL;
	assert_ok(mrt_sink_of_fd(&ctx, ends[1], &to, &err));
	assert_code(MRT_DEADLINE, mrt_sink_write(to, data, size, &err));
	close(ends[0]);
	close(ends[1]);
}

static void an_empty_pipe_waits_no_longer_than_the_run(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(50 * MRT_MILLISECOND);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	mrt_auto(mrt_source) *from = NULL;
	char c;
	size_t n = 42;
	assert_ok(mrt_source_of_fd(&ctx, ends[0], &from, &err));
	assert_code(MRT_DEADLINE, mrt_source_read(from, &c, 1, &n, &err));
	assert_int_equal(n, 42);
	close(ends[0]);
	close(ends[1]);
}

static void a_descriptor_that_is_none_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(MRT_SECOND);
	struct mrt_sink *to = NULL;
	mrt_auto(mrt_source) *from = NULL;
	char c;
	size_t n;
	assert_code(MRT_IO, mrt_sink_of_fd(&ctx, 999, &to, &err));
	assert_ok(mrt_source_of_fd(&ctx, 999, &from, &err));
	assert_code(MRT_IO, mrt_source_read(from, &c, 1, &n, &err));
}

static void a_secret_file_is_private_and_read_from_its_start(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_autofd fd = -1;
	assert_ok(mrt_secret_file("unit", "host:pass\n", 10, &fd, &err));
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 10);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	char text[32] = "";
	assert_int_equal(read(fd, text, sizeof(text)), 10);
	assert_string_equal(text, "host:pass\n");
	mrt_autofd empty = -1;
	assert_ok(mrt_secret_file("unit", "", 0, &empty, &err));
	assert_int_equal(read(empty, text, sizeof(text)), 0);
	mrt_secret_free(NULL);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copying_moves_every_byte_and_does_not_commit),
		cmocka_unit_test(copying_ends_with_the_sinks_failure),
		cmocka_unit_test(copying_stops_when_the_run_does),
		cmocka_unit_test(slurping_is_bounded_by_the_buffer),
		cmocka_unit_test(a_pipe_carries_more_than_it_holds),
		cmocka_unit_test(a_reader_that_went_away_is_an_error),
		cmocka_unit_test(a_full_pipe_waits_no_longer_than_the_run),
		cmocka_unit_test(an_empty_pipe_waits_no_longer_than_the_run),
		cmocka_unit_test(a_descriptor_that_is_none_is_refused),
		cmocka_unit_test(a_secret_file_is_private_and_read_from_its_start),
	};
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
