/* test_beneath.c - paths from archives: whatever they say, they stay under their directory. */
#include "unit.h"

#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *dir; /* holds "secret" and the directory "in", of which nothing may leave */
static int in = -1;

static void link_in(const char *name, const char *target)
{
	assert_int_equal(symlinkat(target, in, name), 0);
}

static int make(void **state)
{
	(void)state;
	char path[PATH_SIZE];
	dir = temporary_dir();
	write_file(dir, "secret", "outside");
	assert_int_equal(mkdir(path_in(path, dir, "in"), 0700), 0);
	in = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(in >= 0);
	assert_int_equal(mkdirat(in, "a", 0700), 0);
	assert_int_equal(mkdirat(in, "a/b", 0700), 0);
	write_file(dir, "in/file", "inside");
	write_file(dir, "in/a/b/file", "deep inside");
	link_in("to-file", "file");
	link_in("to-dir", "a");
	link_in("out", dir);
	link_in("a/up", "../..");
	link_in("a/here", ".");
	link_in("a/b/secret", "../../../secret");
	link_in("loop", "loop");
	link_in("dangling", "nowhere");
	link_in("root", "/");
	return 0;
}

static int clean(void **state)
{
	(void)state;
	close(in);
	remove_dir(dir);
	return 0;
}

typedef int open_fn(int at, const char *path, int flags, mode_t mode, int *ret,
                    struct mrt_error *err);
static open_fn *const variants[] = { mrt_open_beneath, mrt_open_beneath_stepwise };

static void same_file(int fd, const char *path)
{
	struct stat have, want;
	assert_int_equal(fstat(fd, &have), 0);
	assert_int_equal(fstatat(in, path, &want, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(have.st_dev == want.st_dev && have.st_ino == want.st_ino);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void check_opens(const char *path, int flags)
{
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(variants); i++) {
		mrt_autofd fd = -1;
		assert_ok(variants[i](in, path, flags, 0, &fd, &err));
		same_file(fd, path);
	}
}

/* Both variants refuse it with that code and those words, and leave *ret alone. */
static void check_refuses(const char *path, int flags, enum mrt_code code, const char *words)
{
	struct mrt_error err;
	for (size_t i = 0; i < COUNT(variants); i++) {
		int fd = -7;
		assert_code(code, variants[i](in, path, flags, 0600, &fd, &err));
		assert_string_equal(err.text.unmasked, words);
		assert_int_equal(fd, -7);
	}
}

static void check_leads_out(const char *path, int flags)
{
	char words[300];
	snprintf(words, sizeof(words), "the path %s leads out of its directory", path);
	check_refuses(path, flags, MRT_CORRUPT, words);
}

static void what_is_inside_is_opened(void **state)
{
	(void)state;
	static const char *const files[] = { "file", "a/b/file" };
	static const char *const dirs[] = {
		".",
		"a",
		"a/b",
	};
	for (size_t i = 0; i < COUNT(files); i++)
		check_opens(files[i], O_RDONLY);
	for (size_t i = 0; i < COUNT(dirs); i++) {
		check_opens(dirs[i], O_RDONLY);
		check_opens(dirs[i], O_RDONLY | O_DIRECTORY);
		check_opens(dirs[i], O_PATH | O_DIRECTORY);
	}
}

static void a_path_that_leads_out_is_refused(void **state)
{
	(void)state;
	static const char *const paths[] = { "..",         "../secret",
		                             "../in/file", "./..",
		                             "a/../..",    "a/b/../../../secret",
		                             "/",          "/etc/passwd",
		                             "//etc",      "../../../../../../etc/passwd" };
	for (size_t i = 0; i < COUNT(paths); i++) {
		check_leads_out(paths[i], O_RDONLY);
		check_leads_out(paths[i], O_PATH | O_DIRECTORY);
		check_leads_out(paths[i], O_WRONLY | O_CREAT | O_EXCL);
	}
}

static void a_symbolic_link_in_the_middle_is_not_followed(void **state)
{
	(void)state;
	static const char *const paths[] = { "to-dir/b/file", "out/secret",      "a/up/secret",
		                             "a/here/b/file", "root/etc/passwd", "loop/x",
		                             "dangling/x",    "a/here/here/b",   "to-file/x" };
	for (size_t i = 0; i < COUNT(paths); i++) {
		check_leads_out(paths[i], O_RDONLY);
		check_leads_out(paths[i], O_PATH | O_DIRECTORY);
		check_leads_out(paths[i], O_WRONLY | O_CREAT | O_EXCL);
		check_leads_out(paths[i], O_WRONLY | O_CREAT);
	}
}

static void a_symbolic_link_at_the_end_is_not_followed(void **state)
{
	(void)state;
	static const char *const paths[] = { "to-file",    "to-dir", "out",      "a/up", "a/here",
		                             "a/b/secret", "loop",   "dangling", "root" };
	for (size_t i = 0; i < COUNT(paths); i++) {
		char words[300];
		check_leads_out(paths[i], O_RDONLY);
		check_leads_out(paths[i], O_RDWR);
		check_leads_out(paths[i], O_WRONLY | O_CREAT | O_TRUNC);
		snprintf(words, sizeof(words), "open %s: File exists", paths[i]);
		check_refuses(paths[i], O_WRONLY | O_CREAT | O_EXCL, MRT_EXISTS, words);
	}
	assert_int_equal(faccessat(in, "nowhere", F_OK, 0), -1);
}

static void what_the_system_says_is_passed_on(void **state)
{
	(void)state;
	char name[257], path[300], words[400];
	check_refuses("gone", O_RDONLY, MRT_NOT_FOUND, "open gone: No such file or directory");
	check_refuses("a/gone/file", O_RDONLY, MRT_NOT_FOUND,
	              "open a/gone/file: No such file or directory");
	check_refuses("a/gone/file", O_WRONLY | O_CREAT, MRT_NOT_FOUND,
	              "open a/gone/file: No such file or directory");
	check_refuses("file/x", O_RDONLY, MRT_IO, "open file/x: Not a directory");
	check_refuses("file", O_RDONLY | O_DIRECTORY, MRT_IO, "open file: Not a directory");
	check_refuses("a", O_WRONLY, MRT_IO, "open a: Is a directory");
	check_refuses("file", O_WRONLY | O_CREAT | O_EXCL, MRT_EXISTS, "open file: File exists");
	memset(name, 'n', 256);
	name[256] = '\0';
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", name, i ? "/x" : "");
		snprintf(words, sizeof(words), "open %s: File name too long", path);
		check_refuses(path, O_RDONLY, MRT_IO, words);
	}
	name[255] = '\0';
	snprintf(words, sizeof(words), "open %s: No such file or directory", name);
	check_refuses(name, O_RDONLY, MRT_NOT_FOUND, words);
}

static void a_new_file_gets_its_mode(void **state)
{
	(void)state;
	struct mrt_error err;
	mode_t mask = umask(0);
	for (size_t i = 0; i < COUNT(variants); i++) {
		static const mode_t modes[] = { 0600, 0640, 0777, 0 };
		for (size_t k = 0; k < COUNT(modes); k++) {
			mrt_autofd fd = -1;
			struct stat st;
			assert_ok(variants[i](in, "a/b/new", O_WRONLY | O_CREAT | O_EXCL, modes[k],
			                      &fd, &err));
			assert_int_equal(fstat(fd, &st), 0);
			assert_int_equal(st.st_mode, S_IFREG | modes[k]);
			same_file(fd, "a/b/new");
			assert_int_equal(unlinkat(in, "a/b/new", 0), 0);
		}
	}
	umask(mask);
}

static void the_parent_and_the_last_name_are_given(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *path, *parent, *name;
	} paths[] = {
		{ "new", ".", "new" },         { "a/new", "a", "new" },
		{ "a/b/file", "a/b", "file" }, { "to-file", ".", "to-file" },
		{ "a/up", "a", "up" },
	};
	for (size_t i = 0; i < COUNT(paths); i++) {
		mrt_autofd fd = -1;
		const char *name = NULL;
		assert_ok(mrt_open_parent_beneath(in, paths[i].path, &fd, &name, &err));
		same_file(fd, paths[i].parent);
		assert_string_equal(name, paths[i].name);
		assert_true(name >= paths[i].path && name <= strchr(paths[i].path, '\0'));
	}
}

