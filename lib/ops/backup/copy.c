/* copy.c - "backup copy": a backup into another store, as it is. */
#include "ops/backup/copy.h"
#include "base/text.h"
#include "config/stores.h"
#include "platform/audit_note.h"
#include "platform/identity.h"
#include "repository/manifest.h"
#include "repository/store_lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COPY_MEMORY ((uint64_t)28 << 20) /* libraries, stacks, what is on its way */

struct copy {
	const struct mrt_context *ctx;
	struct mrt_config *view; /* the target store's */
	struct mrt_store *from, *to;
	struct mrt_store_lock *lock;
	struct mrt_manifest *manifest;
	int64_t since;          /* the copy's lock, if any, counts from here */
	uint64_t copied, there; /* bytes; that were there already */
};

static void copy_release(struct copy *c)
{
	mrt_manifest_free(c->manifest);
	mrt_store_lock_free(c->lock);
	mrt_store_free(c->from);
	mrt_store_free(c->to);
	mrt_config_free(c->view);
}

static int open_stores(struct copy *c, const struct mrt_config *config, const char *to,
                       struct mrt_error *err)
{
	unsigned buffers = 0;
	int rc = mrt_config_view(c->ctx, config, NULL, to, &c->view, err);
	const struct mrt_config *larger =
	        rc == 0 && c->view->store_part_size > config->store_part_size ? c->view : config;
	if (rc == 0)
		rc = mrt_repository_buffers(larger, COPY_MEMORY, 4, &buffers, err);
	if (rc == 0)
		rc = mrt_repository_open(config, buffers / 2, &c->from, err);
	if (rc == 0)
		rc = mrt_repository_open(c->view, buffers / 2, &c->to, err);
	const char *here = config->store_endpoint,
	           *there = rc == 0 ? c->view->store_endpoint : NULL;
	if (rc == 0 && strcmp(c->from->name, c->to->name) == 0 &&
	    strcmp(here ? here : "", there ? there : "") == 0)
		rc = mrt_fail(err, MRT_USAGE, "the backup is in %s already", c->to->name);
	return rc;
}

static int take_lock(struct copy *c, struct mrt_error *err)
{
	char who[64];
	struct mrt_store_capabilities can;
	snprintf(who, sizeof(who), "backup copy %s", c->manifest->id);
	int rc = mrt_store_probe(c->to, c->ctx, false, &can, err);
	const struct mrt_store_lock_options lock = {
		.platform = c->manifest->platform,
		.target = c->manifest->target,
		.who = who,
		.lease = c->view->limits_lock_lease,
		.clock_skew = rc == 0 && can.has_clock ? can.clock_skew : 0,
	};
	if (rc == 0)
		rc = mrt_platform_check_store(c->to, c->ctx, c->view, err);
	return rc < 0 ? rc : mrt_store_lock_take(c->ctx, c->to, &lock, &c->lock, err);
}

static int differs(const struct mrt_manifest_volume *v, const struct mrt_tally *found, bool source,
                   struct mrt_error *err)
{
	if (found->size == v->size && strcmp(found->sha256, v->sha256) == 0)
		return 0;
	return mrt_fail(err, source ? MRT_CORRUPT : MRT_EXISTS,
	                "%s%s has %" PRIu64 " bytes and the SHA-256 %s; the manifest says %" PRIu64
	                " and %.64s",
	                source ? "" : "what is in the other store as ", v->key, found->size,
	                found->sha256, v->size, v->sha256);
}

/* Reads all of a volume, into sink where there is one. It may take longer than the lock's lease. */
static int read_volume(struct copy *c, struct mrt_store *store, const char *key,
                       struct mrt_sink *sink, struct mrt_tally *tally, struct mrt_error *err)
{
	mrt_auto(mrt_source) *get = NULL;
	mrt_auto(mrt_source) *source = NULL;
	mrt_autofree char *chunk = malloc(MRT_CHUNK);
	int rc = chunk ? mrt_store_get(store, c->ctx, key, 0, UINT64_MAX, &get, err)
	               : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_tally_source(get, tally, &source, err);
	for (size_t n = 1; rc == 0 && n > 0;) {
		rc = mrt_context_check(c->ctx, err);
		if (rc == 0)
			rc = mrt_store_lock_renew(c->lock, c->ctx, err);
		if (rc == 0)
			rc = mrt_source_read(source, chunk, MRT_CHUNK, &n, err);
		if (rc == 0 && sink)
			rc = mrt_sink_write(sink, chunk, n, err);
		mrt_context_progress(c->ctx, rc == 0 ? n : 0);
	}
	return rc;
}

