/* test_metrics.c - metrics of several targets in one file. */
#include "unit.h"

#include "ops/backup/metrics.h"

static void merged(const char *text, const char *more, const char *want)
{
	struct mrt_error err;
	mrt_auto_buf out = MRT_BUF_INIT;
	assert_ok(mrt_metrics_merge(text, more, &out, &err));
	assert_string_equal(mrt_buf_text(&out), want);
}

static void a_series_replaces_itself_and_no_other(void **state)
{
	(void)state;
	merged("", "# HELP a x\n# TYPE a gauge\na{t=\"1\"} 1\n",
	       "# HELP a x\n# TYPE a gauge\na{t=\"1\"} 1\n");
	merged("# HELP a x\n# TYPE a gauge\na{t=\"1\"} 1\na{t=\"2\"} 2\n",
	       "# HELP a x\n# TYPE a gauge\na{t=\"1\"} 10\n",
	       "# HELP a x\n# TYPE a gauge\na{t=\"1\"} 10\na{t=\"2\"} 2\n");
	merged("a 1\nab 2\nabc 3\n", "ab 20\n", "a 1\nab 20\nabc 3\n");
}

static void what_is_not_named_stays(void **state)
{
	(void)state;
	merged("# HELP last x\nlast{t=\"1\"} 5\n# HELP status y\nstatus{t=\"1\"} 0\n",
	       "# HELP status y\nstatus{t=\"1\"} 1\n",
	       "# HELP last x\nlast{t=\"1\"} 5\n# HELP status y\nstatus{t=\"1\"} 1\n");
}

static void the_lines_of_a_metric_stand_together(void **state)
{
	(void)state;
	merged("# HELP a x\na{t=\"1\"} 1\n# HELP b y\nb{t=\"1\"} 1\n",
	       "# HELP a x\na{t=\"2\"} 2\n# HELP b y\nb{t=\"2\"} 2\n",
	       "# HELP a x\na{t=\"1\"} 1\na{t=\"2\"} 2\n# HELP b y\nb{t=\"1\"} 1\nb{t=\"2\"} 2\n");
}

static void braces_and_blanks_in_a_label_are_part_of_it(void **state)
{
	(void)state;
	merged("a{t=\"x} y\"} 1\na{t=\"x} z\"} 2\n", "a{t=\"x} z\"} 3\n",
	       "a{t=\"x} y\"} 1\na{t=\"x} z\"} 3\n");
}

static void a_file_of_somebody_else_or_garbage_does_no_harm(void **state)
{
	(void)state;
	merged("\n\n#\n# x\n{}\n}{\nonly\n", "a 1\n", "{}\n#\n# x\na 1\nonly\n}{\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_series_replaces_itself_and_no_other),
		cmocka_unit_test(what_is_not_named_stays),
		cmocka_unit_test(the_lines_of_a_metric_stand_together),
		cmocka_unit_test(braces_and_blanks_in_a_label_are_part_of_it),
		cmocka_unit_test(a_file_of_somebody_else_or_garbage_does_no_harm),
	};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
