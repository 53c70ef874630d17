/* yaml.h - a YAML document as a tree in which every value knows where it stands.
 *
 * One document, bounded depth and number of values; aliases and duplicate keys are errors.
 */
#ifndef MRT_CODEC_YAML_H
#define MRT_CODEC_YAML_H

#include "base/buf.h"

enum mrt_yaml_kind { MRT_YAML_SCALAR, MRT_YAML_MAP, MRT_YAML_LIST };

struct mrt_yaml {
	enum mrt_yaml_kind kind;
	char *text;              /* scalar: its text; in a plain empty scalar "" */
	bool plain;              /* scalar without quotes */
	bool ended;              /* of the document's root: a line "..." says that this is all */
	size_t line, column;     /* from 1; column in characters */
	struct mrt_yaml **items; /* map: key, value, key, value...; list: items */
	size_t n_items;
};

/* name is the file's, for messages: "name:line:column: ...". An empty document is an empty map.
 * Errors are MRT_CONFIG. */
int mrt_yaml_parse(const char *name, const char *data, size_t len, struct mrt_yaml **ret,
                   struct mrt_error *err);
void mrt_yaml_free(struct mrt_yaml *yaml);
MRT_DEFINE_AUTO(mrt_yaml)

/* Nothing, null or ~, without quotes. */
bool mrt_yaml_is_null(const struct mrt_yaml *value);
/* The value of a key in a map, or NULL. */
const struct mrt_yaml *mrt_yaml_get(const struct mrt_yaml *map, const char *key);

#endif