static void a_parent_outside_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *path, *words;
		enum mrt_code code;
	} paths[] = {
		{ "../x", "the path ../x leads out of its directory", MRT_CORRUPT },
		{ "a/../../x", "the path a/../../x leads out of its directory", MRT_CORRUPT },
		{ "/etc/x", "the path /etc/x leads out of its directory", MRT_CORRUPT },
		{ "out/x", "the path out leads out of its directory", MRT_CORRUPT },
		{ "to-dir/b", "the path to-dir leads out of its directory", MRT_CORRUPT },
		{ "a/up/x", "the path a/up leads out of its directory", MRT_CORRUPT },
		{ "gone/x", "open gone: No such file or directory", MRT_NOT_FOUND },
		{ "file/x", "open file: Not a directory", MRT_IO },
	};
	for (size_t i = 0; i < COUNT(paths); i++) {
		int fd = -7;
		const char *name = NULL;
		assert_code(paths[i].code,
		            mrt_open_parent_beneath(in, paths[i].path, &fd, &name, &err));
		assert_string_equal(err.text.unmasked, paths[i].words);
		assert_int_equal(fd, -7);
		assert_null(name);
	}
	char longest[4200];
	int fd = -7;
	const char *name = NULL;
	memset(longest, 'x', sizeof(longest));
	longest[4100] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_code(MRT_IO, mrt_open_parent_beneath(in, longest, &fd, &name, &err));
	assert_int_equal(fd, -7);
}

