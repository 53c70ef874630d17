/* output.h - results on stdout: a table for people or one JSON document for programs. */
#ifndef MRT_CMD_OUTPUT_H
#define MRT_CMD_OUTPUT_H

#include "codec/json.h"

struct mrt_output {
	bool json, color;
	bool lines, names;   /* of a list: an item a line, as JSON, or its name */
	struct mrt_buf text; /* what was printed so far */
	bool gone;           /* nobody reads it any more */
};

enum mrt_align { MRT_LEFT, MRT_RIGHT };
struct mrt_column {
	const char *title;
	enum mrt_align align;
};
struct mrt_table;
int mrt_table_new(const struct mrt_column *columns, size_t n, struct mrt_table **ret,
                  struct mrt_error *err);
void mrt_table_free(struct mrt_table *table);
MRT_DEFINE_AUTO(mrt_table)
/* One row: as many texts as columns (copied; NULL and "" show as "-"). */
void mrt_table_row(struct mrt_table *table, const char *const *cells);
int mrt_table_show(struct mrt_output *out, const struct mrt_table *table, struct mrt_error *err);

/* "name:  value" lines. */
void mrt_show_field(struct mrt_output *out, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
int mrt_show_json(struct mrt_output *out, const json_t *json, struct mrt_error *err);
/* Writes everything to stdout; a failed write is an error. */
int mrt_output_flush(struct mrt_output *out, struct mrt_error *err);

/* Control characters and escape sequences of data never reach the terminal. */
void mrt_printable(struct mrt_buf *buf, const char *text);

#endif
