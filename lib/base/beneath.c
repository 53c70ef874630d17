/* beneath.c - files under a directory, whatever the path says. */
#include "base/beneath.h"
#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int refused(int number, const char *path, struct mrt_error *err)
{
	if (number == EXDEV || number == ELOOP)
		return mrt_fail(err, MRT_CORRUPT, "the path %s leads out of its directory", path);
	return mrt_fail_errno(err, number, "open %s", path);
}

bool mrt_path_plain(const char *path)
{
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");
		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
		if (*p == '\0')
			return true;
	}
}

/* "." is the directory itself. */
static bool inside(const char *path)
{
	return strcmp(path, ".") == 0 || mrt_path_plain(path);
}

/* With O_PATH a link itself would be opened. */
static bool is_link(int at, const char *name)
{
	struct stat st;
	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

int mrt_open_beneath_stepwise(int dir, const char *path, int flags, mode_t mode, int *ret,
                              struct mrt_error *err)
{
	if (!inside(path))
		return refused(EXDEV, path, err);
	mrt_autofd at = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return mrt_fail_errno(err, errno, "open the directory of %s", path);
	for (const char *p = path;;) {
		char name[256];
		size_t n = strcspn(p, "/");
		if (n >= sizeof(name))
			return refused(ENAMETOOLONG, path, err);
		memcpy(name, p, n);
		name[n] = '\0';
		p += n;
		bool last = *p == '\0';
		int next = openat(at, name,
		                  last ? flags | O_NOFOLLOW | O_CLOEXEC
		                       : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		                  last ? mode : 0);
		if (next < 0)
			return refused(errno == ENOTDIR && is_link(at, name) ? ELOOP : errno, path,
			               err);
		struct stat st;
		if (flags & O_PATH && fstat(next, &st) == 0 && S_ISLNK(st.st_mode)) {
			close(next);
			return refused(ELOOP, path, err);
		}
		mrt_fd_close(&at);
		at = next;
		if (last) {
			*ret = mrt_steal_fd(at);
			return 0;
		}
		p++;
	}
}

int mrt_open_beneath(int dir, const char *path, int flags, mode_t mode, int *ret,
                     struct mrt_error *err)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	if (!inside(path))
		return refused(EXDEV, path, err);
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	/* EPERM: what old filters of containers answer instead of ENOSYS */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return mrt_open_beneath_stepwise(dir, path, flags, mode, ret, err);
	if (fd < 0)
		return refused(errno, path, err);
	*ret = (int)fd;
	return 0;
}

int mrt_open_parent_beneath(int dir, const char *path, int *ret, const char **ret_name,
                            struct mrt_error *err)
{
	char parent[4096];
	const char *slash = strrchr(path, '/');
	if (!mrt_path_plain(path))
		return refused(EXDEV, path, err);
	int n = slash ? snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path)
	              : snprintf(parent, sizeof(parent), ".");
	if (n >= (int)sizeof(parent))
		return refused(ENAMETOOLONG, path, err);
	int rc = mrt_open_beneath(dir, parent, O_PATH | O_DIRECTORY, 0, ret, err);
	if (rc == 0)
		*ret_name = slash ? slash + 1 : path;
	return rc;
}
