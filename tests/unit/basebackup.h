/* basebackup.h - writes what a PostgreSQL base backup is made of: tars as tarCreateHeader() does,
 * manifests as backup_manifest.c does, WAL segments of empty pages. */
#ifndef MRT_TESTS_BASEBACKUP_H
#define MRT_TESTS_BASEBACKUP_H

#include "base/buf.h"
#include "base/text.h"
#include "codec/digest.h"

#include <inttypes.h>
#include <string.h>

#define TAR_BLOCK 512
#define TAR_MODE 100 /* where the fields of a header begin */
#define TAR_SIZE 124
#define TAR_CHECKSUM 148
#define TAR_TYPE 156
#define TAR_LINK 157
#define TAR_MAGIC 257
#define TAR_PREFIX 345

/* Makes the checksum of the header at that offset right again. */
static UNUSED void tar_sum(struct mrt_buf *out, size_t at)
{
	unsigned sum = 0;
	char text[9];
	memset(out->data + at + TAR_CHECKSUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)out->data[at + i];
	snprintf(text, sizeof(text), "%07o ", sum);
	memcpy(out->data + at + TAR_CHECKSUM, text, 8);
}

/* Puts bytes into the header at that offset. */
static UNUSED void tar_set(struct mrt_buf *out, size_t at, size_t field, const void *data,
                           size_t len)
{
	memcpy(out->data + at + field, data, len);
	tar_sum(out, at);
}

/* Names up to the field's whole width, which then has no NUL. */
static UNUSED void tar_header(struct mrt_buf *out, const char *name, char type, uint64_t size,
                              const char *target)
{
	char block[TAR_BLOCK + 1] = "";
	memcpy(block, name, strnlen(name, 100));
	snprintf(block + TAR_MODE, 9, "%07o ", type == '5' ? 0700 : 0600);
	snprintf(block + 108, 17, "%07o %07o ", 65534, 65534);
	if (size < UINT64_C(1) << 33) {
		snprintf(block + TAR_SIZE, 13, "%011" PRIo64 " ", size);
	} else {
		block[TAR_SIZE] = (char)0x80;
		for (unsigned i = 0; i < 8; i++)
			block[TAR_SIZE + 11 - i] = (char)(size >> (8 * i));
	}
	snprintf(block + 136, 13, "%011o ", 012345670123);
	block[TAR_TYPE] = type;
	memcpy(block + TAR_LINK, target, strnlen(target, 100));
	memcpy(block + TAR_MAGIC, "ustar\00000", 8);
	memcpy(block + 265, "postgres", 8);
	memcpy(block + 297, "postgres", 8);
	snprintf(block + 329, 17, "%07o %07o ", 0, 0);
	mrt_buf_add(out, block, TAR_BLOCK);
	tar_sum(out, out->len - TAR_BLOCK);
}

