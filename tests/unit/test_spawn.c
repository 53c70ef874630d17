/* test_spawn.c - child processes whose end is always known. */
#include "unit.h"

#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static int shell(const struct mrt_context *ctx, const char *script, struct mrt_buf *out,
                 struct mrt_error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	return mrt_spawn_capture(ctx, argv, out, err);
}

static void what_a_program_prints_is_captured(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto_buf out = MRT_BUF_INIT;
	assert_ok(shell(&ctx, "echo one; echo noise >&2; cat; echo two", &out, &err));
	assert_string_equal(mrt_buf_text(&out), "one\ntwo\n");
}

static void a_bad_exit_status_carries_the_last_words(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto_buf out = MRT_BUF_INIT;
	assert_code(MRT_FAILED, shell(&ctx, "echo 'FATAL: no' >&2; exit 7", &out, &err));
	assert_string_equal(err.text.unmasked, "sh ended with exit status 7: FATAL: no");
	assert_code(MRT_FAILED, shell(&ctx, "exit 1", &out, &err));
	assert_string_equal(err.text.unmasked, "sh ended with exit status 1");
}

static void a_signal_that_killed_the_child_is_named(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto_buf out = MRT_BUF_INIT;
	assert_code(MRT_FAILED, shell(&ctx, "echo dying >&2; kill -9 $$", &out, &err));
	assert_string_equal(err.text.unmasked, "sh was killed by signal 9 (Killed): dying");
}

static void of_many_words_the_end_is_kept(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const char *const argv[] = {
		"/bin/sh", "-c",
		"i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done "
		">&2; printf 'no newline' >&2",
		NULL
	};
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_NULL,
		                                   .out = MRT_FD_NULL };
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_ok(mrt_child_wait(child, &ctx, &err));
	const char *words = mrt_child_words(child);
	assert_in_range(strlen(words), 1000, 4200);
	assert_string_equal(words + strlen(words) - 21, "line 1999\nno newline\n");
}

static void count_line(void *context, const char *line)
{
	mrt_buf_printf(context, "[%zu %.12s]", strlen(line), line);
}

static void every_line_of_stderr_is_reported(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto_buf lines = MRT_BUF_INIT;
	const char *const argv[] = { "/bin/sh", "-c", "printf 'a\\n\\nb c\\nlast' >&2", NULL };
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_NULL,
		                                   .out = MRT_FD_NULL,
		                                   .on_line = count_line,
		                                   .context = &lines };
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_ok(mrt_child_wait(child, &ctx, &err));
	assert_string_equal(mrt_buf_text(&lines), "[1 a][0 ][3 b c][4 last]");
}

static void a_line_without_end_comes_in_pieces(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto_buf lines = MRT_BUF_INIT;
	const char *const argv[] = { "/bin/sh", "-c", "printf '%05000d\\n' 0 >&2", NULL };
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_NULL,
		                                   .out = MRT_FD_NULL,
		                                   .on_line = count_line,
		                                   .context = &lines };
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_ok(mrt_child_wait(child, &ctx, &err));
	assert_string_equal(mrt_buf_text(&lines), "[2047 000000000000][2047 000000000000]"
	                                          "[906 000000000000]");
}

static void a_child_inherits_only_harmless_variables(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	setenv("LC_MRT_UNIT", "old", 1);
	setenv("TZ", "Kept/Zone", 1);
	setenv("MRT_UNIT_SECRET", "hush", 1);
	const char *const argv[] = { "/bin/sh", "-c",
		                     "echo \"$LC_MRT_UNIT $TZ ${MRT_UNIT_SECRET-unset} "
		                     "$MRT_UNIT_NEW\"",
		                     NULL };
	const char *const set[] = { "LC_MRT_UNIT=new", "MRT_UNIT_NEW=a=b c", NULL };
	const struct mrt_spawn_options options = {
		.argv = argv, .set = set, .in = MRT_FD_NULL, .out = MRT_FD_PIPE
	};
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	char text[100] = "";
	assert_true(read(mrt_child_out(child), text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "new Kept/Zone unset a=b c\n");
	assert_ok(mrt_child_wait(child, &ctx, &err));
}

static void a_socket_tells_which_process_listens(void **state)
{
	(void)state;
	struct mrt_error err;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/maratea-unit-%d.sock", (int)getpid());
	mrt_autofd listener = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	unlink(at.sun_path);
	assert_ok(mrt_peer_check(fd, getpid(), &err));
	assert_code(MRT_FAILED, mrt_peer_check(fd, getpid() + 1, &err));
	assert_contains(err.text.unmasked, "nothing was written");
	assert_code(MRT_IO, mrt_peer_check(-1, getpid(), &err));
}

static void stdin_can_be_a_pipe_of_ours(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const char *const argv[] = { "cat", NULL };
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_PIPE,
		                                   .out = MRT_FD_PIPE };
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_true(mrt_child_pid(child) > 0);
	assert_int_equal(write(mrt_child_in(child), "through", 7), 7);
	mrt_child_close_in(child);
	assert_int_equal(mrt_child_in(child), -1);
	char text[20] = "";
	assert_int_equal(read(mrt_child_out(child), text, sizeof(text)), 7);
	assert_string_equal(text, "through");
	assert_ok(mrt_child_wait(child, &ctx, &err));
}