/* A copy that was interrupted goes on with what it has, when that is right. */
static int copy_volume(struct copy *c, const struct mrt_manifest_volume *v, struct mrt_error *err)
{
	mrt_autofree char *key = NULL;
	mrt_auto(mrt_sink) *put = NULL;
	struct mrt_object found;
	struct mrt_tally tally = { 0 };
	int rc = mrt_manifest_key(c->manifest, v->key, &key, err);
	if (rc < 0)
		return rc;
	rc = mrt_store_head(c->to, c->ctx, key, &found, err);
	if (rc == 0) {
		rc = read_volume(c, c->to, key, NULL, &tally, err);
		c->there += tally.size;
		return rc < 0 ? rc : differs(v, &tally, false, err);
	}
	if (rc != MRT_NOT_FOUND)
		return rc;
	rc = mrt_store_put_locked(c->to, c->ctx, key, c->since, &put, err);
	if (rc == 0)
		rc = read_volume(c, c->from, key, put, &tally, err);
	if (rc == MRT_NOT_FOUND)
		return mrt_fail(err, MRT_CORRUPT, "%s is missing in the store", v->key);
	if (rc == 0)
		rc = differs(v, &tally, true, err);
	if (rc == 0)
		rc = mrt_sink_commit(put, err);
	c->copied += rc == 0 ? tally.size : 0;
	return rc;
}

/* One that was cut for larger parts than the other store's does not go there. */
static int check_sizes(const struct copy *c, struct mrt_error *err)
{
	uint64_t most = mrt_repository_largest(c->view);
	for (size_t i = 0; i < c->manifest->n_objects; i++)
		for (size_t k = 0; k < c->manifest->objects[i].n_volumes; k++)
			if (c->manifest->objects[i].volumes[k].size > most)
				return mrt_fail(
				        err, MRT_CONFIG,
				        "%s is larger than the other store takes: raise its "
				        "part-size or libs3-max-object",
				        c->manifest->objects[i].volumes[k].key);
	return 0;
}

static int copy_all(struct copy *c, struct mrt_error *err)
{
	mrt_auto_buf text = { .ceiling = (size_t)256 << 20 };
	mrt_autofree char *key = NULL;
	struct mrt_object found;
	int rc = mrt_manifest_key(c->manifest, "manifest.json", &key, err);
	if (rc < 0)
		return rc;
	rc = mrt_store_head(c->to, c->ctx, key, &found, err);
	if (rc == 0)
		return mrt_fail(err, MRT_EXISTS, "the backup %s is in %s already", c->manifest->id,
		                c->to->name);
	if (rc != MRT_NOT_FOUND)
		return rc;
	rc = check_sizes(c, err);
	if (rc == 0)
		rc = take_lock(c, err);
	for (size_t i = 0; rc == 0 && i < c->manifest->n_objects; i++)
		for (size_t k = 0; rc == 0 && k < c->manifest->objects[i].n_volumes; k++)
			rc = copy_volume(c, &c->manifest->objects[i].volumes[k], err);
	if (rc == 0)
		rc = mrt_store_lock_check(c->lock, c->ctx, err);
	if (rc == 0)
		rc = mrt_store_get_bytes(c->from, c->ctx, key, &text, err);
	if (rc == 0) /* byte for byte: its last line is the digest of the others */
		rc = mrt_store_put_bytes_locked(c->to, c->ctx, key, c->since, text.data, text.len,
		                                err);
	return rc;
}

static int report(const struct copy *c, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	const char *const texts[][2] = { { "id", c->manifest->id },
		                         { "target", c->manifest->target },
		                         { "from", c->from->name },
		                         { "to", c->to->name } };
	int rc = json ? 0 : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "copied", c->copied, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "there_before", c->there, err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_backup_copy(const struct mrt_context *ctx, const struct mrt_config *config, const char *id,
                    const char *to, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(copy_release) struct copy c = { .ctx = ctx, .since = ctx->wall() / MRT_SECOND };
	int rc = open_stores(&c, config, to, err);
	if (rc == 0)
		rc = mrt_manifest_find(ctx, c.from, config->platform_name, id, NULL, &c.manifest,
		                       err);
	if (rc < 0)
		return rc;
	mrt_progress_begin(ctx->progress, "copying", c.manifest->stored_size);
	rc = copy_all(&c, err);
	mrt_progress_end(ctx->progress);
	if (rc == 0)
		mrt_audit_note(ctx, config, "backup.copy",
		               json_pack("{s:s, s:s}", "backup", c.manifest->id, "to", to));
	return rc < 0 ? rc : report(&c, ret, err);
}
