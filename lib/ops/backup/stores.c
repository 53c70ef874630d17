/* stores.c - the stores of a backup run: opened, locked, written last, cleaned up. */
#include "ops/backup/stores.h"
#include "base/text.h"
#include "client/store/tee.h"
#include "config/stores.h"
#include "platform/identity.h"
#include "repository/cluster.h"
#include "repository/shrink.h"
#include "repository/store_lock.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define BASE_MEMORY ((uint64_t)28 << 20) /* libraries, stacks, read buffers, catalogues */
#define BRISK (20 * MRT_SECOND)          /* Redis drops a replica that does not read for 60 s */
#define READ_AHEAD 4 /* frames that wait for a compressor while the dump goes on */

struct run_store {
	const struct mrt_store_view *view;
	struct mrt_store *store;
	struct mrt_store_lock *lock;
	int64_t clock_skew;
	bool committed; /* the manifest is there */
};

struct mrt_backup_run_stores {
	struct mrt_store_views views;
	struct run_store *items; /* one per view */
	size_t n;
	int64_t locked_since;
	struct mrt_store *tee; /* NULL: there is one */
};

void mrt_backup_run_stores_free(struct mrt_backup_run_stores *s)
{
	if (!s)
		return;
	mrt_store_free(s->tee);
	for (size_t i = 0; i < s->n; i++) {
		mrt_store_lock_free(s->items[i].lock);
		mrt_store_free(s->items[i].store);
	}
	free(s->items);
	mrt_store_views_release(&s->views);
	free(s);
}

struct mrt_store *mrt_backup_run_stores_all(const struct mrt_backup_run_stores *s)
{
	return s->tee ? s->tee : s->items[0].store;
}

/* The memory that compressors leave is for part buffers, which the stores share. */
static int fit(const struct mrt_backup_run_stores *s, const struct mrt_config *config,
               unsigned jobs, struct mrt_content_options *content, unsigned *ret_buffers,
               struct mrt_error *err)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), buffers = 0;
	unsigned workers = cpus / jobs < 1 ? 1 : cpus / jobs > 4 ? 4 : cpus / jobs;
	unsigned least = (unsigned)s->n * (jobs + 1);
	struct mrt_zstd_options *zstd = &content->zstd;
	const struct mrt_config *largest = config;
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].view->config->store_part_size > largest->store_part_size)
			largest = s->items[i].view->config;
	/* the volumes are the same in all of them: each must be able to take one */
	content->volume_size = config->store_volume_size;
	for (size_t i = 0; i < s->n; i++) {
		const struct mrt_config *c = s->items[i].view->config;
		uint64_t most = mrt_repository_largest(c);
		most = most < c->store_volume_size ? most : c->store_volume_size;
		content->volume_size = most < content->volume_size ? most : content->volume_size;
	}
	int rc = mrt_config_level(config, &zstd->level, err);
	/* fewer frames, then fewer threads, before failing for want of memory */
	zstd->workers = workers;
	zstd->frames = workers + READ_AHEAD;
	while (zstd->workers > 0 &&
	       BASE_MEMORY + jobs * mrt_zstd_memory(zstd) + (least + 1) * largest->store_part_size >
	               config->backup_memory)
		if (--zstd->frames == zstd->workers)
			zstd->workers--;
	if (rc == 0)
		rc = mrt_repository_buffers(largest, BASE_MEMORY + jobs * mrt_zstd_memory(zstd),
		                            least, &buffers, err);
	*ret_buffers = buffers / (unsigned)s->n;
	return rc;
}

static bool same_place(const struct run_store *a, const struct run_store *b)
{
	const char *one = a->view->config->store_endpoint, *two = b->view->config->store_endpoint;
	return strcmp(a->store->name, b->store->name) == 0 &&
	       strcmp(one ? one : "", two ? two : "") == 0;
}

/* brisk: who is read from does not wait long, and so one of several stores may not either. */
static int open_one(const struct mrt_config *config, unsigned buffers, bool brisk,
                    struct mrt_store **ret, struct mrt_error *err)
{
	struct mrt_config hurried = *config; /* to read from only */
	if (brisk && hurried.store_give_up_after > BRISK)
		hurried.store_give_up_after = BRISK;
	if (brisk && hurried.limits_stall > BRISK)
		hurried.limits_stall = BRISK;
	return mrt_repository_open(&hurried, buffers, ret, err);
}

