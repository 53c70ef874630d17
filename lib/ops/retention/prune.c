/* prune.c - "backup prune": what there is, and what of it the policy keeps. */
#include "ops/retention/prune.h"
#include "base/text.h"
#include "config/stores.h"
#include "ops/retention/pruning.h"
#include "platform/audit_note.h"
#include "platform/identity.h"
#include "repository/shrink.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void target_release(struct mrt_prune *p)
{
	for (size_t i = 0; i < p->n; i++)
		mrt_manifest_free(p->all[i].manifest);
	free(mrt_steal(p->all));
	free(mrt_steal(p->items));
	p->n = 0;
	mrt_backup_list_release(&p->list);
	mrt_store_lock_free(mrt_steal(p->lock));
}

static void prune_release(struct mrt_prune *p)
{
	target_release(p);
	mrt_store_free(p->store);
}

static int read_policy(struct mrt_prune *p, struct mrt_error *err)
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

static int is_verified(struct mrt_prune *p, const struct mrt_prune_candidate *c, bool *ret,
                       struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_auto_json record = NULL;
	*ret = false;
	if (!c->entry->verified_key)
		return 0;
	int rc = mrt_store_get_bytes(p->store, p->ctx, c->entry->verified_key, &text, err);
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

static int is_tagged(const struct mrt_prune *p, const char *label, bool *ret, struct mrt_error *err)
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

static int load(struct mrt_prune *p, struct mrt_prune_candidate *c, struct mrt_retention_item *item,
                struct mrt_error *err)
{
	const struct mrt_backup_entry *e = c->entry;
	struct mrt_error why;
	bool tagged = false;
	*item = (struct mrt_retention_item) { .time = mrt_backup_id_time(e->id), .method = "" };
	int rc = mrt_manifest_load(p->ctx, p->store, e->platform, e->target, e->id, &c->manifest,
	                           &why);
	if (rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED) {
		mrt_warn_because(p->ctx, &why, "%s is kept", e->id);
		item->keep = MRT_KEEP_UNREADABLE;
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	const struct mrt_manifest *m = c->manifest;
	item->method = m->method;
	item->whole = m->whole && !m->damaged;
	if (item->time > p->now + p->config->limits_clock_skew / MRT_SECOND)
		item->keep = MRT_KEEP_FUTURE;
	rc = is_tagged(p, m->label, &tagged, err);
	if (tagged)
		item->keep |= MRT_KEEP_TAG;
	return rc < 0 ? rc : is_verified(p, c, &item->verified, err);
}

static int load_all(struct mrt_prune *p, struct mrt_error *err)
{
	int rc = mrt_repository_list(p->ctx, p->store, p->config->platform_name, p->target,
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
static int check_shrink(const struct mrt_prune *p, size_t first, struct mrt_error *err)
{
	const struct mrt_prune_candidate *newest = &p->all[first];
	for (size_t i = first + 1; i < p->n; i++) {
		const struct mrt_prune_candidate *older = &p->all[i];
		if (!p->items[i].whole || strcmp(p->items[i].method, p->items[first].method) != 0)
			continue;
		char words[512];
		if (!mrt_backup_shrunk(newest->manifest, older->manifest, words, sizeof(words)))
			return 0;
		mrt_fail(err, MRT_BAD, "%s: nothing is removed", words);
		return mrt_hint(err, "if that is as it should be: --accept-shrink");
	}
	return 0;
}

static int check_shrinks(const struct mrt_prune *p, struct mrt_error *err)
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

static int describe_candidates(struct mrt_prune *p, json_t *list, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		struct mrt_prune_candidate *c = &p->all[i];
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
			{ "store", p->store_name },
			{ "method", c->manifest ? c->manifest->method : NULL },
			{ "label", c->manifest ? c->manifest->label : NULL },
			{ "action", p->items[i].keep ? "keep" : "remove" },
		};
		for (size_t k = 0; rc == 0 && k < MRT_COUNT(texts); k++)
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

static int take_lock(struct mrt_prune *p, struct mrt_error *err)
{
	const struct mrt_store_lock_options lock = {
		.platform = p->config->platform_name,
		.target = p->target,
		.who = "backup prune",
		.lease = p->config->limits_lock_lease,
		.clock_skew = p->skew,
	};
	int rc = p->options->dry_run ? 0
	                             : mrt_platform_check_store(p->store, p->ctx, p->config, err);
	if (rc < 0 || p->options->dry_run || p->options->no_store_lock)
		return rc;
	return mrt_store_lock_take(p->ctx, p->store, &lock, &p->lock, err);
}

static int ask_before_removal(const struct mrt_prune *p, struct mrt_error *err)
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

static int prune_target(struct mrt_prune *p, const char *target, json_t *list,
                        struct mrt_error *err)
{
	p->target = target;
	int rc = take_lock(p, err);
	if (rc == 0)
		rc = load_all(p, err);
	if (rc == 0)
		mrt_retention_apply(&p->policy, p->items, p->n);
	if (rc == 0)
		rc = mrt_prune_keep_locked(p, err);
	if (rc == 0)
		rc = describe_candidates(p, list, err);
	if (rc == 0)
		rc = check_shrinks(p, err);
	if (rc == 0 && p->options->plan)
		p->options->plan(p->options->context, list);
	if (rc == 0 && !p->options->dry_run)
		rc = ask_before_removal(p, err);
	if (rc == 0 && !p->options->dry_run)
		rc = mrt_prune_remove(p, err);
	if (rc == 0)
		rc = mrt_prune_leftovers(p, err);
	target_release(p);
	return rc;
}

/* The i-th entry of both lists. */
static const char *target_of(const struct mrt_backup_list *all, size_t i)
{
	return i < all->n ? all->entries[i].target : all->unfinished[i - all->n].target;
}

/* Each target that has something, once. */
static int prune_targets(struct mrt_prune *p, const struct mrt_backup_list *all, json_t *list,
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

static int look_at_store(struct mrt_prune *p, struct mrt_error *err)
{
	struct mrt_store_capabilities c;
	bool lock = !p->options->dry_run && !p->options->no_store_lock;
	int rc = mrt_store_probe(p->store, p->ctx, lock, &c, err);
	if (rc < 0)
		return rc;
	p->skew = c.has_clock ? c.clock_skew : 0;
	p->now = (p->ctx->wall() + p->skew) / MRT_SECOND;
	enum mrt_answer versioned;
	rc = mrt_store_versioned(p->store, p->ctx, &versioned, err);
	p->versioned = versioned == MRT_YES;
	if (rc < 0 || !lock || c.conditional_put == MRT_YES)
		return rc;
	mrt_fail(err, MRT_UNSUPPORTED,
	         "%s does not let exactly one of several writers win: a lock there keeps nobody "
	         "away",
	         p->store->name);
	return mrt_hint(err, "when nothing else works on this store: --no-store-lock");
}

static int report(const struct mrt_prune *p, json_t *json, struct mrt_error *err)
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
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(numbers); i++)
		rc = mrt_json_set_size(json, numbers[i].name, numbers[i].value, err);
	return rc;
}

static void add_sums(const struct mrt_prune *p, struct mrt_prune *total)
{
	total->kept += p->kept;
	total->removed += p->removed;
	total->held += p->held;
	total->freed += p->freed;
	total->folders += p->folders;
	total->leftovers += p->leftovers;
	total->uploads += p->uploads;
	total->foreign += p->foreign;
	if (total->n_failed == 0)
		total->failure = p->failure;
	total->n_failed += p->n_failed;
}

/* One store; its backups are added to the list. */
static int prune_store(struct mrt_prune *total, const struct mrt_store_view *view, bool named,
                       json_t *list, struct mrt_error *err)
{
	const struct mrt_prune_options *options = total->options;
	mrt_cleanup(prune_release) struct mrt_prune p = { .ctx = total->ctx,
		                                          .config = view->config,
		                                          .store_name = named ? view->name : NULL,
		                                          .policy = total->policy,
		                                          .options = options };
	mrt_cleanup(mrt_backup_list_release) struct mrt_backup_list all = { 0 };
	int rc = mrt_repository_open_reader(view->config, &p.store, err);
	if (rc == 0)
		rc = look_at_store(&p, err);
	if (rc == 0)
		rc = mrt_repository_list(p.ctx, p.store, view->config->platform_name,
		                         options->target, &all, err);
	if (rc == 0)
		rc = prune_targets(&p, &all, list, err);
	add_sums(&p, total);
	return rc;
}

/* A store that cannot be pruned does not keep the others from it. */
static int prune_stores(struct mrt_prune *total, const struct mrt_store_views *views, json_t *list,
                        struct mrt_error *err)
{
	int code = 0;
	for (size_t i = 0; i < views->n; i++) {
		const struct mrt_store_view *view = &views->items[i];
		struct mrt_error why = { 0 };
		int rc = prune_store(total, view, views->n > 1, list, &why);
		if (rc < 0 && views->n > 1)
			mrt_prefix(&why, rc, "store %s", view->name);
		bool last =
		        views->n == 1 || rc == MRT_USAGE || mrt_context_check(total->ctx, NULL) < 0;
		if (rc < 0 && (code == 0 || last) && err)
			*err = why;
		if (rc < 0 && last)
			return rc;
		if (rc < 0)
			mrt_warn_because(total->ctx, &why, NULL);
		code = code == 0 ? rc : code;
	}
	return code;
}

static void note_removed(const struct mrt_context *ctx, const struct mrt_config *config,
                         const json_t *report)
{
	json_t *ids = json_array();
	const json_t *item;
	size_t i;
	json_array_foreach (json_object_get(report, "backups"), i, item)
		if (strcmp(mrt_json_text_or(item, "action", ""), "removed") == 0)
			mrt_json_append(ids, json_string(mrt_json_text_or(item, "id", "")), NULL);
	if (mrt_json_size_or(report, "removed", 0) > 0)
		mrt_audit_note(ctx, config, "backup.prune",
		               json_pack("{s:I, s:O}", "removed",
		                         (json_int_t)mrt_json_size_or(report, "removed", 0),
		                         "backups", ids));
	json_decref(ids);
}

int mrt_backup_prune(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_prune_options *options, json_t **ret, struct mrt_error *err)
{
	struct mrt_prune total = { .ctx = ctx, .config = config, .options = options };
	mrt_cleanup(mrt_store_views_release) struct mrt_store_views views = { 0 };
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	struct mrt_error other;
	int rc = json ? mrt_json_set(json, "backups", list, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = read_policy(&total, err);
	if (rc == 0)
		rc = mrt_config_name_check("platform", config->platform_name, err);
	if (rc == 0 && options->target)
		rc = mrt_config_name_check("target", options->target, err);
	if (rc == 0)
		rc = mrt_store_views_open(ctx, config, &views, err);
	if (rc < 0)
		return rc;
	rc = prune_stores(&total, &views, list, err);
	if (rc < 0 && views.n == 1)
		return rc;
	if (report(&total, json, &other) < 0) {
		if (rc == 0 && err)
			*err = other;
		return rc < 0 ? rc : other.code;
	}
	if (!options->dry_run)
		note_removed(ctx, config, json);
	*ret = mrt_steal(json);
	if (rc < 0 || total.n_failed == 0)
		return rc;
	return mrt_fail_because(err, MRT_FAILED, &total.failure, "%zu removals failed, the first",
	                        total.n_failed);
}
