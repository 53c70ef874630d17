/* output.c - tables, fields, JSON, and the one place that writes to stdout. */
#include "maratea/output.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

struct mrt_table {
	const struct mrt_column *columns;
	size_t n, n_rows;
	char **cells; /* n_rows * n */
	bool failed;
};

int mrt_table_new(const struct mrt_column *columns, size_t n, struct mrt_table **ret,
                  struct mrt_error *err)
{
	struct mrt_table *t = calloc(1, sizeof(*t));
	if (!t)
		return mrt_no_memory(err);
	t->columns = columns;
	t->n = n;
	*ret = t;
	return 0;
}

void mrt_table_free(struct mrt_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_rows * t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void mrt_printable(struct mrt_buf *buf, const char *text)
{
	for (size_t n; *text; text += n) {
		n = mrt_utf8_length(text);
		if (n == 0 || mrt_is_control(text))
			mrt_buf_add_char(buf, '?');
		else
			mrt_buf_add(buf, text, n);
		n += n == 0;
	}
}

void mrt_table_row(struct mrt_table *t, const char *const *cells)
{
	char **grown = realloc(t->cells, (t->n_rows + 1) * t->n * sizeof(*grown));
	if (!grown) {
		t->failed = true;
		return;
	}
	t->cells = grown;
	for (size_t i = 0; i < t->n; i++) {
		mrt_auto_buf text = MRT_BUF_INIT;
		mrt_printable(&text, cells[i] && *cells[i] ? cells[i] : "-");
		t->cells[t->n_rows * t->n + i] = NULL;
		t->failed |= mrt_buf_take(&text, &t->cells[t->n_rows * t->n + i], NULL) < 0;
	}
	t->n_rows++;
}

/* Columns on the terminal; bytes that are no text count one each. */
static size_t width(const char *text)
{
	mbstate_t state = { 0 };
	size_t sum = 0;
	while (*text) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, strlen(text), &state);
		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			memset(&state, 0, sizeof(state));
			n = 1;
			sum++;
		} else {
			int w = wcwidth(c);
			sum += w > 0 ? (size_t)w : 0;
		}
		text += n;
	}
	return sum;
}

static void add_cell(struct mrt_buf *buf, const char *text, size_t wanted, enum mrt_align align,
                     bool last)
{
	size_t have = width(text), pad = wanted > have ? wanted - have : 0;
	if (align == MRT_RIGHT)
		mrt_buf_printf(buf, "%*s", (int)pad, "");
	mrt_buf_add_text(buf, text);
	if (align == MRT_LEFT && !last)
		mrt_buf_printf(buf, "%*s", (int)pad, "");
	mrt_buf_add_text(buf, last ? "\n" : "  ");
}

int mrt_table_show(struct mrt_output *out, const struct mrt_table *t, struct mrt_error *err)
{
	mrt_autofree size_t *widths = calloc(t->n, sizeof(*widths));
	if (t->failed || !widths)
		return mrt_no_memory(err);
	for (size_t i = 0; i < t->n; i++) {
		widths[i] = width(t->columns[i].title);
		for (size_t r = 0; r < t->n_rows; r++) {
			size_t w = width(t->cells[r * t->n + i]);
			widths[i] = w > widths[i] ? w : widths[i];
		}
	}
	if (out->color)
		mrt_buf_add_text(&out->text, "\033[1m");
	for (size_t i = 0; i < t->n; i++)
		add_cell(&out->text, t->columns[i].title, widths[i], t->columns[i].align,
		         i + 1 == t->n);
	if (out->color)
		mrt_buf_add_text(&out->text, "\033[0m");
	for (size_t r = 0; r < t->n_rows; r++)
		for (size_t i = 0; i < t->n; i++)
			add_cell(&out->text, t->cells[r * t->n + i], widths[i], t->columns[i].align,
			         i + 1 == t->n);
	return mrt_buf_check(&out->text, err);
}

void mrt_show_field(struct mrt_output *out, const char *name, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		out->text.failed = MRT_NO_MEMORY;
		return;
	}
	mrt_buf_printf(&out->text, "%-12s ", name);
	mrt_printable(&out->text, text);
	mrt_buf_add_char(&out->text, '\n');
	free(text);
}

int mrt_show_json(struct mrt_output *out, const json_t *json, struct mrt_error *err)
{
	return mrt_json_print(json, &out->text, err);
}

int mrt_output_flush(struct mrt_output *out, struct mrt_error *err)
{
	int rc = mrt_buf_check(&out->text, err);
	const char *p = mrt_buf_text(&out->text);
	size_t left = out->text.len;
	while (rc == 0 && left > 0) {
		ssize_t n = write(STDOUT_FILENO, p, left);
		out->gone = n < 0 && errno == EPIPE;
		if (n < 0 && errno != EINTR)
			rc = mrt_fail(err, out->gone ? MRT_CANCELLED : MRT_FAILED,
			              "cannot write to standard output: %s", strerror(errno));
		if (n > 0) {
			p += n;
			left -= (size_t)n;
		}
	}
	mrt_buf_clear(&out->text);
	return rc;
}
