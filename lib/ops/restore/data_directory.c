/* data_directory.c - a PostgreSQL data directory written from a backup's entries. */
#include "ops/restore/data_directory.h"
#include "base/beneath.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONTROL "global/pg_control"
#define CONTROL_PARTIAL "global/pg_control.restoring"

struct place {
	char *path;
	char prefix[32]; /* "pg_tblspc/16384/", "" for the data directory */
	int fd;
	bool made;
};

struct mrt_data_directory {
	struct mrt_data_directory_options how;
	struct place *places; /* the data directory first */
	size_t n_places;
	/* the file at hand */
	int file;
	uint64_t size, written_back;
	char *name; /* for messages */
	int manifest;
	bool control, committed;
};

int mrt_data_directory_empty(const char *path, struct mrt_error *err)
{
	DIR *d = opendir(path);
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return mrt_fail_errno(err, errno, "open directory %s", path);
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = mrt_fail(err, MRT_EXISTS, "%s is not empty: there is %s", path,
			              e->d_name);
	closedir(d);
	return rc;
}

static int own(const struct mrt_data_directory *d, int fd, const char *name, struct mrt_error *err)
{
	if (d->how.owned && fchown(fd, d->how.uid, d->how.gid) < 0)
		return mrt_fail_errno(err, errno, "give %s to its owner", name);
	return 0;
}

static int open_place(struct mrt_data_directory *d, const char *path, const char *oid,
                      struct mrt_error *err)
{
	struct place *p = &d->places[d->n_places];
	p->fd = -1;
	int rc = mrt_text_dup(path, &p->path, err);
	if (rc < 0)
		return rc;
	d->n_places++;
	if (oid)
		snprintf(p->prefix, sizeof(p->prefix), "pg_tblspc/%s/", oid);
	rc = mrt_dir_make_parents(path, 0755, err);
	if (rc < 0)
		return rc;
	p->made = mkdir(path, 0700) == 0;
	if (!p->made && errno != EEXIST)
		return mrt_fail_errno(err, errno, "make %s", path);
	rc = mrt_data_directory_empty(path, err);
	if (rc < 0)
		return rc;
	p->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0)
		return mrt_fail_errno(err, errno, "open directory %s", path);
	if (fchmod(p->fd, 0700) < 0)
		return mrt_fail_errno(err, errno, "chmod %s", path);
	return own(d, p->fd, path, err);
}

int mrt_data_directory_new(const struct mrt_data_directory_options *options,
                           struct mrt_data_directory **ret, struct mrt_error *err)
{
	mrt_auto(mrt_data_directory) *d = calloc(1, sizeof(*d));
	if (!d)
		return mrt_no_memory(err);
	d->how = *options;
	d->file = d->manifest = -1;
	d->places = calloc(options->n_tablespaces + 1, sizeof(*d->places));
	if (!d->places)
		return mrt_no_memory(err);
	/* look before anything is made */
	int rc = mrt_data_directory_empty(options->dir, err);
	for (size_t i = 0; rc == 0 && i < options->n_tablespaces; i++)
		rc = mrt_data_directory_empty(options->tablespaces[i].location, err);
	if (rc == 0)
		rc = open_place(d, options->dir, NULL, err);
	for (size_t i = 0; rc == 0 && i < options->n_tablespaces; i++)
		rc = open_place(d, options->tablespaces[i].location, options->tablespaces[i].oid,
		                err);
	if (rc == 0)
		*ret = mrt_steal(d);
	return rc;
}

static void empty(const char *path)
{
	DIR *entries = opendir(path);
	if (!entries)
		return;
	for (struct dirent *e; (e = readdir(entries));) {
		mrt_autofree char *full = NULL;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    mrt_text_printf(&full, NULL, "%s/%s", path, e->d_name) == 0)
			mrt_dir_remove(full, NULL);
	}
	closedir(entries);
}

void mrt_data_directory_free(struct mrt_data_directory *d)
{
	if (!d)
		return;
	mrt_fd_close(&d->file);
	mrt_fd_close(&d->manifest);
	for (size_t i = d->n_places; i > 0; i--) {
		struct place *p = &d->places[i - 1];
		/* only what was found empty and opened is ours to take away */
		if (p->fd >= 0 && !d->committed)
			empty(p->path);
		if (p->made && !d->committed)
			rmdir(p->path);
		mrt_fd_close(&p->fd);
		free(p->path);
	}
	free(d->places);
	free(d->name);
	free(d);
}

