/* listing.c - a list that may be long. */
#include "maratea/listing.h"

#define FLUSH_AT ((size_t)64 << 10)

void mrt_listing_release(struct mrt_listing *l)
{
	mrt_table_free(l->table);
	json_decref(l->items);
}

static int add_line(struct mrt_listing *l, const json_t *item, struct mrt_error *err)
{
	struct mrt_buf *text = &l->out->text;
	if (l->out->names) {
		mrt_printable(text, mrt_json_text_or(item, l->name, ""));
	} else {
		mrt_autofree char *line = json_dumps(item, JSON_COMPACT);
		if (!line)
			return mrt_no_memory(err);
		mrt_buf_add_text(text, line);
	}
	mrt_buf_add_char(text, '\n');
	return text->len < FLUSH_AT ? mrt_buf_check(text, err) : mrt_output_flush(l->out, err);
}

int mrt_listing_add(const json_t *item, void *listing, struct mrt_error *err)
{
	struct mrt_listing *l = listing;
	l->n++;
	if (l->out->names || l->out->lines)
		return add_line(l, item, err);
	if (l->out->json) {
		if (!l->items)
			l->items = json_array();
		return mrt_json_append(l->items, json_deep_copy(item), err);
	}
	int rc = l->table ? 0 : mrt_table_new(l->columns, l->n_columns, &l->table, err);
	if (rc == 0)
		l->row(l->table, item);
	return rc;
}

int mrt_listing_end(struct mrt_listing *l, struct mrt_error *err)
{
	if (l->out->names || l->out->lines)
		return 0;
	if (l->out->json) {
		mrt_auto_json json = json_object();
		int rc = json ? mrt_json_set(json, l->list,
		                             l->items ? json_incref(l->items) : json_array(), err)
		              : mrt_no_memory(err);
		return rc < 0 ? rc : mrt_show_json(l->out, json, err);
	}
	if (l->table)
		return mrt_table_show(l->out, l->table, err);
	mrt_buf_printf(&l->out->text, "%s\n", l->nothing);
	return mrt_buf_check(&l->out->text, err);
}
