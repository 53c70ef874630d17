/* dir.c - a store in a directory.
 *
 * An object is a file under the key's path. It is written as .maratea-tmp/<random>, fsynced, and
 * link(2)ed to its name, which fails if the name is taken: the kernel decides who wins. As long as
 * it is written the file is flock(2)ed, so that clearing leftovers knows it from a dead run's.
 */
#include "client/store/dir.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int path_of(const struct mrt_dir_store *d, const char *key, char **ret,
                   struct mrt_error *err)
{
	if (strcmp(key, MRT_DIR_TEMPORARY) == 0 ||
	    strncmp(key, MRT_DIR_TEMPORARY "/", sizeof(MRT_DIR_TEMPORARY)) == 0)
		return mrt_fail(err, MRT_USAGE, "the name " MRT_DIR_TEMPORARY " is reserved");
	return mrt_text_printf(ret, err, "%s/%s", d->root, key);
}

struct dir_put {
	struct mrt_sink sink;
	const struct mrt_dir_store *store;
	char *path, *temporary;
	int fd;
	uint64_t size, written_back;
	bool prepared;
};

static int dir_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct dir_put *put = (struct dir_put *)sink;
	int rc = mrt_fd_write(put->fd, put->temporary, data, len, err);
	if (rc < 0)
		return rc;
	put->size += len;
	mrt_fd_write_back(put->fd, put->size, &put->written_back);
	return 0;
}

static int dir_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct dir_put *put = (struct dir_put *)sink;
	if (!put->prepared && fsync(put->fd) < 0)
		return mrt_fail_errno(err, errno, "fsync %s", put->temporary);
	put->prepared = true;
	return 0;
}

/* fsync of every directory between the object and the root: a fresh one is an entry too. */
static int sync_up(const struct mrt_dir_store *store, const char *path, struct mrt_error *err)
{
	mrt_autofree char *at = NULL;
	int rc = mrt_text_dup(path, &at, err);
	size_t root = strlen(store->root);
	while (rc == 0 && strlen(at) > root) {
		rc = mrt_dir_sync_parent(at, err);
		*strrchr(at, '/') = '\0';
	}
	return rc;
}

static int dir_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	struct dir_put *put = (struct dir_put *)sink;
	int rc = dir_prepare(sink, err);
	/* a delete may remove a directory between our making it and linking into it */
	for (unsigned i = 0; rc == 0; i++) {
		rc = mrt_dir_make_parents(put->path, 0700, err);
		if (rc == MRT_NOT_FOUND && i < 100) {
			rc = 0;
			continue;
		}
		if (rc < 0 || link(put->temporary, put->path) == 0)
			break;
		if (errno == EEXIST)
			rc = mrt_fail(err, MRT_EXISTS, "the name is taken");
		else if (errno != ENOENT || i >= 100)
			rc = mrt_fail_errno(err, errno, "link %s", put->path);
	}
	if (rc == 0)
		rc = sync_up(put->store, put->path, err);
	return rc;
}

static void dir_put_free(struct mrt_sink *sink)
{
	struct dir_put *put = (struct dir_put *)sink;
	if (put->fd >= 0)
		unlink(put->temporary);
	mrt_fd_close(&put->fd);
	free(put->path);
	free(put->temporary);
	free(put);
}