/* Where the path lies: a tablespace's directory, or the data directory. */
static const struct place *place_of(const struct mrt_data_directory *d, const char *path,
                                    const char **ret_rest)
{
	for (size_t i = 1; i < d->n_places; i++) {
		size_t n = strlen(d->places[i].prefix);
		if (strncmp(path, d->places[i].prefix, n) == 0) {
			*ret_rest = path + n;
			return &d->places[i];
		}
	}
	*ret_rest = path;
	return &d->places[0];
}

/* The names in a backup are relative: says in which of the directories it failed. */
static int in_place(const struct place *p, int rc, struct mrt_error *err)
{
	return rc < 0 ? mrt_hint(err, "while writing into %s", p->path) : 0;
}

static int make_directory(struct mrt_data_directory *d, const struct mrt_tar_entry *entry,
                          struct mrt_error *err)
{
	const char *rest, *name;
	const struct place *p = place_of(d, entry->name, &rest);
	mrt_autofd parent = -1;
	int rc = mrt_open_parent_beneath(p->fd, rest, &parent, &name, err);
	if (rc < 0)
		return rc;
	if (mkdirat(parent, name, entry->mode & 0750) < 0)
		return in_place(p, mrt_fail_errno(err, errno, "make directory %s", entry->name),
		                err);
	if (d->how.owned && fchownat(parent, name, d->how.uid, d->how.gid, AT_SYMLINK_NOFOLLOW) < 0)
		return mrt_fail_errno(err, errno, "give %s to its owner", entry->name);
	return 0;
}

static int make_file(struct mrt_data_directory *d, const char *path, mode_t mode, int *ret,
                     struct mrt_error *err)
{
	const char *rest;
	const struct place *p = place_of(d, path, &rest);
	int rc = mrt_open_beneath(p->fd, rest, O_WRONLY | O_CREAT | O_EXCL, mode, ret, err);
	return in_place(p, rc < 0 ? rc : own(d, *ret, path, err), err);
}

/* Not restored: what would make a standby of it, the old tablespace_map and its links. */
static bool left_out(const struct mrt_data_directory *d, const struct mrt_tar_entry *entry)
{
	if (strcmp(entry->name, "standby.signal") == 0 ||
	    strcmp(entry->name, "recovery.signal") == 0 ||
	    (strcmp(entry->name, "tablespace_map") == 0 && d->how.n_tablespaces > 0))
		return true;
	return entry->type == MRT_TAR_SYMLINK && strncmp(entry->name, "pg_tblspc/", 10) == 0;
}

static int on_begin(void *context, const struct mrt_tar_entry *entry, struct mrt_error *err)
{
	struct mrt_data_directory *d = context;
	if (left_out(d, entry))
		return 0;
	if (entry->type == MRT_TAR_SYMLINK)
		return mrt_fail(err, MRT_CORRUPT, "the backup holds a symbolic link, %s",
		                entry->name);
	if (entry->type == MRT_TAR_DIRECTORY)
		return make_directory(d, entry, err);
	const char *path = entry->name;
	if (strcmp(path, CONTROL) == 0) {
		d->control = true;
		path = CONTROL_PARTIAL;
	}
	free(mrt_steal(d->name));
	d->size = d->written_back = 0;
	int rc = mrt_text_dup(path, &d->name, err);
	return rc < 0 ? rc : make_file(d, path, entry->mode & 0640, &d->file, err);
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct mrt_data_directory *d = context;
	if (d->file < 0)
		return 0;
	int rc = mrt_fd_write(d->file, d->name, data, len, err);
	d->size += len;
	if (rc < 0) {
		const char *rest;
		return in_place(place_of(d, d->name, &rest), rc, err);
	}
	mrt_fd_write_back(d->file, d->size, &d->written_back);
	return 0;
}

static int on_end(void *context, struct mrt_error *err)
{
	struct mrt_data_directory *d = context;
	if (d->file < 0)
		return 0;
	int fd = mrt_steal_fd(d->file);
	return close(fd) < 0 ? mrt_fail_errno(err, errno, "close %s", d->name) : 0;
}

const struct mrt_tar_ops mrt_data_directory_ops = { on_begin, on_data, on_end };

int mrt_data_directory_manifest(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct mrt_data_directory *d = context;
	int rc = d->manifest >= 0 ? 0 : make_file(d, "backup_manifest", 0600, &d->manifest, err);
	return rc < 0 ? rc : mrt_fd_write(d->manifest, "backup_manifest", data, len, err);
}

/* A file of ours; one that exists stays, or grows where append. */
static int put_text(struct mrt_data_directory *d, const char *name, bool append,
                    const struct mrt_buf *text, struct mrt_error *err)
{
	mrt_autofd fd = -1;
	int rc = mrt_buf_check(text, err);
	if (rc == 0 && faccessat(d->places[0].fd, name, F_OK, 0) == 0) {
		if (!append)
			return 0;
		rc = mrt_open_beneath(d->places[0].fd, name, O_WRONLY | O_APPEND, 0, &fd, err);
	} else if (rc == 0) {
		rc = make_file(d, name, 0600, &fd, err);
	}
	return rc < 0 ? rc : mrt_fd_write(fd, name, mrt_buf_text(text), text->len, err);
}

