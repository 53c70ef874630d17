/* json.c - jansson with our errors. */
#include "codec/json.h"

#include <string.h>

int mrt_json_parse(const char *text, size_t len, json_t **ret, struct mrt_error *err)
{
	json_error_t why;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		return mrt_fail(err, MRT_CORRUPT, "JSON, line %d column %d: %s", why.line,
		                why.column, why.text);
	if (!json_is_object(json)) {
		json_decref(json);
		return mrt_fail(err, MRT_CORRUPT, "JSON: an object is expected");
	}
	*ret = json;
	return 0;
}

static int wrong(const json_t *object, const char *name, const char *type, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "JSON member '%s' %s", name,
	                json_object_get(object, name) ? type : "is missing");
}

int mrt_json_text(const json_t *object, const char *name, const char **ret, struct mrt_error *err)
{
	const char *text = json_string_value(json_object_get(object, name));
	if (!text)
		return wrong(object, name, "is not a text", err);
	*ret = text;
	return 0;
}

int mrt_json_size(const json_t *object, const char *name, uint64_t *ret, struct mrt_error *err)
{
	const json_t *value = json_object_get(object, name);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return wrong(object, name, "is not a whole number", err);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

int mrt_json_array(const json_t *object, const char *name, json_t **ret, struct mrt_error *err)
{
	json_t *value = json_object_get(object, name);
	if (!json_is_array(value))
		return wrong(object, name, "is not a list", err);
	*ret = value;
	return 0;
}

const char *mrt_json_text_or(const json_t *object, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : otherwise;
}

uint64_t mrt_json_size_or(const json_t *object, const char *name, uint64_t otherwise)
{
	const json_t *value = json_object_get(object, name);
	return json_is_integer(value) && json_integer_value(value) >= 0
	               ? (uint64_t)json_integer_value(value)
	               : otherwise;
}

int mrt_json_set(json_t *object, const char *name, json_t *value, struct mrt_error *err)
{
	return value && json_object_set_new(object, name, value) == 0 ? 0 : mrt_no_memory(err);
}

int mrt_json_append(json_t *array, json_t *value, struct mrt_error *err)
{
	return value && json_array_append_new(array, value) == 0 ? 0 : mrt_no_memory(err);
}

int mrt_json_set_text(json_t *object, const char *name, const char *text, struct mrt_error *err)
{
	if (!text)
		return mrt_json_set(object, name, json_null(), err);
	json_t *value = json_string(text);
	if (!value) {
		mrt_auto_buf ascii = MRT_BUF_INIT;
		for (const char *p = text; *p; p++)
			mrt_buf_add_char(&ascii, (unsigned char)*p < 0x80 ? *p : '?');
		value = ascii.failed ? NULL : json_string(mrt_buf_text(&ascii));
	}
	return mrt_json_set(object, name, value, err);
}

int mrt_json_set_error(json_t *object, const char *name, struct mrt_log *log,
                       const struct mrt_error *why, struct mrt_error *err)
{
	mrt_auto_buf masked = MRT_BUF_INIT;
	if (!why)
		return mrt_json_set(object, name, json_null(), err);
	mrt_error_mask(log, why, &masked);
	int rc = mrt_buf_check(&masked, err);
	return rc < 0 ? rc : mrt_json_set_text(object, name, mrt_buf_text(&masked), err);
}

int mrt_json_set_size(json_t *object, const char *name, uint64_t value, struct mrt_error *err)
{
	return mrt_json_set(object, name, json_integer((json_int_t)value), err);
}

static int append(const char *data, size_t len, void *buf)
{
	mrt_buf_add(buf, data, len);
	return ((struct mrt_buf *)buf)->failed ? -1 : 0;
}

int mrt_json_print(const json_t *json, struct mrt_buf *buf, struct mrt_error *err)
{
	if (json_dump_callback(json, append, buf, JSON_INDENT(2)) < 0 && !buf->failed)
		return mrt_no_memory(err);
	mrt_buf_add_char(buf, '\n');
	return mrt_buf_check(buf, err);
}