static int dir_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                   int64_t since, struct mrt_sink **ret, struct mrt_error *err)
{
	(void)ctx;
	(void)since; /* see mrt_store_dir_open() */
	static const struct mrt_sink_ops ops = { .write = dir_write,
		                                 .prepare = dir_prepare,
		                                 .commit = dir_commit,
		                                 .free = dir_put_free };
	struct mrt_dir_store *d = (struct mrt_dir_store *)store;
	struct dir_put *put = calloc(1, sizeof(*put));
	if (!put)
		return mrt_no_memory(err);
	*put = (struct dir_put) { .sink.ops = &ops, .store = d, .fd = -1 };
	mrt_auto(mrt_sink) *sink = &put->sink;
	char name[25];
	mrt_random_hex(12, name);
	int rc = path_of(d, key, &put->path, err);
	if (rc == 0)
		rc = mrt_text_printf(&put->temporary, err, "%s/" MRT_DIR_TEMPORARY "/%s", d->root,
		                     name);
	if (rc == 0 && access(put->path, F_OK) == 0)
		rc = mrt_fail(err, MRT_EXISTS, "the name is taken");
	if (rc == 0)
		rc = mrt_dir_make_parents(put->temporary, 0700, err);
	if (rc < 0)
		return rc;
	/* NFS wants a file that may be read and written for its locks */
	put->fd = open(put->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (put->fd < 0)
		return mrt_fail_errno(err, errno, "create %s", put->temporary);
	flock(put->fd, LOCK_EX | LOCK_NB); /* where there are no locks, its age must do */
	*ret = mrt_steal(sink);
	return 0;
}

struct dir_get {
	struct mrt_source source;
	const struct mrt_context *ctx;
	int fd;
	uint64_t left;
};

static int dir_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                    struct mrt_error *err)
{
	struct dir_get *get = (struct dir_get *)source;
	int rc = mrt_context_check(get->ctx, err);
	if (rc < 0)
		return rc;
	size_t want = get->left < cap ? (size_t)get->left : cap;
	ssize_t n;
	do
		n = want > 0 ? read(get->fd, data, want) : 0;
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return mrt_fail_errno(err, errno, "read");
	if (n == 0 && want > 0)
		return mrt_fail(err, MRT_CORRUPT, "the file became shorter while it was read");
	get->left -= (uint64_t)n;
	*ret_len = (size_t)n;
	return 0;
}

static void dir_get_free(struct mrt_source *source)
{
	struct dir_get *get = (struct dir_get *)source;
	mrt_fd_close(&get->fd);
	free(get);
}

static int not_found(struct mrt_error *err)
{
	return mrt_fail(err, MRT_NOT_FOUND, "no such object");
}

static int open_object(const struct mrt_dir_store *d, const char *key, int *ret_fd, struct stat *st,
                       struct mrt_error *err)
{
	mrt_autofree char *path = NULL;
	int rc = path_of(d, key, &path, err);
	if (rc < 0)
		return rc;
	mrt_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return not_found(err);
	if (fd < 0 || fstat(fd, st) < 0)
		return mrt_fail_errno(err, errno, "open %s", path);
	if (!S_ISREG(st->st_mode))
		return not_found(err);
	*ret_fd = mrt_steal_fd(fd);
	return 0;
}

static int dir_get(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                   uint64_t offset, uint64_t len, struct mrt_source **ret, struct mrt_error *err)
{
	static const struct mrt_source_ops ops = { .read = dir_read, .free = dir_get_free };
	mrt_autofd fd = -1;
	struct stat st;
	int rc = open_object((struct mrt_dir_store *)store, key, &fd, &st, err);
	if (rc < 0)
		return rc;
	uint64_t size = (uint64_t)st.st_size;
	uint64_t from = offset < size ? offset : size;
	if (lseek(fd, (off_t)from, SEEK_SET) < 0)
		return mrt_fail_errno(err, errno, "seek");
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	struct dir_get *get = malloc(sizeof(*get));
	if (!get)
		return mrt_no_memory(err);
	*get = (struct dir_get) { .source.ops = &ops,
		                  .ctx = ctx,
		                  .fd = mrt_steal_fd(fd),
		                  .left = len < size - from ? len : size - from };
	*ret = &get->source;
	return 0;
}

static int dir_head(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                    struct mrt_object *ret, struct mrt_error *err)
{
	(void)ctx;
	mrt_autofd fd = -1;
	struct stat st;
	int rc = open_object((struct mrt_dir_store *)store, key, &fd, &st, err);
	if (rc == 0)
		*ret = (struct mrt_object) { .size = (uint64_t)st.st_size,
			                     .modified = st.st_mtime };
	return rc;
}

