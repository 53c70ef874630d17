/* physical_read.c - a physical backup read back. */
#include "ops/restore/physical_read.h"
#include "ops/backup/physical.h"

#include <string.h>

int mrt_physical_tablespace(const struct mrt_manifest *m, size_t i,
                            struct mrt_physical_tablespace *ret, struct mrt_error *err)
{
	const json_t *list = json_object_get(json_object_get(m->json, "physical"), "tablespaces");
	const json_t *item = json_array_get(list, i);
	struct mrt_physical_tablespace t = { 0 };
	if (!item)
		return MRT_NOT_FOUND;
	int rc = mrt_json_text(item, "oid", &t.oid, err);
	if (rc == 0)
		rc = mrt_json_text(item, "location", &t.location, err);
	if (rc == 0)
		rc = mrt_json_text(item, "object", &t.object, err);
	if (rc == 0)
		rc = mrt_json_size(item, "size", &t.size, err);
	if (rc == 0 &&
	    (strspn(t.oid, "0123456789") != strlen(t.oid) || !*t.oid || strlen(t.oid) > 10))
		rc = mrt_fail(err, MRT_CORRUPT, "the manifest has a tablespace '%.20s'", t.oid);
	if (rc == 0)
		*ret = t;
	return rc;
}

struct taking {
	int (*take)(void *context, const void *data, size_t len, struct mrt_error *err);
	void *context;
	const char *key;
};

static int take_named(void *context, const void *data, size_t len, struct mrt_error *err)
{
	const struct taking *t = context;
	int rc = t->take(t->context, data, len, err);
	return rc == MRT_CORRUPT ? mrt_prefix(err, rc, "%s", t->key) : rc;
}

static int read_object(const struct mrt_physical_reader *r, const char *key,
                       int (*take)(void *context, const void *data, size_t len,
                                   struct mrt_error *err),
                       void *context, struct mrt_error *err)
{
	const struct mrt_manifest_object *object = mrt_manifest_object(r->manifest, key);
	struct taking taking = { take, context, key };
	if (!object)
		return mrt_fail(err, MRT_CORRUPT, "the manifest has no object %s", key);
	return mrt_content_pump(r->ctx, r->store, r->manifest, object, take_named, &taking, err);
}

struct both {
	const struct mrt_physical_reader *reader;
	struct mrt_pgbase *base;
};

static int take_manifest(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct both *b = context;
	int rc = mrt_pgbase_manifest(b->base, data, len, err);
	if (rc == 0 && b->reader->on_manifest)
		rc = b->reader->on_manifest(b->reader->context, data, len, err);
	return rc;
}

static int take_archive(void *context, const void *data, size_t len, struct mrt_error *err)
{
	return mrt_pgbase_feed(context, data, len, err);
}

static int read_archives(const struct mrt_physical_reader *r, struct mrt_pgbase *base,
                         uint64_t *objects, struct mrt_error *err)
{
	struct mrt_physical_tablespace t;
	int rc = 0;
	for (size_t i = 0; rc == 0; i++) {
		rc = mrt_physical_tablespace(r->manifest, i, &t, err);
		if (rc == MRT_NOT_FOUND)
			break;
		if (rc == 0)
			rc = mrt_pgbase_archive(base, t.oid, err);
		if (rc == 0)
			rc = read_object(r, t.object, take_archive, base, err);
		++*objects;
	}
	if (rc != MRT_NOT_FOUND)
		return rc;
	rc = mrt_pgbase_archive(base, NULL, err);
	if (rc == 0)
		rc = read_object(r, MRT_PHYSICAL_BASE, take_archive, base, err);
	++*objects;
	return rc < 0 ? rc : mrt_pgbase_archives_end(base, err);
}

/* The files differ in number: which one is missing? */
static int find_missing(void *context, const struct mrt_pgmanifest_file *file,
                        struct mrt_error *err)
{
	if (!mrt_pgbase_missing(context, file->path))
		return 0;
	return mrt_fail(err, MRT_BAD, "%s is missing in the backup", file->path);
}

static int take_again(void *context, const void *data, size_t len, struct mrt_error *err)
{
	return mrt_pgmanifest_feed(context, data, len, err);
}

static int name_missing(const struct mrt_physical_reader *r, struct mrt_pgbase *base,
                        struct mrt_error *err)
{
	mrt_auto(mrt_pgmanifest) *again = NULL;
	struct mrt_error why;
	int rc = mrt_pgmanifest_new(find_missing, base, &again, &why);
	if (rc == 0)
		rc = read_object(r, MRT_PHYSICAL_MANIFEST, take_again, again, &why);
	return rc == MRT_BAD ? mrt_fail_because(err, MRT_CORRUPT, &why, NULL) : MRT_CORRUPT;
}

int mrt_physical_read(const struct mrt_physical_reader *r, struct mrt_physical_found *ret,
                      struct mrt_error *err)
{
	const struct mrt_pgbase_options how = {
		.system_identifier =
		        strtoull(mrt_json_text_or(json_object_get(r->manifest->json, "server"),
		                                  "system_identifier", "0"),
		                 NULL, 10),
		.ops = r->ops,
		.context = r->context,
	};
	mrt_auto(mrt_pgbase) *base = NULL;
	uint64_t objects = 1;
	int rc = mrt_pgbase_new(&how, &base, err);
	struct both both = { r, base };
	if (rc == 0)
		rc = read_object(r, MRT_PHYSICAL_MANIFEST, take_manifest, &both, err);
	if (rc == 0)
		rc = mrt_pgbase_manifest_end(base, err);
	if (rc == 0)
		rc = read_archives(r, base, &objects, err);
	if (rc == 0) {
		rc = mrt_pgbase_end(base, err);
		if (rc == MRT_CORRUPT)
			rc = name_missing(r, base, err);
	}
	if (rc < 0)
		return rc;
	const struct mrt_pgbase_info *info = mrt_pgbase_info(base);
	*ret = (struct mrt_physical_found) { objects, info->files, info->bytes,
		                             info->wal_segments };
	return 0;
}
