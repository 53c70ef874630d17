/* load.c - settings from flags, variables, file, ecosystem and defaults, in that order. */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/yaml.h"
#include "ops/config/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

size_t mrt_config_index(const char *name)
{
	size_t i = 0;
	while (i < mrt_n_settings && strcmp(mrt_settings[i].name, name) != 0)
		i++;
	return i;
}

int mrt_setting_variable(const struct mrt_setting *setting, char **ret, struct mrt_error *err)
{
	int rc = mrt_text_printf(ret, err, "MARATEA_%s", setting->name);
	for (char *p = rc == 0 ? *ret : NULL; p && *p; p++)
		*p = *p == '.' || *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return rc;
}

int mrt_config_note(struct mrt_config *config, const char *variable, const char *because,
                    struct mrt_error *err)
{
	char **grown = realloc(config->notes, (config->n_notes + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	config->notes = grown;
	int rc = mrt_text_printf(&grown[config->n_notes], err, "$%s is not used: %s", variable,
	                         because);
	config->n_notes += rc == 0;
	return rc;
}

/* A part of a URL, as it is written and as it is meant. */
static int hide_part(const struct mrt_run *run, const char *part, size_t len, struct mrt_error *err)
{
	mrt_auto_secret raw = NULL;
	mrt_auto_secret plain = NULL;
	int rc = mrt_text_printf(&raw, err, "%.*s", (int)len, part);
	if (rc == 0)
		rc = mrt_text_dup(raw, &plain, err);
	if (rc == 0)
		mrt_percent_decode(plain, false);
	if (rc == 0)
		rc = mrt_log_secret(run->log, raw, err);
	return rc < 0 ? rc : mrt_log_secret(run->log, plain, err);
}

/* The password inside a URL, or in a keyword/value string, is a secret too. */
static int hide_url(const struct mrt_run *run, const char *url, struct mrt_error *err)
{
	const char *scheme = strstr(url, "://");
	const char *begin = scheme ? scheme + 3 : url, *end = begin + strcspn(begin, "/?");
	const char *at = scheme ? memrchr(begin, '@', (size_t)(end - begin)) : NULL;
	const char *colon = at ? memchr(begin, ':', (size_t)(at - begin)) : NULL;
	int rc = colon ? hide_part(run, colon + 1, (size_t)(at - colon - 1), err) : 0;
	for (const char *p = url; rc == 0 && (p = strstr(p, "password"));) {
		p += strlen("password");
		p += strspn(p, " ");
		if (*p != '=')
			continue;
		p += 1 + strspn(p + 1, " ");
		char quote = *p == '\'' ? '\'' : '\0';
		p += quote != '\0';
		const char *stop = quote ? "'" : scheme ? "&" : " ";
		rc = hide_part(run, p, strcspn(p, stop), err);
	}
	return rc;
}

int mrt_config_set(const struct mrt_run *run, struct mrt_config *config, size_t index,
                   const char *text, const char *source, struct mrt_error *err)
{
	struct mrt_setting_state *state = &config->states[index];
	char *copy = NULL, *from = NULL;
	int rc = mrt_text_dup(text, &copy, err);
	if (rc == 0)
		rc = mrt_text_dup(source, &from, err);
	if (rc == 0 && mrt_settings[index].kind == MRT_SECRET &&
	    index != mrt_config_index("store.access-key"))
		rc = mrt_log_secret(run->log, text, err);
	/* mostly a path, but it may be the key itself */
	if (rc == 0 && index == mrt_config_index("backup.identity") &&
	    strncmp(text, MRT_IDENTITY_PREFIX, strlen(MRT_IDENTITY_PREFIX)) == 0)
		rc = mrt_log_secret(run->log, text, err);
	if (rc == 0 && mrt_settings[index].kind == MRT_URL)
		rc = hide_url(run, text, err);
	if (rc < 0) {
		mrt_secret_free(copy);
		free(from);
		return rc;
	}
	mrt_secret_free(state->text);
	free(state->source);
	state->text = copy;
	state->source = from;
	return 0;
}

struct reading {
	const struct mrt_run *run;
	struct mrt_config *config;
	const char *file;
	char *base_dir;
};

#define KEYS_MAX 32

/* The keys that may stand at one level of the file. */
struct keys {
	size_t n;
	char names[KEYS_MAX][48];
};

static void keys_below(const char *prefix, struct keys *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < mrt_n_settings && ret->n < KEYS_MAX; i++) {
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

static int unknown_key(const struct reading *r, const struct mrt_yaml *key, const char *prefix,
                       struct mrt_error *err)
{
	struct keys keys;
	keys_below(prefix, &keys);
	const char *near = mrt_nearest(key->text, key_name, &keys);
	return mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: unknown key '%s%.80s'%s%s%s", r->file,
	                key->line, key->column, prefix, key->text, near ? "; did you mean '" : "",
	                near ? near : "", near ? "'?" : "");
}

/* Each item ends in a line feed: that is how a list is told from one written in one line. */
static int read_list(const struct reading *r, size_t index, const struct mrt_yaml *list,
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
			return mrt_context(err, rc, "%s:%zu:%zu: %s", r->file, item->line,
			                   item->column, mrt_settings[index].name);
		mrt_buf_printf(&text, "%s\n", one);
	}
	int rc = mrt_buf_check(&text, err);
	if (rc < 0 || text.len == 0 || r->config->states[index].text)
		return rc;
	return mrt_config_set(r->run, r->config, index, text.data, source, err);
}

static int read_value(const struct reading *r, size_t index, const struct mrt_yaml *value,
                      struct mrt_error *err)
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
	if (value->plain &&
	    (!*value->text || strcmp(value->text, "~") == 0 || strcmp(value->text, "null") == 0))
		return 0;
	rc = mrt_config_expand(value->text, r->base_dir, &text, err);
	if (rc < 0)
		return mrt_context(err, rc, "%s: %s", source, mrt_settings[index].name);
	if (!*text)
		return mrt_fail(err, MRT_CONFIG, "%s: %s is empty", source,
		                mrt_settings[index].name);
	if (r->config->states[index].text) /* a flag or variable came first */
		return 0;
	return mrt_config_set(r->run, r->config, index, text, source, err);
}

