/* file.c - whole files and directories. */
#include "base/file.h"
#include "base/context.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

int mrt_file_read(const char *path, struct mrt_buf *buf, struct mrt_error *err)
{
	mrt_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mrt_fail_errno(err, errno, "open %s", path);
	for (;;) {
		mrt_buf_reserve(buf, 65536);
		int rc = mrt_buf_check(buf, err);
		if (rc < 0)
			return mrt_prefix(err, rc, "read %s", path);
		ssize_t n = read(fd, buf->data + buf->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mrt_fail_errno(err, errno, "read %s", path);
		if (n == 0)
			return 0;
		buf->len += (size_t)n;
		buf->data[buf->len] = '\0';
	}
}

int mrt_fd_write(int fd, const char *name, const void *data, size_t len, struct mrt_error *err)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mrt_fail_errno(err, errno, "write %s", name);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

void mrt_fd_write_back(int fd, uint64_t size, uint64_t *written_back)
{
	if (size - *written_back < ((uint64_t)8 << 20))
		return;
	sync_file_range(fd, (off_t)*written_back, (off_t)(size - *written_back),
	                SYNC_FILE_RANGE_WRITE);
	*written_back = size;
}

static int publish(const char *path, bool replace, const void *data, size_t len, mode_t mode,
                   struct mrt_error *err)
{
	char suffix[13];
	mrt_random_hex(6, suffix);
	mrt_autofree char *temporary = NULL;
	int rc = mrt_text_printf(&temporary, err, "%s.tmp-%s", path, suffix);
	if (rc < 0)
		return rc;
	mrt_autofd fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return mrt_fail_errno(err, errno, "create %s", temporary);
	rc = mrt_fd_write(fd, path, data, len, err);
	if (rc == 0 &&
	    (fsync(fd) < 0 || (replace ? rename(temporary, path) : link(temporary, path)) < 0))
		rc = mrt_fail_errno(err, errno, "write %s", path);
	if (rc < 0 || !replace)
		unlink(temporary);
	return rc < 0 ? rc : mrt_dir_sync_parent(path, err);
}

int mrt_file_write(const char *path, const void *data, size_t len, mode_t mode,
                   struct mrt_error *err)
{
	return publish(path, true, data, len, mode, err);
}

int mrt_file_create(const char *path, const void *data, size_t len, mode_t mode,
                    struct mrt_error *err)
{
	return publish(path, false, data, len, mode, err);
}

int mrt_dir_make(const char *path, mode_t mode, struct mrt_error *err)
{
	mrt_autofree char *copy = NULL;
	int rc = mrt_text_dup(path, &copy, err);
	if (rc < 0)
		return rc;
	for (char *p = copy + 1; *copy; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return mrt_fail_errno(err, errno, "make directory %s", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	struct stat st;
	if (stat(path, &st) < 0)
		return mrt_fail_errno(err, errno, "directory %s", path);
	if (!S_ISDIR(st.st_mode))
		return mrt_fail_errno(err, ENOTDIR, "directory %s", path);
	return 0;
}

static int parent_of(const char *path, char **ret, struct mrt_error *err)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return mrt_text_dup(".", ret, err);
	return mrt_text_printf(ret, err, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

int mrt_dir_make_parents(const char *path, mode_t mode, struct mrt_error *err)
{
	mrt_autofree char *parent = NULL;
	int rc = parent_of(path, &parent, err);
	return rc < 0 ? rc : mrt_dir_make(parent, mode, err);
}

int mrt_dir_sync_parent(const char *path, struct mrt_error *err)
{
	mrt_autofree char *parent = NULL;
	int rc = parent_of(path, &parent, err);
	if (rc < 0)
		return rc;
	mrt_autofd fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return mrt_fail_errno(err, errno, "fsync %s", parent);
	return 0;
}

static int remove_at(int dir, const char *name, struct mrt_error *err)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return mrt_fail_errno(err, errno, "remove %s", name);
	mrt_autofd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return mrt_fail_errno(err, errno, "remove %s", name);
	DIR *entries = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	if (!entries)
		return mrt_fail_errno(err, errno, "remove %s", name);
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(entries));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = remove_at(fd, e->d_name, err);
	closedir(entries);
	if (rc == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = mrt_fail_errno(err, errno, "remove %s", name);
	return rc;
}

int mrt_dir_remove(const char *path, struct mrt_error *err)
{
	return remove_at(AT_FDCWD, path, err);
}

int mrt_dir_temporary(const char *name, size_t max_length, char **ret, struct mrt_error *err)
{
	const char *base = getenv("TMPDIR");
	if (!base || base[0] != '/' || strlen(base) + strlen(name) + 8 > max_length)
		base = "/tmp";
	mrt_autofree char *path = NULL;
	int rc = mrt_text_printf(&path, err, "%s/%s-XXXXXX", base, name);
	if (rc < 0)
		return rc;
	if (!mkdtemp(path))
		return mrt_fail_errno(err, errno, "make directory %s", path);
	*ret = mrt_steal(path);
	return 0;
}

int mrt_dir_free_space(const char *path, uint64_t *ret, struct mrt_error *err)
{
	mrt_autofree char *at = NULL;
	int rc = mrt_text_dup(path, &at, err);
	struct statvfs fs;
	while (rc == 0 && statvfs(at, &fs) < 0) {
		if (errno != ENOENT || strcmp(at, "/") == 0 || strcmp(at, ".") == 0)
			return mrt_fail_errno(err, errno, "free space of %s", path);
		char *parent = NULL;
		rc = parent_of(at, &parent, err);
		free(at);
		at = parent;
	}
	if (rc == 0)
		*ret = (uint64_t)fs.f_bavail * fs.f_frsize;
	return rc;
}
