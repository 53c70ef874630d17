/* content_write.c - content objects through zstd into volumes. */
#include "base/text.h"
#include "codec/zstd.h"
#include "repository/content.h"
#include "repository/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct volume {
	char *key; /* relative */
	struct mrt_sink *put;
	struct mrt_digest *digest;
	struct mrt_tally tally;
	bool committed;
};

struct volumes {
	struct mrt_sink sink;
	const struct mrt_context *ctx;
	struct mrt_store *store;
	char *folder, *key;
	uint64_t limit;
	int64_t locked_since;
	struct volume **all;
	size_t n;
	struct mrt_digest *digest; /* of all volumes; with one volume, its own will do */
	struct mrt_tally tally;
	bool prepared;
};

static int begin_volume(struct volumes *v, struct mrt_error *err)
{
	struct volume **grown = realloc(v->all, (v->n + 1) * sizeof(struct volume *));
	struct volume *volume = grown ? calloc(1, sizeof(*volume)) : NULL;
	v->all = grown ? grown : v->all;
	if (!volume)
		return mrt_no_memory(err);
	v->all[v->n++] = volume;
	mrt_autofree char *full = NULL;
	int rc = v->n == 1 ? mrt_text_dup(v->key, &volume->key, err)
	                   : mrt_text_printf(&volume->key, err, "%s.%04zu", v->key, v->n);
	if (rc == 0)
		rc = mrt_text_printf(&full, err, "%s%s", v->folder, volume->key);
	if (rc == 0)
		rc = mrt_store_put_locked(v->store, v->ctx, full, v->locked_since, &volume->put,
		                          err);
	if (rc == 0 && v->n == 2)
		rc = mrt_digest_copy(v->all[0]->digest, &v->digest, err);
	return rc < 0 ? rc : mrt_digest_new(&volume->digest, err);
}

/* Errors name the volume. */
static int in_volume(const struct volume *volume, int rc, struct mrt_error *err)
{
	return rc < 0 && rc != MRT_CANCELLED ? mrt_prefix(err, rc, "%s", volume->key) : rc;
}

static int add_to_volume(struct volumes *v, struct volume *to, const void *data, size_t len,
                         struct mrt_error *err)
{
	int rc = mrt_digest_add(to->digest, data, len, err);
	if (rc == 0 && v->digest)
		rc = mrt_digest_add(v->digest, data, len, err);
	if (rc == 0)
		rc = in_volume(to, mrt_sink_write(to->put, data, len, err), err);
	to->tally.size += len;
	v->tally.size += len;
	return rc;
}

static int volumes_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct volumes *v = (struct volumes *)sink;
	const char *p = data;
	while (len > 0) {
		struct volume *last = v->n > 0 ? v->all[v->n - 1] : NULL;
		bool full = last && last->tally.size == v->limit;
		int rc = 0;
		if (full) /* all of it is up; it stays open */
			rc = in_volume(last, mrt_sink_prepare(last->put, err), err);
		if (rc == 0 && (!last || full))
			rc = begin_volume(v, err);
		if (rc < 0)
			return rc;
		last = v->all[v->n - 1];
		uint64_t room = v->limit - last->tally.size;
		size_t n = room < len ? (size_t)room : len;
		rc = add_to_volume(v, last, p, n, err);
		if (rc < 0)
			return rc;
		p += n;
		len -= n;
	}
	return 0;
}

static int end_digests(struct volumes *v, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		rc = mrt_digest_end(v->all[i]->digest, v->all[i]->tally.sha256, err);
	if (rc == 0 && v->digest)
		rc = mrt_digest_end(v->digest, v->tally.sha256, err);
	else if (rc == 0)
		memcpy(v->tally.sha256, v->all[0]->tally.sha256, MRT_SHA256_HEX);
	return rc;
}

static int volumes_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct volumes *v = (struct volumes *)sink;
	int rc = v->n == 0 ? begin_volume(v, err) : 0;
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		rc = in_volume(v->all[i], mrt_sink_prepare(v->all[i]->put, err), err);
	if (rc == 0 && !v->prepared)
		rc = end_digests(v, err);
	v->prepared = v->prepared || rc == 0;
	return rc;
}

static int volumes_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	struct volumes *v = (struct volumes *)sink;
	int rc = volumes_prepare(sink, err);
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		if (!v->all[i]->committed) {
			rc = in_volume(v->all[i], mrt_sink_commit(v->all[i]->put, err), err);
			v->all[i]->committed = rc == 0;
		}
	return rc;
}