static int read_map(const struct reading *r, const struct mrt_yaml *map, const char *prefix,
                    struct mrt_error *err)
{
	if (map->kind != MRT_YAML_MAP)
		return mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: keys and values are expected here",
		                r->file, map->line, map->column);
	for (size_t i = 0; i + 1 < map->n_items; i += 2) {
		const struct mrt_yaml *key = map->items[i], *value = map->items[i + 1];
		mrt_autofree char *name = NULL, *group = NULL;
		int rc = mrt_text_printf(&name, err, "%s%s", prefix, key->text);
		if (rc == 0)
			rc = mrt_text_printf(&group, err, "%s.", name);
		if (rc < 0)
			return rc;
		size_t index = mrt_config_index(name);
		struct keys below;
		keys_below(group, &below);
		if (index < mrt_n_settings && !strchr(key->text, '.'))
			rc = read_value(r, index, value, err);
		else if (strchr(key->text, '.') || below.n == 0)
			rc = unknown_key(r, key, prefix, err);
		else if (value->kind != MRT_YAML_SCALAR || *value->text)
			rc = read_map(r, value, group, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_file(const struct mrt_run *run, struct mrt_config *config, const char *path,
                     struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = { .ceiling = (size_t)4 << 20 };
	mrt_auto(mrt_yaml) *yaml = NULL;
	mrt_autofree char *base_dir = NULL;
	int rc = mrt_file_read(path, &text, err);
	if (rc < 0)
		return mrt_fail(err, MRT_CONFIG, "%s", err ? err->text : path);
	const char *slash = strrchr(path, '/');
	rc = mrt_text_printf(&base_dir, err, "%.*s", slash ? (int)(slash - path) : 1,
	                     slash ? path : ".");
	if (rc == 0)
		rc = mrt_yaml_parse(path, mrt_buf_text(&text), text.len, &yaml, err);
	const struct reading r = {
		.run = run, .config = config, .file = path, .base_dir = base_dir
	};
	if (rc == 0)
		rc = read_map(&r, yaml, "", err);
	return rc < 0 ? rc : mrt_text_dup(path, &config->path, err);
}

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

static int read_flags(const struct mrt_run *run, struct mrt_config *config,
                      const struct mrt_config_flag *flags, size_t n, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t index = mrt_config_index(flags[i].name);
		mrt_autofree char *source = NULL;
		if (!flags[i].value || index == mrt_n_settings)
			continue;
		rc = mrt_text_printf(&source, err, "option --%s", strrchr(flags[i].name, '.') + 1);
		if (rc == 0)
			rc = mrt_config_set(run, config, index, flags[i].value, source, err);
	}
	return rc;
}

static int read_variable(const struct mrt_run *run, struct mrt_config *config, size_t index,
                         const char *name, struct mrt_error *err)
{
	const char *value = getenv(name);
	mrt_autofree char *source = NULL;
	if (!value || !*value || config->states[index].text)
		return 0;
	int rc = mrt_text_printf(&source, err, "$%s", name);
	return rc < 0 ? rc : mrt_config_set(run, config, index, value, source, err);
}

static int read_variables(const struct mrt_run *run, struct mrt_config *config,
                          struct mrt_error *err)
{
	int rc = read_variable(run, config, mrt_config_index("store.url"), "MARATEA_STORE", err);
	if (rc == 0)
		rc = read_variable(run, config, mrt_config_index("platform.name"),
		                   "MARATEA_PLATFORM", err);
	if (rc == 0)
		rc = read_variable(run, config, mrt_config_index("backup.identity"),
		                   "MARATEA_IDENTITY", err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++) {
		mrt_autofree char *name = NULL;
		rc = mrt_setting_variable(&mrt_settings[i], &name, err);
		if (rc == 0)
			rc = read_variable(run, config, i, name, err);
	}
	return rc;
}

static int read_ambient(const struct mrt_run *run, struct mrt_config *config, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++)
		for (const char *p = mrt_settings[i].ambient; rc == 0 && p && *p;) {
			char name[64], because[256];
			size_t n = strcspn(p, " ");
			snprintf(name, sizeof(name), "%.*s", (int)n, p);
			p += n + (p[n] == ' ');
			const char *value = getenv(name);
			if (!value || !*value)
				continue;
			snprintf(because, sizeof(because), "%s comes from %.128s",
			         mrt_settings[i].name,
			         config->states[i].text ? config->states[i].source : "");
			rc = config->states[i].text ? mrt_config_note(config, name, because, err)
			                            : read_variable(run, config, i, name, err);
		}
	const char *bucket = getenv("S3_BUCKET");
	size_t store = mrt_config_index("store.url");
	if (rc < 0 || !bucket || !*bucket)
		return rc;
	if (config->states[store].text)
		return mrt_config_note(config, "S3_BUCKET", "store.url is set", err);
	mrt_autofree char *url = NULL;
	rc = mrt_text_printf(&url, err, "s3://%s", bucket);
	return rc < 0 ? rc : mrt_config_set(run, config, store, url, "$S3_BUCKET", err);
}