static UNUSED void tar_pad(struct mrt_buf *out, size_t len)
{
	static const char zeros[TAR_BLOCK];
	mrt_buf_add(out, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

static UNUSED void tar_file(struct mrt_buf *out, const char *name, const void *data, size_t len)
{
	tar_header(out, name, '0', len, "");
	mrt_buf_add(out, data, len);
	tar_pad(out, len);
}

static UNUSED void tar_end(struct mrt_buf *out)
{
	static const char zeros[2 * TAR_BLOCK];
	mrt_buf_add(out, zeros, sizeof(zeros));
}

/* Bit by bit, and as the server prints it: the four bytes as they lie in its memory. */
static UNUSED void crc32c_hex(const void *data, size_t len, char ret[9])
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < len; i++) {
		crc ^= ((const unsigned char *)data)[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	mrt_hex(&crc, 4, ret);
}

/* The checksum that a manifest of that kind has. */
static UNUSED void checksum_hex(const char *algorithm, const void *data, size_t len,
                                char ret[MRT_SHA256_HEX])
{
	unsigned char raw[MRT_SHA256_SIZE];
	ret[0] = '\0';
	if (strcmp(algorithm, "CRC32C") == 0)
		crc32c_hex(data, len, ret);
	if (strcmp(algorithm, "SHA256") == 0 && mrt_sha256(data, len, raw, NULL) == 0)
		mrt_hex(raw, sizeof(raw), ret);
}

/* Version 2, as of PostgreSQL 17, has a system identifier; 0: version 1. */
static UNUSED void manifest_begin(struct mrt_buf *out, uint64_t system_identifier)
{
	mrt_buf_printf(out, "{ \"PostgreSQL-Backup-Manifest-Version\": %d,\n",
	               system_identifier ? 2 : 1);
	if (system_identifier)
		mrt_buf_printf(out, "\"System-Identifier\": %" PRIu64 ",\n", system_identifier);
	mrt_buf_add_text(out, "\"Files\": [");
}

static UNUSED void manifest_file(struct mrt_buf *out, const char *path, uint64_t size,
                                 const char *algorithm, const char *checksum)
{
	mrt_buf_add_text(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
	mrt_buf_printf(out,
	               "{ \"Path\": \"%s\", \"Size\": %" PRIu64
	               ", \"Last-Modified\": \"2026-11-25 18:02:39 GMT\"",
	               path, size);
	if (strcmp(algorithm, "NONE") != 0)
		mrt_buf_printf(out, ", \"Checksum-Algorithm\": \"%s\", \"Checksum\": \"%s\"",
		               algorithm, checksum);
	mrt_buf_add_text(out, " }");
}

static UNUSED void manifest_ranges(struct mrt_buf *out)
{
	mrt_buf_add_text(out, "\n],\n\"WAL-Ranges\": [");
}

static UNUSED void manifest_range(struct mrt_buf *out, const char *timeline, const char *start,
                                  const char *end)
{
	mrt_buf_add_text(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
	mrt_buf_printf(out, "{ \"Timeline\": %s, \"Start-LSN\": \"%s\", \"End-LSN\": \"%s\" }",
	               timeline, start, end);
}

/* Only the last line: whoever writes parts of a manifest by hand ends it so. */
static UNUSED void manifest_digest(struct mrt_buf *out)
{
	char hex[MRT_SHA256_HEX];
	checksum_hex("SHA256", mrt_buf_text(out), out->len, hex);
	mrt_buf_printf(out, "\"Manifest-Checksum\": \"%s\"}\n", hex);
}

static UNUSED void manifest_end(struct mrt_buf *out)
{
	mrt_buf_add_text(out, "\n],\n");
	manifest_digest(out);
}

#define WAL_SYSTEM UINT64_C(7712033420912970512)
#define WAL_PAGE 8192
#define WAL_INFO 2 /* where the fields of a page's header begin */
#define WAL_TIMELINE 4
#define WAL_ADDRESS 8
#define WAL_SYSTEM_ID 24
#define WAL_SEGMENT_SIZE 32
#define WAL_PAGE_SIZE 36

static UNUSED void wal_name(uint32_t timeline, uint64_t start, uint64_t size, char ret[25])
{
	uint64_t in_file = (UINT64_C(1) << 32) / size, number = start / size;
	snprintf(ret, 25, "%08X%08X%08X", timeline, (unsigned)(number / in_file),
	         (unsigned)(number % in_file));
}

static UNUSED void wal_page(char *page, uint32_t timeline, uint64_t address)
{
	memcpy(page, "\x10\xd1", 2);
	memcpy(page + WAL_TIMELINE, &timeline, 4);
	memcpy(page + WAL_ADDRESS, &address, 8);
}

/* A whole segment; page_size as the server was built. */
static UNUSED void wal_segment(struct mrt_buf *out, uint32_t timeline, uint64_t start,
                               uint32_t size, uint32_t page_size)
{
	size_t at = out->len;
	const uint16_t has_long_header = 2;
	const uint64_t id = WAL_SYSTEM;
	mrt_buf_reserve(out, size);
	memset(out->data + at, 0, size);
	out->len += size;
	out->data[out->len] = '\0';
	for (uint32_t page = 0; page < size; page += page_size)
		wal_page(out->data + at + page, timeline, start + page);
	memcpy(out->data + at + WAL_INFO, &has_long_header, 2);
	memcpy(out->data + at + WAL_SYSTEM_ID, &id, 8);
	memcpy(out->data + at + WAL_SEGMENT_SIZE, &size, 4);
	memcpy(out->data + at + WAL_PAGE_SIZE, &page_size, 4);
}

#endif
