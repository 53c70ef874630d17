/* list.c - "backup list" and "backup show". */
#include "repository/list.h"
#include "base/text.h"
#include "repository/manifest.h"

#include <string.h>

static int add_verified(const struct mrt_context *ctx, struct mrt_store *store, const char *key,
                        json_t *to, struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_auto_json record = NULL;
	if (!key)
		return mrt_json_set(to, "verified", json_null(), err);
	struct mrt_error why;
	int rc = mrt_store_get_bytes(store, ctx, key, &text, err);
	if (rc < 0)
		return rc;
	if (mrt_json_parse(mrt_buf_text(&text), text.len, &record, &why) < 0) {
		mrt_warn_because(ctx, &why, "%s cannot be read", key);
		return mrt_json_set(to, "verified", json_null(), err);
	}
	return mrt_json_set(to, "verified", mrt_steal(record), err);
}

static int add_entry(const struct mrt_context *ctx, struct mrt_store *store,
                     const struct mrt_backup_entry *e, json_t *list, struct mrt_error *err)
{
	mrt_auto(mrt_manifest) *m = NULL;
	json_t *item = json_object();
	int rc = mrt_json_append(list, item, err);
	const char *const names[][2] = { { "id", e->id },
		                         { "platform", e->platform },
		                         { "target", e->target } };
	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = mrt_json_set_text(item, names[i][0], names[i][1], err);
	if (rc < 0)
		return rc;
	struct mrt_error why;
	rc = mrt_manifest_load(ctx, store, e->platform, e->target, e->id, &m, &why);
	if (rc == MRT_CORRUPT ||
	    rc == MRT_UNSUPPORTED) /* one bad backup must not hide the others */
		return mrt_json_set_error(item, "error", ctx->log, &why, err);
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	int64_t now = ctx->wall() / MRT_SECOND;
	rc = mrt_json_set_text(item, "method", m->method, err);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = { { "age_s", now > m->started ? (uint64_t)(now - m->started) : 0 },
		        { "duration_s",
		          m->ended > m->started ? (uint64_t)(m->ended - m->started) : 0 },
		        { "size", m->size },
		        { "stored_size", m->stored_size },
		        { "databases", json_array_size(m->databases) } };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(numbers); i++)
		rc = mrt_json_set_size(item, numbers[i].name, numbers[i].value, err);
	if (rc == 0)
		rc = mrt_json_set(item, "whole", json_boolean(m->whole), err);
	if (rc == 0 && strcmp(m->method, "physical") == 0)
		rc = mrt_json_set(item, "damaged", json_boolean(m->damaged), err);
	json_t *warnings = json_object_get(m->json, "warnings");
	if (rc == 0)
		rc = mrt_json_set(item, "warnings", warnings ? json_incref(warnings) : json_array(),
		                  err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "label", m->label, err);
	return rc < 0 ? rc : add_verified(ctx, store, e->verified_key, item, err);
}

int mrt_backup_list(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *target, bool all_platforms, json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	struct mrt_backup_list found = { 0 };
	int rc = json ? mrt_json_set(json, "backups", list, err) : mrt_no_memory(err);
	if (rc == 0 && target)
		rc = mrt_config_name_check("target", target, err);
	if (rc == 0)
		rc = mrt_config_name_check("platform", config->platform_name, err);
	if (rc == 0)
		rc = mrt_repository_open_reader(config, &store, err);
	if (rc == 0)
		rc = mrt_repository_list(ctx, store, all_platforms ? NULL : config->platform_name,
		                         target, &found, err);
	for (size_t i = 0; rc == 0 && i < found.n; i++)
		rc = add_entry(ctx, store, &found.entries[i], list, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "incomplete", found.incomplete, err);
	mrt_backup_list_release(&found);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_backup_show(const struct mrt_context *ctx, const struct mrt_config *config, const char *id,
                    json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	mrt_auto(mrt_manifest) *m = NULL;
	int rc = mrt_repository_open_reader(config, &store, err);
	if (rc == 0)
		rc = mrt_manifest_find(ctx, store, config->platform_name, id, NULL, &m, err);
	if (rc == 0)
		*ret = json_incref(m->json);
	return rc;
}
