/* run_store.c - the store of a backup run: opened, written last, cleaned up. */
#include "ops/backup/run_store.h"
#include "base/text.h"

#include <inttypes.h>
#include <unistd.h>

#define BASE_MEMORY ((uint64_t)28 << 20) /* libraries, stacks, read buffers, catalogues */
#define READ_AHEAD 4 /* frames that wait for a compressor while the dump goes on */

int mrt_run_open_store(const struct mrt_config *config, unsigned jobs,
                       struct mrt_content_options *content, struct mrt_store **ret,
                       struct mrt_error *err)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), buffers = 0;
	unsigned workers = cpus / jobs < 1 ? 1 : cpus / jobs > 4 ? 4 : cpus / jobs;
	struct mrt_zstd_options *zstd = &content->zstd;
	content->volume_size = config->store_volume_size;
	int rc = mrt_config_level(config, &zstd->level, err);
	/* fewer frames, then fewer threads, before failing for want of memory */
	zstd->workers = workers;
	zstd->frames = workers + READ_AHEAD;
	while (zstd->workers > 0 &&
	       BASE_MEMORY + jobs * mrt_zstd_memory(zstd) + (jobs + 2) * config->store_part_size >
	               config->backup_memory)
		if (--zstd->frames == zstd->workers)
			zstd->workers--;
	if (rc == 0)
		rc = mrt_repository_buffers(config, BASE_MEMORY + jobs * mrt_zstd_memory(zstd),
		                            jobs + 1, &buffers, err);
	return rc < 0 ? rc : mrt_repository_open(config, buffers, ret, err);
}

/* A clock that is off would give ids that sort wrongly, and signatures that are refused. */
int mrt_run_check_clock(const struct mrt_run *run, const struct mrt_config *config,
                        struct mrt_store *store, int64_t *ret_skew, struct mrt_error *err)
{
	struct mrt_store_capabilities c;
	int rc = mrt_store_probe(store, run, false, &c, err);
	if (rc < 0 || !c.has_clock)
		return rc;
	int64_t off = c.clock_skew < 0 ? -c.clock_skew : c.clock_skew;
	*ret_skew = c.clock_skew;
	if (off <= config->limits_clock_skew)
		return 0;
	return mrt_fail(err, MRT_REFUSED, "this machine's clock is %" PRId64 " s off the store's",
	                off / MRT_SECOND);
}

int mrt_run_put_manifest(const struct mrt_run *run, struct mrt_store *store, const char *folder,
                         const json_t *json, struct mrt_error *err)
{
	mrt_auto_buf text = { .ceiling = (size_t)256 << 20 };
	mrt_autofree char *key = NULL;
	int rc = mrt_manifest_print(json, &text, err);
	if (rc == 0)
		rc = mrt_text_printf(&key, err, "%smanifest.json", folder);
	return rc < 0 ? rc : mrt_store_put_bytes(store, run, key, text.data, text.len, err);
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
	return mrt_text_dup(object->key, &r->keys[r->n++], err);
}

void mrt_run_clean_up(const struct mrt_run *run, struct mrt_store *store, const char *folder)
{
	const struct mrt_run last = { .log = run->log,
		                      .wall = run->wall,
		                      .deadline = mrt_clock_monotonic() + 2 * MRT_SECOND };
	struct remains r = { 0 };
	struct mrt_error err;
	int rc = mrt_store_each(store, &last, folder, collect, &r, &err);
	if (rc == 0 && r.n > 0)
		rc = mrt_store_delete_many(store, &last, (const char *const *)r.keys, r.n, &err);
	if (rc < 0)
		mrt_warn(run, "unfinished objects may stay under %s: %s", folder, err.text);
	for (size_t i = 0; i < r.n; i++)
		free(r.keys[i]);
	free(r.keys);
}
