/* spawn.c - fork, exec, read stderr, reap. */
#include "base/spawn.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WORDS_MAX 4096 /* how much of stderr's end is kept */

extern char **environ;

struct mrt_child {
	char *name;
	pid_t pid;
	int pidfd, in, out, err;
	_Atomic bool reaped;
	bool listening;
	int status;
	pthread_t listener;
	struct mrt_buf words;
	void (*on_line)(void *context, const char *line);
	void *context;
};

static void keep_words(struct mrt_child *child, const char *line)
{
	mrt_buf_add_text(&child->words, line);
	mrt_buf_add_char(&child->words, '\n');
	if (child->words.len > WORDS_MAX) { /* keep the end: the last words say why */
		size_t drop = child->words.len - WORDS_MAX / 2;
		memmove(child->words.data, child->words.data + drop, WORDS_MAX / 2 + 1);
		child->words.len = WORDS_MAX / 2;
	}
}

static void *listen_to(void *arg)
{
	struct mrt_child *child = arg;
	char line[2048];
	size_t len = 0;
	for (;;) {
		/* a grandchild may hold the pipe open for ever: the child's end is the end */
		struct pollfd p = { .fd = child->err, .events = POLLIN };
		bool last = child->reaped;
		int ready = poll(&p, 1, last ? 0 : 50);
		if (ready == 0 && !last)
			continue;
		ssize_t n = ready > 0 ? read(child->err, line + len, sizeof(line) - 1 - len) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			len += (size_t)n;
		line[len] = '\0';
		char *start = line, *end;
		while ((end = memchr(start, '\n', (size_t)(line + len - start))) ||
		       ((n <= 0 || len == sizeof(line) - 1) && start == line && len > 0)) {
			if (end)
				*end = '\0';
			keep_words(child, start);
			if (child->on_line)
				child->on_line(child->context, start);
			start = end ? end + 1 : line + len;
		}
		len = (size_t)(line + len - start);
		memmove(line, start, len);
		if (n <= 0)
			return NULL;
	}
}

/* Between fork and exec only async-signal-safe calls: everything is prepared here beforehand. */
struct prepared {
	const struct mrt_spawn_options *options;
	const char *path;
	char **envp;
	int in, out, err, failure; /* the child's ends; failure carries errno back */
	pid_t parent;
	char uid_map[64], gid_map[64];
};

static void write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = write(fd, text, strlen(text));
		(void)n; /* exec as uid 65534 fails visibly where the map was refused */
		close(fd);
	}
}

static int become(const struct prepared *p)
{
	const struct mrt_spawn_options *o = p->options;
	if (o->user_namespace) {
		prctl(PR_SET_DUMPABLE,
		      1); /* else /proc/self/uid_map belongs to root; exec would do it too */
		if (unshare(CLONE_NEWUSER) < 0)
			return -1;
		write_proc("/proc/self/setgroups", "deny");
		write_proc("/proc/self/uid_map", p->uid_map);
		write_proc("/proc/self/gid_map", p->gid_map);
	}
	if (o->uid != 0 && (setgroups(0, NULL) < 0 || setgid(o->gid) < 0 || setuid(o->uid) < 0))
		return -1;
	return o->dir ? chdir(o->dir) : 0;
}

__attribute__((noreturn)) static void child_main(const struct prepared *p)
{
	const struct mrt_spawn_options *o = p->options;
	sigset_t none;
	sigemptyset(&none);
	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (o->own_group)
		setpgid(0, 0);
	const int ends[] = { p->in, p->out, p->err };
	bool ok = true;
	for (int i = 0; ok && i < 3; i++) /* an end may have the right number already */
		ok = ends[i] == i ? fcntl(i, F_SETFD, 0) == 0 : dup2(ends[i], i) >= 0;
	for (size_t i = 0; ok && i < o->n_pass; i++)
		ok = fcntl(o->pass[i], F_SETFD, 0) == 0;
	ok = ok && become(p) == 0;
	if (o->nice > 0)
		setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + o->nice);
	/* after setuid, which clears it */
	prctl(PR_SET_PDEATHSIG, o->own_group ? SIGKILL : SIGTERM);
	if (getppid() != p->parent)
		_exit(127);
	if (ok)
		execve(p->path, (char *const *)o->argv, p->envp);
	int number = errno;
	ssize_t n = write(p->failure, &number, sizeof(number));
	(void)n;
	_exit(127);
}

