/* zstd.h - compression as a filter, decompression as a source (RFC 8878 frames, with checksum).
 *
 * What is compressed becomes frames of MRT_ZSTD_FRAME plain bytes each, the last one shorter, each
 * with its size in its header: frames can be compressed, and later decompressed, side by side. To
 * every other reader of zstd they are one stream.
 */
#ifndef MRT_CODEC_ZSTD_H
#define MRT_CODEC_ZSTD_H

#include "base/stream.h"
#include "base/workers.h"
#include "codec/digest.h"

#define MRT_ZSTD_LEVEL_MAX 19
#define MRT_ZSTD_FRAME ((size_t)4 << 20)

struct mrt_zstd_options {
	int level;               /* 1 to 19 */
	unsigned workers;        /* threads; 0: the caller's */
	unsigned frames;         /* under way at a time, at least workers + 1 */
	struct mrt_tally *plain; /* filled by prepare() with what came in; may be NULL */
	bool no_digest;          /* of plain only the size */
};

/* Bytes that such a compressor needs. */
size_t mrt_zstd_memory(const struct mrt_zstd_options *options);
/* Does not own next, which is only called from the thread that calls the compressor. */
int mrt_zstd_compressor(struct mrt_sink *next, const struct mrt_zstd_options *options,
                        struct mrt_sink **ret, struct mrt_error *err);
/* The compressor's own memory, for who can read straight into it: *ret_len bytes from *ret may be
 * filled, and filled() takes the first len of them as written. */
int mrt_zstd_room(struct mrt_sink *compressor, void **ret, size_t *ret_len, struct mrt_error *err);
int mrt_zstd_filled(struct mrt_sink *compressor, size_t len, struct mrt_error *err);
/* A filter the other way: compressed bytes in, plain ones to next, which it does not own. prepare()
 * fails unless the last frame is whole. */
int mrt_zstd_decompressor(struct mrt_sink *next, struct mrt_sink **ret, struct mrt_error *err);
/* Reads one or more frames; a cut frame or a wrong checksum is MRT_CORRUPT with the offset in the
 * compressed stream. Does not own from. */
int mrt_zstd_source(struct mrt_source *from, struct mrt_source **ret, struct mrt_error *err);

/* Reads from to its end and gives each() the plain bytes, in their order, one call at a time but
 * from several threads; independent frames are decompressed side by side. MRT_CORRUPT as above, and
 * whatever each() or from fail with. */
int mrt_zstd_pump(struct mrt_source *from, unsigned threads,
                  int (*each)(void *context, const void *data, size_t len, struct mrt_error *err),
                  void *context, struct mrt_error *err);
/* Bytes that takes. */
size_t mrt_zstd_pump_memory(unsigned threads);

#endif
