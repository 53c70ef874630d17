/* remove.c - folders taken away whole: manifest first, versions and locks of buckets,
 * leftovers.
 */
#include "base/text.h"
#include "ops/retention/pruning.h"

#include <string.h>

/* The keys of one folder. */
struct folder {
	char **keys;
	size_t n, skip; /* skip: bytes of the folder's own name */
	int64_t newest;
	uint64_t foreign;
	bool complete;
};

static void folder_release(struct folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->keys[i]);
	free(f->keys);
}

static int collect(void *context, const struct mrt_object *object, struct mrt_error *err)
{
	struct folder *f = context;
	const char *rest = object->key + f->skip;
	f->newest = object->modified > f->newest ? object->modified : f->newest;
	f->complete = f->complete || strcmp(rest, "manifest.json") == 0;
	if (!mrt_repository_knows(rest)) {
		f->foreign++;
		return 0;
	}
	if (strcmp(rest, "manifest.json") == 0)
		return 0; /* it goes first, and alone */
	char **grown = realloc(f->keys, (f->n + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	f->keys = grown;
	int rc = mrt_text_dup(object->key, &f->keys[f->n], err);
	f->n += rc == 0;
	return rc;
}

static int list_folder(const struct mrt_prune *p, const char *id, char **ret, struct folder *folder,
                       struct mrt_error *err)
{
	int rc = mrt_backup_key(p->config->platform_name, p->target, id, "", ret, err);
	if (rc < 0)
		return rc;
	folder->skip = strlen(*ret);
	return mrt_store_each(p->store, p->ctx, *ret, collect, folder, err);
}

/* All versions in the folder, the manifest's first; foreign keys are left out. held: a lock still
 * keeps one of them. */
static int list_versions(struct mrt_prune *p, const char *prefix, struct mrt_versions *ret,
                         bool *held, struct mrt_error *err)
{
	int rc = mrt_store_versions(p->store, p->ctx, prefix, ret, err);
	size_t skip = strlen(prefix), n = 0, manifests = 0;
	*held = false;
	for (size_t i = 0; rc == 0 && i < ret->n; i++) {
		struct mrt_version v = ret->items[i];
		if (!mrt_repository_knows(v.key + skip)) {
			free(v.key);
			free(v.id);
			continue;
		}
		/* swapped to the front */
		size_t at = n++;
		ret->items[at] = v;
		if (strcmp(v.key + skip, "manifest.json") == 0) {
			ret->items[at] = ret->items[manifests];
			ret->items[manifests++] = v;
		}
	}
	if (rc == 0)
		ret->n = n;
	for (size_t i = 0; rc == 0 && i < ret->n && !*held; i++) {
		rc = mrt_store_read_retention(p->store, p->ctx, &ret->items[i], err);
		if (rc == MRT_NOT_FOUND)
			rc = 0; /* gone meanwhile */
		*held = rc == 0 && ret->items[i].retain_until > p->now;
	}
	return rc;
}

/* The manifest's versions, and only when they are gone the others. */
static int delete_versions(struct mrt_prune *p, const char *prefix, const struct mrt_versions *v,
                           struct mrt_error *err)
{
	size_t manifests = 0, skip = strlen(prefix);
	while (manifests < v->n && strcmp(v->items[manifests].key + skip, "manifest.json") == 0)
		manifests++;
	int rc = mrt_store_delete_versions(p->store, p->ctx, v->items, manifests, err);
	return rc < 0 ? rc
	              : mrt_store_delete_versions(p->store, p->ctx, v->items + manifests,
	                                          v->n - manifests, err);
}

/* What is still held stays whole, and is no error. */
int mrt_prune_keep_locked(struct mrt_prune *p, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->n && p->versioned; i++) {
		mrt_cleanup(mrt_versions_release) struct mrt_versions versions = { 0 };
		mrt_autofree char *prefix = NULL;
		bool held = false;
		if (p->items[i].keep)
			continue;
		rc = mrt_backup_key(p->config->platform_name, p->target, p->all[i].entry->id, "",
		                    &prefix, err);
		if (rc == 0)
			rc = list_versions(p, prefix, &versions, &held, err);
		if (held) {
			p->items[i].keep = MRT_KEEP_HELD;
			p->held++;
		}
	}
	return rc;
}

/* held: a lock of the store holds some of it, and nothing was done. */
static int delete_folder(struct mrt_prune *p, const char *prefix, const struct folder *folder,
                         bool *held, struct mrt_error *err)
{
	mrt_cleanup(mrt_versions_release) struct mrt_versions versions = { 0 };
	mrt_autofree char *manifest = NULL;
	*held = false;
	if (p->versioned) {
		int rc = list_versions(p, prefix, &versions, held, err);
		return rc < 0 || *held ? rc : delete_versions(p, prefix, &versions, err);
	}
	int rc = mrt_text_printf(&manifest, err, "%smanifest.json", prefix);
	if (rc == 0 && folder->complete)
		rc = mrt_store_delete(p->store, p->ctx, manifest, err);
	if (rc == 0 && folder->n > 0)
		rc = mrt_store_delete_many(p->store, p->ctx, (const char *const *)folder->keys,
		                           folder->n, err);
	return rc;
}

/* A failed delete is a failed prune, but not the end of it. */
static void note_failure(struct mrt_prune *p, const struct mrt_error *err)
{
	mrt_warn_because(p->ctx, err, NULL);
	if (p->n_failed++ == 0)
		p->failure = *err;
}

static bool fatal(int rc)
{
	return rc == MRT_CANCELLED || rc == MRT_DEADLINE || rc == MRT_LOCKED || rc == MRT_NO_MEMORY;
}

static int remove_backup(struct mrt_prune *p, struct mrt_prune_candidate *c, struct mrt_error *err)
{
	mrt_cleanup(folder_release) struct folder folder = { 0 };
	mrt_autofree char *prefix = NULL;
	bool held = false;
	int rc = p->lock ? mrt_store_lock_renew(p->lock, p->ctx, err) : 0;
	if (rc == 0 && p->lock)
		rc = mrt_store_lock_check(p->lock, p->ctx, err);
	if (rc == 0)
		rc = list_folder(p, c->entry->id, &prefix, &folder, err);
	if (rc == 0)
		rc = delete_folder(p, prefix, &folder, &held, err);
	if (rc == 0 && held)
		rc = mrt_fail(err, MRT_CHANGED, "%s is locked since the plan was made", prefix);
	p->foreign += folder.foreign;
	if (rc == 0) {
		p->removed++;
		p->freed += c->manifest->stored_size;
	}
	return rc;
}

int mrt_prune_remove(struct mrt_prune *p, struct mrt_error *err)
{
	for (size_t i = p->n; i > 0; i--) { /* the oldest first */
		struct mrt_prune_candidate *c = &p->all[i - 1];
		struct mrt_error why = { 0 };
		if (p->items[i - 1].keep)
			continue;
		int rc = remove_backup(p, c, &why);
		if (fatal(rc)) {
			if (err)
				*err = why;
			return rc;
		}
		if (rc < 0)
			note_failure(p, &why);
		rc = mrt_json_set_text(c->json, "action", rc < 0 ? "failed" : "removed", err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A folder without a manifest: left behind, or of a run that is at work? */
static int look_at_unfinished(struct mrt_prune *p, const char *id, struct mrt_error *err)
{
	mrt_cleanup(folder_release) struct folder folder = { 0 };
	mrt_autofree char *prefix = NULL;
	struct mrt_error why = { 0 };
	int rc = list_folder(p, id, &prefix, &folder, err);
	if (rc < 0)
		return rc;
	if (folder.complete || folder.newest > p->now - p->options->grace / MRT_SECOND)
		return 0;
	p->foreign += folder.foreign;
	bool held = false;
	rc = p->lock ? mrt_store_lock_check(p->lock, p->ctx, &why) : 0;
	if (rc == 0 && !p->options->dry_run && folder.n > 0)
		rc = delete_folder(p, prefix, &folder, &held, &why);
	p->held += held;
	p->folders += !held;
	p->leftovers += held ? 0 : folder.n;
	if (fatal(rc)) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc < 0)
		note_failure(p, &why);
	return 0;
}

int mrt_prune_leftovers(struct mrt_prune *p, struct mrt_error *err)
{
	mrt_autofree char *prefix = NULL;
	struct mrt_leftovers uploads = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->list.incomplete; i++)
		rc = look_at_unfinished(p, p->list.unfinished[i].id, err);
	if (rc == 0)
		rc = mrt_text_printf(&prefix, err, "%s/%s/", p->config->platform_name, p->target);
	if (rc == 0)
		rc = mrt_store_leftovers(p->store, p->ctx, prefix,
		                         p->options->dry_run ? INT64_MAX : p->options->grace,
		                         &uploads, err);
	p->uploads += p->options->dry_run ? 0 : uploads.removed;
	return rc;
}
