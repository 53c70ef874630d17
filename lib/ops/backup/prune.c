/* prune.c - "backup prune": what the policy does not keep goes, and what unfinished runs left. */
#include "base/text.h"
#include "ops/backup/backup.h"
#include "ops/backup/retention.h"
#include "ops/backup/store_lock.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIXED_MEMORY ((uint64_t)28 << 20)
#define SHRUNK_SIZE ((uint64_t)1 << 20) /* below this, half of it says nothing */

struct candidate {
	const struct mrt_backup_entry *entry;
	struct mrt_manifest *manifest; /* NULL: it cannot be read */
	json_t *json;                  /* its entry in the report */
	uint64_t tables;
};

struct prune {
	const struct mrt_run *run;
	const struct mrt_config *config;
	const struct mrt_prune_options *options;
	struct mrt_store *store;
	struct mrt_retention policy;
	int64_t skew, now; /* ns; seconds by the store's clock */
	bool versioned;    /* a plain delete would free nothing */
	/* of the target at hand */
	const char *target;
	struct mrt_backup_list list;
	struct candidate *all; /* newest first */
	struct mrt_retention_item *items;
	size_t n;
	struct mrt_store_lock *lock;
	/* sums */
	uint64_t kept, removed, held, foreign, folders, leftovers, uploads, freed;
	size_t n_failed;
	struct mrt_error failure; /* the first */
};

static void target_release(struct prune *p)
{
	for (size_t i = 0; i < p->n; i++)
		mrt_manifest_free(p->all[i].manifest);
	free(mrt_steal(p->all));
	free(mrt_steal(p->items));
	p->n = 0;
	mrt_backup_list_release(&p->list);
	mrt_store_lock_free(mrt_steal(p->lock));
}

static void prune_release(struct prune *p)
{
	target_release(p);
	mrt_store_free(p->store);
}

static int read_policy(struct prune *p, struct mrt_error *err)
{
	const struct mrt_config *c = p->config;
	p->policy = (struct mrt_retention) { .last = c->retention_last,
		                             .hourly = c->retention_hourly,
		                             .daily = c->retention_daily,
		                             .weekly = c->retention_weekly,
		                             .monthly = c->retention_monthly,
		                             .yearly = c->retention_yearly,
		                             .force_last = p->options->force_last };
	const struct mrt_retention *r = &p->policy;
	if (r->last + r->hourly + r->daily + r->weekly + r->monthly + r->yearly == 0) {
		mrt_fail(err, MRT_CONFIG, "no retention is set: nothing says how much to keep");
		return mrt_hint(err, "set backup.retention, or give --keep-last, --keep-daily and "
		                     "the like");
	}
	return mrt_retention_zone(c->retention_time_zone, &p->policy.zone, err);
}