static bool names_variable(const char *const *list, const char *entry)
{
	size_t len = strcspn(entry, "=");
	for (; list && *list; list++)
		if (strncmp(*list, entry, len) == 0 &&
		    ((*list)[len] == '\0' || (*list)[len] == '='))
			return true;
	return false;
}

bool mrt_spawn_harmless(const char *entry)
{
	static const char *const names[] = { "PATH", "HOME",   "LANG", "LANGUAGE",
		                             "TZ",   "TMPDIR", NULL };
	return strncmp(entry, "LC_", 3) == 0 || names_variable(names, entry);
}

static int make_environment(const struct mrt_spawn_options *o, char ***ret, struct mrt_error *err)
{
	size_t n = 1;
	for (char **e = environ; *e; e++)
		n++;
	for (const char *const *s = o->set; s && *s; s++)
		n++;
	char **envp = calloc(n, sizeof(*envp));
	if (!envp)
		return mrt_no_memory(err);
	n = 0;
	for (char **e = environ; *e; e++)
		if (!names_variable(o->set, *e) &&
		    (o->inherits ? o->inherits(*e) : mrt_spawn_harmless(*e)))
			envp[n++] = *e;
	for (const char *const *s = o->set; s && *s; s++)
		envp[n++] = (char *)*s;
	*ret = envp;
	return 0;
}

/* ret[0] the child's end, ret[1] ours or -1 */
static int make_end(int wanted, bool reads, int inherited, int ret[2], struct mrt_error *err)
{
	ret[1] = -1;
	if (wanted == MRT_FD_PIPE) {
		int p[2];
		if (pipe2(p, O_CLOEXEC) < 0)
			return mrt_fail_errno(err, errno, "pipe");
		/* fewer wake-ups for bulk data; refused beyond the user's quota, no harm */
		fcntl(p[0], F_SETPIPE_SZ, 1 << 20);
		ret[0] = p[reads ? 0 : 1];
		ret[1] = p[reads ? 1 : 0];
		return 0;
	}
	ret[0] = wanted == MRT_FD_NULL
	                 ? open("/dev/null", O_RDWR | O_CLOEXEC)
	                 : fcntl(wanted == MRT_FD_INHERIT ? inherited : wanted, F_DUPFD_CLOEXEC, 3);
	return ret[0] < 0 ? mrt_fail_errno(err, errno, "descriptor for a child") : 0;
}

static int launch(struct mrt_child *child, struct prepared *p, struct mrt_error *err)
{
	int back[2];
	if (pipe2(back, O_CLOEXEC) < 0)
		return mrt_fail_errno(err, errno, "pipe");
	p->failure = back[1];
	p->parent = getpid();
	snprintf(p->uid_map, sizeof(p->uid_map), "65534 %u 1", (unsigned)getuid());
	snprintf(p->gid_map, sizeof(p->gid_map), "65534 %u 1", (unsigned)getgid());
	pid_t pid = fork();
	if (pid == 0)
		child_main(p);
	int forked = errno;
	close(back[1]);
	mrt_autofd answer = back[0];
	if (pid < 0)
		return mrt_fail_errno(err, forked, "fork");
	child->pid = pid;
	child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (child->pidfd < 0)
		return mrt_fail_errno(err, errno, "pidfd_open");
	int number = 0;
	ssize_t n;
	while ((n = read(answer, &number, sizeof(number))) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)sizeof(number)) {
		waitpid(pid, &child->status, 0);
		child->reaped = true;
		return mrt_fail_errno(err, number, "start %s", p->path);
	}
	return 0;
}

