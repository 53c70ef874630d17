/* file.c - the configuration file, found and read. */
#include "config/file.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/sections.h"
#include "config/state.h"

#include <stdio.h>
#include <string.h>

#define KEYS_MAX 40

/* What is no setting, but has a place in the file. */
static const struct {
	const char *name;
	int (*read)(const struct mrt_config_reading *r, const struct mrt_yaml *value,
	            struct mrt_error *err);
} sections[] = { { "targets", mrt_config_read_targets },
	         { "stores", mrt_config_read_stores },
	         { "backup.assertions", mrt_config_read_assertions } };

/* The keys that may stand at one level of the file. */
struct keys {
	size_t n;
	char names[KEYS_MAX][48];
};

static void keys_below(const char *prefix, struct keys *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < MRT_COUNT(sections); i++)
		if (strncmp(sections[i].name, prefix, strlen(prefix)) == 0 &&
		    !strchr(sections[i].name + strlen(prefix), '.'))
			snprintf(ret->names[ret->n++], sizeof(ret->names[0]), "%s",
			         sections[i].name + strlen(prefix));
	for (size_t i = 0; i < mrt_n_settings; i++) {
		mrt_assert(ret->n < KEYS_MAX);
		const char *name = mrt_settings[i].name;
		if (strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		name += strlen(prefix);
		snprintf(ret->names[ret->n], sizeof(ret->names[0]), "%.*s", (int)strcspn(name, "."),
		         name);
		if (ret->n == 0 || strcmp(ret->names[ret->n], ret->names[ret->n - 1]) != 0)
			ret->n++;
	}
}

static const char *key_name(const void *arg, size_t i)
{
	const struct keys *keys = arg;
	return i < keys->n ? keys->names[i] : NULL;
}

static int unknown_key(const struct mrt_config_reading *r, const struct mrt_yaml *key,
                       const char *prefix, struct mrt_error *err)
{
	struct keys keys;
	keys_below(prefix, &keys);
	const char *near = mrt_nearest(key->text, key_name, &keys);
	return mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: unknown key '%s%.80s'%s%s%s", r->file,
	                key->line, key->column, prefix, key->text, near ? "; did you mean '" : "",
	                near ? near : "", near ? "'?" : "");
}

static size_t section_of(const char *name)
{
	size_t i = 0;
	while (i < MRT_COUNT(sections) && strcmp(sections[i].name, name) != 0)
		i++;
	return i;
}

static int read_map(const struct mrt_config_reading *r, const struct mrt_yaml *map,
                    const char *prefix, struct mrt_error *err)
{
	int checked = mrt_config_expect(r, map, MRT_YAML_MAP, "keys and values are", err);
	if (checked < 0)
		return checked;
	for (size_t i = 0; i + 1 < map->n_items; i += 2) {
		const struct mrt_yaml *key = map->items[i], *value = map->items[i + 1];
		mrt_autofree char *name = NULL, *group = NULL;
		int rc = mrt_text_printf(&name, err, "%s%s", prefix, key->text);
		if (rc == 0)
			rc = mrt_text_printf(&group, err, "%s.", name);
		if (rc < 0)
			return rc;
		size_t index = mrt_config_index(name), section = section_of(name);
		struct keys below;
		keys_below(group, &below);
		if (index < mrt_n_settings && !strchr(key->text, '.'))
			rc = mrt_config_read_value(r, index, value, err);
		else if (section < MRT_COUNT(sections))
			rc = mrt_yaml_is_null(value) ? 0 : sections[section].read(r, value, err);
		else if (strchr(key->text, '.') || below.n == 0)
			rc = unknown_key(r, key, prefix, err);
		else if (value->kind != MRT_YAML_SCALAR || *value->text)
			rc = read_map(r, value, group, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The file that --config, a variable or a usual place names; *ret NULL: there is none. */
static int find_file(const char *given, char **ret, struct mrt_error *err)
{
	const char *variable = getenv("MARATEA_CONFIG"), *home = getenv("HOME");
	if (given)
		return mrt_text_dup(given, ret, err);
	if (variable && *variable)
		return mrt_text_dup(variable, ret, err);
	mrt_autofree char *in_home = NULL;
	int rc =
	        mrt_text_printf(&in_home, err, "%s/.config/maratea/maratea.yaml", home ? home : "");
	if (rc < 0)
		return rc;
	const char *const places[] = { "./maratea.yaml", home && *home ? in_home : NULL,
		                       "/etc/maratea/maratea.yaml" };
	for (size_t i = 0; i < 3; i++)
		if (places[i] && access(places[i], F_OK) == 0)
			return mrt_text_dup(places[i], ret, err);
	return 0;
}

int mrt_config_parse_file(const char *given, struct mrt_config *config, struct mrt_yaml **ret,
                          struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = { .ceiling = (size_t)4 << 20 };
	mrt_autofree char *path = NULL;
	int rc = find_file(given, &path, err);
	if (rc < 0 || !path)
		return rc;
	rc = mrt_file_read(path, &text, err);
	if (rc < 0)
		return mrt_recode(err, MRT_CONFIG);
	rc = mrt_yaml_parse(path, mrt_buf_text(&text), text.len, ret, err);
	if (rc == 0)
		config->path = mrt_steal(path);
	return rc;
}

int mrt_config_read_file(const struct mrt_context *ctx, struct mrt_config *config,
                         const struct mrt_yaml *yaml, bool of_view, struct mrt_error *err)
{
	mrt_autofree char *base_dir = NULL;
	const char *slash = strrchr(config->path, '/');
	int rc = mrt_text_printf(&base_dir, err, "%.*s", slash ? (int)(slash - config->path) : 1,
	                         slash ? config->path : ".");
	const struct mrt_config_reading r = { .ctx = ctx,
		                              .config = config,
		                              .file = config->path,
		                              .base_dir = base_dir,
		                              .of_view = of_view };
	if (rc < 0 || !of_view)
		return rc < 0 ? rc : read_map(&r, yaml, "", err);
	const struct mrt_yaml *targets = mrt_yaml_get(yaml, "targets"),
	                      *stores = mrt_yaml_get(yaml, "stores");
	if (targets && config->target)
		rc = mrt_config_read_targets(&r, targets, err);
	if (rc == 0 && stores && config->store)
		rc = mrt_config_read_stores(&r, stores, err);
	return rc;
}
