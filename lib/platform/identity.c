/* identity.c - whose database and store are these? */
#include "platform/identity.h"
#include "base/text.h"
#include "codec/json.h"

#include <string.h>

static int compare(const char *what, const char *id, const struct mrt_config *config,
                   struct mrt_error *err)
{
	return !config->platform_id || !*id || strcasecmp(id, config->platform_id) == 0
	               ? 0
	               : mrt_fail(err, MRT_CHANGED,
	                          "the %s is platform %s; the configuration (platform.id) is of %s",
	                          what, id, config->platform_id);
}

/* "": it is no platform's. */
static int of_database(struct mrt_pg *pg, const struct mrt_context *ctx, char **ret,
                       struct mrt_error *err)
{
	mrt_autofree char *there = NULL;
	int rc = mrt_pg_value(pg, ctx,
	                      "SELECT coalesce(to_regclass('" MRT_PLATFORM_SCHEMA
	                      ".platform')::text, '')",
	                      &there, err);
	if (rc < 0)
		return rc;
	return *there ? mrt_pg_value(pg, ctx, "SELECT id FROM " MRT_PLATFORM_SCHEMA ".platform",
	                             ret, err)
	              : mrt_text_dup("", ret, err);
}

/* Schools' own databases are named in it: what is done in a copy would be done to them. */
static int check_no_copy(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err)
{
	mrt_autofree char *of = NULL;
	int rc = mrt_pg_value(pg, ctx,
	                      "SELECT database_name FROM " MRT_PLATFORM_SCHEMA
	                      ".platform WHERE database_name <> current_database()",
	                      &of, err);
	if (rc < 0 || !*of)
		return rc;
	mrt_fail(err, MRT_CHANGED, "%s is a copy of the platform's database %s", pg->where, of);
	return mrt_hint(err,
	                "if this is the platform from now on, and %s is no more: 'maratea db init "
	                "--admin-url URL' makes it that",
	                of);
}

int mrt_platform_check(struct mrt_pg *pg, const struct mrt_context *ctx,
                       const struct mrt_config *config, bool writes, struct mrt_error *err)
{
	mrt_autofree char *id = NULL;
	int rc = of_database(pg, ctx, &id, err);
	if (rc < 0)
		return rc;
	if (!*id) {
		mrt_fail(err, MRT_CONFIG, "%s is no platform's database yet", pg->where);
		return config->platform_id
		               ? mrt_hint(err,
		                          "the configuration (platform.id) is of %s: is this the "
		                          "database that was meant? 'maratea db init --admin-url "
		                          "URL' would make it one",
		                          config->platform_id)
		               : mrt_hint(err, "maratea db init --admin-url URL makes it one");
	}
	if (!config->platform_id && writes) {
		mrt_fail(err, MRT_CONFIG, "platform.id is not set: is %s what is meant?",
		         pg->where);
		return mrt_hint(err, "if it is, the id that the configuration needs is %s", id);
	}
	rc = compare("database", id, config, err);
	return rc < 0 || !writes ? rc : check_no_copy(pg, ctx, err);
}

int mrt_platform_check_database(struct mrt_pg *pg, const struct mrt_context *ctx,
                                const struct mrt_config *config, struct mrt_error *err)
{
	mrt_autofree char *readable = NULL, *id = NULL;
	if (!config->platform_id)
		return 0;
	/* it may be anybody's, and its role one that sees little */
	int rc = mrt_pg_value(pg, ctx,
	                      "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid "
	                      "= c.relnamespace WHERE n.nspname = '" MRT_PLATFORM_SCHEMA
	                      "' AND c.relname = 'platform' AND has_schema_privilege(n.oid, "
	                      "'USAGE') AND has_table_privilege(c.oid, 'SELECT'))",
	                      &readable, err);
	if (rc < 0 || strcmp(readable, "t") != 0)
		return rc;
	rc = mrt_pg_value(pg, ctx, "SELECT id FROM " MRT_PLATFORM_SCHEMA ".platform", &id, err);
	return rc < 0 ? rc : compare("database", id, config, err);
}

int mrt_platform_of_store(struct mrt_store *store, const struct mrt_context *ctx,
                          const struct mrt_config *config, char **ret, struct mrt_error *err)
{
	mrt_autofree char *key = NULL;
	mrt_auto_buf text = { .ceiling = 1 << 20 };
	mrt_auto_json json = NULL;
	int rc = mrt_text_printf(&key, err, "%s/platform.json", config->platform_name);
	if (rc == 0)
		rc = mrt_store_get_bytes(store, ctx, key, &text, err);
	if (rc == MRT_NOT_FOUND)
		return mrt_text_dup("", ret, err);
	if (rc == 0)
		rc = mrt_json_parse(mrt_buf_text(&text), text.len, &json, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s in the store", key);
	const char *id = mrt_json_text_or(json, "id", "");
	return *id ? mrt_text_dup(id, ret, err)
	           : mrt_fail(err, MRT_CORRUPT, "%s in the store names no id", key);
}

int mrt_platform_check_store(struct mrt_store *store, const struct mrt_context *ctx,
                             const struct mrt_config *config, struct mrt_error *err)
{
	mrt_autofree char *id = NULL;
	int rc = config->platform_id ? mrt_platform_of_store(store, ctx, config, &id, err) : 0;
	return rc < 0 || !id ? rc : compare("store", id, config, err);
}
