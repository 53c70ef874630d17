/* load.c - settings from flags, variables, file, ecosystem and defaults, in that order. */
#include "base/secret.h"
#include "base/text.h"
#include "codec/url.h"
#include "config/credentials.h"
#include "config/file.h"
#include "config/settings.h"
#include "config/settle.h"
#include "config/state.h"

#include <stdio.h>
#include <string.h>

/* --store NAME is a view, --store URL a setting. */
static bool is_store_name(const struct mrt_config_flag *flag)
{
	return flag->value && strcmp(flag->name, "store.url") == 0 && !strstr(flag->value, "://");
}

static int read_flags(const struct mrt_context *ctx, struct mrt_config *config,
                      const struct mrt_config_flag *flags, size_t n, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t index = mrt_config_index(flags[i].name);
		mrt_autofree char *source = NULL;
		if (!flags[i].value || index == mrt_n_settings || is_store_name(&flags[i]))
			continue;
		rc = mrt_text_printf(&source, err, "option --%s", strrchr(flags[i].name, '.') + 1);
		if (rc == 0)
			rc = mrt_config_set(ctx, config, index, flags[i].value, source, err);
		if (rc == 0 && mrt_settings[index].kind == MRT_URL &&
		    mrt_url_has_password(flags[i].value))
			mrt_warn(ctx,
			         "every user of this machine can see the password in --%s; set %s "
			         "in the configuration file or the environment instead",
			         strrchr(flags[i].name, '.') + 1, flags[i].name);
	}
	return rc;
}

static int read_variable(const struct mrt_context *ctx, struct mrt_config *config, size_t index,
                         const char *name, struct mrt_error *err)
{
	const char *value = getenv(name);
	mrt_autofree char *source = NULL;
	if (!value || !*value || config->states[index].text || config->states[index].closed)
		return 0;
	int rc = mrt_text_printf(&source, err, "$%s", name);
	return rc < 0 ? rc : mrt_config_set(ctx, config, index, value, source, err);
}

static int read_variables(const struct mrt_context *ctx, struct mrt_config *config,
                          struct mrt_error *err)
{
	int rc = read_variable(ctx, config, mrt_config_index("store.url"), "MARATEA_STORE", err);
	if (rc == 0)
		rc = read_variable(ctx, config, mrt_config_index("platform.name"),
		                   "MARATEA_PLATFORM", err);
	if (rc == 0)
		rc = read_variable(ctx, config, mrt_config_index("backup.identity"),
		                   "MARATEA_IDENTITY", err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++) {
		mrt_autofree char *name = NULL;
		rc = mrt_setting_variable(&mrt_settings[i], &name, err);
		if (rc == 0)
			rc = read_variable(ctx, config, i, name, err);
	}
	return rc;
}

static int read_ambient(const struct mrt_context *ctx, struct mrt_config *config,
                        struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++)
		for (const char *p = mrt_settings[i].ambient; rc == 0 && p && *p;) {
			char name[64], because[256];
			size_t n = strcspn(p, " ");
			snprintf(name, sizeof(name), "%.*s", (int)n, p);
			p += n + (p[n] == ' ');
			const char *value = getenv(name);
			if (!value || !*value || config->states[i].closed)
				continue;
			snprintf(because, sizeof(because), "%s comes from %.128s",
			         mrt_settings[i].name,
			         config->states[i].text ? config->states[i].source : "");
			rc = config->states[i].text ? mrt_config_note(config, name, because, err)
			                            : read_variable(ctx, config, i, name, err);
		}
	const char *bucket = getenv("S3_BUCKET");
	size_t store = mrt_config_index("store.url");
	if (rc < 0 || !bucket || !*bucket || config->states[store].closed)
		return rc;
	if (config->states[store].text)
		return mrt_config_note(config, "S3_BUCKET", "store.url is set", err);
	mrt_autofree char *url = NULL;
	rc = mrt_text_printf(&url, err, "s3://%s", bucket);
	return rc < 0 ? rc : mrt_config_set(ctx, config, store, url, "$S3_BUCKET", err);
}

static const char *store_name(const void *arg, size_t i)
{
	const struct mrt_config *config = arg;
	return i < config->n_stores ? config->stores[i] : NULL;
}

static const char *target_name(const void *arg, size_t i)
{
	const struct mrt_config *config = arg;
	return i < config->n_targets ? config->targets[i] : NULL;
}

/* A view's settings come from its section alone, whatever variables and the rest of the file say
 * of others. */
static void close_settings(struct mrt_config *config)
{
	static const char *const of_target[] = { "postgres.url",        "postgres.password",
		                                 "redis.url",           "redis.ca-file",
		                                 "backup.postgres-url", "backup.postgres-password",
		                                 "backup.method" };
	static const char *const of_store[] = { "store.url",
		                                "store.driver",
		                                "store.endpoint",
		                                "store.region",
		                                "store.style",
		                                "store.ca-file",
		                                "store.access-key",
		                                "store.secret-key",
		                                "store.profile",
		                                "store.session-token",
		                                "store.object-lock.mode",
		                                "store.insecure-tls",
		                                "store.object-lock.days" };
	for (size_t i = 0; config->target && i < MRT_COUNT(of_target); i++)
		config->states[mrt_config_index(of_target[i])].closed = true;
	for (size_t i = 0; config->store && i < MRT_COUNT(of_store); i++)
		config->states[mrt_config_index(of_store[i])].closed = true;
}

