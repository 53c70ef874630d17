/* archive.h - writes small pg_dump archives in custom format, as pg_backup_archiver.c does. */
#ifndef MRT_TESTS_ARCHIVE_H
#define MRT_TESTS_ARCHIVE_H

#include "base/buf.h"

#include <string.h>

/* Where things stand in the sample, for those who break it. */
struct sample {
	unsigned minor;
	struct mrt_buf out;
	size_t count, first_id, has_data, section, data_desc, block_type, block_id, chunk,
	        chunk_end, second_block, blobs, end;
};

static UNUSED void put_byte(struct sample *s, int byte)
{
	mrt_buf_add_char(&s->out, (char)byte);
}

static UNUSED void put_int(struct sample *s, int64_t n)
{
	uint64_t magnitude = n < 0 ? (uint64_t)-n : (uint64_t)n;
	put_byte(s, n < 0);
	for (unsigned i = 0; i < 4; i++)
		put_byte(s, (int)(magnitude >> (8 * i) & 255));
}

static UNUSED void put_text(struct sample *s, const char *text)
{
	put_int(s, text ? (int64_t)strlen(text) : -1);
	if (text)
		mrt_buf_add_text(&s->out, text);
}

static UNUSED void put_header(struct sample *s, unsigned minor, int compression, int entries)
{
	s->minor = minor;
	mrt_buf_add_text(&s->out, "PGDMP");
	const int bytes[] = { 1, (int)minor, 0, 4, 8, 1 };
	for (size_t i = 0; i < 6; i++)
		put_byte(s, bytes[i]);
	if (minor >= 15)
		put_byte(s, compression);
	else
		put_int(s, compression);
	const int time[] = { 59, 30, 2, 22, 10, 126, 0 };
	for (size_t i = 0; i < 7; i++)
		put_int(s, time[i]);
	put_text(s, "school");
	put_text(s, "15.14 (Debian 15.14-0+deb12u1)");
	put_text(s, "15.14");
	s->count = s->out.len;
	put_int(s, entries);
}

static UNUSED void put_entry(struct sample *s, int id, bool has_data, const char *schema,
                             const char *tag, const char *desc, const char *owner)
{
	put_int(s, id);
	s->has_data = s->out.len;
	put_int(s, has_data);
	put_text(s, "0");
	put_text(s, "16385");
	put_text(s, tag);
	s->data_desc = s->out.len;
	put_text(s, desc);
	s->section = s->out.len;
	put_int(s, has_data ? 3 : 2);
	put_text(s, has_data ? "" : "CREATE SOMETHING;\n");
	put_text(s, "");
	put_text(s, has_data ? "COPY t FROM stdin;\n" : NULL);
	put_text(s, schema);
	put_text(s, NULL);
	put_text(s, "heap");
	if (s->minor >= 16)
		put_int(s, 'r');
	put_text(s, owner);
	put_text(s, "false");
	put_text(s, "7");
	put_text(s, "8");
	put_text(s, NULL);
	put_byte(s, 2);
	for (unsigned i = 0; i < 8; i++)
		put_byte(s, 0);
}

static UNUSED void put_chunk(struct sample *s, const char *text)
{
	put_int(s, (int64_t)strlen(text));
	mrt_buf_add_text(&s->out, text);
}

static UNUSED void put_block(struct sample *s, int type, int id)
{
	put_byte(s, type);
	put_int(s, id);
}

/* 6 entries: an extension, two tables and their data (public.t with 3 rows, s.empty with none),
 * 2 large objects. */
static UNUSED void make_sample(struct sample *s, unsigned minor)
{
	*s = (struct sample) { .out = MRT_BUF_INIT };
	put_header(s, minor, 0, 6);
	s->first_id = s->out.len;
	put_entry(s, 5, false, NULL, "pgcrypto", "EXTENSION", "");
	put_entry(s, 6, false, "public", "t", "TABLE", "alice");
	put_entry(s, 7, false, "s", "empty", "TABLE", "bob");
	put_entry(s, 3001, true, "public", "t", "TABLE DATA", "alice");
	put_entry(s, 3000, true, "s", "empty", "TABLE DATA", "bob");
	size_t has_data = s->has_data, desc = s->data_desc, section = s->section;
	put_entry(s, 3002, true, NULL, "BLOBS", "BLOBS", NULL);
	s->has_data = has_data;
	s->data_desc = desc;
	s->section = section;
	s->block_type = s->out.len;
	put_byte(s, 1);
	s->block_id = s->out.len;
	put_int(s, 3001);
	s->chunk = s->out.len;
	put_chunk(s, "1\twith\\nembedded\\nnewlines\n2\tpl");
	put_chunk(s, "ain\n");
	put_chunk(s, "3\t\\N\n\\.");
	put_chunk(s, "\n\n\n");
	s->chunk_end = s->out.len;
	put_int(s, 0);
	s->second_block = s->out.len;
	put_block(s, 1, 3000);
	put_chunk(s, "\\.\n\n\n");
	put_int(s, 0);
	s->blobs = s->out.len;
	put_block(s, 3, 3002);
	put_int(s, 16400);
	put_chunk(s, "\x01\x02 not \n text");
	put_int(s, 0);
	put_int(s, -1294967296); /* 3,000,000,000 as pg_dump writes it */
	put_chunk(s, "x");
	put_chunk(s, "y");
	put_int(s, 0);
	put_int(s, 0);
	s->end = s->out.len;
}

#endif
