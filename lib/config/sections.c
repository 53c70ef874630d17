/* sections.c - what the file names besides settings: targets, stores, assertions. */
#include "config/sections.h"
#include "base/text.h"
#include "config/state.h"

#include <string.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* A name of a target or store, added to the list of its kind. */
static int add_name(const struct mrt_config_reading *r, const struct mrt_yaml *key,
                    const char *what, char ***list, size_t *n, struct mrt_error *err)
{
	const char *name = key->text;
	size_t len = strlen(name);
	if (len == 0 || len > 64 || strspn(name, NAME_CHARACTERS) != len)
		return mrt_fail(
		        err, MRT_CONFIG,
		        "%s:%zu:%zu: the name of a %s: only letters, digits, '_' and '-', 1 "
		        "to 64 of them",
		        r->file, key->line, key->column, what);
	char **grown = realloc(*list, (*n + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	*list = grown;
	int rc = mrt_text_dup(name, &grown[*n], err);
	*n += rc == 0;
	return rc;
}

/* The keys of a target and what they are when it is the one that is meant. */
static const struct {
	const char *key, *setting;
} target_keys[] = { { "postgres-url", "postgres.url" },
	            { "postgres-password", "postgres.password" },
	            { "redis-url", "redis.url" },
	            { "redis-ca-file", "redis.ca-file" },
	            { "method", "backup.method" } };
#define N_TARGET_KEYS (MRT_COUNT(target_keys))

static const char *target_key(const void *arg, size_t i)
{
	(void)arg;
	return i < N_TARGET_KEYS ? target_keys[i].key : NULL;
}

static int unknown_member(const struct mrt_config_reading *r, const struct mrt_yaml *key,
                          const char *near, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: unknown key '%.80s'%s%s%s", r->file,
	                key->line, key->column, key->text, near ? "; did you mean '" : "",
	                near ? near : "", near ? "'?" : "");
}

static int read_target(const struct mrt_config_reading *r, const struct mrt_yaml *name,
                       const struct mrt_yaml *map, struct mrt_error *err)
{
	bool meant = r->config->target && strcmp(r->config->target, name->text) == 0;
	struct mrt_config_reading inside = *r;
	inside.of_view = true;
	int rc = mrt_config_expect(r, map, MRT_YAML_MAP, "keys and values are", err);
	for (size_t i = 0; rc == 0 && i + 1 < map->n_items; i += 2) {
		size_t k = 0;
		while (k < N_TARGET_KEYS && strcmp(target_keys[k].key, map->items[i]->text) != 0)
			k++;
		if (k == N_TARGET_KEYS)
			rc = unknown_member(r, map->items[i],
			                    mrt_nearest(map->items[i]->text, target_key, NULL),
			                    err);
		else if (meant && r->of_view)
			rc = mrt_config_read_value(&inside,
			                           mrt_config_index(target_keys[k].setting),
			                           map->items[i + 1], err);
	}
	if (rc < 0)
		return rc;
	bool postgres = mrt_config_has(map, "postgres-url"),
	     redis = mrt_config_has(map, "redis-url");
	if (postgres == redis)
		return mrt_fail(err, MRT_CONFIG,
		                "%s:%zu:%zu: the target %s has %s: one of them is needed", r->file,
		                name->line, name->column, name->text,
		                redis ? "both postgres-url and redis-url"
		                      : "neither postgres-url nor redis-url");
	return 0;
}

int mrt_config_read_targets(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                            struct mrt_error *err)
{
	int rc = mrt_config_expect(r, map, MRT_YAML_MAP, "names are", err);
	for (size_t i = 0; rc == 0 && i + 1 < map->n_items; i += 2) {
		const struct mrt_yaml *name = map->items[i];
		if (strcmp(name->text, "postgres") == 0 || strcmp(name->text, "redis") == 0)
			return mrt_fail(err, MRT_CONFIG,
			                "%s:%zu:%zu: the target %s is the one of %s.url already",
			                r->file, name->line, name->column, name->text, name->text);
		rc = read_target(r, name, map->items[i + 1], err);
		if (rc == 0 && !r->of_view)
			rc = add_name(r, name, "target", &r->config->targets, &r->config->n_targets,
			              err);
	}
	return rc;
}

static const char *store_key(const void *arg, size_t i)
{
	(void)arg;
	for (size_t k = 0; k < mrt_n_settings; k++)
		if (strncmp(mrt_settings[k].name, "store.", 6) == 0 && i-- == 0)
			return mrt_settings[k].name + 6;
	return NULL;
}

/* The settings below prefix, "store." or "store.object-lock.". */
static int read_store_map(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                          const char *prefix, bool meant, struct mrt_error *err)
{
	struct mrt_config_reading inside = *r;
	inside.of_view = true;
	int rc = mrt_config_expect(r, map, MRT_YAML_MAP, "keys and values are", err);
	for (size_t i = 0; rc == 0 && i + 1 < map->n_items; i += 2) {
		const struct mrt_yaml *key = map->items[i], *value = map->items[i + 1];
		mrt_autofree char *name = NULL, *group = NULL;
		rc = mrt_text_printf(&name, err, "%s%s", prefix, key->text);
		if (rc == 0)
			rc = mrt_text_printf(&group, err, "%s.", name);
		size_t index = rc == 0 ? mrt_config_index(name) : 0;
		bool is_group = false;
		for (size_t k = 0; rc == 0 && k < mrt_n_settings; k++)
			is_group = is_group ||
			           strncmp(mrt_settings[k].name, group, strlen(group)) == 0;
		if (rc == 0 && is_group)
			rc = read_store_map(r, value, group, meant, err);
		else if (rc == 0 && index == mrt_n_settings)
			rc = unknown_member(r, key, mrt_nearest(key->text, store_key, NULL), err);
		else if (rc == 0 && meant && r->of_view)
			rc = mrt_config_read_value(&inside, index, value, err);
	}
	return rc;
}

static int read_store(const struct mrt_config_reading *r, const struct mrt_yaml *name,
                      const struct mrt_yaml *map, struct mrt_error *err)
{
	bool meant = r->config->store && strcmp(r->config->store, name->text) == 0;
	int rc = read_store_map(r, map, "store.", meant, err);
	if (rc == 0 && !mrt_config_has(map, "url"))
		rc = mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: the store %s has no url", r->file,
		              name->line, name->column, name->text);
	return rc;
}

