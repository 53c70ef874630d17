/* directory.c - a physical backup into a directory: where to, how much room, and then writing. */
#include "ops/restore/directory.h"
#include "base/file.h"
#include "base/text.h"
#include "ops/backup/physical.h"
#include "ops/restore/data_directory.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SPACES_MAX 1024

struct target {
	const struct mrt_context *ctx;
	struct mrt_store *store;
	const struct mrt_manifest *manifest;
	struct mrt_data_directory_options how;
	struct mrt_physical_tablespace spaces[SPACES_MAX]; /* as in the backup */
	struct mrt_data_tablespace mapped[SPACES_MAX];
	size_t n;
	char *owner; /* name, for the report; NULL: as we are */
	uint64_t needed, room;
};

static void target_release(struct target *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((char *)(uintptr_t)t->mapped[i].location);
	free((char *)(uintptr_t)t->how.dir);
	free(t->owner);
}

static int read_spaces(struct target *t, struct mrt_error *err)
{
	for (t->n = 0;; t->n++) {
		if (t->n == SPACES_MAX)
			return mrt_fail(err, MRT_UNSUPPORTED, "more than %d tablespaces",
			                SPACES_MAX);
		int rc = mrt_physical_tablespace(t->manifest, t->n, &t->spaces[t->n], err);
		if (rc < 0)
			return rc == MRT_NOT_FOUND ? 0 : rc;
		t->mapped[t->n] = (struct mrt_data_tablespace) { .oid = t->spaces[t->n].oid };
	}
}

static int absolute(const char *path, char **ret, struct mrt_error *err)
{
	mrt_autofree char *here = NULL;
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (path[0] == '/')
		return mrt_text_printf(ret, err, "%.*s", (int)n, path);
	if (n == 0)
		return mrt_fail(err, MRT_USAGE, "the directory's name is empty");
	here = getcwd(NULL, 0);
	if (!here)
		return mrt_fail_errno(err, errno, "current directory");
	return mrt_text_printf(ret, err, "%s/%.*s", here, (int)n, path);
}

static bool same_path(const char *text, size_t len, const char *path)
{
	while (len > 1 && text[len - 1] == '/')
		len--;
	return strlen(path) == len && strncmp(text, path, len) == 0;
}

static int map_one(struct target *t, const char *mapping, struct mrt_error *err)
{
	const char *equals = strchr(mapping, '=');
	if (!equals || equals == mapping || equals[1] != '/')
		return mrt_fail(err, MRT_USAGE,
		                "--tablespace %s: write OLD=NEW, NEW as an absolute path", mapping);
	size_t len = (size_t)(equals - mapping);
	for (size_t i = 0; i < t->n; i++) {
		const struct mrt_physical_tablespace *s = &t->spaces[i];
		if (!same_path(mapping, len, s->location) && !same_path(mapping, len, s->oid))
			continue;
		if (t->mapped[i].location)
			return mrt_fail(err, MRT_USAGE, "--tablespace %.*s is given twice",
			                (int)len, mapping);
		char *path = NULL;
		int rc = absolute(equals + 1, &path, err);
		t->mapped[i].location = path;
		return rc;
	}
	return mrt_fail(err, MRT_USAGE, "--tablespace %s: the backup has no tablespace in %.*s",
	                mapping, (int)len, mapping);
}

/* Is one path the other, or below it? Two directories that are to be filled must not be. */
static bool overlap(const char *a, const char *b)
{
	size_t n = strlen(a), k = strlen(b);
	size_t less = n < k ? n : k;
	return strncmp(a, b, less) == 0 && (a[less] == b[less] || a[less] == '/' || b[less] == '/');
}

