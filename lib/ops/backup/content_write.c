/* content_write.c - content objects through zstd into volumes. */
#include "base/text.h"
#include "codec/zstd.h"
#include "ops/backup/content.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct volume {
	char *key;                   /* relative */
	struct mrt_sink *put, *sink; /* sink: the tally in front of put */
	struct mrt_tally tally;
	bool committed;
};

struct volumes {
	struct mrt_sink sink;
	const struct mrt_run *run;
	struct mrt_store *store;
	char *folder, *key;
	uint64_t limit;
	struct volume **all; /* each on its own: a tally must not move */
	size_t n;
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
		rc = mrt_store_put(v->store, v->run, full, &volume->put, err);
	if (rc == 0)
		rc = mrt_tally_sink(volume->put, &volume->tally, &volume->sink, err);
	return rc;
}

/* Errors name the volume. */
static int in_volume(const struct volume *volume, int rc, struct mrt_error *err)
{
	return rc < 0 && rc != MRT_CANCELLED ? mrt_context(err, rc, "%s", volume->key) : rc;
}

static int volumes_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct volumes *v = (struct volumes *)sink;
	const char *p = data;
	while (len > 0) {
		struct volume *last = v->n > 0 ? v->all[v->n - 1] : NULL;
		int rc = 0;
		if (last && last->tally.size == v->limit)
			/* all of it is up; it stays open */
			rc = in_volume(last, mrt_sink_prepare(last->sink, err), err);
		if (rc == 0 && (!last || last->tally.size == v->limit))
			rc = begin_volume(v, err);
		if (rc < 0)
			return rc;
		last = v->all[v->n - 1];
		uint64_t room = v->limit - last->tally.size;
		size_t n = room < len ? (size_t)room : len;
		rc = mrt_sink_write(last->sink, p, n, err);
		if (rc < 0)
			return in_volume(last, rc, err);
		p += n;
		len -= n;
	}
	return 0;
}

static int volumes_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	struct volumes *v = (struct volumes *)sink;
	int rc = v->n == 0 ? begin_volume(v, err) : 0;
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		rc = in_volume(v->all[i], mrt_sink_prepare(v->all[i]->sink, err), err);
	return rc;
}

static int volumes_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	struct volumes *v = (struct volumes *)sink;
	int rc = volumes_prepare(sink, err);
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		if (!v->all[i]->committed) {
			rc = in_volume(v->all[i], mrt_sink_commit(v->all[i]->sink, err), err);
			v->all[i]->committed = rc == 0;
		}
	return rc;
}

static void volumes_free(struct mrt_sink *sink)
{
	struct volumes *v = (struct volumes *)sink;
	for (size_t i = 0; i < v->n; i++) {
		mrt_sink_free(v->all[i]->sink);
		mrt_sink_free(v->all[i]->put);
		free(v->all[i]->key);
		free(v->all[i]);
	}
	free(v->all);
	free(v->folder);
	free(v->key);
	free(v);
}

struct mrt_content_writer {
	struct volumes *volumes;
	struct mrt_sink *stored_tally, *compressor, *plain_tally;
	struct mrt_tally plain, stored;
	int level;
};

int mrt_content_open(const struct mrt_run *run, struct mrt_store *store, const char *folder,
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
	w->level = options->level;
	*v = (struct volumes) {
		.sink.ops = &ops, .run = run, .store = store, .limit = options->volume_size
	};
	int rc = mrt_text_dup(folder, &v->folder, err);
	if (rc == 0)
		rc = mrt_text_dup(key, &v->key, err);
	if (rc == 0)
		rc = mrt_tally_sink(&v->sink, &w->stored, &w->stored_tally, err);
	if (rc == 0)
		rc = mrt_zstd_compressor(w->stored_tally, options->level, options->workers,
		                         &w->compressor, err);
	if (rc == 0)
		rc = mrt_tally_sink(w->compressor, &w->plain, &w->plain_tally, err);
	if (rc == 0)
		*ret = mrt_steal(w);
	return rc;
}

void mrt_content_writer_free(struct mrt_content_writer *w)
{
	if (!w)
		return;
	mrt_sink_free(w->plain_tally);
	mrt_sink_free(w->compressor);
	mrt_sink_free(w->stored_tally);
	if (w->volumes)
		mrt_sink_free(&w->volumes->sink);
	free(w);
}

struct mrt_sink *mrt_content_sink(struct mrt_content_writer *w)
{
	return w->plain_tally;
}

static int describe(const struct mrt_content_writer *w, json_t *json, struct mrt_error *err)
{
	char compression[16];
	snprintf(compression, sizeof(compression), "zstd:%d", w->level);
	int rc = mrt_json_set_text(json, "key", w->volumes->key, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "compression", compression, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "size", w->plain.size, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "sha256", w->plain.sha256, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "stored_size", w->stored.size, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "stored_sha256", w->stored.sha256, err);
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
	int rc = mrt_sink_commit(w->plain_tally, err);
	if (rc < 0)
		return rc;
	mrt_auto_json json = json_object();
	rc = json ? describe(w, json, err) : mrt_no_memory(err);
	if (rc == 0)
		*ret_json = mrt_steal(json);
	return rc;
}
