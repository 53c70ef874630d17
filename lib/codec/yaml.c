/* yaml.c - libyaml's events into a tree. */
#include "codec/yaml.h"
#include "base/text.h"

#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 32
#define ITEMS_MAX 500000
#define KEYS_MAX 1000 /* of one map: each is compared with those before it */

struct loading {
	yaml_parser_t parser;
	const char *name;
	size_t n_items;
};

void mrt_yaml_free(struct mrt_yaml *yaml)
{
	if (!yaml)
		return;
	for (size_t i = 0; i < yaml->n_items; i++)
		mrt_yaml_free(yaml->items[i]);
	free(yaml->items);
	if (yaml->text)
		explicit_bzero(yaml->text, strlen(yaml->text)); /* may be a password */
	free(yaml->text);
	free(yaml);
}

static int fail_at(const struct loading *l, const yaml_mark_t *mark, const char *what,
                   struct mrt_error *err)
{
	return mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: %s", l->name, mark->line + 1,
	                mark->column + 1, what);
}

static int next_event(struct loading *l, yaml_event_t *event, struct mrt_error *err)
{
	if (yaml_parser_parse(&l->parser, event))
		return 0;
	if (l->parser.error == YAML_MEMORY_ERROR)
		return mrt_no_memory(err);
	const char *problem = l->parser.problem ? l->parser.problem : "not YAML";
	return fail_at(l, &l->parser.problem_mark, problem, err);
}

static int add_item(struct mrt_yaml *to, struct mrt_yaml *item, struct mrt_error *err)
{
	size_t n = to->n_items;
	if ((n & (n - 1)) == 0) { /* full: room doubles at powers of two */
		size_t room = n > 0 ? 2 * n : 1;
		struct mrt_yaml **grown = realloc(to->items, room * sizeof(struct mrt_yaml *));
		if (!grown) {
			mrt_yaml_free(item);
			return mrt_no_memory(err);
		}
		to->items = grown;
	}
	to->items[to->n_items++] = item;
	return 0;
}

static int build(struct loading *l, const yaml_event_t *event, unsigned depth,
                 struct mrt_yaml **ret, struct mrt_error *err);

static int build_items(struct loading *l, struct mrt_yaml *to, yaml_event_type_t end,
                       unsigned depth, struct mrt_error *err)
{
	for (;;) {
		yaml_event_t event;
		int rc = next_event(l, &event, err);
		if (rc < 0)
			return rc;
		if (event.type == end) {
			yaml_event_delete(&event);
			return 0;
		}
		struct mrt_yaml *item = NULL;
		bool key = to->kind == MRT_YAML_MAP && to->n_items % 2 == 0;
		if (key && to->n_items / 2 >= KEYS_MAX) {
			rc = fail_at(l, &event.start_mark, "too many keys", err);
			yaml_event_delete(&event);
			return rc;
		}
		rc = build(l, &event, depth + 1, &item, err);
		if (rc == 0 && key && item->kind != MRT_YAML_SCALAR)
			rc = fail_at(l, &event.start_mark, "a key must be a plain word", err);
		if (rc == 0 && key && mrt_yaml_get(to, item->text))
			rc = fail_at(l, &event.start_mark, "this key stands here twice", err);
		yaml_event_delete(&event);
		if (rc < 0) {
			mrt_yaml_free(item);
			return rc;
		}
		rc = add_item(to, item, err);
		if (rc < 0)
			return rc;
	}
}

static int build(struct loading *l, const yaml_event_t *event, unsigned depth,
                 struct mrt_yaml **ret, struct mrt_error *err)
{
	if (depth > DEPTH_MAX || ++l->n_items > ITEMS_MAX)
		return fail_at(l, &event->start_mark, "too deep or too large", err);
	if (event->type == YAML_ALIAS_EVENT)
		return fail_at(l, &event->start_mark, "aliases are not supported", err);
	mrt_auto(mrt_yaml) *node = calloc(1, sizeof(*node));
	if (!node)
		return mrt_no_memory(err);
	node->line = event->start_mark.line + 1;
	node->column = event->start_mark.column + 1;
	int rc = 0;
	if (event->type == YAML_SCALAR_EVENT) {
		const char *text = (const char *)event->data.scalar.value;
		if (strlen(text) != event->data.scalar.length)
			return fail_at(l, &event->start_mark, "a NUL byte", err);
		node->kind = MRT_YAML_SCALAR;
		node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		if (event->data.scalar.tag && *event->data.scalar.tag)
			rc = fail_at(l, &event->start_mark, "tags are not supported", err);
		if (rc < 0)
			return rc;
		rc = mrt_text_dup(text, &node->text, err);
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		node->kind = MRT_YAML_MAP;
		rc = build_items(l, node, YAML_MAPPING_END_EVENT, depth, err);
	} else {
		node->kind = MRT_YAML_LIST;
		rc = build_items(l, node, YAML_SEQUENCE_END_EVENT, depth, err);
	}
	if (rc == 0)
		*ret = mrt_steal(node);
	return rc;
}

/* stream start, document start, root, document end, stream end */
static int load(struct loading *l, struct mrt_yaml **ret, struct mrt_error *err)
{
	mrt_auto(mrt_yaml) *root = NULL;
	for (unsigned documents = 0;;) {
		yaml_event_t event;
		int rc = next_event(l, &event, err);
		if (rc < 0)
			return rc;
		yaml_event_type_t type = event.type;
		if (type == YAML_DOCUMENT_END_EVENT && root)
			root->ended = !event.data.document_end.implicit;
		if (type == YAML_DOCUMENT_START_EVENT && documents++ > 0)
			rc = fail_at(l, &event.start_mark, "a second document", err);
		else if (type == YAML_SCALAR_EVENT || type == YAML_MAPPING_START_EVENT ||
		         type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT)
			rc = build(l, &event, 0, &root, err);
		yaml_event_delete(&event);
		if (rc < 0)
			return rc;
		if (type == YAML_STREAM_END_EVENT)
			break;
	}
	if (!root) {
		root = calloc(1, sizeof(*root));
		if (!root)
			return mrt_no_memory(err);
		root->kind = MRT_YAML_MAP;
		root->line = root->column = 1;
	}
	*ret = mrt_steal(root);
	return 0;
}

int mrt_yaml_parse(const char *name, const char *data, size_t len, struct mrt_yaml **ret,
                   struct mrt_error *err)
{
	struct loading l = { .name = name };
	if (!yaml_parser_initialize(&l.parser))
		return mrt_no_memory(err);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)data, len);
	int rc = load(&l, ret, err);
	yaml_parser_delete(&l.parser);
	return rc;
}

bool mrt_yaml_is_null(const struct mrt_yaml *value)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	bool null = false;
	for (size_t i = 0; i < MRT_COUNT(nulls); i++)
		null = null || (value->kind == MRT_YAML_SCALAR && value->plain &&
		                strcmp(value->text, nulls[i]) == 0);
	return null;
}

const struct mrt_yaml *mrt_yaml_get(const struct mrt_yaml *map, const char *key)
{
	if (map->kind == MRT_YAML_MAP)
		for (size_t i = 0; i + 1 < map->n_items; i += 2)
			if (strcmp(map->items[i]->text, key) == 0)
				return map->items[i + 1];
	return NULL;
}
