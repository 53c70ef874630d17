/* dump.c - one database from pg_dump's pipe into a content object. */
#include "ops/backup/dump.h"
#include "base/text.h"
#include "client/pg/programs.h"
#include "repository/audit_heads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READ_SIZE ((size_t)1 << 20) /* as large as the pipe */

/* On a machine shared with the server its backend is what everything waits for; pg_dump, which is
 * woken up by every 8 KiB from it, gives way. */
#define DUMP_NICE 10

struct listener {
	struct mrt_dump_context *context;
	const char *what; /* "database x" or "globals" */
};

/* pg_dump's warnings belong to the backup: whoever restores must know them. */
static void on_line(void *arg, const char *line)
{
	struct listener *l = arg;
	const char *warning = strstr(line, ": warning: ");
	mrt_logf(l->context->log, warning ? MRT_LOG_WARNING : MRT_LOG_DEBUG, "%s: %s", l->what,
	         line);
	if (!warning)
		return;
	/* it goes into the store */
	mrt_auto_buf masked = MRT_BUF_INIT;
	mrt_buf_printf(&masked, "%s: ", l->what);
	mrt_log_mask(l->context->log, line, &masked);
	pthread_mutex_lock(&l->context->lock);
	json_t *value = json_string(mrt_buf_text(&masked));
	if (value)
		json_array_append_new(l->context->warnings, value);
	pthread_mutex_unlock(&l->context->lock);
}

/* A warning that says something is missing from the dump. */
static int refuse_omissions(struct mrt_dump_context *c, const char *words, struct mrt_error *err)
{
	static const char *const omitted[] = { "not dumped", "skipping", "omitted", "omitting",
		                               "will not be" };
	if (c->allow_warnings)
		return 0;
	for (const char *line = words; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		int n = (int)strcspn(line, "\n");
		char text[1024];
		snprintf(text, sizeof(text), "%.*s", n, line);
		for (size_t i = 0; strstr(text, ": warning: ") && i < 5; i++)
			if (strstr(text, omitted[i])) {
				mrt_fail(err, MRT_FAILED, "something would be missing: %s", text);
				return mrt_hint(err, "mend it, or accept it with --allow-warnings");
			}
	}
	return 0;
}

/* Reads the child's stdout to its end into the compressor, past inspect. */
static int pump(const struct mrt_context *ctx, struct mrt_rate *rate, struct mrt_child *child,
                struct mrt_sink *compressor,
                int (*inspect)(void *arg, const void *data, size_t len, struct mrt_error *err),
                void *arg, struct mrt_error *err)
{
	mrt_auto(mrt_source) *source = NULL;
	int rc = mrt_source_of_fd(ctx, mrt_child_out(child), &source, err);
	while (rc == 0) {
		void *chunk;
		size_t room, n = 0;
		rc = mrt_zstd_room(compressor, &chunk, &room, err);
		if (rc == 0)
			rc = mrt_source_read(source, chunk, room < READ_SIZE ? room : READ_SIZE, &n,
			                     err);
		if (rc < 0 || n == 0)
			break;
		rc = inspect(arg, chunk, n, err);
		if (rc == 0)
			rc = mrt_zstd_filled(compressor, n, err);
		mrt_context_progress(ctx, n);
		if (rc == 0)
			rc = mrt_rate_spend(rate, ctx, n, err);
	}
	return rc;
}

static int inspect_archive(void *arg, const void *data, size_t len, struct mrt_error *err)
{
	return mrt_pgarchive_feed(arg, data, len, err);
}

static int inspect_globals(void *arg, const void *data, size_t len, struct mrt_error *err)
{
	(void)err;
	mrt_globals_feed(arg, data, len);
	return 0;
}

void mrt_globals_feed(struct mrt_globals_check *check, const void *data, size_t len)
{
	const char *p = data;
	size_t cap = sizeof(check->tail);
	if (len >= cap) {
		memcpy(check->tail, p + len - cap, cap);
		check->len = cap;
		return;
	}
	size_t keep = check->len + len > cap ? cap - len : check->len;
	memmove(check->tail, check->tail + check->len - keep, keep);
	memcpy(check->tail + keep, p, len);
	check->len = keep + len;
}

int mrt_globals_end(const struct mrt_globals_check *check, struct mrt_error *err)
{
	if (memmem(check->tail, check->len, MRT_GLOBALS_END, strlen(MRT_GLOBALS_END)))
		return 0;
	return mrt_fail(err, MRT_CORRUPT,
	                "the script of roles and tablespaces does not end with \"%.*s\"",
	                (int)strlen(MRT_GLOBALS_END) - 1, MRT_GLOBALS_END);
}

