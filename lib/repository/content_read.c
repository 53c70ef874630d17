/* content_read.c - volumes in order, every size and digest compared on the way. */
#include "base/text.h"
#include "codec/zstd.h"
#include "repository/content.h"
#include "repository/keys.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define READ_MEMORY ((uint64_t)28 << 20) /* libraries, stacks, one thread that decompresses */
#define READ_THREADS 4

struct stored {
	struct mrt_source source;
	const struct mrt_context *ctx;
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
		rc = mrt_store_get(s->store, s->ctx, key, 0, UINT64_MAX, &s->get, err);
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
			mrt_context_progress(s->ctx, n);
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
	struct mrt_source *stored, *age, *zstd; /* age: or NULL; zstd: not of a pump */
	const struct mrt_manifest *manifest;
	const struct mrt_manifest_object *object;
	uint64_t size;             /* that came out so far */
	struct mrt_digest *digest; /* of it; NULL: the manifest has none */
	/* of a pump */
	int (*each)(void *context, const void *data, size_t len, struct mrt_error *err);
	void *context;
	bool refused; /* each() failed, not we */
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
		if (code == MRT_CORRUPT) {
			mrt_error_append_error(err, &stored);
			return mrt_recode(err, MRT_CORRUPT);
		}
		if (code < 0)
			break;
	}
	return rc;
}

/* None of the identities opens it: is that so, or is the header damaged? */
static int wrong_header(struct plain *p, struct mrt_error *err)
{
	int rc = mrt_keys_check(p->object, p->manifest->identities, err);
	if (rc < 0)
		return rc;
	rc = mrt_fail(err, MRT_CORRUPT,
	              "%s: its header does not open with the key of its recipient", p->object->key);
	return name_damage(p, rc, err);
}

/* What age and zstd say is said of the object. */
static int explain(struct plain *p, int rc, struct mrt_error *err)
{
	if (rc == MRT_CONFIG && p->age && mrt_age_source_refused(p->age))
		return wrong_header(p, err);
	if ((rc == MRT_CORRUPT && mrt_error_begins(err, "zstd")) ||
	    (rc < 0 && mrt_error_begins(err, "age: "))) {
		rc = mrt_fail_because(err, MRT_CORRUPT, err, "%s", p->object->key);
		return name_damage(p, rc, err);
	}
	return rc;
}

static int see_bytes(struct plain *p, const void *data, size_t len, struct mrt_error *err)
{
	p->size += len;
	return p->digest ? mrt_digest_add(p->digest, data, len, err) : 0;
}

static int plain_end(struct plain *p, struct mrt_error *err)
{
	char sha256[MRT_SHA256_HEX];
	if (p->size != p->object->size)
		return mrt_fail(err, MRT_CORRUPT,
		                "%s holds %" PRIu64 " bytes when decompressed; the "
		                "manifest says %" PRIu64,
		                p->object->key, p->size, p->object->size);
	int rc = p->digest ? mrt_digest_end(p->digest, sha256, err) : 0;
	if (rc == 0 && p->digest && strcmp(sha256, p->object->sha256) != 0)
		rc = mrt_fail(err, MRT_CORRUPT,
		              "%s: the SHA-256 of its content is %s; the manifest says %.64s",
		              p->object->key, sha256, p->object->sha256);
	mrt_digest_free(mrt_steal(p->digest));
	return rc;
}

static int plain_read(struct mrt_source *source, void *data, size_t cap, size_t *ret_len,
                      struct mrt_error *err)
{
	struct plain *p = (struct plain *)source;
	struct mrt_error local;
	err = err ? err : &local;
	size_t n = 0;
	int rc = mrt_source_read(p->zstd, data, cap, &n, err);
	if (rc < 0)
		return explain(p, rc, err);
	rc = n > 0 ? see_bytes(p, data, n, err) : plain_end(p, err);
	if (rc == 0)
		*ret_len = n;
	return rc;
}

static void plain_free(struct mrt_source *source)
{
	struct plain *p = (struct plain *)source;
	mrt_digest_free(p->digest);
	mrt_source_free(p->zstd);
	mrt_source_free(p->age);
	mrt_source_free(p->stored);
	free(p);
}

/* Everything but the decompression. */
static int open_plain(const struct mrt_context *ctx, struct mrt_store *store,
                      const struct mrt_manifest *manifest, const struct mrt_manifest_object *object,
                      struct plain **ret, struct mrt_error *err)
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
		               .ctx = ctx,
		               .store = store,
		               .manifest = manifest,
		               .object = object };
	*p = (struct plain) { .source.ops = &plain_ops,
		              .stored = &s->source,
		              .object = object,
		              .manifest = manifest };
	mrt_auto(mrt_source) *source = &p->source;
	int rc = 0;
	if (object->recipients)
		rc = mrt_keys_check(object, manifest->identities, err);
	if (rc == 0 && object->recipients)
		rc = mrt_age_source(p->stored, manifest->identities, &p->age, err);
	if (rc == 0 && object->sha256)
		rc = mrt_digest_new(&p->digest, err);
	if (rc == 0)
		*ret = (struct plain *)mrt_steal(source);
	return rc;
}

int mrt_content_source(const struct mrt_context *ctx, struct mrt_store *store,
                       const struct mrt_manifest *manifest,
                       const struct mrt_manifest_object *object, struct mrt_source **ret,
                       struct mrt_error *err)
{
	struct plain *p = NULL;
	int rc = open_plain(ctx, store, manifest, object, &p, err);
	if (rc < 0)
		return rc;
	mrt_auto(mrt_source) *source = &p->source;
	rc = mrt_zstd_source(p->age ? p->age : p->stored, &p->zstd, err);
	if (rc == 0)
		*ret = mrt_steal(source);
	return rc;
}

int mrt_content_fit(const struct mrt_config *config, unsigned *ret_threads, unsigned *ret_buffers,
                    struct mrt_error *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned threads = cpus > READ_THREADS ? READ_THREADS : cpus < 1 ? 1 : (unsigned)cpus;
	size_t one = mrt_zstd_pump_memory(1);
	/* fewer threads before failing for want of memory */
	while (threads > 1 &&
	       READ_MEMORY + mrt_zstd_pump_memory(threads) - one + config->store_part_size >
	               config->backup_memory)
		threads--;
	int rc = mrt_repository_buffers(config, READ_MEMORY + mrt_zstd_pump_memory(threads) - one,
	                                1, ret_buffers, err);
	if (rc == 0)
		*ret_threads = threads;
	return rc;
}

static int pass(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct plain *p = context;
	int rc = see_bytes(p, data, len, err);
	if (rc < 0)
		return rc;
	rc = p->each(p->context, data, len, err);
	p->refused = rc < 0;
	return rc;
}

int mrt_content_pump(const struct mrt_context *ctx, struct mrt_store *store,
                     const struct mrt_manifest *manifest, const struct mrt_manifest_object *object,
                     int (*each)(void *context, const void *data, size_t len,
                                 struct mrt_error *err),
                     void *context, struct mrt_error *err)
{
	struct plain *p = NULL;
	struct mrt_error local;
	err = err ? err : &local;
	int rc = open_plain(ctx, store, manifest, object, &p, err);
	if (rc < 0)
		return rc;
	p->each = each;
	p->context = context;
	rc = mrt_zstd_pump(p->age ? p->age : p->stored, manifest->threads, pass, p, err);
	if (rc < 0 && !p->refused)
		rc = explain(p, rc, err);
	if (rc == 0)
		rc = plain_end(p, err);
	plain_free(&p->source);
	return rc;
}
