/* zstd.h - compression as a filter, decompression as a source (RFC 8878 frames, with checksum). */
#ifndef MRT_CODEC_ZSTD_H
#define MRT_CODEC_ZSTD_H

#include "base/stream.h"

#define MRT_ZSTD_LEVEL_MAX 19

/* Bytes that a compressor of that level with that many workers needs. */
size_t mrt_zstd_memory(int level, unsigned workers);
/* level 1 to 19; workers 0 compresses in the caller's thread. Does not own next. */
int mrt_zstd_compressor(struct mrt_sink *next, int level, unsigned workers, struct mrt_sink **ret,
                        struct mrt_error *err);
/* Reads one or more frames; a cut frame or a wrong checksum is MRT_CORRUPT with the offset in the
 * compressed stream. Does not own from. */
int mrt_zstd_source(struct mrt_source *from, struct mrt_source **ret, struct mrt_error *err);

#endif