int mrt_backup_run_stores_open(const struct mrt_context *ctx, const struct mrt_config *config,
                               unsigned jobs, struct mrt_content_options *content,
                               struct mrt_backup_run_stores **ret, struct mrt_error *err)
{
	unsigned buffers = 0;
	mrt_auto(mrt_backup_run_stores) *s = calloc(1, sizeof(*s));
	if (!s)
		return mrt_no_memory(err);
	s->locked_since = content->locked_since;
	int rc = mrt_store_views_open(ctx, config, &s->views, err);
	if (rc < 0)
		return rc;
	s->items = calloc(s->views.n, sizeof(*s->items));
	if (!s->items)
		return mrt_no_memory(err);
	for (; s->n < s->views.n; s->n++)
		s->items[s->n].view = &s->views.items[s->n];
	rc = fit(s, config, jobs, content, &buffers, err);
	struct mrt_store **all = calloc(s->n + 1, sizeof(struct mrt_store *));
	if (!all)
		return mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		rc = open_one(s->items[i].view->config, buffers, s->n > 1 && content->brisk,
		              &s->items[i].store, err);
		if (rc < 0 && s->n > 1)
			mrt_prefix(err, rc, "store %s", s->items[i].view->name);
		all[i] = s->items[i].store;
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (same_place(&s->items[k], &s->items[i]))
				rc = mrt_fail(err, MRT_CONFIG,
				              "the stores %s and %s are the same: %s",
				              s->items[k].view->name, s->items[i].view->name,
				              all[i]->name);
	}
	if (rc == 0 && s->n > 1)
		rc = mrt_store_tee_open(all, s->n, &s->tee, err);
	free(all);
	if (rc == 0)
		*ret = mrt_steal(s);
	return rc;
}

static bool is_left(const struct mrt_backup_run_stores *s, size_t i)
{
	return !s->tee || !mrt_store_tee_dropped(s->tee, i);
}

/* Of several, the one that failed is left out. */
static int drop(struct mrt_backup_run_stores *s, const struct mrt_context *ctx, size_t i, int rc,
                struct mrt_error *why, struct mrt_error *err)
{
	if (!s->tee || rc == MRT_CANCELLED || rc == MRT_DEADLINE) {
		if (err)
			*err = *why;
		return rc;
	}
	mrt_warn_because(ctx, why, "store %s is left out", s->items[i].view->name);
	mrt_store_tee_drop(s->tee, i, why);
	return 0;
}

static int some_left(const struct mrt_backup_run_stores *s, struct mrt_error *err)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_left(s, i))
			return 0;
	const struct mrt_error *first = mrt_store_tee_dropped(s->tee, 0);
	if (err)
		*err = *first;
	return mrt_prefix(err, first->code, "store %s", s->items[0].view->name);
}

/* One step of each store that is left. */
struct step {
	const char *target, *who, *overrule, *system_identifier, *id, *folder;
	int64_t locked_since;
	const json_t *json;
	bool adopt;
};

static int each(struct mrt_backup_run_stores *s, const struct mrt_context *ctx,
                const struct step *step,
                int (*take)(struct run_store *s, const struct mrt_context *ctx,
                            const struct step *step, struct mrt_error *err),
                struct mrt_error *err)
{
	for (size_t i = 0; i < s->n; i++) {
		struct mrt_error why = { 0 };
		int rc = is_left(s, i) ? take(&s->items[i], ctx, step, &why) : 0;
		rc = rc < 0 ? drop(s, ctx, i, rc, &why, err) : 0;
		if (rc < 0)
			return rc;
	}
	return some_left(s, err);
}