static int map_spaces(struct target *t, const struct mrt_restore_options *o, struct mrt_error *err)
{
	for (size_t i = 0; i < o->n_tablespaces; i++) {
		int rc = map_one(t, o->tablespaces[i], err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < t->n; i++)
		if (!t->mapped[i].location) {
			mrt_fail(err, MRT_USAGE,
			         "the backup has a tablespace in %s: say where it is to be",
			         t->spaces[i].location);
			for (size_t k = i; k < t->n; k++)
				if (!t->mapped[k].location)
					mrt_hint(err, "--tablespace %s=NEW (%" PRIu64 " MiB)",
					         t->spaces[k].location, t->spaces[k].size >> 20);
			return MRT_USAGE;
		}
	for (size_t i = 0; i < t->n; i++) {
		const char *path = t->mapped[i].location;
		if (overlap(path, t->how.dir))
			return mrt_fail(err, MRT_USAGE, "%s and %s: one is inside the other", path,
			                t->how.dir);
		for (size_t k = 0; k < i; k++)
			if (overlap(path, t->mapped[k].location))
				return mrt_fail(err, MRT_USAGE,
				                "%s and %s: one is inside the other", path,
				                t->mapped[k].location);
	}
	return 0;
}

/* PostgreSQL does not run as root: whose is the directory to be? */
static int choose_owner(struct target *t, const char *name, struct mrt_error *err)
{
	struct passwd entry, *found = NULL;
	char room[4096];
	struct stat st;
	if (name && getpwnam_r(name, &entry, room, sizeof(room), &found) == 0 && !found)
		return mrt_fail(err, MRT_USAGE, "--owner %s: there is no such user", name);
	if (!name && getuid() != 0)
		return 0;
	if (!name && stat(t->how.dir, &st) == 0 && st.st_uid != 0)
		getpwuid_r(st.st_uid, &entry, room, sizeof(room), &found);
	else if (!name)
		getpwnam_r("postgres", &entry, room, sizeof(room), &found);
	if (!found) {
		mrt_warn(t->ctx, "the files will belong to root, as whom PostgreSQL does not run "
		                 "(--owner names another user)");
		return 0;
	}
	t->how.owned = true;
	t->how.uid = found->pw_uid;
	t->how.gid = found->pw_gid;
	return mrt_text_dup(found->pw_name, &t->owner, err);
}

/* Room on the file systems: what is to lie on one of them adds up. */
static int check_room(struct target *t, struct mrt_error *err)
{
	struct {
		uint64_t needed, free;
		const char *path;
		dev_t device;
	} all[SPACES_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i <= t->n; i++) {
		const char *path = i < t->n ? t->mapped[i].location : t->how.dir;
		const struct mrt_manifest_object *o = mrt_manifest_object(
		        t->manifest, i < t->n ? t->spaces[i].object : MRT_PHYSICAL_BASE);
		uint64_t size = o ? o->size : 0, room = 0;
		mrt_autofree char *at = NULL;
		struct stat st;
		int rc = mrt_dir_free_space(path, &room, err);
		if (rc == 0)
			rc = mrt_text_dup(path, &at, err);
		if (rc < 0)
			return rc;
		while (stat(at, &st) < 0 && strrchr(at, '/') > at)
			*strrchr(at, '/') = '\0';
		if (stat(at, &st) < 0)
			stat("/", &st);
		t->needed += size;
		size_t k = 0;
		while (k < n && all[k].device != st.st_dev)
			k++;
		if (k == n) {
			all[n].needed = 0;
			all[n].free = room;
			all[n].path = path;
			all[n++].device = st.st_dev;
		}
		all[k].needed += size;
	}
	t->room = all[n - 1].free;
	for (size_t k = 0; k < n; k++) {
		char needed[MRT_SIZE_SIZE], room[MRT_SIZE_SIZE];
		mrt_size_format(all[k].needed, needed);
		mrt_size_format(all[k].free, room);
		if (all[k].needed > all[k].free)
			return mrt_fail(err, MRT_NO_SPACE,
			                "%s has room for %s; the backup needs %s", all[k].path,
			                room, needed);
	}
	return 0;
}

static int write_directory(struct target *t, struct mrt_physical_found *found,
                           struct mrt_error *err)
{
	mrt_auto(mrt_data_directory) *d = NULL;
	t->how.tablespaces = t->mapped;
	t->how.n_tablespaces = t->n;
	t->how.settings =
	        json_object_get(json_object_get(t->manifest->json, "physical"), "settings");
	int rc = mrt_data_directory_new(&t->how, &d, err);
	const struct mrt_physical_reader reader = {
		.ctx = t->ctx,
		.store = t->store,
		.manifest = t->manifest,
		.ops = &mrt_data_directory_ops,
		.on_manifest = mrt_data_directory_manifest,
		.context = d,
	};
	if (rc == 0)
		rc = mrt_physical_read(&reader, found, err);
	return rc < 0 ? rc : mrt_data_directory_commit(d, err);
}

static int report_spaces(const struct target *t, json_t *json, struct mrt_error *err)
{
	json_t *list = json_array();
	int rc = mrt_json_set(json, "tablespaces", list, err);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "oid", t->spaces[i].oid, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "from", t->spaces[i].location, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "to", t->mapped[i].location, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "size", t->spaces[i].size, err);
	}
	return rc;
}

