/* targets.c - what can be backed up. */
#include "config/targets.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void mrt_target_release(struct mrt_target *t)
{
	mrt_config_free(mrt_steal(t->view));
}

static const char *name_of(const void *arg, size_t i)
{
	static const char *const fixed[] = { "postgres", "redis" };
	const struct mrt_config *config = arg;
	if (i < 2)
		return fixed[i];
	return i - 2 < config->n_targets ? config->targets[i - 2] : NULL;
}

int mrt_target_find(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *name, struct mrt_target *ret, struct mrt_error *err)
{
	mrt_auto_buf names = MRT_BUF_INIT;
	const char *known = NULL;
	size_t at = 0;
	for (size_t i = 0; name_of(config, i); i++) {
		mrt_buf_printf(&names, "%s%s", i ? ", " : "", name_of(config, i));
		if (strcmp(name_of(config, i), name) == 0) {
			known = name_of(config, i);
			at = i;
		}
	}
	if (!known)
		return mrt_fail(err, MRT_USAGE, "unknown target '%.80s' (there are: %s)", name,
		                mrt_buf_text(&names));
	if (at < 2) {
		*ret = (struct mrt_target) { .name = known, .redis = at == 1, .config = config };
		return 0;
	}
	struct mrt_config *view = NULL;
	int rc = mrt_config_view(ctx, config, name, NULL, &view, err);
	if (rc == 0)
		*ret = (struct mrt_target) { .name = known,
			                     .redis = view->redis_url != NULL,
			                     .config = view,
			                     .view = view };
	return rc;
}

/* libpq finds a server without a URL, too; it was meant where one of these says so. */
static bool has_postgres(const struct mrt_config *config)
{
	static const char *const names[] = { "PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE" };
	if (config->postgres_url || config->backup_postgres_url)
		return true;
	for (size_t i = 0; i < MRT_COUNT(names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return true;
	}
	return false;
}

const char *mrt_target_configured(const struct mrt_config *config, size_t i)
{
	bool fixed[] = { has_postgres(config), config->redis_url != NULL };
	for (size_t k = 0; name_of(config, k); k++)
		if ((k >= 2 || fixed[k]) && i-- == 0)
			return name_of(config, k);
	return NULL;
}
