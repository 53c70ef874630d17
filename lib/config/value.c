/* value.c - one value of the configuration file. */
#include "config/value.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/state.h"

#include <string.h>

/* Each item ends in a line feed: that is how a list is told from one written in one line. */
static int read_list(const struct mrt_config_reading *r, size_t index, const struct mrt_yaml *list,
                     const char *source, struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	for (size_t i = 0; i < list->n_items; i++) {
		const struct mrt_yaml *item = list->items[i];
		mrt_auto_secret one = NULL;
		int rc = item->kind == MRT_YAML_SCALAR
		                 ? mrt_config_expand(item->text, r->base_dir, &one, err)
		                 : mrt_fail(err, MRT_CONFIG, "an item of the list is no text");
		if (rc == 0 && (!*one || strchr(one, '\n')))
			rc = mrt_fail(err, MRT_CONFIG, "an item of the list is %s",
			              *one ? "more than a line" : "empty");
		if (rc < 0)
			return mrt_prefix(err, rc, "%s:%zu:%zu: %s", r->file, item->line,
			                  item->column, mrt_settings[index].name);
		mrt_buf_printf(&text, "%s\n", one);
	}
	int rc = mrt_buf_check(&text, err);
	if (rc < 0 || text.len == 0 || r->config->states[index].text ||
	    (r->config->states[index].closed && !r->of_view))
		return rc;
	return mrt_config_set(r->ctx, r->config, index, text.data, source, err);
}

bool mrt_config_has(const struct mrt_yaml *map, const char *key)
{
	const struct mrt_yaml *value = mrt_yaml_get(map, key);
	return value && !mrt_yaml_is_null(value);
}

int mrt_config_read_value(const struct mrt_config_reading *r, size_t index,
                          const struct mrt_yaml *value, struct mrt_error *err)
{
	mrt_autofree char *source = NULL;
	mrt_auto_secret text = NULL;
	int rc = mrt_text_printf(&source, err, "%s:%zu:%zu", r->file, value->line, value->column);
	if (rc < 0)
		return rc;
	if (value->kind == MRT_YAML_LIST && mrt_settings[index].kind == MRT_LIST)
		return read_list(r, index, value, source, err);
	if (value->kind != MRT_YAML_SCALAR)
		return mrt_fail(err, MRT_CONFIG, "%s: %s takes %s", source,
		                mrt_settings[index].name,
		                mrt_settings[index].kind == MRT_LIST ? "a list" : "one value");
	if (mrt_yaml_is_null(value))
		return 0;
	rc = mrt_config_expand(value->text, r->base_dir, &text, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s: %s", source, mrt_settings[index].name);
	if (!*text)
		return mrt_fail(err, MRT_CONFIG, "%s: %s is empty", source,
		                mrt_settings[index].name);
	if (r->config->states[index].text) /* a flag or variable came first */
		return 0;
	if (r->config->states[index].closed && !r->of_view)
		return 0;
	return mrt_config_set(r->ctx, r->config, index, text, source, err);
}

int mrt_config_expect(const struct mrt_config_reading *r, const struct mrt_yaml *value,
                      enum mrt_yaml_kind kind, const char *what, struct mrt_error *err)
{
	return value->kind == kind ? 0
	                           : mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: %s expected here",
	                                      r->file, value->line, value->column, what);
}