/* A clock that is off would give ids that sort wrongly, and signatures that are refused. */
static int check_clock(struct run_store *s, const struct mrt_context *ctx, const struct step *step,
                       struct mrt_error *err)
{
	(void)step;
	struct mrt_store_capabilities c;
	int rc = mrt_store_probe(s->store, ctx, false, &c, err);
	if (rc < 0 || !c.has_clock)
		return rc;
	int64_t off = c.clock_skew < 0 ? -c.clock_skew : c.clock_skew;
	s->clock_skew = c.clock_skew;
	if (off <= s->view->config->limits_clock_skew)
		return 0;
	return mrt_fail(err, MRT_REFUSED, "this machine's clock is %" PRId64 " s off the store's",
	                off / MRT_SECOND);
}

int mrt_backup_run_stores_check_clock(struct mrt_backup_run_stores *s,
                                      const struct mrt_context *ctx, struct mrt_error *err)
{
	return each(s, ctx, NULL, check_clock, err);
}

static int lock(struct run_store *s, const struct mrt_context *ctx, const struct step *step,
                struct mrt_error *err)
{
	const struct mrt_store_lock_options options = {
		.platform = s->view->config->platform_name,
		.target = step->target,
		.who = step->who,
		.lease = s->view->config->limits_lock_lease,
		.clock_skew = s->clock_skew,
		.overrule = step->overrule,
	};
	int rc = mrt_platform_check_store(s->store, ctx, s->view->config, err);
	return rc < 0 ? rc : mrt_store_lock_take(ctx, s->store, &options, &s->lock, err);
}

int mrt_backup_run_stores_lock(struct mrt_backup_run_stores *s, const struct mrt_context *ctx,
                               const char *target, const char *who, const char *overrule,
                               struct mrt_error *err)
{
	const struct step step = { .target = target, .who = who, .overrule = overrule };
	return each(s, ctx, &step, lock, err);
}

static int claim(struct run_store *s, const struct mrt_context *ctx, const struct step *step,
                 struct mrt_error *err)
{
	return mrt_cluster_claim(ctx, s->store, s->view->config->platform_name, step->target,
	                         step->system_identifier, step->id, step->adopt, err);
}

int mrt_backup_run_stores_claim(struct mrt_backup_run_stores *s, const struct mrt_context *ctx,
                                const char *target, const char *system_identifier, const char *id,
                                bool adopt, struct mrt_error *err)
{
	const struct step step = {
		.target = target, .system_identifier = system_identifier, .id = id, .adopt = adopt
	};
	return each(s, ctx, &step, claim, err);
}

static int renew(struct run_store *s, const struct mrt_context *ctx, const struct step *step,
                 struct mrt_error *err)
{
	(void)step;
	return mrt_store_lock_renew(s->lock, ctx, err);
}

int mrt_backup_run_stores_renew(struct mrt_backup_run_stores *s, const struct mrt_context *ctx,
                                struct mrt_error *err)
{
	return each(s, ctx, NULL, renew, err);
}

/* For what must be done whatever the run's end. */
static struct mrt_context last_run(const struct mrt_context *ctx)
{
	return (struct mrt_context) { .log = ctx->log,
		                      .wall = ctx->wall,
		                      .deadline = mrt_clock_monotonic() + 2 * MRT_SECOND };
}

static int put_manifest(struct run_store *s, const struct mrt_context *ctx, const struct step *step,
                        struct mrt_error *err)
{
	mrt_auto_buf text = { .ceiling = (size_t)256 << 20 };
	mrt_autofree char *key = NULL;
	int rc = mrt_store_lock_check(s->lock, ctx, err);
	if (rc == 0)
		rc = mrt_manifest_print(step->json, &text, err);
	if (rc == 0)
		rc = mrt_text_printf(&key, err, "%smanifest.json", step->folder);
	if (rc == 0)
		rc = mrt_store_put_bytes_locked(s->store, ctx, key, step->locked_since, text.data,
		                                text.len, err);
	/* a put may fail and have put it all the same: then the backup is there, and is said to be
	 */
	struct mrt_object there;
	s->committed = rc == 0 || (key && mrt_store_head(s->store, ctx, key, &there, NULL) == 0);
	return rc;
}

int mrt_backup_run_stores_put_manifest(struct mrt_backup_run_stores *s,
                                       const struct mrt_context *ctx, const char *folder,
                                       const json_t *json, struct mrt_error *err)
{
	const struct step step = { .folder = folder,
		                   .json = json,
		                   .locked_since = s->locked_since };
	return each(s, ctx, &step, put_manifest, err);
}

