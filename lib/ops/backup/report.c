/* report.c - what a run says of itself: manifest and plan. */
#include "ops/backup/postgres.h"

#include <string.h>

static int add_skipped(const struct mrt_backup_work *b, json_t *list, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->databases.n; i++) {
		const struct mrt_pg_database *d = &b->databases.items[i];
		const char *reason = d->reason                 ? d->reason
		                     : b->options->n_databases ? "it was not asked for"
		                                               : NULL;
		for (size_t k = 0; k < b->n_jobs; k++)
			if (b->jobs[k].name == d->name)
				reason = b->jobs[k].rc == MRT_NOT_FOUND ? "it was dropped meanwhile"
				                                        : NULL;
		if (!reason)
			continue;
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", d->name, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "reason", reason, err);
	}
	return rc;
}

static int describe_server(const struct mrt_backup_work *b, json_t *json, struct mrt_error *err)
{
	json_t *server = json_object(), *client = NULL;
	int rc = mrt_json_set(json, "server", server, err);
	if (rc == 0 && !b->is_physical)
		rc = mrt_json_set(json, "client", client = json_object(), err);
	if (rc == 0)
		rc = mrt_json_set_text(server, "version", b->cluster.version_text, err);
	if (rc == 0)
		rc = mrt_json_set_size(server, "major", (uint64_t)b->cluster.major, err);
	if (rc == 0)
		rc = mrt_json_set_text(server, "system_identifier", b->cluster.system_identifier,
		                       err);
	if (rc == 0 && client)
		rc = mrt_json_set_size(client, "major", (uint64_t)b->client_major, err);
	return rc;
}

/* What plan and manifest both say. */
static int describe_backup(const struct mrt_backup_work *b, json_t *json, struct mrt_error *err)
{
	char started[MRT_TIME_SIZE];
	mrt_time_format(b->started, MRT_TIME_RFC3339, started);
	const char *const texts[][2] = {
		{ "id", b->id },
		{ "platform", b->config->platform_name },
		{ "target", b->options->target },
		{ "method", b->options->method },
		{ "label", b->options->label },
		{ "maratea", MRT_VERSION },
		{ "started", started },
		{ "compression", b->config->backup_compression },
	};
	int rc = mrt_json_set_size(json, "format", MRT_MANIFEST_FORMAT, err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set(json, "whole", json_boolean(b->options->n_databases == 0), err);
	return rc < 0 ? rc : describe_server(b, json, err);
}

/* A physical backup is the whole server: its databases are named, not described. */
static int add_databases(const struct mrt_backup_work *b, json_t *list, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->databases.n; i++) {
		json_t *item = json_object();
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", b->databases.items[i].name, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "size", b->databases.items[i].size, err);
		json_t *heads = json_object_get(b->audit_heads, b->databases.items[i].name);
		if (rc == 0 && heads && json_object_update(item, heads) < 0)
			rc = mrt_no_memory(err);
	}
	return rc;
}

static int add_physical(const struct mrt_backup_work *b, json_t *json, json_t *databases,
                        struct mrt_error *err)
{
	json_t *physical = b->physical.physical;
	int rc = add_databases(b, databases, err);
	if (rc == 0)
		rc = mrt_json_set(json, "objects", json_incref(b->physical.objects), err);
	if (rc == 0)
		rc = mrt_json_set(json, "physical", json_incref(physical), err);
	if (rc == 0)
		rc = mrt_json_set_size(physical, "wal_retained", b->retained, err);
	return rc < 0 ? rc : mrt_backup_run_physical_describe(b, physical, err);
}

int mrt_backup_run_manifest(const struct mrt_backup_work *b, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	char ended[MRT_TIME_SIZE];
	mrt_time_format(b->ctx->wall() / MRT_SECOND, MRT_TIME_RFC3339, ended);
	json_t *databases = json_array(), *skipped = json_array(), *objects = json_array();
	int rc = json ? describe_backup(b, json, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "ended", ended, err);
	if (rc == 0)
		rc = mrt_json_set(json, "role_passwords",
		                  json_boolean(b->context.role_passwords || b->is_physical), err);
	if (rc == 0)
		rc = mrt_json_set(json, "databases", databases, err);
	if (rc == 0)
		rc = mrt_json_set(json, "skipped", skipped, err);
	if (rc == 0)
		rc = mrt_json_set(json, "objects", objects, err);
	if (rc == 0 && b->is_physical)
		rc = add_physical(b, json, databases, err);
	else if (rc == 0)
		rc = add_skipped(b, skipped, err);
	if (rc == 0 && !b->is_physical)
		rc = mrt_json_append(objects, json_incref(b->server.object), err);
	for (size_t i = 0; rc == 0 && i < b->n_jobs; i++) {
		if (!b->jobs[i].database)
			continue;
		rc = mrt_json_append(databases, json_incref(b->jobs[i].database), err);
		if (rc == 0)
			rc = mrt_json_append(objects, json_incref(b->jobs[i].object), err);
	}
	if (rc == 0)
		rc = mrt_json_set(json, "warnings", json_incref(b->context.warnings), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int plan_physical(const struct mrt_backup_work *b, json_t *json, json_t *databases,
                         struct mrt_error *err)
{
	json_t *physical = json_object();
	int rc = mrt_json_set(json, "physical", physical, err);
	if (rc == 0)
		rc = mrt_json_set(physical, "tablespaces", json_incref(b->facts.tablespaces), err);
	if (rc == 0)
		rc = mrt_backup_run_physical_describe(b, physical, err);
	if (rc == 0)
		rc = mrt_json_set(json, "warnings", json_incref(b->context.warnings), err);
	return rc < 0 ? rc : add_databases(b, databases, err);
}

int mrt_backup_run_plan(const struct mrt_backup_work *b, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	json_t *databases = json_array(), *skipped = json_array();
	int rc = json ? describe_backup(b, json, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_true(), err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "store", b->context.store->name, err);
	if (rc == 0 && !b->is_physical)
		rc = mrt_json_set_text(json, "program", b->pg_dump, err);
	if (rc == 0)
		rc = mrt_json_set(json, "databases", databases, err);
	if (rc == 0)
		rc = mrt_json_set(json, "skipped", skipped, err);
	if (rc == 0 && b->is_physical)
		rc = plan_physical(b, json, databases, err);
	else if (rc == 0)
		rc = add_skipped(b, skipped, err);
	for (size_t i = 0; rc == 0 && i < b->databases.n; i++)
		for (size_t k = 0; rc == 0 && k < b->n_jobs; k++) {
			if (b->jobs[k].name != b->databases.items[i].name)
				continue;
			json_t *item = json_object();
			rc = mrt_json_append(databases, item, err);
			if (rc == 0)
				rc = mrt_json_set_text(item, "name", b->jobs[k].name, err);
			if (rc == 0)
				rc = mrt_json_set_size(item, "size", b->databases.items[i].size,
				                       err);
		}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}