/* What the view is of must be in the file. */
static int check_view(const struct mrt_config *c, struct mrt_error *err)
{
	const struct {
		const char *what, *wanted;
		const char *(*names)(const void *arg, size_t i);
	} views[] = { { "target", c->target, target_name }, { "store", c->store, store_name } };
	for (size_t k = 0; k < 2; k++) {
		bool found = !views[k].wanted;
		for (size_t i = 0; !found && views[k].names(c, i); i++)
			found = strcmp(views[k].names(c, i), views[k].wanted) == 0;
		if (found)
			continue;
		const char *near = mrt_nearest(views[k].wanted, views[k].names, c);
		return mrt_fail(err, MRT_USAGE, "there is no %s '%.80s' in the configuration%s%s%s",
		                views[k].what, views[k].wanted, near ? "; did you mean '" : "",
		                near ? near : "", near ? "'?" : "");
	}
	return 0;
}

/* The flags, which a view of this configuration takes over; of a store, only without those of
 * another. */
static int remember(struct mrt_config *config, const char *path,
                    const struct mrt_config_flag *flags, size_t n, const char *target,
                    const char *store, struct mrt_error *err)
{
	config->store_explicit = store != NULL;
	int rc = path ? mrt_text_dup(path, &config->given, err) : 0;
	config->flags = calloc(n + 1, sizeof(*config->flags));
	if (!config->flags)
		return mrt_no_memory(err);
	for (size_t i = 0; i < n; i++) {
		bool of_store = flags[i].value && strcmp(flags[i].name, "store.url") == 0;
		if (of_store && config->store_explicit)
			continue;
		config->store_chosen |= of_store;
		if (is_store_name(&flags[i]))
			store = flags[i].value;
		config->flags[config->n_flags++] = flags[i];
	}
	if (rc == 0 && target)
		rc = mrt_text_dup(target, &config->target, err);
	if (rc == 0 && store && strcmp(store, MRT_MAIN_STORE) != 0)
		rc = mrt_text_dup(store, &config->store, err);
	return rc;
}

/* PG* variables as they were when the first configuration was loaded. */
static int take_ambient(struct mrt_config *config, const struct mrt_pg_params *ambient,
                        struct mrt_error *err)
{
	return ambient ? mrt_pg_params_copy(ambient, &config->postgres_ambient, err)
	               : mrt_pg_params_ambient(&config->postgres_ambient, err);
}

static int load(const struct mrt_context *ctx, const char *path,
                const struct mrt_config_flag *flags, size_t n_flags, const char *target,
                const char *store, const struct mrt_pg_params *ambient, struct mrt_config **ret,
                struct mrt_error *err)
{
	mrt_auto(mrt_config) *config = calloc(1, sizeof(*config));
	mrt_auto(mrt_yaml) *yaml = NULL;
	if (!config)
		return mrt_no_memory(err);
	config->states = calloc(mrt_n_settings, sizeof(*config->states));
	if (!config->states)
		return mrt_no_memory(err);
	int rc = remember(config, path, flags, n_flags, target, store, err);
	if (rc == 0)
		rc = read_flags(ctx, config, config->flags, config->n_flags, err);
	if (rc == 0)
		rc = mrt_config_parse_file(path, config, &yaml, err);
	close_settings(config);
	if (rc == 0 && yaml)
		rc = mrt_config_read_file(ctx, config, yaml, true, err);
	if (rc == 0)
		rc = read_variables(ctx, config, err);
	if (rc == 0 && yaml)
		rc = mrt_config_read_file(ctx, config, yaml, false, err);
	if (rc == 0)
		rc = check_view(config, err);
	size_t url = mrt_config_index("store.url");
	if (rc == 0 && config->store_chosen && !config->store && !config->states[url].text)
		rc = mrt_fail(err, MRT_USAGE,
		              "there is no store '" MRT_MAIN_STORE "' in the configuration: "
		              "store.url is not set");
	if (rc == 0 && !config->store && !config->states[url].text && config->n_stores > 0)
		return load(ctx, path, flags, n_flags, target, config->stores[0], ambient, ret,
		            err);
	if (rc == 0)
		rc = take_ambient(config, ambient, err);
	if (rc == 0)
		rc = read_ambient(ctx, config, err);
	if (rc == 0)
		rc = mrt_config_credentials(ctx, config, err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++)
		if (!config->states[i].text && mrt_settings[i].otherwise)
			rc = mrt_config_set(ctx, config, i, mrt_settings[i].otherwise, "default",
			                    err);
	for (size_t i = 0; rc == 0 && i < mrt_n_settings; i++)
		rc = mrt_config_settle(config, i, err);
	if (rc == 0)
		rc = mrt_config_check(config, err);
	if (rc == 0)
		*ret = mrt_steal(config);
	return rc;
}

int mrt_config_load(const struct mrt_context *ctx, const char *path,
                    const struct mrt_config_flag *flags, size_t n_flags, struct mrt_config **ret,
                    struct mrt_error *err)
{
	return load(ctx, path, flags, n_flags, NULL, NULL, NULL, ret, err);
}

int mrt_config_view(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *target, const char *store, struct mrt_config **ret,
                    struct mrt_error *err)
{
	return load(ctx, config->given, config->flags, config->n_flags,
	            target ? target : config->target,
	            store || !config->store_explicit ? store : config->store,
	            config->postgres_ambient, ret, err);
}