struct remains {
	char **keys;
	size_t n;
};

static int collect(void *context, const struct mrt_object *object, struct mrt_error *err)
{
	struct remains *r = context;
	char **grown = realloc(r->keys, (r->n + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	r->keys = grown;
	int rc = mrt_text_dup(object->key, &r->keys[r->n], err);
	r->n += rc == 0;
	return rc;
}

static void clean_up(const struct mrt_context *ctx, struct mrt_store *store, const char *folder)
{
	const struct mrt_context last = last_run(ctx);
	mrt_autofree char *manifest = NULL;
	struct remains r = { 0 };
	struct mrt_error err;
	/* if anything of it is there: without it, the rest is nothing */
	int rc = mrt_text_printf(&manifest, &err, "%smanifest.json", folder);
	if (rc == 0)
		rc = mrt_store_each(store, &last, folder, collect, &r, &err);
	if (rc == 0 && r.n > 0)
		rc = mrt_store_delete(store, &last, manifest, &err);
	if (rc == 0 && r.n > 0)
		rc = mrt_store_delete_many(store, &last, (const char *const *)r.keys, r.n, &err);
	if (rc < 0)
		mrt_warn_because(ctx, &err, "unfinished objects may stay under %s", folder);
	for (size_t i = 0; i < r.n; i++)
		free(r.keys[i]);
	free(r.keys);
}

void mrt_backup_run_stores_clean_up(struct mrt_backup_run_stores *s, const struct mrt_context *ctx,
                                    const char *folder)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->items[i].committed)
			clean_up(ctx, s->items[i].store, folder);
}

int mrt_backup_run_stores_check_shrink(const struct mrt_backup_run_stores *s,
                                       const struct mrt_context *ctx, const char *target,
                                       const char *id, struct mrt_error *err)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].committed)
			return mrt_backup_check_shrink(ctx, s->items[i].store,
			                               s->items[i].view->config->platform_name,
			                               target, id, err);
	return 0;
}

int mrt_backup_run_stores_report(const struct mrt_backup_run_stores *s,
                                 const struct mrt_context *ctx, json_t *answer,
                                 struct mrt_error *err)
{
	if (!s->tee)
		return 0;
	json_t *list = json_array();
	int rc = mrt_json_set(answer, "stores", list, err);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct mrt_error *why = mrt_store_tee_dropped(s->tee, i);
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", s->items[i].view->name, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "url", s->items[i].store->name, err);
		if (rc == 0)
			rc = mrt_json_set(item, "stored", json_boolean(s->items[i].committed), err);
		if (rc == 0)
			rc = mrt_json_set_error(item, "error", ctx->log, why, err);
	}
	return rc;
}

/* "what" behind what err says already, or alone. */
static void add_failure(struct mrt_error *all, const char *name, const struct mrt_error *why)
{
	if (all->code == 0) {
		mrt_fail_because(all, MRT_FAILED, why, "%s", name);
		return;
	}
	struct mrt_error one = { 0 };
	mrt_fail_because(&one, MRT_FAILED, why, "%s", name);
	mrt_error_join(all, "; ", &one);
}

int mrt_backup_run_stores_result(const struct mrt_backup_run_stores *s,
                                 const struct mrt_context *ctx, int code, json_t *answer,
                                 struct mrt_error *err)
{
	struct mrt_error other, all = { 0 };
	for (size_t i = 0; s->tee && i < s->n; i++) {
		const struct mrt_error *why = mrt_store_tee_dropped(s->tee, i);
		if (why)
			add_failure(&all, s->items[i].view->name, why);
	}
	int rc = mrt_backup_run_stores_report(s, ctx, answer, &other);
	if (rc < 0 && code == 0 && err)
		*err = other;
	if (rc < 0 || all.code == 0)
		return code < 0 ? code : rc;
	if (code < 0 && err)
		mrt_error_join(&all, "; and ", err);
	return mrt_fail_because(err, MRT_FAILED, &all, "it is not in every store");
}
