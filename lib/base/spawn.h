/* spawn.h - child processes whose end is always known.
 *
 * A child dies with the thread that started it (PR_SET_PDEATHSIG), which therefore stays for it; it
 * inherits only the descriptors named, and its stderr is read line by line: each line goes to
 * on_line, and the last ones are kept for the error that mrt_child_wait() reports, so that the
 * peer's own words survive.
 */
#ifndef MRT_BASE_SPAWN_H
#define MRT_BASE_SPAWN_H

#include "base/context.h"

#include <sys/types.h>

enum { MRT_FD_NULL = -1, MRT_FD_PIPE = -2, MRT_FD_INHERIT = -3 };

struct mrt_spawn_options {
	const char *const *argv; /* argv[0]: path, or a name looked up in PATH */
	const char *name;        /* for messages; NULL: argv[0]'s */
	const char *const *set;  /* "NAME=value" to add to the environment, NULL-terminated */
	/* Which of our variables ("NAME=value") it inherits; NULL: mrt_spawn_harmless(). */
	bool (*inherits)(const char *entry);
	const char *dir; /* working directory, or NULL */
	int in, out;     /* a descriptor, or MRT_FD_* */
	bool inherit_stderr;
	int nice;        /* added to the child's nice value */
	bool own_group;  /* terminal signals reach us only; we pass them on */
	const int *pass; /* descriptors the child keeps under the same numbers */
	size_t n_pass;
	uid_t uid; /* run as, when not 0 (we must be root) */
	gid_t gid;
	bool user_namespace; /* map the caller's uid to 65534 in a namespace of its own */
	void (*on_line)(void *context, const char *line); /* called from a thread of ours */
	void *context;
};

struct mrt_child;

/* PATH, HOME, LANG, LANGUAGE, LC_*, TZ and TMPDIR: all that a child needs of our environment, which
 * may hold secrets. */
bool mrt_spawn_harmless(const char *entry);

int mrt_spawn(const struct mrt_context *ctx, const struct mrt_spawn_options *options,
              struct mrt_child **ret, struct mrt_error *err);
/* Kills (SIGTERM, after 2 s SIGKILL) and reaps a child that is still there. */
void mrt_child_free(struct mrt_child *child);
MRT_DEFINE_AUTO(mrt_child)

pid_t mrt_child_pid(const struct mrt_child *child);
/* Does the process pid listen at the other end of this unix socket? MRT_FAILED: another one does,
 * or it is no unix socket. Source: unix(7), SO_PEERCRED: the process that called listen(2). */
int mrt_peer_check(int fd, pid_t pid, struct mrt_error *err);
int mrt_child_in(const struct mrt_child *child); /* our end of MRT_FD_PIPE, else -1 */
int mrt_child_out(const struct mrt_child *child);
void mrt_child_close_in(struct mrt_child *child);
void mrt_child_signal(struct mrt_child *child, int signal_number);
/* Waits up to wait_ns (negative: as long as the run lasts) for the end; MRT_DEADLINE when the child
 * still runs. ret_status as of waitpid(2). */
int mrt_child_status(struct mrt_child *child, const struct mrt_context *ctx, int64_t wait_ns,
                     int *ret_status, struct mrt_error *err);
/* Waits for the end; anything but exit status 0 is MRT_FAILED: how it ended and its last words. */
int mrt_child_wait(struct mrt_child *child, const struct mrt_context *ctx, struct mrt_error *err);
/* The last lines of stderr so far, as appended by the reading thread. Ask after the end. */
const char *mrt_child_words(struct mrt_child *child);

/* Runs to the end with stdin from /dev/null; stdout appended to out. */
int mrt_spawn_capture(const struct mrt_context *ctx, const char *const *argv, struct mrt_buf *out,
                      struct mrt_error *err);
/* Full path of an executable in PATH; MRT_NOT_FOUND. */
int mrt_find_program(const char *name, char **ret, struct mrt_error *err);

#endif
