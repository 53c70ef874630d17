/* audit_heads.c - the ends of audit chains in a backup. */
#include "repository/audit_heads.h"
#include "base/text.h"
#include "repository/layout.h"
#include "repository/manifest.h"

#include <stdlib.h>
#include <string.h>

static int read_schema(struct mrt_pg *pg, const struct mrt_context *ctx, const char *schema,
                       json_t *to, struct mrt_error *err)
{
	mrt_autofree char *name = NULL, *sql = NULL, *text = NULL;
	int rc = mrt_pg_name(pg, schema, &name, err);
	if (rc == 0)
		rc = mrt_text_printf(&sql, err,
		                     "SELECT string_agg(tenant_id || ' ' || seq || ' ' || "
		                     "encode(digest, 'hex'), E'\\n' ORDER BY tenant_id) FROM "
		                     "%s.audit_heads",
		                     name);
	if (rc == 0)
		rc = mrt_pg_value(pg, ctx, sql, &text, err);
	return rc < 0 || !*text ? rc : mrt_json_set_text(to, schema, text, err);
}

/* Of a database that may be nobody's, and whose role may see little. */
static int read_platform(struct mrt_pg *pg, const struct mrt_context *ctx, json_t *database,
                         struct mrt_error *err)
{
	mrt_autofree char *can = NULL, *id = NULL;
	int rc = mrt_pg_value(pg, ctx,
	                      "SELECT has_table_privilege(to_regclass('maratea.platform'), "
	                      "'SELECT')",
	                      &can, err);
	if (rc < 0 || strcmp(can, "t") != 0)
		return rc;
	/* a copy of it under another name is another's past */
	rc = mrt_pg_value(pg, ctx,
	                  "SELECT id FROM maratea.platform WHERE database_name = "
	                  "current_database()",
	                  &id, err);
	return rc < 0 || !*id ? rc : mrt_json_set_text(database, "audit_platform", id, err);
}

int mrt_audit_heads_read(struct mrt_pg *pg, const struct mrt_context *ctx, json_t *database,
                         struct mrt_error *err)
{
	mrt_auto_json heads = json_object();
	mrt_auto_pgresult r = NULL;
	int rc = heads ? mrt_pg_exec(pg, ctx, err, "SET LOCAL row_security = off")
	               : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_pg_query(
		        pg, ctx,
		        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = "
		        "c.relnamespace WHERE c.relname = 'audit_heads' AND c.relkind = 'r' AND "
		        "has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, "
		        "'USAGE') AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = "
		        "c.oid AND NOT a.attisdropped AND (a.attname, a.atttypid) IN "
		        "(('tenant_id', 'uuid'::regtype), ('seq', 'bigint'::regtype), ('digest', "
		        "'bytea'::regtype))) = 3 ORDER BY 1",
		        NULL, 0, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = read_schema(pg, ctx, PQgetvalue(r, i, 0), heads, err);
	if (rc < 0 || json_object_size(heads) == 0)
		return rc;
	rc = mrt_json_set(database, "audit_heads", json_incref(heads), err);
	return rc < 0 ? rc : read_platform(pg, ctx, database, err);
}

/* The platform's database in a backup, by its id. */
static const json_t *platform_in(const struct mrt_manifest *m, const char *platform)
{
	const json_t *item;
	size_t i;
	json_array_foreach (m->databases, i, item)
		if (strcasecmp(mrt_json_text_or(item, "audit_platform", ""), platform) == 0)
			return item;
	return NULL;
}

const char *mrt_audit_heads_id(const struct mrt_audit_heads *heads, size_t i)
{
	return heads->backups[i]->id;
}

const char *mrt_audit_heads_text(const struct mrt_audit_heads *heads, size_t i,
                                 const char *database, const char *schema)
{
	const struct mrt_manifest *m = heads->backups[i];
	const json_t *entry =
	        database ? mrt_manifest_database(m, database) : platform_in(m, heads->platform);
	return entry ? mrt_json_text_or(json_object_get(entry, "audit_heads"), schema, NULL) : NULL;
}

void mrt_audit_heads_release(struct mrt_audit_heads *heads)
{
	for (size_t i = 0; i < heads->n; i++)
		mrt_manifest_free(heads->backups[i]);
	free(heads->backups);
	free(heads->platform);
	*heads = (struct mrt_audit_heads) { 0 };
}

static int newest_first(const void *a, const void *b)
{
	const struct mrt_manifest *const *x = a, *const *y = b;
	return strcmp((*y)->id, (*x)->id);
}

/* Another platform's are nobody's business here. */
static void add(struct mrt_audit_heads *to, struct mrt_manifest **m)
{
	if (platform_in(*m, to->platform))
		to->backups[to->n++] = mrt_steal(*m);
}

static int load_all(const struct mrt_context *ctx, struct mrt_store *store,
                    const struct mrt_backup_list *list, struct mrt_audit_heads *to,
                    struct mrt_error *err)
{
	to->backups = calloc(list->n + 1, sizeof(struct mrt_manifest *));
	if (!to->backups)
		return mrt_no_memory(err);
	for (size_t i = 0; i < list->n; i++) {
		const struct mrt_backup_entry *e = &list->entries[i];
		mrt_auto(mrt_manifest) *m = NULL;
		struct mrt_error why;
		int rc = mrt_manifest_load(ctx, store, e->platform, e->target, e->id, &m, &why);
		if (rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED || rc == MRT_NOT_FOUND) {
			mrt_warn_because(ctx, &why, NULL);
			continue;
		}
		if (rc < 0) {
			if (err)
				*err = why;
			return rc;
		}
		add(to, &m);
	}
	qsort(to->backups, to->n, sizeof(struct mrt_manifest *), newest_first);
	return 0;
}

static int load_one(const struct mrt_context *ctx, const struct mrt_config *config,
                    struct mrt_store *store, const char *id, struct mrt_audit_heads *to,
                    struct mrt_error *err)
{
	mrt_auto(mrt_manifest) *m = NULL;
	to->backups = calloc(1, sizeof(struct mrt_manifest *));
	int rc = to->backups
	                 ? mrt_manifest_find(ctx, store, config->platform_name, id, NULL, &m, err)
	                 : mrt_no_memory(err);
	if (rc == 0)
		add(to, &m);
	return rc;
}

int mrt_audit_heads_open(const struct mrt_context *ctx, const struct mrt_config *config,
                         const char *id, const char *platform, struct mrt_audit_heads *ret,
                         struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	struct mrt_backup_list list = { 0 };
	*ret = (struct mrt_audit_heads) { 0 };
	int rc = mrt_text_dup(platform, &ret->platform, err);
	if (rc == 0)
		rc = mrt_repository_open_reader(config, &store, err);
	if (rc == 0 && id)
		rc = load_one(ctx, config, store, id, ret, err);
	else if (rc == 0)
		rc = mrt_repository_list(ctx, store, config->platform_name, NULL, &list, err);
	if (rc == 0 && !id)
		rc = load_all(ctx, store, &list, ret, err);
	mrt_backup_list_release(&list);
	if (rc < 0)
		mrt_audit_heads_release(ret);
	return rc;
}