/* After pg_dump gave up waiting for a lock: who holds the strong ones? */
static void name_blockers(const struct mrt_context *ctx, struct mrt_pg *pg, struct mrt_error *err)
{
	mrt_autofree char *pids = NULL;
	if (!mrt_error_mentions(err, "LOCK TABLE"))
		return;
	if (mrt_pg_value(
	            pg, ctx,
	            "SELECT string_agg(DISTINCT l.pid || ' (' || coalesce(a.application_name, '') "
	            "|| ', ' || coalesce(a.usename, '') || ')', ', ') FROM pg_locks l LEFT JOIN "
	            "pg_stat_activity a USING (pid) WHERE l.granted AND l.mode = "
	            "'AccessExclusiveLock' AND l.database = (SELECT oid FROM pg_database WHERE "
	            "datname = current_database())",
	            &pids, NULL) == 0 &&
	    *pids)
		mrt_hint(err, "blocked by pid %s; pg_terminate_backend(pid) ends it", pids);
}

struct dump {
	struct mrt_pg *pg; /* holds the snapshot */
	struct mrt_pg_params *resolved;
	struct mrt_pg_tables tables;
	json_t *database;
	char *snapshot;
};

static void dump_release(struct dump *d)
{
	mrt_pg_free(d->pg);
	mrt_pg_params_free(d->resolved);
	mrt_pg_tables_release(&d->tables);
	json_decref(d->database);
	free(d->snapshot);
}