static int is_verified(struct prune *p, const struct candidate *c, bool *ret, struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_auto_json record = NULL;
	*ret = false;
	if (!c->entry->verified_key)
		return 0;
	int rc = mrt_store_get_bytes(p->store, p->run, c->entry->verified_key, &text, err);
	if (rc == MRT_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	struct mrt_error why;
	if (mrt_json_parse(mrt_buf_text(&text), text.len, &record, &why) < 0)
		return 0;
	*ret = json_is_true(json_object_get(record, "passed")) &&
	       strcmp(mrt_json_text_or(record, "manifest_sha256", ""), c->manifest->sha256) == 0 &&
	       strcmp(mrt_json_text_or(record, "level", ""), "stored") != 0;
	return 0;
}

static int is_tagged(const struct prune *p, const char *label, bool *ret, struct mrt_error *err)
{
	const char *list = p->config->retention_keep_tags;
	*ret = false;
	for (size_t i = 0; label && i < p->options->n_tags; i++)
		*ret = *ret || fnmatch(p->options->tags[i], label, 0) == 0;
	while (label) {
		mrt_autofree char *tag = NULL;
		int rc = mrt_config_item(&list, &tag, err);
		if (rc < 0 || !tag)
			return rc;
		*ret = *ret || fnmatch(tag, label, 0) == 0;
	}
	return 0;
}

static int load(struct prune *p, struct candidate *c, struct mrt_retention_item *item,
                struct mrt_error *err)
{
	const struct mrt_backup_entry *e = c->entry;
	struct mrt_error why;
	bool tagged = false;
	*item = (struct mrt_retention_item) { .time = mrt_backup_id_time(e->id), .method = "" };
	int rc = mrt_manifest_load(p->run, p->store, e->platform, e->target, e->id, &c->manifest,
	                           &why);
	if (rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED) {
		mrt_warn(p->run, "%s is kept: %s", e->id, why.text);
		item->keep = MRT_KEEP_UNREADABLE;
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	const struct mrt_manifest *m = c->manifest;
	json_t *database;
	size_t i;
	json_array_foreach (m->databases, i, database)
		c->tables += json_array_size(json_object_get(database, "tables"));
	item->method = m->method;
	item->whole = m->whole && !m->damaged;
	if (item->time > p->now + p->config->limits_clock_skew / MRT_SECOND)
		item->keep = MRT_KEEP_FUTURE;
	rc = is_tagged(p, m->label, &tagged, err);
	if (tagged)
		item->keep |= MRT_KEEP_TAG;
	return rc < 0 ? rc : is_verified(p, c, &item->verified, err);
}

static int load_all(struct prune *p, struct mrt_error *err)
{
	int rc = mrt_repository_list(p->run, p->store, p->config->platform_name, p->target,
	                             &p->list, err);
	if (rc < 0)
		return rc;
	p->all = calloc(p->list.n + 1, sizeof(*p->all));
	p->items = calloc(p->list.n + 1, sizeof(*p->items));
	if (!p->all || !p->items)
		return mrt_no_memory(err);
	for (; rc == 0 && p->n < p->list.n; p->n++) {
		p->all[p->n].entry = &p->list.entries[p->list.n - 1 - p->n];
		rc = load(p, &p->all[p->n], &p->items[p->n], err);
	}
	return rc;
}

/* A newest backup of half the size may be a disaster that was backed up. */
static int check_shrink(const struct prune *p, size_t first, struct mrt_error *err)
{
	const struct candidate *newest = &p->all[first];
	for (size_t i = first + 1; i < p->n; i++) {
		const struct candidate *older = &p->all[i];
		if (!p->items[i].whole || strcmp(p->items[i].method, p->items[first].method) != 0)
			continue;
		bool size = older->manifest->size >= SHRUNK_SIZE &&
		            newest->manifest->size < older->manifest->size / 2;
		if (!size && newest->tables >= older->tables / 2)
			return 0;
		char now[MRT_SIZE_SIZE], before[MRT_SIZE_SIZE];
		mrt_size_format(newest->manifest->size, now);
		mrt_size_format(older->manifest->size, before);
		mrt_fail(err, MRT_BAD,
		         "the newest %s backup, %s, has %s and %" PRIu64
		         " tables; the one before, %s, "
		         "has %s and %" PRIu64 ": nothing is removed",
		         p->items[first].method, newest->entry->id, now, newest->tables,
		         older->entry->id, before, older->tables);
		return mrt_hint(err, "if that is as it should be: --accept-shrink");
	}
	return 0;
}

static int check_shrinks(const struct prune *p, struct mrt_error *err)
{
	for (size_t i = 0; i < p->n && !p->options->accept_shrink; i++) {
		bool newest = p->items[i].whole && !(p->items[i].keep & MRT_KEEP_FUTURE);
		for (size_t k = 0; k < i; k++)
			newest = newest &&
			         !(p->items[k].whole && !(p->items[k].keep & MRT_KEEP_FUTURE) &&
			           strcmp(p->items[k].method, p->items[i].method) == 0);
		int rc = newest ? check_shrink(p, i, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int describe(struct prune *p, json_t *list, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		struct candidate *c = &p->all[i];
		json_t *item = c->json = json_object(), *rules = json_array();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set(item, "rules", rules, err);
		for (unsigned bit = 0; rc == 0 && bit < MRT_KEEP_RULES; bit++)
			if (p->items[i].keep & 1U << bit)
				rc = mrt_json_append(rules, json_string(mrt_retention_rule(bit)),
				                     err);
		const char *const texts[][2] = {
			{ "id", c->entry->id },
			{ "target", c->entry->target },
			{ "method", c->manifest ? c->manifest->method : NULL },
			{ "label", c->manifest ? c->manifest->label : NULL },
			{ "action", p->items[i].keep ? "keep" : "remove" },
		};
		for (size_t k = 0; rc == 0 && k < sizeof(texts) / sizeof(texts[0]); k++)
			rc = mrt_json_set_text(item, texts[k][0], texts[k][1], err);
		int64_t age = p->now - p->items[i].time;
		if (rc == 0)
			rc = mrt_json_set_size(item, "age_s", age > 0 ? (uint64_t)age : 0, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "stored_size",
			                       c->manifest ? c->manifest->stored_size : 0, err);
		if (rc == 0)
			rc = mrt_json_set(item, "whole", json_boolean(p->items[i].whole), err);
		p->kept += p->items[i].keep != 0;
	}
	return rc;
}

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

static int list_folder(const struct prune *p, const char *id, char **ret, struct folder *folder,
                       struct mrt_error *err)
{
	int rc = mrt_backup_key(p->config->platform_name, p->target, id, "", ret, err);
	if (rc < 0)
		return rc;
	folder->skip = strlen(*ret);
	return mrt_store_each(p->store, p->run, *ret, collect, folder, err);
}

/* All versions in the folder, the manifest's first; foreign keys are left out. held: a lock still
 * keeps one of them. */
static int list_versions(struct prune *p, const char *prefix, struct mrt_versions *ret, bool *held,
                         struct mrt_error *err)
{
	int rc = mrt_store_versions(p->store, p->run, prefix, ret, err);
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
		rc = mrt_store_hold(p->store, p->run, &ret->items[i], err);
		if (rc == MRT_NOT_FOUND)
			rc = 0; /* gone meanwhile */
		*held = rc == 0 && ret->items[i].held_until > p->now;
	}
	return rc;
}

/* The manifest's versions, and only when they are gone the others. */
static int delete_versions(struct prune *p, const char *prefix, const struct mrt_versions *v,
                           struct mrt_error *err)
{
	size_t manifests = 0, skip = strlen(prefix);
	while (manifests < v->n && strcmp(v->items[manifests].key + skip, "manifest.json") == 0)
		manifests++;
	int rc = mrt_store_delete_versions(p->store, p->run, v->items, manifests, err);
	return rc < 0 ? rc
	              : mrt_store_delete_versions(p->store, p->run, v->items + manifests,
	                                          v->n - manifests, err);
}

/* What is still held stays whole, and is no error. */
static int keep_held(struct prune *p, struct mrt_error *err)
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
static int delete_folder(struct prune *p, const char *prefix, const struct folder *folder,
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
		rc = mrt_store_delete(p->store, p->run, manifest, err);
	if (rc == 0 && folder->n > 0)
		rc = mrt_store_delete_many(p->store, p->run, (const char *const *)folder->keys,
		                           folder->n, err);
	return rc;
}

/* A failed delete is a failed prune, but not the end of it. */
static void note_failure(struct prune *p, const struct mrt_error *err)
{
	mrt_warn(p->run, "%s", err->text);
	if (p->n_failed++ == 0)
		p->failure = *err;
}

static bool fatal(int rc)
{
	return rc == MRT_CANCELLED || rc == MRT_DEADLINE || rc == MRT_LOCKED || rc == MRT_NO_MEMORY;
}

static int remove_backup(struct prune *p, struct candidate *c, struct mrt_error *err)
{
	mrt_cleanup(folder_release) struct folder folder = { 0 };
	mrt_autofree char *prefix = NULL;
	bool held = false;
	int rc = p->lock ? mrt_store_lock_renew(p->lock, p->run, err) : 0;
	if (rc == 0 && p->lock)
		rc = mrt_store_lock_check(p->lock, p->run, err);
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

static int remove_all(struct prune *p, struct mrt_error *err)
{
	for (size_t i = p->n; i > 0; i--) { /* the oldest first */
		struct candidate *c = &p->all[i - 1];
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
static int look_at_unfinished(struct prune *p, const char *id, struct mrt_error *err)
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
	rc = p->lock ? mrt_store_lock_check(p->lock, p->run, &why) : 0;
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

static int collect_leftovers(struct prune *p, struct mrt_error *err)
{
	mrt_autofree char *prefix = NULL;
	struct mrt_leftovers uploads = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->list.incomplete; i++)
		rc = look_at_unfinished(p, p->list.unfinished[i].id, err);
	if (rc == 0)
		rc = mrt_text_printf(&prefix, err, "%s/%s/", p->config->platform_name, p->target);
	if (rc == 0)
		rc = mrt_store_leftovers(p->store, p->run, prefix,
		                         p->options->dry_run ? INT64_MAX : p->options->grace,
		                         &uploads, err);
	p->uploads += p->options->dry_run ? 0 : uploads.removed;
	return rc;
}

static int take_lock(struct prune *p, struct mrt_error *err)
{
	const struct mrt_store_lock_options lock = {
		.platform = p->config->platform_name,
		.target = p->target,
		.who = "backup prune",
		.lease = p->config->limits_lock_lease,
		.clock_skew = p->skew,
	};
	if (p->options->dry_run || p->options->no_store_lock)
		return 0;
	return mrt_store_lock_take(p->run, p->store, &lock, &p->lock, err);
}

static int ask(const struct prune *p, struct mrt_error *err)
{
	size_t n = 0;
	uint64_t size = 0;
	for (size_t i = 0; i < p->n; i++)
		if (!p->items[i].keep) {
			n++;
			size += p->all[i].manifest->stored_size;
		}
	if (n == 0 || !p->options->confirm)
		return 0;
	char question[160], text[MRT_SIZE_SIZE];
	mrt_size_format(size, text);
	snprintf(question, sizeof(question), "removing %zu of %zu backups of %.60s (%s)", n, p->n,
	         p->target, text);
	return p->options->confirm(p->options->context, question, err);
}

static int prune_target(struct prune *p, const char *target, json_t *list, struct mrt_error *err)
{
	p->target = target;
	int rc = take_lock(p, err);
	if (rc == 0)
		rc = load_all(p, err);
	if (rc == 0)
		mrt_retention_apply(&p->policy, p->items, p->n);
	if (rc == 0)
		rc = keep_held(p, err);
	if (rc == 0)
		rc = describe(p, list, err);
	if (rc == 0)
		rc = check_shrinks(p, err);
	if (rc == 0 && p->options->plan)
		p->options->plan(p->options->context, list);
	if (rc == 0 && !p->options->dry_run)
		rc = ask(p, err);
	if (rc == 0 && !p->options->dry_run)
		rc = remove_all(p, err);
	if (rc == 0)
		rc = collect_leftovers(p, err);
	target_release(p);
	return rc;
}

/* The i-th entry of both lists. */
static const char *target_of(const struct mrt_backup_list *all, size_t i)
{
	return i < all->n ? all->entries[i].target : all->unfinished[i - all->n].target;
}

/* Each target that has something, once. */
static int prune_targets(struct prune *p, const struct mrt_backup_list *all, json_t *list,
                         struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < all->n + all->incomplete; i++) {
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(target_of(all, k), target_of(all, i)) == 0;
		if (!seen)
			rc = prune_target(p, target_of(all, i), list, err);
	}
	return rc;
}

static int look_at_store(struct prune *p, struct mrt_error *err)
{
	struct mrt_store_capabilities c;
	bool lock = !p->options->dry_run && !p->options->no_store_lock;
	int rc = mrt_store_probe(p->store, p->run, lock, &c, err);
	if (rc < 0)
		return rc;
	p->skew = c.has_clock ? c.clock_skew : 0;
	p->now = (p->run->wall() + p->skew) / MRT_SECOND;
	enum mrt_answer versioned;
	rc = mrt_store_versioned(p->store, p->run, &versioned, err);
	p->versioned = versioned == MRT_YES;
	if (rc < 0 || !lock || c.conditional_put == MRT_YES)
		return rc;
	mrt_fail(err, MRT_UNSUPPORTED,
	         "%s does not let exactly one of several writers win: a lock there keeps nobody "
	         "away",
	         p->store->name);
	return mrt_hint(err, "when nothing else works on this store: --no-store-lock");
}

static int report(const struct prune *p, json_t *json, struct mrt_error *err)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = { { "kept", p->kept },
		        { "removed", p->removed },
		        { "held", p->held },
		        { "freed", p->freed },
		        { "failed", p->n_failed },
		        { "unfinished_folders", p->folders },
		        { "unfinished_objects", p->leftovers },
		        { "unfinished_uploads", p->uploads },
		        { "foreign", p->foreign } };
	int rc = mrt_json_set(json, "dry_run", json_boolean(p->options->dry_run), err);
	for (size_t i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		rc = mrt_json_set_size(json, numbers[i].name, numbers[i].value, err);
	return rc;
}

int mrt_backup_prune(const struct mrt_run *run, const struct mrt_config *config,
                     const struct mrt_prune_options *options, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(prune_release) struct prune p = { .run = run,
		                                      .config = config,
		                                      .options = options };
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	mrt_cleanup(mrt_backup_list_release) struct mrt_backup_list all = { 0 };
	unsigned buffers = 0;
	int rc = json ? mrt_json_set(json, "backups", list, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = read_policy(&p, err);
	if (rc == 0)
		rc = mrt_backup_name_check("platform", config->platform_name, err);
	if (rc == 0 && options->target)
		rc = mrt_backup_name_check("target", options->target, err);
	if (rc == 0)
		rc = mrt_repository_buffers(config, FIXED_MEMORY, 1, &buffers, err);
	if (rc == 0)
		rc = mrt_repository_open(config, buffers, &p.store, err);
	if (rc == 0)
		rc = look_at_store(&p, err);
	if (rc == 0)
		rc = mrt_repository_list(run, p.store, config->platform_name, options->target, &all,
		                         err);
	if (rc == 0)
		rc = prune_targets(&p, &all, list, err);
	if (rc == 0)
		rc = report(&p, json, err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	if (p.n_failed == 0)
		return 0;
	mrt_fail(err, MRT_FAILED, "%zu removals failed, the first: %s", p.n_failed, p.failure.text);
	return MRT_FAILED;
}