/* Opens path with both variants: the same code, and the same words or the same file. */
static void check_agree(const char *path, int flags)
{
	struct mrt_error err[2] = { 0 };
	int rc[2];
	mrt_autofd first = -1, second = -1;
	rc[0] = variants[0](in, path, flags, 0, &first, &err[0]);
	rc[1] = variants[1](in, path, flags, 0, &second, &err[1]);
	if (rc[0] != rc[1] || strcmp(err[0].text.unmasked, err[1].text.unmasked) != 0)
		fail_msg("\"%s\", flags %o: %d \"%s\", stepwise %d \"%s\"", path, (unsigned)flags,
		         rc[0], err[0].text.unmasked, rc[1], err[1].text.unmasked);
	if (rc[0] == 0) {
		assert_int_equal(fcntl(first, F_GETFL) & O_ACCMODE,
		                 fcntl(second, F_GETFL) & O_ACCMODE);
		same_file(first, path);
		same_file(second, path);
	}
}

static void both_variants_agree_on_every_path_of_four_names(void **state)
{
	(void)state;
	static const char *const names[] = { "a",      "b",   "file", "up", "here",
		                             "to-dir", "out", "gone", "." };
	static const int flags[] = { O_RDONLY, O_RDWR, O_RDONLY | O_NONBLOCK | O_NOFOLLOW };
	const size_t n = COUNT(names);
	for (size_t i = 0; i < n * n * n * n; i++)
		for (size_t depth = 1; depth <= 4; depth++) {
			char path[100] = "";
			size_t rest = i, len = 0;
			for (size_t k = 0; k < depth; k++, rest /= n)
				len += (size_t)snprintf(path + len, sizeof(path) - len, "%s%s",
				                        k > 0 ? "/" : "", names[rest % n]);
			check_agree(path, flags[i % COUNT(flags)]);
		}
}

/* From here on openat2(2) is unknown to this process, as before Linux 5.6. */
static bool forbid_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(code), code };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       syscall(SYS_openat2, in, ".", NULL, 0) < 0 && errno == ENOSYS;
}

/* 0: as it must be; the exit status of a child. */
static int without_openat2(void)
{
	static const struct {
		const char *path;
		int rc;
	} paths[] = { { "a/b/file", 0 },
		      { ".", 0 },
		      { "to-file", MRT_CORRUPT },
		      { "to-dir/b/file", MRT_CORRUPT },
		      { "../secret", MRT_CORRUPT },
		      { "/etc/passwd", MRT_CORRUPT },
		      { "gone", MRT_NOT_FOUND },
		      { "file/x", MRT_IO } };
	if (!forbid_openat2())
		return 100;
	for (size_t i = 0; i < COUNT(paths); i++) {
		int fd = -1;
		if (mrt_open_beneath(in, paths[i].path, O_RDONLY, 0, &fd, NULL) != paths[i].rc)
			return (int)i + 1;
	}
	int fd = -1;
	const char *name = NULL;
	if (mrt_open_parent_beneath(in, "a/b/x", &fd, &name, NULL) != 0 || strcmp(name, "x") != 0)
		return 50;
	return mrt_open_parent_beneath(in, "a/up/in/x", &fd, &name, NULL) == MRT_CORRUPT ? 0 : 51;
}

static void older_kernels_do_it_stepwise(void **state)
{
	(void)state;
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(without_openat2());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static atomic_bool stop;

/* "door" is a directory, then a link to the outside, then a directory ... */
static void *exchange(void *unused)
{
	while (!atomic_load(&stop))
		syscall(SYS_renameat2, in, "door", in, "trap", 2 /* RENAME_EXCHANGE */);
	return unused;
}

static void a_link_put_there_meanwhile_is_not_followed(void **state)
{
	(void)state;
	pthread_t thread;
	unsigned opened = 0, refused = 0;
	assert_int_equal(mkdirat(in, "door", 0700), 0);
	write_file(dir, "in/door/secret", "inside");
	link_in("trap", "..");
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, exchange, NULL), 0);
	for (unsigned i = 0; i < 40000; i++) {
		mrt_autofd fd = -1;
		struct mrt_error err;
		char text[8] = "";
		int rc = variants[i % 2](in, "door/secret", O_RDONLY, 0, &fd, &err);
		if (rc == 0 && (read(fd, text, 7) != 6 || strcmp(text, "inside") != 0))
			break;
		/* which error it is depends on what is there when the reason is looked for */
		if (rc != 0 && rc != MRT_CORRUPT && rc != MRT_IO)
			break;
		opened += rc == 0;
		refused += rc != 0;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(opened + refused, 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inside_is_opened),
		cmocka_unit_test(a_path_that_leads_out_is_refused),
		cmocka_unit_test(a_symbolic_link_in_the_middle_is_not_followed),
		cmocka_unit_test(a_symbolic_link_at_the_end_is_not_followed),
		cmocka_unit_test(what_the_system_says_is_passed_on),
		cmocka_unit_test(a_new_file_gets_its_mode),
		cmocka_unit_test(the_parent_and_the_last_name_are_given),
		cmocka_unit_test(a_parent_outside_is_refused),
		cmocka_unit_test(both_variants_agree_on_every_path_of_four_names),
		cmocka_unit_test(older_kernels_do_it_stepwise),
		cmocka_unit_test(a_link_put_there_meanwhile_is_not_followed),
	};
	return cmocka_run_group_tests_name("beneath", tests, make, clean);
}
