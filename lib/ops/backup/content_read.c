/* content_read.c - volumes in order, every size and digest compared on the way. */
#include "base/text.h"
#include "codec/zstd.h"
#include "ops/backup/content.h"

#include <inttypes.h>
#include <string.h>

struct stored {
	struct mrt_source source;
	const struct mrt_run *run;
	struct mrt_store *store;
	const struct mrt_manifest *manifest;
	const struct mrt_manifest_object *object;
	size_t next;                     /* volume to open */
	struct mrt_source *get, *volume; /* volume: the tally around get */
	struct mrt_tally tally;
};

static int open_volume(struct stored *s, struct mrt_error *err)
{
	const struct mrt_manifest_volume *v = &s->object->volumes[s->next];
	mrt_autofree char *key = NULL;
	int rc = mrt_manifest_key(s->manifest, v->key, &key, err);
	if (rc == 0)
		rc = mrt_store_get(s->store, s->run, key, 0, UINT64_MAX, &s->get, err);
	if (rc == MRT_NOT_FOUND)
		return mrt_fail(err, MRT_CORRUPT, "%s is missing in the store", v->key);
	if (rc == 0)
		rc = mrt_tally_source(s->get, &s->tally, &s->volume, err);
	s->next++;
	return rc;
}

static int end_volume(struct stored *s, struct mrt_error *err)
{
	const struct mrt_manifest_volume *v = &s->object->volumes[s->next - 1];
	mrt_source_free(mrt_steal(s->volume));
	mrt_source_free(mrt_steal(s->get));
	if (s->tally.size != v->size)
		return mrt_fail(err, MRT_CORRUPT,
		                "%s has %" PRIu64 " bytes; the manifest says %" PRIu64, v->key,
		                s->tally.size, v->size);
	if (strcmp(s->tally.sha256, v->sha256) != 0)
		return mrt_fail(err, MRT_CORRUPT, "%s: its SHA-256 is %s; the manifest says %.64s",
		                v->key, s->tally.sha256, v->sha256);
	return 0;
}

static int stored_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                       struct mrt_error *err)
{
	struct stored *s = (struct stored *)source;
	for (;;) {
		int rc = 0;
		if (!s->volume) {
			if (s->next == s->object->n_volumes) {
				*ret_len = 0;
				return 0;
			}
			rc = open_volume(s, err);
		}
		size_t n = 0;
		if (rc == 0)
			rc = mrt_source_read(s->volume, data, cap, &n, err);
		if (rc == 0 && n > 0) {
			mrt_run_progress(s->run, n);
			*ret_len = n;
			return 0;
		}
		if (rc == 0)
			rc = end_volume(s, err);
		if (rc < 0)
			return rc;
	}
}

static void stored_free(struct mrt_source *source)
{
	struct stored *s = (struct stored *)source;
	mrt_source_free(s->volume);
	mrt_source_free(s->get);
	free(s);
}

struct plain {
	struct mrt_source source;
	struct mrt_source *stored, *zstd, *tallied;
	const struct mrt_manifest_object *object;
	struct mrt_tally tally;
};

/* zstd may stumble over a damaged byte long before the volume's digest is known: read the volume to
 * its end, and say what is wrong with the stored bytes if something is. */
static int name_damage(struct plain *p, int rc, struct mrt_error *err)
{
	char chunk[65536];
	size_t n = 1;
	struct mrt_error stored;
	while (n > 0) {
		int code = mrt_source_read(p->stored, chunk, sizeof(chunk), &n, &stored);
		if (code == MRT_CORRUPT)
			return mrt_fail(err, MRT_CORRUPT, "%s (%s)", err->text, stored.text);
		if (code < 0)
			break;
	}
	return rc;
}

static int plain_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                      struct mrt_error *err)
{
	struct plain *p = (struct plain *)source;
	struct mrt_error local;
	err = err ? err : &local;
	size_t n = 0;
	int rc = mrt_source_read(p->tallied ? p->tallied : p->zstd, data, cap, &n, err);
	if (rc == MRT_CORRUPT && strncmp(err->text, "zstd", 4) == 0) {
		mrt_context(err, rc, "%s", p->object->key);
		return name_damage(p, rc, err);
	}
	if (rc < 0)
		return rc;
	if (!p->tallied)
		p->tally.size += n;
	if (n == 0 && p->tally.size != p->object->size)
		return mrt_fail(err, MRT_CORRUPT,
		                "%s holds %" PRIu64 " bytes when decompressed; the "
		                "manifest says %" PRIu64,
		                p->object->key, p->tally.size, p->object->size);
	if (n == 0 && p->tallied && strcmp(p->tally.sha256, p->object->sha256) != 0)
		return mrt_fail(err, MRT_CORRUPT,
		                "%s: the SHA-256 of its content is %s; the manifest "
		                "says %.64s",
		                p->object->key, p->tally.sha256, p->object->sha256);
	*ret_len = n;
	return 0;
}

static void plain_free(struct mrt_source *source)
{
	struct plain *p = (struct plain *)source;
	mrt_source_free(p->tallied);
	mrt_source_free(p->zstd);
	mrt_source_free(p->stored);
	free(p);
}

int mrt_content_source(const struct mrt_run *run, struct mrt_store *store,
                       const struct mrt_manifest *manifest,
                       const struct mrt_manifest_object *object, struct mrt_source **ret,
                       struct mrt_error *err)
{
	static const struct mrt_source_ops stored_ops = { stored_read, stored_free };
	static const struct mrt_source_ops plain_ops = { plain_read, plain_free };
	struct plain *p = calloc(1, sizeof(*p));
	struct stored *s = calloc(1, sizeof(*s));
	if (!p || !s) {
		free(p);
		free(s);
		return mrt_no_memory(err);
	}
	*s = (struct stored) { .source.ops = &stored_ops,
		               .run = run,
		               .store = store,
		               .manifest = manifest,
		               .object = object };
	*p = (struct plain) { .source.ops = &plain_ops, .stored = &s->source, .object = object };
	mrt_auto(mrt_source) *source = &p->source;
	int rc = mrt_zstd_source(p->stored, &p->zstd, err);
	if (rc == 0 && object->sha256)
		rc = mrt_tally_source(p->zstd, &p->tally, &p->tallied, err);
	if (rc == 0)
		*ret = mrt_steal(source);
	return rc;
}