static int report(const struct target *t, const struct mrt_physical_found *found, bool dry_run,
                  json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	const json_t *physical = json_object_get(t->manifest->json, "physical");
	int rc = json ? mrt_json_set_text(json, "id", t->manifest->id, err) : mrt_no_memory(err);
	const char *const texts[][2] = {
		{ "to_dir", t->how.dir },
		{ "owner", t->owner },
		{ "end_lsn", mrt_json_text_or(physical, "end_lsn", NULL) },
	};
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "server_major", (uint64_t)t->manifest->server_major,
		                       err);
	if (rc == 0)
		rc = mrt_json_set_size(
		        json, "files",
		        dry_run ? mrt_json_size_or(physical, "files", 0) : found->files, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "space_needed", t->needed, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "space_free", t->room, err);
	if (rc == 0)
		rc = report_spaces(t, json, err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_boolean(dry_run), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_restore_dir(const struct mrt_context *ctx, struct mrt_store *store,
                    const struct mrt_manifest *manifest, const struct mrt_restore_options *options,
                    json_t **ret, struct mrt_error *err)
{
	mrt_autofree struct target *t = calloc(1, sizeof(*t));
	struct mrt_physical_found found = { 0 };
	if (!t)
		return mrt_no_memory(err);
	*t = (struct target) { .ctx = ctx, .store = store, .manifest = manifest };
	char *dir = NULL;
	int rc = absolute(options->to_dir, &dir, err);
	t->how.dir = dir;
	if (rc == 0)
		rc = read_spaces(t, err);
	if (rc == 0)
		rc = map_spaces(t, options, err);
	if (rc == 0)
		rc = mrt_data_directory_empty(dir, err);
	for (size_t i = 0; rc == 0 && i < t->n; i++)
		rc = mrt_data_directory_empty(t->mapped[i].location, err);
	if (rc == 0)
		rc = choose_owner(t, options->owner, err);
	if (rc == 0)
		rc = check_room(t, err);
	if (rc == 0 && !options->dry_run) {
		mrt_progress_begin(ctx->progress, "restoring", manifest->stored_size);
		rc = write_directory(t, &found, err);
		mrt_progress_end(ctx->progress);
	}
	if (rc == 0)
		rc = report(t, &found, options->dry_run, ret, err);
	target_release(t);
	return rc;
}

int mrt_restore_scratch(const struct mrt_context *ctx, struct mrt_store *store,
                        const struct mrt_manifest *manifest, const char *dir, uid_t uid, gid_t gid,
                        struct mrt_physical_found *ret, struct mrt_error *err)
{
	mrt_autofree struct target *t = calloc(1, sizeof(*t));
	if (!t)
		return mrt_no_memory(err);
	*t = (struct target) { .ctx = ctx, .store = store, .manifest = manifest };
	t->how.owned = uid != 0;
	t->how.uid = uid;
	t->how.gid = gid;
	char *data = NULL;
	int rc = mrt_text_printf(&data, err, "%s/data", dir);
	t->how.dir = data;
	if (rc == 0)
		rc = read_spaces(t, err);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		char *path = NULL;
		rc = mrt_text_printf(&path, err, "%s/tablespaces/%s", dir, t->spaces[i].oid);
		t->mapped[i].location = path;
	}
	if (rc == 0)
		rc = check_room(t, err);
	if (rc == 0)
		rc = write_directory(t, ret, err);
	target_release(t);
	return rc;
}