static int open_snapshot(const struct mrt_context *ctx, const struct mrt_dump_context *c,
                         const char *name, struct dump *d, struct mrt_error *err)
{
	struct mrt_error local;
	err = err ? err : &local;
	int rc = mrt_pg_connect(ctx, &c->access.options, c->access.params, name, &d->pg, err);
	if (rc == MRT_REFUSED && mrt_error_has_peer_code(err, MRT_SQLSTATE_NO_DATABASE))
		return mrt_fail(err, MRT_NOT_FOUND, "database %s: it does not exist (any more)",
		                name);
	if (rc == 0)
		rc = mrt_pg_params_copy(c->access.params, &d->resolved, err);
	if (rc == 0)
		rc = mrt_pg_params_resolve(d->resolved, ctx, &c->access.options.dns, err);
	if (rc == 0)
		rc = mrt_pg_exec(d->pg, ctx, err,
		                 "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	if (rc == 0)
		rc = mrt_pg_value(d->pg, ctx, "SELECT pg_export_snapshot()", &d->snapshot, err);
	if (rc == 0)
		rc = mrt_pg_preflight(d->pg, ctx, err);
	if (rc == 0)
		rc = mrt_pg_properties(d->pg, ctx, &d->database, err);
	if (rc == 0)
		rc = mrt_audit_heads_read(d->pg, ctx, d->database, err);
	return rc < 0 ? rc : mrt_pg_tables_read(d->pg, ctx, &d->tables, err);
}

static int start_dump(const struct mrt_context *ctx, const struct mrt_dump_context *c,
                      const struct dump *d, const char *name, struct listener *listener,
                      struct mrt_child **ret, struct mrt_error *err)
{
	char wait[48];
	mrt_autofree char *snapshot = NULL;
	snprintf(wait, sizeof(wait), "--lock-wait-timeout=%" PRId64,
	         c->config->limits_lock_wait / MRT_MILLISECOND);
	int rc = mrt_text_printf(&snapshot, err, "--snapshot=%s", d->snapshot);
	const char *const argv[] = { c->pg_dump, "--format=custom", "--compress=0", snapshot, wait,
		                     NULL };
	const struct mrt_pg_client_options client = {
		.argv = argv,
		.params = d->resolved,
		.database = name,
		.in = MRT_FD_NULL,
		.out = MRT_FD_PIPE,
		.nice = DUMP_NICE,
		.on_line = on_line,
		.context = listener,
	};
	return rc < 0 ? rc : mrt_pg_client(ctx, &client, ret, err);
}

static int describe_archive(const struct mrt_pgarchive_info *info, const struct dump *d,
                            struct mrt_error *err)
{
	char version[16];
	snprintf(version, sizeof(version), "%u.%u", info->version_major, info->version_minor);
	int rc = mrt_json_set_text(d->database, "archive_version", version, err);
	if (rc == 0)
		rc = mrt_json_set_size(d->database, "large_objects", info->large_objects, err);
	json_t *owners = json_array();
	if (rc == 0)
		rc = mrt_json_set(d->database, "owners", owners, err);
	for (size_t i = 0; rc == 0 && i < info->n_owners; i++)
		rc = mrt_json_append(owners, json_string(info->owners[i]), err);
	return rc < 0 ? rc : mrt_pg_tables_compare(&d->tables, info, d->database, err);
}

static int dump_object(const struct mrt_context *ctx, struct mrt_dump_context *c, struct dump *d,
                       const char *name, const char *key, json_t **ret_object,
                       struct mrt_error *err)
{
	char what[128];
	snprintf(what, sizeof(what), "database %.100s", name);
	struct listener listener = { c, what };
	mrt_auto(mrt_content_writer) *writer = NULL;
	mrt_auto(mrt_pgarchive) *archive = NULL;
	mrt_auto(mrt_child) *child = NULL;
	int rc = mrt_content_open(ctx, c->store, c->folder, key, &c->content, &writer, err);
	if (rc == 0)
		rc = mrt_pgarchive_new(&archive, err);
	if (rc == 0)
		rc = start_dump(ctx, c, d, name, &listener, &child, err);
	if (rc == 0)
		rc = pump(ctx, &c->rate, child, mrt_content_sink(writer), inspect_archive, archive,
		          err);
	if (rc == 0)
		rc = mrt_child_wait(child, ctx, err);
	if (rc == MRT_FAILED && err)
		name_blockers(ctx, d->pg, err);
	if (rc == 0)
		rc = mrt_pgarchive_end(archive, err);
	if (rc == MRT_CORRUPT) /* of what we read, not of what we keep */
		rc = mrt_recode(err, MRT_FAILED);
	if (rc == 0)
		rc = refuse_omissions(c, mrt_child_words(child), err);
	if (rc == 0)
		rc = describe_archive(mrt_pgarchive_info(archive), d, err);
	if (rc == 0)
		rc = mrt_content_commit(writer, ret_object, err);
	return rc < 0 ? rc
	              : mrt_json_set_text(d->database, "object",
	                                  mrt_json_text_or(*ret_object, "key", key), err);
}

int mrt_dump_database(const struct mrt_context *ctx, struct mrt_dump_context *context,
                      const char *name, json_t **ret, json_t **ret_object, struct mrt_error *err)
{
	mrt_cleanup(dump_release) struct dump d = { 0 };
	mrt_auto_buf key = MRT_BUF_INIT;
	mrt_buf_add_text(&key, "db/");
	mrt_backup_name_encode(name, &key);
	mrt_buf_add_text(&key, ".pgdump.zst");
	int rc = mrt_buf_check(&key, err);
	if (rc == 0)
		rc = open_snapshot(ctx, context, name, &d, err);
	if (rc == 0) {
		rc = dump_object(ctx, context, &d, name, key.data, ret_object, err);
		if (rc < 0 && rc != MRT_CANCELLED)
			mrt_prefix(err, rc, "database %s", name);
	}
	if (rc == 0)
		*ret = mrt_steal(d.database);
	return rc;
}

int mrt_dump_globals(const struct mrt_context *ctx, struct mrt_dump_context *c, json_t **ret_object,
                     struct mrt_error *err)
{
	struct listener listener = { c, "globals" };
	struct mrt_globals_check check = { .len = 0 };
	mrt_auto(mrt_content_writer) *writer = NULL;
	mrt_auto(mrt_child) *child = NULL;
	mrt_auto(mrt_pg_params) *resolved = NULL;
	const char *const argv[] = { c->pg_dumpall, "--globals-only",
		                     c->role_passwords ? NULL : "--no-role-passwords", NULL };
	int rc = mrt_pg_params_copy(c->access.params, &resolved, err);
	if (rc == 0)
		rc = mrt_pg_params_resolve(resolved, ctx, &c->access.options.dns, err);
	if (rc == 0)
		rc = mrt_content_open(ctx, c->store, c->folder, "globals.sql.zst", &c->content,
		                      &writer, err);
	const struct mrt_pg_client_options client = {
		.argv = argv,
		.params = resolved,
		.in = MRT_FD_NULL,
		.out = MRT_FD_PIPE,
		.on_line = on_line,
		.context = &listener,
	};
	if (rc == 0)
		rc = mrt_pg_client(ctx, &client, &child, err);
	if (rc == 0)
		rc = pump(ctx, &c->rate, child, mrt_content_sink(writer), inspect_globals, &check,
		          err);
	if (rc == 0)
		rc = mrt_child_wait(child, ctx, err);
	if (rc == 0 && mrt_globals_end(&check, err) < 0)
		rc = mrt_recode(err, MRT_FAILED);
	if (rc == 0)
		rc = refuse_omissions(c, mrt_child_words(child), err);
	if (rc == 0)
		rc = mrt_content_commit(writer, ret_object, err);
	return rc < 0 && rc != MRT_CANCELLED ? mrt_prefix(err, rc, "roles and tablespaces") : rc;
}
