/* physical.c - a base backup from the replication protocol into content objects.
 *
 * The archives come one after the other, then the manifest. Each goes through the check and the
 * compressor into its own object; nothing is committed before the server has said that all is well
 * and the files are those of the manifest.
 */
#include "ops/backup/physical.h"
#include "base/text.h"
#include "codec/pg/basebackup.h"

#include <stddef.h>

struct physical {
	const struct mrt_context *ctx;
	const struct mrt_physical_options *options;
	struct mrt_pgbase *base;
	struct mrt_content_writer **writers;
	size_t n_writers;
	struct mrt_sink *sink;   /* of the last writer */
	struct mrt_sink *unzip;  /* in front of the check, where the server compresses */
	struct mrt_sink checked; /* behind it */
	uint64_t plain;          /* bytes of the object at hand */
	bool in_manifest;
	json_t *json, *tablespaces;
};

static void physical_release(struct physical *p)
{
	mrt_pgbase_free(p->base);
	for (size_t i = 0; i < p->n_writers; i++)
		mrt_content_writer_free(p->writers[i]);
	free(p->writers);
	mrt_sink_free(p->unzip);
	json_decref(p->json);
}

void mrt_physical_result_release(struct mrt_physical_result *r)
{
	json_decref(r->objects);
	json_decref(r->physical);
	*r = (struct mrt_physical_result) { 0 };
}

static int tablespace_key(const char *oid, char **ret, struct mrt_error *err)
{
	return oid ? mrt_text_printf(ret, err, MRT_PHYSICAL_TABLESPACE, oid)
	           : mrt_text_dup(MRT_PHYSICAL_BASE, ret, err);
}

static int on_start(void *context, const struct mrt_pg_basebackup_start *start,
                    struct mrt_error *err)
{
	struct physical *p = context;
	char lsn[MRT_LSN_SIZE];
	uint64_t total = 0;
	mrt_lsn_format(start->lsn, lsn);
	int rc = mrt_json_set_text(p->json, "start_lsn", lsn, err);
	for (size_t i = 0; rc == 0 && i < start->n_tablespaces; i++) {
		const struct mrt_pg_tablespace *t = &start->tablespaces[i];
		total += t->size;
		if (!t->oid)
			continue;
		mrt_autofree char *key = NULL, *object = NULL;
		json_t *item = json_object();
		rc = mrt_json_append(p->tablespaces, item, err);
		if (rc == 0)
			rc = tablespace_key(t->oid, &key, err);
		if (rc == 0)
			rc = mrt_text_printf(&object, err, "%s%s", key,
			                     p->options->content.recipients ? MRT_AGE_SUFFIX : "");
		if (rc == 0)
			rc = mrt_json_set_text(item, "oid", t->oid, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "location", t->location, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "size", t->size, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "object", object, err);
	}
	mrt_progress_begin(p->ctx->progress, "backing up", total);
	return rc;
}

/* The object at hand has all its bytes. */
static int end_object(struct physical *p, struct mrt_error *err)
{
	if (p->n_writers == 0)
		return 0;
	struct mrt_content_writer *last = p->writers[p->n_writers - 1];
	int rc = 0;
	if (p->unzip) {
		rc = mrt_sink_prepare(p->unzip, err);
		mrt_content_plain_size(last, p->plain);
		mrt_sink_free(mrt_steal(p->unzip));
	}
	return rc < 0 ? rc : mrt_content_prepare(last, err);
}

static int begin_object(struct physical *p, const char *key, bool compressed, struct mrt_error *err)
{
	struct mrt_content_options content = p->options->content;
	content.zstd.no_digest = true;
	content.compressed = compressed;
	int rc = end_object(p, err);
	if (rc < 0)
		return rc;
	struct mrt_content_writer **grown =
	        realloc(p->writers, (p->n_writers + 1) * sizeof(struct mrt_content_writer *));
	if (!grown)
		return mrt_no_memory(err);
	p->writers = grown;
	p->plain = 0;
	rc = mrt_content_open(p->ctx, p->options->store, p->options->folder, key, &content,
	                      &p->writers[p->n_writers], err);
	if (rc < 0)
		return rc;
	p->sink = mrt_content_sink(p->writers[p->n_writers++]);
	return compressed ? mrt_zstd_decompressor(&p->checked, &p->unzip, err) : 0;
}

static int on_archive(void *context, const char *oid, struct mrt_error *err)
{
	struct physical *p = context;
	mrt_autofree char *key = NULL;
	int rc = tablespace_key(oid, &key, err);
	if (rc == 0)
		rc = begin_object(p, key, p->options->basebackup.compression_level > 0, err);
	return rc < 0 ? rc : mrt_pgbase_archive(p->base, oid, err);
}

static int on_manifest(void *context, struct mrt_error *err)
{
	struct physical *p = context;
	p->in_manifest = true;
	int rc = begin_object(p, MRT_PHYSICAL_MANIFEST, false, err);
	return rc < 0 ? rc : mrt_pgbase_archives_end(p->base, err);
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct physical *p = context;
	if (!p->sink)
		return mrt_fail(err, MRT_FAILED, "the server sent data of no archive");
	int rc;
	if (p->in_manifest)
		rc = mrt_pgbase_manifest(p->base, data, len, err);
	else if (p->unzip)
		rc = mrt_sink_write(p->unzip, data, len, err);
	else
		rc = mrt_pgbase_feed(p->base, data, len, err);
	return rc < 0 ? rc : mrt_sink_write(p->sink, data, len, err);
}