int mrt_config_read_stores(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                           struct mrt_error *err)
{
	int rc = mrt_config_expect(r, map, MRT_YAML_MAP, "names are", err);
	for (size_t i = 0; rc == 0 && i + 1 < map->n_items; i += 2) {
		const struct mrt_yaml *name = map->items[i];
		if (strcmp(name->text, MRT_MAIN_STORE) == 0)
			return mrt_fail(err, MRT_CONFIG,
			                "%s:%zu:%zu: the store " MRT_MAIN_STORE
			                " is the one of store.url already",
			                r->file, name->line, name->column);
		rc = read_store(r, map->items[i], map->items[i + 1], err);
		if (rc == 0 && !r->of_view)
			rc = add_name(r, map->items[i], "store", &r->config->stores,
			              &r->config->n_stores, err);
	}
	return rc;
}

/* One member of an assertion, expanded; NULL where it is not there. */
static int member(const struct mrt_config_reading *r, const struct mrt_yaml *map, const char *key,
                  char **ret, struct mrt_error *err)
{
	const struct mrt_yaml *value = mrt_yaml_get(map, key);
	if (!value)
		return 0;
	int rc = mrt_config_expect(r, value, MRT_YAML_SCALAR, "one value is", err);
	if (rc == 0)
		rc = mrt_config_expand(value->text, r->base_dir, ret, err);
	return rc < 0 ? mrt_prefix(err, rc, "%s:%zu:%zu: %s", r->file, value->line, value->column,
	                           key)
	              : 0;
}

#define N_ASSERTION_KEYS 4

static const char *assertion_key(const void *arg, size_t i)
{
	static const char *const keys[] = { "target", "database", "sql", "expect" };
	(void)arg;
	return i < N_ASSERTION_KEYS ? keys[i] : NULL;
}

static int read_assertion(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                          struct mrt_assertion *ret, struct mrt_error *err)
{
	int rc = mrt_config_expect(r, map, MRT_YAML_MAP, "sql and expect are", err);
	for (size_t i = 0; rc == 0 && i + 1 < map->n_items; i += 2) {
		size_t k = 0;
		while (k < N_ASSERTION_KEYS &&
		       strcmp(assertion_key(NULL, k), map->items[i]->text) != 0)
			k++;
		if (k == N_ASSERTION_KEYS)
			rc = unknown_member(r, map->items[i],
			                    mrt_nearest(map->items[i]->text, assertion_key, NULL),
			                    err);
	}
	if (rc == 0)
		rc = member(r, map, "target", &ret->target, err);
	if (rc == 0)
		rc = member(r, map, "database", &ret->database, err);
	if (rc == 0)
		rc = member(r, map, "sql", &ret->sql, err);
	if (rc == 0)
		rc = member(r, map, "expect", &ret->expect, err);
	if (rc == 0 && (!ret->sql || !*ret->sql || !ret->expect))
		rc = mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: an assertion needs sql and expect",
		              r->file, map->line, map->column);
	return rc;
}

int mrt_config_read_assertions(const struct mrt_config_reading *r, const struct mrt_yaml *list,
                               struct mrt_error *err)
{
	int rc = mrt_config_expect(r, list, MRT_YAML_LIST, "a list of assertions is", err);
	if (rc < 0 || r->of_view)
		return rc;
	struct mrt_config *c = r->config;
	c->assertions = calloc(list->n_items + 1, sizeof(*c->assertions));
	if (!c->assertions)
		return mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < list->n_items; i++)
		rc = read_assertion(r, list->items[i], &c->assertions[c->n_assertions++], err);
	return rc;
}
