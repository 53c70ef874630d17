/* redis_snapshot.c - a stored Redis snapshot, read and compared. */
#include "repository/redis_snapshot.h"
#include "repository/content.h"

#include <inttypes.h>

static int compare_databases(const struct mrt_rdb_info *info, const struct mrt_manifest *m,
                             struct mrt_error *err)
{
	if (json_array_size(m->databases) != info->n_databases)
		return mrt_fail(err, MRT_CORRUPT,
		                "the snapshot has %zu databases; the manifest says %zu",
		                info->n_databases, json_array_size(m->databases));
	for (size_t i = 0; i < info->n_databases; i++) {
		const json_t *d = json_array_get(m->databases, i);
		uint64_t want = mrt_json_size_or(d, "keys", UINT64_MAX);
		if (want != info->databases[i].keys)
			return mrt_fail(err, MRT_CORRUPT,
			                "database %" PRIu64 " has %" PRIu64
			                " keys in the snapshot; the manifest says %" PRIu64,
			                info->databases[i].number, info->databases[i].keys, want);
	}
	return 0;
}

struct reading {
	struct mrt_rdb *rdb;
	int (*each)(void *context, const void *data, size_t len, struct mrt_error *err);
	void *context;
};

static int pass(void *context, const void *data, size_t len, struct mrt_error *err)
{
	const struct reading *r = context;
	int rc = mrt_rdb_feed(r->rdb, data, len, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s", MRT_REDIS_OBJECT);
	return r->each ? r->each(r->context, data, len, err) : 0;
}

int mrt_redis_read(const struct mrt_context *ctx, struct mrt_store *store,
                   const struct mrt_manifest *manifest,
                   int (*each)(void *context, const void *data, size_t len, struct mrt_error *err),
                   void *context, struct mrt_error *err)
{
	mrt_auto(mrt_rdb) *rdb = NULL;
	const struct mrt_manifest_object *object = mrt_manifest_object(manifest, MRT_REDIS_OBJECT);
	if (!object)
		return mrt_fail(err, MRT_CORRUPT, "the backup has no " MRT_REDIS_OBJECT);
	int rc = mrt_rdb_new(&rdb, err);
	struct reading reading = { rdb, each, context };
	if (rc == 0)
		rc = mrt_content_pump(ctx, store, manifest, object, pass, &reading, err);
	if (rc < 0)
		return rc;
	rc = mrt_rdb_end(rdb, err);
	if (rc == 0)
		rc = compare_databases(mrt_rdb_info(rdb), manifest, err);
	return rc < 0 ? mrt_prefix(err, rc, "%s", object->key) : 0;
}
