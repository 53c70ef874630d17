/* test_file.c - whole files and directories. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char *dir;

static int make(void **state)
{
	(void)state;
	dir = temporary_dir();
	return 0;
}

static int clean(void **state)
{
	(void)state;
	remove_dir(dir);
	return 0;
}

static unsigned entries_of(const char *path)
{
	unsigned n = 0;
	DIR *entries = opendir(path);
	assert_non_null(entries);
	for (struct dirent *e; (e = readdir(entries));)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(entries);
	return n;
}

static void a_written_file_reads_back_with_its_mode(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	path_in(path, dir, "f");
	assert_ok(mrt_file_write(path, "a\0b", 3, 0600, &err));
	mrt_auto_buf buf = MRT_BUF_INIT;
	assert_ok(mrt_file_read(path, &buf, &err));
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "a\0b", 4);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void writing_replaces_and_leaves_no_temporary(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	path_in(path, dir, "f");
	assert_ok(mrt_file_write(path, "older and longer", 16, 0644, &err));
	assert_ok(mrt_file_write(path, "new", 3, 0644, &err));
	mrt_auto_buf buf = MRT_BUF_INIT;
	assert_ok(mrt_file_read(path, &buf, &err));
	assert_string_equal(mrt_buf_text(&buf), "new");
	assert_int_equal(entries_of(dir), 1);
}

static void a_write_that_fails_leaves_what_was_there(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	path_in(path, dir, "taken");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_code(MRT_IO, mrt_file_write(path, "x", 1, 0600, &err));
	assert_int_equal(entries_of(dir), 1);
	assert_int_equal(entries_of(path), 0);
	path_in(path, dir, "missing/f");
	assert_code(MRT_NOT_FOUND, mrt_file_write(path, "x", 1, 0600, &err));
}

static void reading_says_what_is_missing_and_refuses_directories(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	mrt_auto_buf buf = MRT_BUF_INIT;
	assert_code(MRT_NOT_FOUND, mrt_file_read(path_in(path, dir, "none"), &buf, &err));
	assert_contains(err.text.unmasked, path);
	assert_contains(err.text.unmasked, "No such file or directory");
	assert_code(MRT_IO, mrt_file_read(dir, &buf, &err));
}

static void reading_stops_at_the_ceiling(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	write_file(dir, "f", "0123456789");
	mrt_auto_buf buf = { .ceiling = 4 };
	assert_code(MRT_FAILED, mrt_file_read(path_in(path, dir, "f"), &buf, &err));
	assert_contains(err.text.unmasked, "text longer than 4 bytes");
}

static void directories_are_made_with_their_parents(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	struct stat st;
	path_in(path, dir, "a/b//c/");
	assert_ok(mrt_dir_make(path, 0700, &err));
	assert_ok(mrt_dir_make(path, 0700, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_ok(mrt_dir_make_parents(path_in(path, dir, "x/y/file"), 0700, &err));
	assert_int_equal(stat(path_in(path, dir, "x/y"), &st), 0);
	assert_int_equal(stat(path_in(path, dir, "x/y/file"), &st), -1);
	assert_ok(mrt_dir_make("/", 0700, &err));
	assert_ok(mrt_dir_make_parents("name-without-slash", 0700, &err));
	assert_ok(mrt_dir_make_parents("/name-at-the-root", 0700, &err));
}

static void a_file_in_the_way_of_a_directory_is_an_error(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	write_file(dir, "f", "");
	assert_code(MRT_IO, mrt_dir_make(path_in(path, dir, "f"), 0700, &err));
	assert_code(MRT_IO, mrt_dir_make(path_in(path, dir, "f/g"), 0700, &err));
	assert_code(MRT_NOT_FOUND, mrt_dir_make("", 0700, &err));
}

static void removing_a_tree_does_not_follow_symbolic_links(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE], kept[PATH_SIZE];
	assert_ok(mrt_dir_make(path_in(kept, dir, "kept/inner"), 0700, &err));
	write_file(dir, "kept/inner/precious", "1");
	assert_ok(mrt_dir_make(path_in(path, dir, "tree/deep/er"), 0700, &err));
	write_file(dir, "tree/deep/er/f", "2");
	assert_int_equal(symlink(path_in(kept, dir, "kept"), path_in(path, dir, "tree/l")), 0);
	assert_int_equal(symlink("../../kept/inner", path_in(path, dir, "tree/deep/l")), 0);
	assert_int_equal(symlink("nowhere", path_in(path, dir, "tree/dangling")), 0);
	assert_ok(mrt_dir_remove(path_in(path, dir, "tree"), &err));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(path_in(path, dir, "kept/inner/precious"), F_OK), 0);
}

static void removing_a_link_removes_the_link_alone(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	write_file(dir, "f", "1");
	assert_ok(mrt_dir_make(path_in(path, dir, "real"), 0700, &err));
	assert_int_equal(symlink("real", path_in(path, dir, "link")), 0);
	assert_ok(mrt_dir_remove(path, &err));
	assert_int_equal(access(path_in(path, dir, "real"), F_OK), 0);
	assert_int_equal(entries_of(dir), 2);
	assert_ok(mrt_dir_remove(path_in(path, dir, "f"), &err));
	assert_ok(mrt_dir_remove(path_in(path, dir, "f"), &err));
}

static void a_temporary_directory_is_private_and_short_enough(void **state)
{
	(void)state;
	struct mrt_error err;
	struct stat st;
	const char *old = getenv("TMPDIR");
	mrt_autofree char *saved = old ? strdup(old) : NULL;
	mrt_autofree char *near = NULL, *far = NULL;
	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	assert_ok(mrt_dir_temporary("unit", 4000, &near, &err));
	assert_ok(mrt_dir_temporary("unit", 20, &far, &err));
	if (saved)
		setenv("TMPDIR", saved, 1);
	else
		unsetenv("TMPDIR");
	assert_int_equal(strncmp(near, dir, strlen(dir)), 0);
	assert_int_equal(strncmp(far, "/tmp/unit-", 10), 0);
	assert_int_equal(stat(near, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_ok(mrt_dir_remove(far, &err));
}

static void free_space_is_asked_of_the_nearest_parent(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	uint64_t here = 0, below = 0;
	assert_ok(mrt_dir_free_space(dir, &here, &err));
	assert_ok(mrt_dir_free_space(path_in(path, dir, "not/yet/there"), &below, &err));
	assert_true(here > 0 && below > 0);
	assert_ok(mrt_dir_free_space("not-there-either", &below, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_written_file_reads_back_with_its_mode, make,
		                                clean),
		cmocka_unit_test_setup_teardown(writing_replaces_and_leaves_no_temporary, make,
		                                clean),
		cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_what_was_there, make,
		                                clean),
		cmocka_unit_test_setup_teardown(
		        reading_says_what_is_missing_and_refuses_directories, make, clean),
		cmocka_unit_test_setup_teardown(reading_stops_at_the_ceiling, make, clean),
		cmocka_unit_test_setup_teardown(directories_are_made_with_their_parents, make,
		                                clean),
		cmocka_unit_test_setup_teardown(a_file_in_the_way_of_a_directory_is_an_error, make,
		                                clean),
		cmocka_unit_test_setup_teardown(removing_a_tree_does_not_follow_symbolic_links,
		                                make, clean),
		cmocka_unit_test_setup_teardown(removing_a_link_removes_the_link_alone, make,
		                                clean),
		cmocka_unit_test_setup_teardown(a_temporary_directory_is_private_and_short_enough,
		                                make, clean),
		cmocka_unit_test_setup_teardown(free_space_is_asked_of_the_nearest_parent, make,
		                                clean),
	};
	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