/* What comes out of the decompressor is only looked at. */
static int checked_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	struct physical *p = (struct physical *)((char *)sink - offsetof(struct physical, checked));
	p->plain += len;
	return mrt_pgbase_feed(p->base, data, len, err);
}

static int checked_end(struct mrt_sink *sink, struct mrt_error *err)
{
	(void)sink, (void)err;
	return 0;
}

static void checked_free(struct mrt_sink *sink)
{
	(void)sink;
}

static void on_progress(void *context, uint64_t done)
{
	const struct physical *p = context;
	if (p->ctx->progress)
		p->ctx->progress->done = done;
}

/* The server's word for the end, and the manifest's. */
static int compare_ranges(const struct physical *p, const struct mrt_pg_basebackup_end *end,
                          struct mrt_error *err)
{
	const struct mrt_pgmanifest_info *info = mrt_pgbase_manifest_info(p->base);
	uint64_t last = 0;
	for (size_t i = 0; i < info->n_ranges; i++)
		last = info->ranges[i].end > last ? info->ranges[i].end : last;
	if (last == end->lsn)
		return 0;
	char a[MRT_LSN_SIZE], b[MRT_LSN_SIZE];
	mrt_lsn_format(end->lsn, a);
	mrt_lsn_format(last, b);
	return mrt_fail(err, MRT_CORRUPT, "the backup ends at %s; backup_manifest says %s", a, b);
}

static int describe_base_backup(struct physical *p, const struct mrt_pg_basebackup_end *end,
                                struct mrt_error *err)
{
	const struct mrt_pgbase_info *info = mrt_pgbase_info(p->base);
	char lsn[MRT_LSN_SIZE];
	mrt_lsn_format(end->lsn, lsn);
	int rc = mrt_json_set_text(p->json, "end_lsn", lsn, err);
	const struct {
		const char *name;
		uint64_t value;
	} sizes[] = { { "timeline", end->timeline },
		      { "files", info->files },
		      { "bytes", info->bytes },
		      { "wal_segments", info->wal_segments },
		      { "wal_bytes", info->wal_bytes } };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(sizes); i++)
		rc = mrt_json_set_size(p->json, sizes[i].name, sizes[i].value, err);
	if (rc == 0)
		rc = mrt_json_set_text(p->json, "manifest_checksums",
		                       p->options->basebackup.manifest_checksums, err);
	if (rc == 0)
		rc = mrt_json_set(p->json, "damaged", json_boolean(end->damaged), err);
	return rc;
}

static int commit(struct physical *p, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json objects = json_array();
	int rc = objects ? 0 : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < p->n_writers; i++) {
		json_t *object = NULL;
		rc = mrt_content_commit(p->writers[i], &object, err);
		if (rc == 0)
			rc = mrt_json_append(objects, object, err);
	}
	if (rc == 0)
		*ret = mrt_steal(objects);
	return rc;
}

int mrt_physical_backup(const struct mrt_context *ctx, struct mrt_pg *pg,
                        const struct mrt_physical_options *options, struct mrt_physical_result *ret,
                        struct mrt_error *err)
{
	static const struct mrt_pg_basebackup_ops ops = { on_start, on_archive, on_manifest,
		                                          on_data, on_progress };
	static const struct mrt_sink_ops checked = { checked_write, checked_end, checked_end,
		                                     checked_free };
	mrt_cleanup(physical_release) struct physical p = { .ctx = ctx,
		                                            .options = options,
		                                            .checked.ops = &checked };
	const struct mrt_pgbase_options check = {
		.algorithm = options->basebackup.manifest_checksums,
		.system_identifier = options->system_identifier,
	};
	struct mrt_pg_basebackup_end end;
	p.json = json_object();
	p.tablespaces = json_array();
	int rc = p.json ? mrt_json_set(p.json, "tablespaces", p.tablespaces, err)
	                : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_pgbase_new(&check, &p.base, err);
	if (rc == 0)
		rc = mrt_pg_basebackup(pg, ctx, &options->basebackup, &ops, &p, &end, err);
	if (rc == 0)
		rc = end_object(&p, err);
	if (rc == 0)
		rc = mrt_pgbase_manifest_end(p.base, err);
	if (rc == 0)
		rc = mrt_pgbase_end(p.base, err);
	if (rc == 0)
		rc = compare_ranges(&p, &end, err);
	if (rc == MRT_CORRUPT) /* of what passed, not of what we keep */
		rc = mrt_recode(err, MRT_FAILED);
	if (rc == 0)
		rc = describe_base_backup(&p, &end, err);
	if (rc == 0)
		rc = commit(&p, &ret->objects, err);
	if (rc == 0) {
		ret->physical = mrt_steal(p.json);
		ret->damaged = end.damaged;
	}
	return rc;
}
