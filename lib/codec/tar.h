/* tar.h - a tar stream that is pushed in, entry by entry (POSIX.1-1988 ustar, as PostgreSQL
 * writes).
 *
 * Understood are regular files, directories and symbolic links, with sizes in octal or base 256.
 * Everything else (hard links, devices, long-name extensions) is MRT_CORRUPT: PostgreSQL never
 * writes it, and what restores must not guess. Names are passed on as they stand; whoever writes
 * files from them must check them (mrt_tar_name_safe()).
 */
#ifndef MRT_CODEC_TAR_H
#define MRT_CODEC_TAR_H

#include "base/auto.h"
#include "base/error.h"

#include <stdint.h>

enum mrt_tar_type { MRT_TAR_FILE = '0', MRT_TAR_SYMLINK = '2', MRT_TAR_DIRECTORY = '5' };

struct mrt_tar_entry {
	const char *name; /* without "./" at its beginning and "/" at its end */
	const char *link; /* a symbolic link's target, else "" */
	enum mrt_tar_type type;
	uint64_t size; /* of a file's content */
	unsigned mode; /* permission bits */
};

/* Called in order: begin, for files data as it comes (in any pieces), end. A negative result ends
 * the reading and is returned by feed(). */
struct mrt_tar_ops {
	int (*begin)(void *context, const struct mrt_tar_entry *entry, struct mrt_error *err);
	int (*data)(void *context, const void *data, size_t len, struct mrt_error *err);
	int (*end)(void *context, struct mrt_error *err);
};

struct mrt_tar;
int mrt_tar_new(const struct mrt_tar_ops *ops, void *context, struct mrt_tar **ret,
                struct mrt_error *err);
void mrt_tar_free(struct mrt_tar *tar);
MRT_DEFINE_AUTO(mrt_tar)
/* MRT_CORRUPT names the offset in the stream. */
int mrt_tar_feed(struct mrt_tar *tar, const void *data, size_t len, struct mrt_error *err);
/* The stream ended: MRT_CORRUPT unless its two blocks of zeros were there. */
int mrt_tar_end(struct mrt_tar *tar, struct mrt_error *err);

/* A plain path (base/beneath.h) without control characters. */
bool mrt_tar_name_safe(const char *name);

#endif