static int start(struct mrt_child *child, const struct mrt_spawn_options *o, const char *path,
                 struct mrt_error *err)
{
	mrt_autofree char **envp = NULL;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, words[2] = { -1, -1 };
	int rc = make_environment(o, &envp, err);
	if (rc == 0)
		rc = make_end(o->in, true, 0, in, err);
	if (rc == 0)
		rc = make_end(o->out, false, 1, out, err);
	if (rc == 0)
		rc = make_end(o->inherit_stderr ? MRT_FD_INHERIT : MRT_FD_PIPE, false, 2, words,
		              err);
	child->in = in[1];
	child->out = out[1];
	child->err = words[1];
	if (rc == 0) {
		struct prepared p = { .options = o,
			              .path = path,
			              .envp = envp,
			              .in = in[0],
			              .out = out[0],
			              .err = words[0] };
		rc = launch(child, &p, err);
	}
	mrt_fd_close(&in[0]);
	mrt_fd_close(&out[0]);
	mrt_fd_close(&words[0]);
	if (rc == 0 && child->err >= 0) {
		int failed = pthread_create(&child->listener, NULL, listen_to, child);
		if (failed)
			return mrt_fail_errno(err, failed, "start a thread");
		child->listening = true;
	}
	return rc;
}

int mrt_spawn(const struct mrt_context *ctx, const struct mrt_spawn_options *options,
              struct mrt_child **ret, struct mrt_error *err)
{
	mrt_autofree char *path = NULL;
	int rc = strchr(options->argv[0], '/') ? mrt_text_dup(options->argv[0], &path, err)
	                                       : mrt_find_program(options->argv[0], &path, err);
	if (rc < 0)
		return rc;
	mrt_auto(mrt_child) *child = calloc(1, sizeof(*child));
	if (!child)
		return mrt_no_memory(err);
	child->in = child->out = child->err = child->pidfd = -1;
	child->reaped = true; /* until there is one */
	child->words = MRT_BUF_INIT;
	child->on_line = options->on_line;
	child->context = options->context;
	const char *name = options->name ? options->name : path, *slash = strrchr(name, '/');
	rc = mrt_text_dup(slash ? slash + 1 : name, &child->name, err);
	if (rc < 0)
		return rc;
	child->reaped = false;
	child->pid = -1;
	rc = start(child, options, path, err);
	if (rc < 0)
		return rc;
	mrt_debug(ctx, "started %s, pid %d", path, (int)child->pid);
	*ret = mrt_steal(child);
	return 0;
}

pid_t mrt_child_pid(const struct mrt_child *child)
{
	return child->pid;
}

int mrt_peer_check(int fd, pid_t pid, struct mrt_error *err)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return mrt_fail_errno(err, errno, "look who listens at a private socket");
	if (peer.pid != pid)
		return mrt_fail(err, MRT_FAILED,
		                "process %d answers at a private server's socket instead of "
		                "process %d, which was started; nothing was written",
		                (int)peer.pid, (int)pid);
	return 0;
}

int mrt_child_in(const struct mrt_child *child)
{
	return child->in;
}

int mrt_child_out(const struct mrt_child *child)
{
	return child->out;
}

void mrt_child_close_in(struct mrt_child *child)
{
	mrt_fd_close(&child->in);
}

void mrt_child_signal(struct mrt_child *child, int signal_number)
{
	if (!child->reaped && child->pid > 0)
		kill(child->pid, signal_number);
}

static void reap(struct mrt_child *child)
{
	while (!child->reaped && child->pid > 0) {
		pid_t pid = waitpid(child->pid, &child->status, 0);
		child->reaped = pid == child->pid || (pid < 0 && errno != EINTR);
	}
	if (child->listening)
		pthread_join(child->listener, NULL);
	child->listening = false;
}