static void volumes_free(struct mrt_sink *sink)
{
	struct volumes *v = (struct volumes *)sink;
	for (size_t i = 0; i < v->n; i++) {
		mrt_digest_free(v->all[i]->digest);
		mrt_sink_free(v->all[i]->put);
		free(v->all[i]->key);
		free(v->all[i]);
	}
	mrt_digest_free(v->digest);
	free(v->all);
	free(v->folder);
	free(v->key);
	free(v);
}

struct mrt_content_writer {
	struct volumes *volumes;
	struct mrt_sink *encryptor, *compressor; /* NULL where there is none */
	const struct mrt_age_recipients *recipients;
	struct mrt_tally plain;
	int level;
};

int mrt_content_open(const struct mrt_context *ctx, struct mrt_store *store, const char *folder,
                     const char *key, const struct mrt_content_options *options,
                     struct mrt_content_writer **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = { .write = volumes_write,
		                                 .prepare = volumes_prepare,
		                                 .commit = volumes_commit,
		                                 .free = volumes_free };
	mrt_auto(mrt_content_writer) *w = calloc(1, sizeof(*w));
	struct volumes *v = calloc(1, sizeof(*v));
	if (!w || !v) {
		free(v);
		return mrt_no_memory(err);
	}
	w->volumes = v;
	w->level = options->zstd.level;
	w->recipients = options->recipients;
	*v = (struct volumes) { .sink.ops = &ops,
		                .ctx = ctx,
		                .store = store,
		                .limit = options->volume_size,
		                .locked_since = options->locked_since };
	int rc = mrt_text_dup(folder, &v->folder, err);
	if (rc == 0)
		rc = mrt_text_printf(&v->key, err, "%s%s", key,
		                     options->recipients ? MRT_AGE_SUFFIX : "");
	if (rc == 0 && options->recipients)
		rc = mrt_age_encryptor(&v->sink, options->recipients, &w->encryptor, err);
	struct mrt_sink *stored = w->encryptor ? w->encryptor : &v->sink;
	struct mrt_zstd_options zstd = options->zstd;
	zstd.plain = &w->plain;
	if (rc == 0 && !options->compressed)
		rc = mrt_zstd_compressor(stored, &zstd, &w->compressor, err);
	if (rc == 0)
		*ret = mrt_steal(w);
	return rc;
}

void mrt_content_writer_free(struct mrt_content_writer *w)
{
	if (!w)
		return;
	mrt_sink_free(w->compressor);
	mrt_sink_free(w->encryptor);
	if (w->volumes)
		mrt_sink_free(&w->volumes->sink);
	free(w);
}

struct mrt_sink *mrt_content_sink(struct mrt_content_writer *w)
{
	if (w->compressor)
		return w->compressor;
	return w->encryptor ? w->encryptor : &w->volumes->sink;
}

void mrt_content_plain_size(struct mrt_content_writer *w, uint64_t size)
{
	w->plain.size = size;
}

int mrt_content_prepare(struct mrt_content_writer *w, struct mrt_error *err)
{
	int rc = mrt_sink_prepare(mrt_content_sink(w), err);
	if (rc == 0)
		mrt_sink_free(mrt_steal(w->compressor));
	return rc;
}

static int describe_object(const struct mrt_content_writer *w, json_t *json, struct mrt_error *err)
{
	char compression[16];
	snprintf(compression, sizeof(compression), "zstd:%d", w->level);
	int rc = mrt_json_set_text(json, "key", w->volumes->key, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "compression", compression, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "size", w->plain.size, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "sha256", *w->plain.sha256 ? w->plain.sha256 : NULL,
		                       err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "stored_size", w->volumes->tally.size, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "stored_sha256", w->volumes->tally.sha256, err);
	mrt_auto_json recipients = NULL;
	if (rc == 0 && w->recipients)
		rc = mrt_keys_json(w->recipients, &recipients, err);
	if (rc == 0 && recipients)
		rc = mrt_json_set(json, "recipients", mrt_steal(recipients), err);
	json_t *list = json_array();
	if (rc == 0)
		rc = mrt_json_set(json, "volumes", list, err);
	for (size_t i = 0; rc == 0 && i < w->volumes->n; i++) {
		const struct volume *v = w->volumes->all[i];
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "key", v->key, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "stored_size", v->tally.size, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "stored_sha256", v->tally.sha256, err);
	}
	return rc;
}

int mrt_content_commit(struct mrt_content_writer *w, json_t **ret_json, struct mrt_error *err)
{
	int rc = mrt_sink_commit(mrt_content_sink(w), err);
	if (rc < 0)
		return rc;
	mrt_auto_json json = json_object();
	rc = json ? describe_object(w, json, err) : mrt_no_memory(err);
	if (rc == 0)
		*ret_json = mrt_steal(json);
	return rc;
}