static void a_child_can_be_told_to_give_way(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const char *const argv[] = { "nice", NULL }; /* prints its own nice value */
	char expected[16], text[16] = "";
	snprintf(expected, sizeof(expected), "%d\n", getpriority(PRIO_PROCESS, 0) + 3);
	const struct mrt_spawn_options options = {
		.argv = argv, .in = MRT_FD_NULL, .out = MRT_FD_PIPE, .nice = 3
	};
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_true(read(mrt_child_out(child), text, sizeof(text) - 1) > 0);
	assert_string_equal(text, expected);
	assert_ok(mrt_child_wait(child, &ctx, &err));
}

static void only_named_descriptors_are_inherited(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_autofd given = open("/dev/null", O_RDONLY | O_CLOEXEC);
	mrt_autofd kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char script[200];
	snprintf(script, sizeof(script),
	         "[ -e /proc/self/fd/%d ] && [ ! -e /proc/self/fd/%d ] && "
	         "pwd",
	         given, kept);
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_NULL,
		                                   .dir = "/",
		                                   .out = MRT_FD_PIPE,
		                                   .pass = &given,
		                                   .n_pass = 1 };
	mrt_auto(mrt_child) *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	char text[20] = "";
	assert_int_equal(read(mrt_child_out(child), text, sizeof(text)), 2);
	assert_string_equal(text, "/\n");
	assert_ok(mrt_child_wait(child, &ctx, &err));
}

static void a_missing_program_is_not_found(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	mrt_auto_buf out = MRT_BUF_INIT;
	const char *const by_name[] = { "no-such-program-here", NULL };
	const char *const by_path[] = { "/nonexistent/program", NULL };
	const char *const not_executable[] = { "/etc/passwd", NULL };
	assert_code(MRT_NOT_FOUND, mrt_spawn_capture(&ctx, by_name, &out, &err));
	assert_string_equal(err.text.unmasked, "no program 'no-such-program-here' in PATH");
	assert_code(MRT_NOT_FOUND, mrt_spawn_capture(&ctx, by_path, &out, &err));
	assert_string_equal(err.text.unmasked,
	                    "start /nonexistent/program: No such file or directory");
	assert_code(MRT_IO, mrt_spawn_capture(&ctx, not_executable, &out, &err));
	mrt_autofree char *path = NULL;
	assert_ok(mrt_find_program("sh", &path, &err));
	assert_int_equal(path[0], '/');
}

static void a_child_is_gone_when_its_owner_lets_go(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const char *const argv[] = { "sleep", "1000", NULL };
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_NULL,
		                                   .out = MRT_FD_NULL };
	struct mrt_child *child = NULL;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	pid_t pid = mrt_child_pid(child);
	assert_int_equal(kill(pid, 0), 0);
	mrt_child_free(child);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	mrt_child_free(NULL);
}

static void waiting_can_be_limited_and_a_signal_sent(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND),
	                         short_run = run_for(MRT_MILLISECOND);
	const char *const argv[] = { "sleep", "1000", NULL };
	const struct mrt_spawn_options options = {
		.argv = argv, .in = MRT_FD_NULL, .out = MRT_FD_NULL, .own_group = true
	};
	mrt_auto(mrt_child) *child = NULL;
	int status = 42;
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_code(MRT_DEADLINE,
	            mrt_child_status(child, &ctx, 10 * MRT_MILLISECOND, &status, &err));
	assert_string_equal(err.text.unmasked, "sleep still runs");
	assert_int_equal(status, 42);
	usleep(2000);
	assert_code(MRT_DEADLINE, mrt_child_wait(child, &short_run, &err));
	mrt_child_signal(child, SIGTERM);
	assert_ok(mrt_child_status(child, &ctx, -1, &status, &err));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	mrt_child_signal(child, SIGKILL);
}

static void a_grandchild_that_keeps_stderr_does_not_hold_us_up(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const char *const argv[] = { "/bin/sh", "-c", "sleep 8 & exit 0", NULL };
	const struct mrt_spawn_options options = { .argv = argv,
		                                   .in = MRT_FD_NULL,
		                                   .out = MRT_FD_NULL };
	mrt_auto(mrt_child) *child = NULL;
	int64_t before = mrt_clock_monotonic();
	assert_ok(mrt_spawn(&ctx, &options, &child, &err));
	assert_ok(mrt_child_wait(child, &ctx, &err));
	assert_true(mrt_clock_monotonic() - before < 4 * MRT_SECOND);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_program_prints_is_captured),
		cmocka_unit_test(a_bad_exit_status_carries_the_last_words),
		cmocka_unit_test(a_signal_that_killed_the_child_is_named),
		cmocka_unit_test(of_many_words_the_end_is_kept),
		cmocka_unit_test(every_line_of_stderr_is_reported),
		cmocka_unit_test(a_line_without_end_comes_in_pieces),
		cmocka_unit_test(a_child_inherits_only_harmless_variables),
		cmocka_unit_test(a_socket_tells_which_process_listens),
		cmocka_unit_test(stdin_can_be_a_pipe_of_ours),
		cmocka_unit_test(a_child_can_be_told_to_give_way),
		cmocka_unit_test(only_named_descriptors_are_inherited),
		cmocka_unit_test(a_missing_program_is_not_found),
		cmocka_unit_test(a_child_is_gone_when_its_owner_lets_go),
		cmocka_unit_test(waiting_can_be_limited_and_a_signal_sent),
		cmocka_unit_test(a_grandchild_that_keeps_stderr_does_not_hold_us_up),
	};
	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