static int dir_delete(struct mrt_store *store, const struct mrt_context *ctx,
                      const char *const *keys, size_t n, struct mrt_error *err)
{
	(void)ctx;
	struct mrt_dir_store *d = (struct mrt_dir_store *)store;
	size_t failed = 0, root = strlen(d->root);
	struct mrt_error first = { 0 };
	for (size_t i = 0; i < n; i++) {
		struct mrt_error why;
		mrt_autofree char *path = NULL;
		int rc = path_of(d, keys[i], &path, &why);
		if (rc == 0 && unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
			rc = mrt_fail_errno(&why, errno, "%s", keys[i]);
		if (rc < 0 && failed++ == 0)
			first = why;
		/* directories that became empty go too */
		for (char *slash; rc == 0 && (slash = strrchr(path, '/')) && slash > path + root;) {
			*slash = '\0';
			if (rmdir(path) < 0)
				break;
		}
	}
	return failed == 0
	               ? 0
	               : mrt_fail_because(err, first.code, &first, "%zu of %zu failed", failed, n);
}

/* Does a put that is still at work hold the lock of the file? */
static bool is_at_work(int dir, const char *name)
{
	mrt_autofd fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int dir_leftovers(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                         int64_t grace, struct mrt_leftovers *ret, struct mrt_error *err)
{
	(void)prefix; /* the temporary names do not say what they would have become */
	struct mrt_dir_store *d = (struct mrt_dir_store *)store;
	mrt_autofree char *path = NULL;
	int rc = mrt_text_printf(&path, err, "%s/" MRT_DIR_TEMPORARY, d->root);
	if (rc < 0)
		return rc;
	DIR *entries = opendir(path);
	if (!entries)
		return errno == ENOENT ? 0 : mrt_fail_errno(err, errno, "open %s", path);
	int64_t now = ctx->wall();
	for (struct dirent *e; rc == 0 && (e = readdir(entries));) {
		struct stat st;
		if (fstatat(dirfd(entries), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		ret->found++;
		if (now - (int64_t)st.st_mtime * MRT_SECOND < grace ||
		    is_at_work(dirfd(entries), e->d_name))
			continue;
		if (unlinkat(dirfd(entries), e->d_name, 0) == 0)
			ret->removed++;
		else if (errno != ENOENT)
			rc = mrt_fail_errno(err, errno, "remove %s/%s", path, e->d_name);
	}
	closedir(entries);
	return rc;
}

static int dir_probe(struct mrt_store *store, const struct mrt_context *ctx, bool write,
                     struct mrt_store_capabilities *ret, struct mrt_error *err)
{
	const char *path = ((struct mrt_dir_store *)store)->root;
	mrt_autofd root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 && errno != ENOENT) /* the first put makes it */
		return mrt_fail_errno(err, errno, "open directory %s", path);
	if (write) {
		char name[40], random[9];
		mrt_random_hex(4, random);
		snprintf(name, sizeof(name), ".maratea-probe/%s", random);
		int rc = mrt_store_put_bytes(store, ctx, name, "probe", 5, err);
		if (rc == 0)
			rc = mrt_store_delete(store, ctx, name, err);
		if (rc < 0)
			return rc;
	}
	*ret = (struct mrt_store_capabilities) { .largest_object = INT64_MAX,
		                                 .conditional_put = MRT_YES,
		                                 .conditional_complete = MRT_YES,
		                                 .leaves_uploads = true,
		                                 .has_clock = true };
	return 0;
}

static void dir_free(struct mrt_store *store)
{
	struct mrt_dir_store *d = (struct mrt_dir_store *)store;
	free(d->store.name);
	free(d->root);
	free(d);
}

int mrt_store_dir_open(const struct mrt_store_options *options, struct mrt_store **ret,
                       struct mrt_error *err)
{
	static const struct mrt_store_ops ops = {
		.put = dir_put,
		.get = dir_get,
		.head = dir_head,
		.list = mrt_dir_list,
		.delete_many = dir_delete,
		.leftovers = dir_leftovers,
		.probe = dir_probe,
		.free = dir_free,
	};
	const char *path = options->url + strlen("file://");
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (path[0] != '/')
		return mrt_fail(err, MRT_CONFIG,
		                "store.url '%s' must name an absolute path, file:///path",
		                options->url);
	if (options->object_lock_mode) /* it would not hold anybody from anything */
		return mrt_fail(err, MRT_CONFIG, "store.object-lock: a directory has no locks");
	struct mrt_dir_store *d = calloc(1, sizeof(*d));
	if (!d)
		return mrt_no_memory(err);
	d->store.ops = &ops;
	mrt_auto(mrt_store) *store = &d->store;
	int rc = mrt_text_dup(options->url, &d->store.name, err);
	if (rc == 0)
		rc = mrt_text_printf(&d->root, err, "%.*s", (int)n, path);
	if (rc == 0)
		*ret = mrt_steal(store);
	return rc;
}