static int put_tablespace_map(struct mrt_data_directory *d, struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	for (size_t i = 0; i < d->how.n_tablespaces; i++) {
		const struct mrt_data_tablespace *t = &d->how.tablespaces[i];
		mrt_buf_printf(&text, "%s ", t->oid);
		for (const char *p = t->location; *p; p++) {
			if (*p == '\\' || *p == '\n' || *p == '\r')
				mrt_buf_add_char(&text, '\\');
			mrt_buf_add_char(&text, *p);
		}
		mrt_buf_add_char(&text, '\n');
	}
	return text.len > 0 ? put_text(d, "tablespace_map", false, &text, err)
	                    : mrt_buf_check(&text, err);
}

static void quote(struct mrt_buf *text, const char *value)
{
	mrt_buf_add_char(text, '\'');
	for (const char *p = value; *p; p++) {
		if (*p == '\'' || *p == '\\')
			mrt_buf_add_char(text, *p);
		mrt_buf_add_char(text, *p == '\n' ? ' ' : *p);
	}
	mrt_buf_add_char(text, '\'');
}

static int put_configuration(struct mrt_data_directory *d, struct mrt_error *err)
{
	mrt_auto_buf off = MRT_BUF_INIT;
	mrt_auto_buf conf = MRT_BUF_INIT;
	mrt_auto_buf hba = MRT_BUF_INIT;
	mrt_auto_buf ident = MRT_BUF_INIT;
	mrt_buf_add_text(&off, "# from maratea: a restored copy must not talk to the server it was "
	                       "copied from\n"
	                       "archive_mode = 'off'\n"
	                       "primary_conninfo = ''\n"
	                       "primary_slot_name = ''\n"
	                       "restore_command = ''\n"
	                       "max_logical_replication_workers = '0'\n");
	mrt_buf_add_text(&conf,
	                 "# from maratea: the backup held no postgresql.conf (Debian keeps it "
	                 "elsewhere);\n# these are the source's values that recovery needs\n");
	const char *name;
	const json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)d->how.settings, name, value) {
		if (strcmp(name, "wal_segment_size") == 0)
			continue;
		/* libraries may not be installed here; they also may have work of their own */
		mrt_buf_printf(&conf,
		               "%s%s = ", strcmp(name, "shared_preload_libraries") == 0 ? "#" : "",
		               name);
		quote(&conf, json_string_value(value));
		mrt_buf_add_char(&conf, '\n');
	}
	mrt_buf_add_text(&hba, "# from maratea: the backup held no pg_hba.conf\n"
	                       "local all all peer\n"
	                       "host all all 127.0.0.1/32 scram-sha-256\n"
	                       "host all all ::1/128 scram-sha-256\n");
	mrt_buf_add_text(&ident, "# from maratea: the backup held no pg_ident.conf\n");
	int rc = put_text(d, "postgresql.auto.conf", true, &off, err);
	if (rc == 0)
		rc = put_text(d, "postgresql.conf", false, &conf, err);
	if (rc == 0)
		rc = put_text(d, "pg_hba.conf", false, &hba, err);
	return rc < 0 ? rc : put_text(d, "pg_ident.conf", false, &ident, err);
}

int mrt_data_directory_commit(struct mrt_data_directory *d, struct mrt_error *err)
{
	if (!d->control)
		return mrt_fail(err, MRT_CORRUPT, "the backup holds no " CONTROL);
	int rc = put_tablespace_map(d, err);
	if (rc == 0)
		rc = put_configuration(d, err);
	/* one call for each file system writes more files than any loop over fsync could */
	for (size_t i = 0; rc == 0 && i < d->n_places; i++)
		if (syncfs(d->places[i].fd) < 0)
			rc = mrt_fail_errno(err, errno, "sync %s", d->places[i].path);
	if (rc < 0)
		return rc;
	int base = d->places[0].fd;
	mrt_autofd global = openat(base, "global", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (global < 0 || renameat(base, CONTROL_PARTIAL, base, CONTROL) < 0 || fsync(global) < 0)
		return mrt_fail_errno(err, errno, "put " CONTROL " in its place");
	d->committed = true;
	for (size_t i = 0; rc == 0 && i < d->n_places; i++)
		rc = mrt_dir_sync_parent(d->places[i].path, err);
	return rc;
}