int mrt_child_status(struct mrt_child *child, const struct mrt_context *ctx, int64_t wait_ns,
                     int *ret_status, struct mrt_error *err)
{
	if (!child->reaped) {
		short events = 0;
		int rc = mrt_context_poll(ctx, child->pidfd, POLLIN, wait_ns, &events, err);
		if (rc < 0)
			return rc;
		if (!events)
			return mrt_fail(err, MRT_DEADLINE, "%s still runs", child->name);
		reap(child);
	}
	*ret_status = child->status;
	return 0;
}

int mrt_child_wait(struct mrt_child *child, const struct mrt_context *ctx, struct mrt_error *err)
{
	int status;
	int rc = mrt_child_status(child, ctx, -1, &status, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "wait for %s", child->name);
	const char *words = mrt_child_words(child);
	if (WIFSIGNALED(status))
		return mrt_fail(err, MRT_FAILED, "%s was killed by signal %d (%s)%s%s", child->name,
		                WTERMSIG(status), strsignal(WTERMSIG(status)), *words ? ": " : "",
		                words);
	if (WEXITSTATUS(status) != 0)
		return mrt_fail(err, MRT_FAILED, "%s ended with exit status %d%s%s", child->name,
		                WEXITSTATUS(status), *words ? ": " : "", words);
	return 0;
}

const char *mrt_child_words(struct mrt_child *child)
{
	return mrt_buf_text(&child->words);
}

void mrt_child_free(struct mrt_child *child)
{
	if (!child)
		return;
	mrt_fd_close(&child->in);
	mrt_fd_close(&child->out);
	if (!child->reaped && child->pid > 0) {
		kill(child->pid, SIGTERM);
		struct pollfd p = { .fd = child->pidfd, .events = POLLIN };
		int64_t end = mrt_clock_monotonic() + 2 * MRT_SECOND;
		int n;
		do {
			int64_t left = (end - mrt_clock_monotonic()) / MRT_MILLISECOND;
			n = poll(&p, 1, left > 0 ? (int)left : 0);
		} while (n < 0 && errno == EINTR);
		if (n <= 0)
			kill(child->pid, SIGKILL);
	}
	reap(child);
	mrt_fd_close(&child->err);
	mrt_fd_close(&child->pidfd);
	mrt_buf_release(&child->words);
	free(child->name);
	free(child);
}

int mrt_spawn_capture(const struct mrt_context *ctx, const char *const *argv, struct mrt_buf *out,
                      struct mrt_error *err)
{
	const struct mrt_spawn_options options = {
		.argv = argv, .in = MRT_FD_NULL, .out = MRT_FD_PIPE, .own_group = true
	};
	mrt_auto(mrt_child) *child = NULL;
	int rc = mrt_spawn(ctx, &options, &child, err);
	if (rc < 0)
		return rc;
	for (;;) {
		short events;
		rc = mrt_context_poll(ctx, child->out, POLLIN, -1, &events, err);
		if (rc < 0)
			return rc;
		mrt_buf_reserve(out, 4096);
		rc = mrt_buf_check(out, err);
		if (rc < 0)
			return rc;
		ssize_t n = read(child->out, out->data + out->len, 4096);
		if (n <= 0)
			break;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return mrt_child_wait(child, ctx, err);
}

int mrt_find_program(const char *name, char **ret, struct mrt_error *err)
{
	const char *path = getenv("PATH");
	if (!path || !*path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t n = strcspn(path, ":");
		char *candidate = NULL;
		int rc = mrt_text_printf(&candidate, err, "%.*s/%s", (int)n, path, name);
		if (rc < 0)
			return rc;
		struct stat st;
		if (n > 0 && access(candidate, X_OK) == 0 && stat(candidate, &st) == 0 &&
		    S_ISREG(st.st_mode)) {
			*ret = candidate;
			return 0;
		}
		free(candidate);
		path += n + (path[n] == ':');
	}
	return mrt_fail(err, MRT_NOT_FOUND, "no program '%s' in PATH", name);
}
