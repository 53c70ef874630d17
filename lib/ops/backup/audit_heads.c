/* audit_heads.c - the ends of audit chains in a backup. */
#include "ops/backup/audit_heads.h"
#include "base/text.h"
#include "ops/backup/manifest.h"
#include "ops/backup/repository.h"

#include <stdlib.h>
#include <string.h>

static int read_schema(struct mrt_pg *pg, const struct mrt_run *run, const char *schema, json_t *to,
                       struct mrt_error *err)
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
		rc = mrt_pg_value(pg, run, sql, &text, err);
	return rc < 0 || !*text ? rc : mrt_json_set_text(to, schema, text, err);
}

int mrt_audit_heads_read(struct mrt_pg *pg, const struct mrt_run *run, json_t *database,
                         struct mrt_error *err)
{
	mrt_auto_json heads = json_object();
	mrt_auto_pgresult r = NULL;
	int rc = heads ? mrt_pg_exec(pg, run, err, "SET LOCAL row_security = off")
	               : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_pg_query(
		        pg, run,
		        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = "
		        "c.relnamespace WHERE c.relname = 'audit_heads' AND c.relkind = 'r' AND "
		        "has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, "
		        "'USAGE') AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = "
		        "c.oid AND NOT a.attisdropped AND (a.attname, a.atttypid) IN "
		        "(('tenant_id', 'uuid'::regtype), ('seq', 'bigint'::regtype), ('digest', "
		        "'bytea'::regtype))) = 3 ORDER BY 1",
		        NULL, 0, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = read_schema(pg, run, PQgetvalue(r, i, 0), heads, err);
	if (rc < 0 || json_object_size(heads) == 0)
		return rc;
	return mrt_json_set(database, "audit_heads", json_incref(heads), err);
}

const char *mrt_audit_heads_of(const struct mrt_manifest *manifest, const char *database,
                               const char *schema)
{
	const json_t *entry = mrt_manifest_database(manifest, database);
	return entry ? mrt_json_text_or(json_object_get(entry, "audit_heads"), schema, NULL) : NULL;
}

static bool has_heads(const struct mrt_manifest *manifest, const char *database)
{
	const json_t *entry = mrt_manifest_database(manifest, database);
	return entry && json_object_get(entry, "audit_heads") != NULL;
}

static int newest_first(const void *a, const void *b)
{
	const struct mrt_backup_entry *const *x = a, *const *y = b;
	return strcmp((*y)->id, (*x)->id);
}

/* One that cannot be read hides no older one. */
static int find_newest(const struct mrt_run *run, struct mrt_store *store,
                       const struct mrt_backup_list *list, const char *database,
                       struct mrt_manifest **ret, struct mrt_error *err)
{
	mrt_autofree const struct mrt_backup_entry **order = calloc(list->n + 1, sizeof(*order));
	if (!order)
		return mrt_no_memory(err);
	for (size_t i = 0; i < list->n; i++)
		order[i] = &list->entries[i];
	qsort(order, list->n, sizeof(*order), newest_first);
	for (size_t i = 0; i < list->n; i++) {
		mrt_auto(mrt_manifest) *m = NULL;
		struct mrt_error why;
		int rc = mrt_manifest_load(run, store, order[i]->platform, order[i]->target,
		                           order[i]->id, &m, &why);
		if (rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED || rc == MRT_NOT_FOUND) {
			mrt_warn(run, "%s", why.text);
			continue;
		}
		if (rc < 0) {
			if (err)
				*err = why;
			return rc;
		}
		if (has_heads(m, database)) {
			*ret = mrt_steal(m);
			return 0;
		}
	}
	return 0;
}

int mrt_audit_heads_find(const struct mrt_run *run, const struct mrt_config *config, const char *id,
                         const char *database, struct mrt_manifest **ret, struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	struct mrt_backup_list list = { 0 };
	int rc = mrt_repository_open_reader(config, &store, err);
	if (rc == 0 && strcmp(id, "latest") != 0)
		return mrt_manifest_find(run, store, config->platform_name, id, NULL, ret, err);
	if (rc == 0)
		rc = mrt_repository_list(run, store, config->platform_name, NULL, &list, err);
	if (rc == 0)
		rc = find_newest(run, store, &list, database, ret, err);
	mrt_backup_list_release(&list);
	return rc;
}
