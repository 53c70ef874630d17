/* tar.c - a tar stream, pushed in. */
#include "codec/tar.h"
#include "base/beneath.h"

#include <inttypes.h>
#include <string.h>

#define BLOCK 512

struct header { /* POSIX.1-1988 */
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

struct mrt_tar {
	const struct mrt_tar_ops *ops;
	void *context;
	uint64_t offset; /* bytes taken so far */
	union {
		struct header header;
		char bytes[BLOCK];
	} block;
	size_t have;    /* of the block */
	uint64_t left;  /* of the entry's content */
	unsigned pad;   /* bytes behind it up to the next block */
	unsigned zeros; /* blocks of zeros so far: two are the end */
};

int mrt_tar_new(const struct mrt_tar_ops *ops, void *context, struct mrt_tar **ret,
                struct mrt_error *err)
{
	struct mrt_tar *tar = calloc(1, sizeof(*tar));
	if (!tar)
		return mrt_no_memory(err);
	tar->ops = ops;
	tar->context = context;
	*ret = tar;
	return 0;
}

void mrt_tar_free(struct mrt_tar *tar)
{
	free(tar);
}

static int corrupt(const struct mrt_tar *tar, const char *what, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "tar: %s in the header at byte %" PRIu64, what,
	                tar->offset - BLOCK);
}

/* Octal digits between blanks and NULs, or base 256 when the first bit is set. */
static bool number(const char *field, size_t len, uint64_t *ret)
{
	const unsigned char *p = (const unsigned char *)field;
	uint64_t value = 0;
	size_t i = 0;
	if (p[0] & 0x80) {
		for (value = p[0] & 0x7f, i = 1; i < len; i++) {
			if (value >> 55)
				return false;
			value = value << 8 | p[i];
		}
		*ret = value;
		return true;
	}
	while (i < len && p[i] == ' ')
		i++;
	size_t digits = 0;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++, digits++)
		value = value << 3 | (p[i] - '0'); /* at most 12 digits: it fits */
	for (; i < len; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return false;
	*ret = value;
	return digits > 0;
}

static bool checksum_right(const struct mrt_tar *tar)
{
	uint64_t want, sum = 8 * ' ';
	const struct header *h = &tar->block.header;
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)tar->block.bytes[i];
	for (size_t i = 0; i < sizeof(h->checksum); i++)
		sum -= (unsigned char)h->checksum[i];
	return number(h->checksum, sizeof(h->checksum), &want) && want == sum;
}

static int begin_entry(struct mrt_tar *tar, struct mrt_error *err)
{
	const struct header *h = &tar->block.header;
	char name[sizeof(h->prefix) + sizeof(h->name) + 2] = "", link[sizeof(h->link) + 1] = "";
	uint64_t mode = 0, size = 0;
	if (!checksum_right(tar))
		return corrupt(tar, "a wrong checksum", err);
	if (memcmp(h->magic, "ustar", 5) != 0)
		return corrupt(tar, "no ustar mark", err);
	if (!number(h->mode, sizeof(h->mode), &mode) || !number(h->size, sizeof(h->size), &size) ||
	    size > INT64_MAX)
		return corrupt(tar, "an impossible number", err);
	size_t prefix = h->magic[5] == '\0' ? strnlen(h->prefix, sizeof(h->prefix)) : 0;
	size_t len = strnlen(h->name, sizeof(h->name));
	memcpy(name, h->prefix, prefix);
	if (prefix > 0)
		name[prefix++] = '/';
	memcpy(name + prefix, h->name, len);
	memcpy(link, h->link, strnlen(h->link, sizeof(h->link)));
	for (len += prefix; len > 1 && name[len - 1] == '/'; len--)
		name[len - 1] = '\0';
	const char *start = name;
	while (strncmp(start, "./", 2) == 0 && start[2])
		start += 2;
	const struct mrt_tar_entry entry = {
		.name = start,
		.link = link,
		.type = h->type == '\0' ? MRT_TAR_FILE : (enum mrt_tar_type)h->type,
		.size = size,
		.mode = (unsigned)mode & 07777,
	};
	if (entry.type != MRT_TAR_FILE && entry.type != MRT_TAR_SYMLINK &&
	    entry.type != MRT_TAR_DIRECTORY)
		return corrupt(tar, "an entry that is no file, directory or symbolic link", err);
	if (entry.type != MRT_TAR_FILE && size > 0)
		return corrupt(tar, "content of something that is no file", err);
	if (len == 0)
		return corrupt(tar, "no name", err);
	tar->left = size;
	tar->pad = (unsigned)(-size % BLOCK);
	int rc = tar->ops->begin(tar->context, &entry, err);
	return rc == 0 && size == 0 ? tar->ops->end(tar->context, err) : rc;
}

static int take_block(struct mrt_tar *tar, struct mrt_error *err)
{
	static const char zeros[BLOCK];
	tar->have = 0;
	if (memcmp(tar->block.bytes, zeros, BLOCK) == 0) {
		tar->zeros++;
		return 0;
	}
	if (tar->zeros > 0)
		return corrupt(tar, "something behind the end", err);
	return begin_entry(tar, err);
}

int mrt_tar_feed(struct mrt_tar *tar, const void *data, size_t len, struct mrt_error *err)
{
	const char *p = data;
	int rc = 0;
	while (rc == 0 && len > 0) {
		size_t n;
		if (tar->left > 0) {
			n = tar->left < len ? (size_t)tar->left : len;
			tar->left -= n;
			tar->offset += n;
			rc = tar->ops->data(tar->context, p, n, err);
			if (rc == 0 && tar->left == 0)
				rc = tar->ops->end(tar->context, err);
		} else if (tar->pad > 0) {
			n = tar->pad < len ? tar->pad : len;
			tar->pad -= (unsigned)n;
			tar->offset += n;
		} else {
			n = BLOCK - tar->have < len ? BLOCK - tar->have : len;
			memcpy(tar->block.bytes + tar->have, p, n);
			tar->have += n;
			tar->offset += n;
			if (tar->have == BLOCK)
				rc = take_block(tar, err);
		}
		p += n;
		len -= n;
	}
	return rc;
}

int mrt_tar_end(struct mrt_tar *tar, struct mrt_error *err)
{
	if (tar->zeros >= 2 && tar->have == 0)
		return 0;
	return mrt_fail(err, MRT_CORRUPT, "tar: it ends too early, at byte %" PRIu64, tar->offset);
}

bool mrt_tar_name_safe(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 32 || *p == 127)
			return false;
	return mrt_path_plain(name);
}
