/* test_assert.c - what a caller must never do ends the process, and says what. */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

/* Runs f in a child whose stderr is read. */
static int status_of(void (*f)(void), char *ret, size_t size)
{
	int p[2], status = 0;
	assert_int_equal(pipe(p), 0);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL); /* cmocka's handler would go on with the tests */
		dup2(p[1], 2);
		f();
		_exit(0);
	}
	close(p[1]);
	ssize_t n = read(p[0], ret, size - 1);
	ret[n > 0 ? n : 0] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void holds(void)
{
	mrt_assert(1 + 1 == 2);
}

static void does_not_hold(void)
{
	mrt_assert(1 + 1 == 3);
}

static void a_condition_that_does_not_hold_aborts(void **state)
{
	(void)state;
	char text[512];
	int status = status_of(does_not_hold, text, sizeof(text));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_contains(text, "test_assert.c:");
	assert_contains(text, "this must hold: 1 + 1 == 3\n");
	status = status_of(holds, text, sizeof(text));
	assert_true(WIFEXITED(status));
	assert_string_equal(text, "");
}

static void the_elements_of_an_array_are_counted(void **state)
{
	(void)state;
	static const char *const three[] = { "a", "b", "c" };
	assert_int_equal(MRT_COUNT(three), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_that_does_not_hold_aborts),
		cmocka_unit_test(the_elements_of_an_array_are_counted),
	};
	return cmocka_run_group_tests_name("assert", tests, NULL, NULL);
}
