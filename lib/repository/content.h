/* content.h - content objects of a backup: written through zstd, and age where there are
 * recipients, in volumes; read back whole.
 *
 * An object that would pass store.volume-size goes on in <key>.0002, .0003, ...; the volumes are
 * simply the cut-up stored bytes. All uploads stay open until commit.
 */
#ifndef MRT_REPOSITORY_CONTENT_H
#define MRT_REPOSITORY_CONTENT_H

#include "codec/age/stream.h"
#include "codec/zstd.h"
#include "repository/manifest.h"

struct mrt_content_writer;
struct mrt_content_options {
	uint64_t volume_size;
	struct mrt_zstd_options zstd;                /* plain is ours */
	const struct mrt_age_recipients *recipients; /* NULL: not encrypted; else keys get ".age" */
	int64_t locked_since; /* seconds since 1970, see mrt_store_put_locked(); 0: not locked */
	bool brisk;           /* of several stores, none may keep the others waiting for long */
	bool compressed; /* what comes in is zstd already; its plain size is set before commit */
};
/* folder: "<platform>/<target>/<id>/"; key: relative to it, "db/x.pgdump.zst". */
int mrt_content_open(const struct mrt_context *ctx, struct mrt_store *store, const char *folder,
                     const char *key, const struct mrt_content_options *options,
                     struct mrt_content_writer **ret, struct mrt_error *err);
void mrt_content_writer_free(struct mrt_content_writer *writer); /* without commit: abort */
MRT_DEFINE_AUTO(mrt_content_writer)
/* Plain bytes go in here; it is a compressor, see mrt_zstd_room(), unless options.compressed. */
struct mrt_sink *mrt_content_sink(struct mrt_content_writer *writer);
void mrt_content_plain_size(struct mrt_content_writer *writer, uint64_t size);
/* The data of this one ended, others follow before the commit: everything is at the store, and the
 * memory of the compressor is free again. */
int mrt_content_prepare(struct mrt_content_writer *writer, struct mrt_error *err);
/* Everything upstream ended well: make the object visible. *ret_json: its entry for the manifest.
 */
int mrt_content_commit(struct mrt_content_writer *writer, json_t **ret_json, struct mrt_error *err);

/* The plain bytes of an object, decrypted by the manifest's identities; every digest (that of the
 * plain bytes where there is one) and size is compared with the manifest's on the way, and the end
 * is only reported when all were right. MRT_CORRUPT names the object's key and, where it can be
 * known, the offset. MRT_CONFIG: it is encrypted, and none of the identities opens it; the hint
 * names the recipients. */
int mrt_content_source(const struct mrt_context *ctx, struct mrt_store *store,
                       const struct mrt_manifest *manifest,
                       const struct mrt_manifest_object *object, struct mrt_source **ret,
                       struct mrt_error *err);

/* The same, given to each(), one call at a time but from several threads: frames are decompressed
 * side by side. An error of each() is returned as it is. */
int mrt_content_pump(const struct mrt_context *ctx, struct mrt_store *store,
                     const struct mrt_manifest *manifest, const struct mrt_manifest_object *object,
                     int (*each)(void *context, const void *data, size_t len,
                                 struct mrt_error *err),
                     void *context, struct mrt_error *err);

/* How many threads may decompress, and part buffers the store may have, within backup.memory. */
int mrt_content_fit(const struct mrt_config *config, unsigned *ret_threads, unsigned *ret_buffers,
                    struct mrt_error *err);

#endif