int mrt_config_load(const struct mrt_run *run, const char *path,
                    const struct mrt_config_flag *flags, size_t n_flags, struct mrt_config **ret,
                    struct mrt_error *err)
{
	mrt_auto(mrt_config) *config = calloc(1, sizeof(*config));
	if (!config)
		return mrt_no_memory(err);
	config->states = calloc(mrt_n_settings, sizeof(*config->states));
	if (!config->states)
		return mrt_no_memory(err);
	mrt_autofree char *file = NULL;
	int rc = read_flags(run, config, flags, n_flags, err);
	if (rc == 0)
		rc = read_variables(run, config, err);
	if (rc == 0)
		rc = find_file(path, &file, err);
	if (rc == 0 && file)
		rc = read_file(run, config, file, err);
	if (rc == 0)
		rc = read_ambient(run, config, err);
	if (rc == 0)
		rc = mrt_config_credentials(run, config, err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++)
		if (!config->states[i].text && mrt_settings[i].otherwise)
			rc = mrt_config_set(run, config, i, mrt_settings[i].otherwise, "default",
			                    err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++)
		rc = mrt_config_settle(config, i, err);
	if (rc == 0)
		rc = mrt_config_check(config, err);
	if (rc == 0)
		*ret = mrt_steal(config);
	return rc;
}

void mrt_config_free(struct mrt_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; config->states && i < mrt_n_settings; i++) {
		mrt_secret_free(config->states[i].text);
		free(config->states[i].source);
	}
	for (size_t i = 0; i < config->n_notes; i++)
		free(config->notes[i]);
	free(config->notes);
	free(config->aws_container_uri);
	free(config->states);
	free(config->path);
	free(config);
}
