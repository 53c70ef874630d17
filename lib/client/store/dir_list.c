/* dir_list.c - listing a directory store in the order of whole keys. */
#include "base/text.h"
#include "client/store/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Listing walks the tree in the order of whole keys: a directory sorts as its name and "/". */
struct walk {
	const struct mrt_context *ctx;
	const char *prefix, *token;
	unsigned limit;
	struct mrt_store_page *page;
	bool full;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(int dir, char ***ret, size_t *ret_n, struct mrt_error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	if (!entries)
		return mrt_fail_errno(err, errno, "read a directory");
	char **names = NULL;
	size_t n = 0;
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(entries));) {
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			continue;
		char **grown = realloc(names, (n + 1) * sizeof(*grown));
		names = grown ? grown : names;
		rc = !grown ? mrt_no_memory(err)
		            : mrt_text_printf(&names[n], err, "%s%s", e->d_name,
		                              S_ISDIR(st.st_mode) ? "/" : "");
		n += rc == 0;
	}
	closedir(entries);
	if (n > 0)
		qsort(names, n, sizeof(*names), by_text);
	*ret = names;
	*ret_n = n;
	return rc;
}

static int add_object(struct walk *w, int dir, const char *name, const char *key,
                      struct mrt_error *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : mrt_fail_errno(err, errno, "%s", key);
	struct mrt_store_page *page = w->page;
	if (page->n == w->limit) { /* one more is there: the page ends with the last one on it */
		w->full = true;
		return mrt_text_dup(page->objects[page->n - 1].key, &page->token, err);
	}
	if (!page->objects) {
		page->objects = calloc(w->limit, sizeof(*page->objects));
		if (!page->objects)
			return mrt_no_memory(err);
	}
	struct mrt_object *object = &page->objects[page->n];
	int rc = mrt_text_dup(key, &object->key, err);
	if (rc == 0) {
		object->size = (uint64_t)st.st_size;
		object->modified = st.st_mtime;
		page->n++;
	}
	return rc;
}

static int walk_dir(struct walk *w, int dir, const char *above, struct mrt_error *err);

static int walk_entry(struct walk *w, int dir, const char *above, char *name, struct mrt_error *err)
{
	size_t len = strlen(name);
	bool is_dir = name[len - 1] == '/';
	mrt_autofree char *key = NULL;
	int rc = mrt_text_printf(&key, err, "%s%s", above, name);
	if (rc < 0)
		return rc;
	size_t n = strlen(key), np = strlen(w->prefix), common = n < np ? n : np;
	if (strncmp(key, w->prefix, common) != 0 || (!is_dir && n < np) ||
	    strcmp(key, MRT_DIR_TEMPORARY "/") == 0)
		return 0;
	if (!is_dir)
		return w->token && strcmp(key, w->token) <= 0 ? 0
		                                              : add_object(w, dir, name, key, err);
	if (w->token && strncmp(key, w->token, n) != 0 && strcmp(key, w->token) < 0)
		return 0; /* everything in it comes before the page */
	name[len - 1] = '\0';
	mrt_autofd sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return errno == ENOENT ? 0 : mrt_fail_errno(err, errno, "open directory %s", key);
	return walk_dir(w, sub, key, err);
}

static int walk_dir(struct walk *w, int dir, const char *above, struct mrt_error *err)
{
	char **names = NULL;
	size_t n = 0;
	int rc = mrt_context_check(w->ctx, err);
	if (rc == 0)
		rc = read_names(dir, &names, &n, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && !w->full)
			rc = walk_entry(w, dir, above, names[i], err);
		free(names[i]);
	}
	free(names);
	return rc;
}

int mrt_dir_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                 const char *token, unsigned limit, struct mrt_store_page *ret,
                 struct mrt_error *err)
{
	struct mrt_dir_store *d = (struct mrt_dir_store *)store;
	mrt_autofd root = open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 && errno == ENOENT)
		return 0; /* nothing was ever put */
	if (root < 0)
		return mrt_fail_errno(err, errno, "open directory %s", d->root);
	struct walk w = {
		.ctx = ctx, .prefix = prefix, .token = token, .limit = limit, .page = ret
	};
	int rc = walk_dir(&w, root, "", err);
	if (rc < 0)
		mrt_store_page_release(ret);
	return rc;
}
