/* run.c - "backup restore": of which kind the backup is, and building a database. */
#include "ops/restore/run.h"
#include "base/file.h"
#include "base/text.h"
#include "ops/restore/directory.h"
#include "ops/restore/place.h"
#include "ops/restore/redis.h"
#include "platform/audit_note.h"
#include "repository/keys.h"
#include "repository/layout.h"
#include "repository/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void restore_release(struct mrt_restoring *r)
{
	mrt_restore_context_release(&r->c);
	mrt_manifest_free(r->manifest);
	mrt_age_identities_free(r->identities);
	mrt_store_free(r->store);
	mrt_target_release(&r->target);
	json_decref(r->old);
	free(r->kept);
	free(r->where);
}

static int report(const struct mrt_restoring *r, bool done, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	uint64_t rows = 0;
	const json_t *t;
	size_t i;
	json_array_foreach (json_object_get(r->database, "tables"), i, t)
		rows += mrt_json_size_or(t, "rows", 0);
	int rc = json ? mrt_json_set_text(json, "id", r->manifest->id, err) : mrt_no_memory(err);
	const char *const texts[][2] = {
		{ "database", mrt_json_text_or(r->database, "name", "") },
		{ "server", r->where },
		{ "to", r->name },
		{ "kept", r->kept },
		{ "program", r->c.pg_restore },
	};
	for (i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(json, texts[i][0], texts[i][1], err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "space_needed",
		                       mrt_json_size_or(r->database, "size", 0), err);
	if (rc == 0 && r->c.jobs > 1)
		rc = mrt_json_set_size(json, "scratch_free", r->scratch_free, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "tables",
		                       json_array_size(json_object_get(r->database, "tables")),
		                       err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "rows", rows, err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_boolean(!done), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

/* Free space where the server keeps its data, when it is on this machine and may be looked at. */
static int add_space(const struct mrt_restoring *r, json_t *json, struct mrt_error *err)
{
	mrt_autofree char *dir = NULL;
	uint64_t space = 0;
	const char *host = mrt_pg_params_get(r->c.access.params, "host");
	bool local = !host || host[0] == '/' || strcmp(host, "localhost") == 0 ||
	             strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
	if (!local ||
	    mrt_pg_value(r->c.pg, r->ctx, "SELECT current_setting('data_directory')", &dir, NULL) <
	            0 ||
	    !*dir || access(dir, F_OK) < 0 || mrt_dir_free_space(dir, &space, NULL) < 0)
		return mrt_json_set(json, "space_free", json_null(), err);
	return mrt_json_set_size(json, "space_free", space, err);
}

static int ask_before_swap(struct mrt_restoring *r, struct mrt_error *err)
{
	char question[512];
	if (!r->kept || !r->options->confirm)
		return 0;
	snprintf(question, sizeof(question),
	         "ending all sessions of %s and putting %s of the backup %s in its place (writes "
	         "since then stay only in %s)",
	         r->name, mrt_json_text_or(r->database, "name", ""), r->manifest->id, r->kept);
	return r->options->confirm(r->options->context, question, err);
}

static int rename_to(struct mrt_restoring *r, const char *built, struct mrt_error *err)
{
	mrt_autofree char *from = NULL, *to = NULL;
	int rc = mrt_pg_name(r->c.pg, built, &from, err);
	if (rc == 0)
		rc = mrt_pg_name(r->c.pg, r->name, &to, err);
	if (rc == 0 && r->state == MRT_PLACE_EMPTY)
		rc = mrt_restore_drop(r->ctx, &r->c, r->name, err);
	return rc < 0 ? rc
	              : mrt_pg_exec(r->c.pg, r->ctx, err, "ALTER DATABASE %s RENAME TO %s", from,
	                            to);
}

static int perform(struct mrt_restoring *r, struct mrt_error *err)
{
	if (!r->may_create) {
		int rc = mrt_restore_fits_transaction(r, err);
		if (rc == 0)
			rc = mrt_restore_fill(r->ctx, &r->c, r->database, r->name, true, err);
		return rc == MRT_BAD ? mrt_recode(err, MRT_FAILED) : rc;
	}
	mrt_autofree char *built = NULL;
	int rc = mrt_restore_build(r->ctx, &r->c, r->database, &built, err);
	if (rc < 0)
		return rc == MRT_BAD ? mrt_recode(err, MRT_FAILED) : rc;
	/* an existing empty database was prepared by somebody: its settings are what they want */
	rc = mrt_restore_properties(r->ctx, &r->c,
	                            r->state == MRT_PLACE_EMPTY ? r->old : r->database, built, err);
	if (rc == 0)
		rc = r->kept ? mrt_swap(r->ctx, &r->c, built, r->name, r->kept, err)
		             : rename_to(r, built, err);
	if (rc < 0)
		mrt_restore_abandon(r->ctx, &r->c, built);
	return rc;
}

static int restore_database(struct mrt_restoring *r, json_t **ret, struct mrt_error *err)
{
	int rc = mrt_restore_check_place(r, err);
	if (rc == 0)
		rc = mrt_restore_check_scratch(r, err);
	if (rc == 0)
		rc = mrt_restore_check(r->ctx, &r->c, r->database, err);
	if (rc == 0 && r->options->dry_run) {
		rc = report(r, false, ret, err);
		return rc < 0 ? rc : add_space(r, *ret, err);
	}
	if (rc == 0)
		rc = ask_before_swap(r, err);
	if (rc == 0) {
		const struct mrt_manifest_object *object = mrt_manifest_object(
		        r->manifest, mrt_json_text_or(r->database, "object", ""));
		mrt_progress_begin(r->ctx->progress, "restoring", object ? object->stored_size : 0);
		rc = perform(r, err);
		mrt_progress_end(r->ctx->progress);
	}
	return rc < 0 ? rc : report(r, true, ret, err);
}

static int restore_globals(struct mrt_restoring *r, json_t **ret, struct mrt_error *err)
{
	const struct mrt_globals_options globals = {
		.replace_roles = r->options->replace_roles,
		.plan_only = r->options->dry_run,
		.tablespaces = r->options->tablespaces,
		.n_tablespaces = r->options->n_tablespaces,
	};
	mrt_auto_json json = json_object();
	json_t *plan = NULL;
	int rc = json ? mrt_restore_globals(r->ctx, &r->c, &globals, &plan, err)
	              : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(json, "globals", plan, err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_boolean(r->options->dry_run), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int wrong_method(const struct mrt_manifest *manifest, struct mrt_error *err)
{
	if (strcmp(manifest->method, "physical") == 0) {
		mrt_fail(err, MRT_USAGE,
		         "the backup %s is a physical one: the whole server's files", manifest->id);
		return mrt_hint(err, "restore it into a directory: --to-dir DIR");
	}
	mrt_fail(err, MRT_USAGE, "the backup %s is a logical one, of databases", manifest->id);
	return mrt_hint(err, "restore a database of it: --database NAME --to-database NEW");
}

/* Which of the latest ones is meant: "NAME/latest" may name a Redis. */
static int method_of(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_restore_options *options, const char **ret,
                     struct mrt_error *err)
{
	mrt_cleanup(mrt_target_release) struct mrt_target target = { 0 };
	mrt_autofree char *name = NULL;
	const char *slash = strchr(options->id, '/');
	bool redis = options->to_redis != NULL;
	int rc =
	        slash ? mrt_text_printf(&name, err, "%.*s", (int)(slash - options->id), options->id)
	              : 0;
	if (rc == 0 && name && mrt_target_find(ctx, config, name, &target, NULL) == 0)
		redis = redis || target.redis;
	*ret = redis ? "rdb" : options->to_dir ? "physical" : "logical";
	return rc;
}

/* The configured server is the one that the backup's target has: no other will do. */
static int find_target(struct mrt_restoring *r, const struct mrt_config *config,
                       struct mrt_error *err)
{
	const struct mrt_restore_options *o = r->options;
	const char *name = r->manifest->target;
	bool redis = strcmp(r->manifest->method, "rdb") == 0;
	int rc = mrt_target_find(r->ctx, config, name, &r->target, err);
	if (rc == 0 && r->target.redis == redis)
		return 0;
	if (rc < 0 && rc != MRT_USAGE)
		return rc;
	mrt_target_release(&r->target);
	r->target.config = config;
	if (redis ? !o->to_redis || strcmp(o->to_redis, "redis.url") != 0 : o->to || o->to_dir)
		return 0;
	mrt_fail(err, MRT_CONFIG, "the target %s is not configured: into which server?", name);
	return mrt_hint(err, redis ? "name it with --to-redis URL" : "name it with --to URL");
}

static int restore_backup(const struct mrt_context *ctx, const struct mrt_config *config,
                          const struct mrt_restore_options *options, json_t **ret,
                          struct mrt_error *err)
{
	mrt_cleanup(restore_release) struct mrt_restoring r = { .ctx = ctx, .options = options };
	unsigned buffers = 0, threads = 0;
	if (options->to_dir &&
	    (options->database || options->swap || options->to_database || options->jobs ||
	     options->scratch || options->no_owner || options->no_tablespaces || options->to ||
	     options->globals || options->replace_roles || options->force_downgrade))
		return mrt_fail(err, MRT_USAGE,
		                "--to-dir goes with --tablespace, --owner and --dry-run only");
	if (!options->to_dir && options->owner)
		return mrt_fail(err, MRT_USAGE, "--owner goes with --to-dir");
	if (options->globals &&
	    (options->database || options->swap || options->to_database || options->jobs ||
	     options->scratch || options->no_owner || options->no_tablespaces))
		return mrt_fail(err, MRT_USAGE,
		                "--globals goes with --to, --replace-roles, --tablespace "
		                "and --dry-run only");
	if (!options->globals &&
	    (options->replace_roles || (options->n_tablespaces > 0 && !options->to_dir)))
		return mrt_fail(err, MRT_USAGE,
		                "--replace-roles goes with --globals, --tablespace with --globals "
		                "or --to-dir");
	if (options->replace && !options->to_redis)
		return mrt_fail(err, MRT_USAGE, "--replace goes with --to-redis");
	int rc = mrt_content_fit(config, &threads, &buffers, err);
	if (rc == 0)
		rc = mrt_repository_open(config, buffers, &r.store, err);
	const char *method = NULL;
	if (rc == 0)
		rc = method_of(ctx, config, options, &method, err);
	if (rc == 0)
		rc = mrt_manifest_find(ctx, r.store, config->platform_name, options->id, method,
		                       &r.manifest, err);
	bool redis = rc == 0 && strcmp(r.manifest->method, "rdb") == 0;
	if (rc == 0 && !redis && options->to_redis)
		rc = mrt_fail(err, MRT_USAGE, "the backup %s is not one of Redis", r.manifest->id);
	if (rc == 0 && !redis &&
	    (strcmp(r.manifest->method, "physical") == 0) != (options->to_dir != NULL))
		rc = wrong_method(r.manifest, err);
	if (rc == 0)
		rc = mrt_keys_for(ctx, config, r.manifest, &r.identities, err);
	if (rc == 0)
		rc = find_target(&r, config, err);
	if (rc < 0)
		return rc;
	r.manifest->threads = threads;
	config = r.target.config;
	if (rc == 0 && redis)
		return mrt_restore_redis(ctx, config, r.store, r.manifest, options, ret, err);
	if (rc == 0 && options->to_dir)
		return mrt_restore_dir(ctx, r.store, r.manifest, options, ret, err);
	if (rc == 0 && !options->globals)
		rc = mrt_restore_choose_database(&r, err);
	if (rc == 0)
		rc = mrt_restore_choose_place(&r, config, err);
	r.c.config = config;
	r.c.store = r.store;
	r.c.manifest = r.manifest;
	r.c.no_owner = options->no_owner;
	r.c.no_tablespaces = options->no_tablespaces;
	if (rc == 0)
		rc = mrt_restore_connect(ctx, &r.c, options->force_downgrade, err);
	if (rc < 0)
		return rc;
	mrt_auto_buf where = MRT_BUF_INIT;
	mrt_pg_params_where(r.c.access.params, &where);
	rc = mrt_buf_take(&where, &r.where, err);
	if (rc < 0)
		return rc;
	return options->globals ? restore_globals(&r, ret, err) : restore_database(&r, ret, err);
}

/* state: "begun", "done", "failed"; report: what was done, or NULL. Not the URL: it may have a
 * password in it. */
static void note_restore(const struct mrt_context *ctx, const struct mrt_config *config,
                         const struct mrt_restore_options *o, const char *state,
                         const json_t *report)
{
	const char *to = o->to_dir                       ? o->to_dir
	                 : o->to_redis                   ? "a Redis server"
	                 : o->to && strpbrk(o->to, ":=") ? "another server"
	                                                 : o->to;
	json_t *payload = json_object();
	const char *const texts[][2] = { { "backup", mrt_json_text_or(report, "id", o->id) },
		                         { "state", state },
		                         { "server", mrt_json_text_or(report, "server", NULL) },
		                         { "database", o->database },
		                         { "to_database", o->to_database },
		                         { "to", to } };
	int rc = payload ? 0 : MRT_NO_MEMORY;
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = texts[i][1] ? mrt_json_set_text(payload, texts[i][0], texts[i][1], NULL) : 0;
	if (rc == 0 && o->swap)
		rc = mrt_json_set(payload, "swap", json_true(), NULL);
	if (rc == 0 && o->globals)
		rc = mrt_json_set(payload, "globals", json_true(), NULL);
	if (!o->dry_run)
		mrt_audit_note(ctx, config, "backup.restore", payload);
	else
		json_decref(payload);
}

int mrt_backup_restore(const struct mrt_context *ctx, const struct mrt_config *config,
                       const struct mrt_restore_options *options, json_t **ret,
                       struct mrt_error *err)
{
	note_restore(ctx, config, options, "begun", NULL);
	int rc = restore_backup(ctx, config, options, ret, err);
	note_restore(ctx, config, options, rc < 0 ? "failed" : "done", rc < 0 ? NULL : *ret);
	return rc;
}
