/* json.h - jansson with our errors: parse under a ceiling, typed access that names what is wrong.
 */
#ifndef MRT_CODEC_JSON_H
#define MRT_CODEC_JSON_H

#include "base/log.h"

#include <jansson.h>
#include <stdint.h>

static inline void mrt_json_auto(json_t **json)
{
	json_decref(*json);
}
#define mrt_auto_json mrt_cleanup(mrt_json_auto) json_t *

/* One JSON object and nothing after it; MRT_CORRUPT names line and column. */
int mrt_json_parse(const char *text, size_t len, json_t **ret, struct mrt_error *err);

/* Members of an object. The value stays owned by the object. MRT_CORRUPT when the member is missing
 * or of another type; the _or variants give a default when it is missing or null. */
int mrt_json_text(const json_t *object, const char *name, const char **ret, struct mrt_error *err);
int mrt_json_size(const json_t *object, const char *name, uint64_t *ret, struct mrt_error *err);
int mrt_json_array(const json_t *object, const char *name, json_t **ret, struct mrt_error *err);
const char *mrt_json_text_or(const json_t *object, const char *name, const char *otherwise);
uint64_t mrt_json_size_or(const json_t *object, const char *name, uint64_t otherwise);

/* Sets a member, taking over value; NULL value (no memory) is reported. */
int mrt_json_set(json_t *object, const char *name, json_t *value, struct mrt_error *err);
int mrt_json_append(json_t *array, json_t *value, struct mrt_error *err);
/* A text member; bytes that are not UTF-8 are replaced by "?". NULL text becomes null. */
int mrt_json_set_text(json_t *object, const char *name, const char *text, struct mrt_error *err);
/* What an error says, masked; NULL error becomes null. */
int mrt_json_set_error(json_t *object, const char *name, struct mrt_log *log,
                       const struct mrt_error *why, struct mrt_error *err);
int mrt_json_set_size(json_t *object, const char *name, uint64_t value, struct mrt_error *err);
/* Appends the document, indented by 2, members in their order, ending in a newline. */
int mrt_json_print(const json_t *json, struct mrt_buf *buf, struct mrt_error *err);

#endif
