/* build.c - building a database from its archive, and proving it. */
#include "ops/restore/build.h"
#include "base/file.h"
#include "base/text.h"
#include "client/pg/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void mrt_restore_context_release(struct mrt_restore_context *c)
{
	mrt_pg_free(c->pg);
	mrt_pg_params_free(c->access.params);
	free(c->pg_restore);
}

int mrt_restore_connect(const struct mrt_context *ctx, struct mrt_restore_context *c,
                        bool force_downgrade, struct mrt_error *err)
{
	struct mrt_error local;
	err = err ? err : &local;
	int rc = mrt_pg_connect(ctx, &c->access.options, c->access.params, "postgres", &c->pg, err);
	if (rc == MRT_REFUSED && mrt_error_has_peer_code(err, MRT_SQLSTATE_NO_DATABASE))
		rc = mrt_pg_connect(ctx, &c->access.options, c->access.params, "template1", &c->pg,
		                    err);
	if (rc < 0)
		return rc;
	const json_t *client = json_object_get(c->manifest->json, "client");
	int dumper = (int)mrt_json_size_or(client, "major", 0), found = 0;
	int target = c->pg->version / 10000;
	if (target < c->manifest->server_major && !force_downgrade) {
		mrt_fail(err, MRT_UNSUPPORTED,
		         "the backup is of PostgreSQL %d, the server at %s is %d",
		         c->manifest->server_major, c->pg->where, target);
		return mrt_hint(err,
		                "an older server may not understand it; --force-downgrade tries");
	}
	return mrt_pg_find_program(ctx, "pg_restore", dumper, c->config->postgres_bin_dir,
	                           &c->pg_restore, &found, err);
}

/* Names of a JSON list of texts (or of objects with a name) that a query's column does not have. */
static int missing(const struct mrt_context *ctx, struct mrt_pg *pg, const json_t *list,
                   const char *sql, const char *what, struct mrt_buf *to, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(pg, ctx, sql, NULL, 0, &r, err);
	const json_t *item;
	size_t i, n = 0;
	json_array_foreach (list, i, item) {
		const char *name = json_is_string(item) ? json_string_value(item)
		                                        : mrt_json_text_or(item, "name", "");
		bool there = rc < 0 || !*name;
		for (int k = 0; !there && k < PQntuples(r); k++)
			there = strcmp(PQgetvalue(r, k, 0), name) == 0;
		if (there)
			continue;
		mrt_buf_printf(to, "%s%s%s",
		               n > 0         ? ", "
		               : to->len > 0 ? "; "
		                             : "",
		               n > 0 ? "" : what, name);
		n++;
	}
	return rc;
}

int mrt_restore_check(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                      const json_t *database, struct mrt_error *err)
{
	mrt_auto_buf lacks = MRT_BUF_INIT;
	static const char roles[] = "SELECT rolname FROM pg_roles";
	int rc = 0;
	if (!c->no_owner)
		rc = missing(ctx, c->pg, json_object_get(database, "roles"), roles, "roles ",
		             &lacks, err);
	bool some = lacks.len > 0;
	if (rc == 0 && !c->no_owner && !some)
		rc = missing(ctx, c->pg, json_object_get(database, "owners"), roles, "roles ",
		             &lacks, err);
	if (rc == 0 && !c->no_tablespaces)
		rc = missing(ctx, c->pg, json_object_get(database, "tablespaces"),
		             "SELECT spcname FROM pg_tablespace", "tablespaces ", &lacks, err);
	if (rc == 0)
		rc = missing(ctx, c->pg, json_object_get(database, "extensions"),
		             "SELECT name FROM pg_available_extensions", "extensions ", &lacks,
		             err);
	if (rc < 0 || lacks.len == 0)
		return rc;
	mrt_fail(err, MRT_UNSUPPORTED, "the server at %s lacks: %s", c->pg->where,
	         mrt_buf_text(&lacks));
	mrt_hint(err,
	         "'maratea backup restore %s --globals' creates roles; --no-owner does without "
	         "owners and grants",
	         c->manifest->id);
	return mrt_hint(err,
	                "--no-tablespaces does without tablespaces; extensions are installed as "
	                "packages on the server");
}

static int add_clause(struct mrt_pg *pg, struct mrt_buf *sql, const char *clause, const char *value,
                      struct mrt_error *err)
{
	mrt_autofree char *literal = NULL;
	if (!value || !*value)
		return 0;
	int rc = mrt_pg_literal(pg, value, &literal, err);
	mrt_buf_printf(sql, " %s %s", clause, rc == 0 ? literal : "");
	return rc;
}

static int add_name(struct mrt_pg *pg, struct mrt_buf *sql, const char *clause, const char *value,
                    struct mrt_error *err)
{
	mrt_autofree char *name = NULL;
	if (!value || !*value)
		return 0;
	int rc = mrt_pg_name(pg, value, &name, err);
	mrt_buf_printf(sql, " %s %s", clause, rc == 0 ? name : "");
	return rc;
}

static int create(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                  const json_t *d, const char *name, struct mrt_error *err)
{
	mrt_auto_buf sql = MRT_BUF_INIT;
	const char *provider = mrt_json_text_or(d, "provider", "c");
	bool icu = strcmp(provider, "i") == 0, builtin = strcmp(provider, "b") == 0;
	mrt_buf_printf(&sql, "CREATE DATABASE %s TEMPLATE template0", name);
	int rc = add_clause(c->pg, &sql, "ENCODING", mrt_json_text_or(d, "encoding", NULL), err);
	if (rc == 0)
		rc = add_clause(c->pg, &sql, "LC_COLLATE", mrt_json_text_or(d, "collate", NULL),
		                err);
	if (rc == 0)
		rc = add_clause(c->pg, &sql, "LC_CTYPE", mrt_json_text_or(d, "ctype", NULL), err);
	if (rc == 0 && c->pg->version >= 150000)
		rc = add_name(c->pg, &sql, "LOCALE_PROVIDER",
		              icu       ? "icu"
		              : builtin ? "builtin"
		                        : "libc",
		              err);
	if (rc == 0 && (icu || builtin))
		rc = add_clause(c->pg, &sql, icu ? "ICU_LOCALE" : "BUILTIN_LOCALE",
		                mrt_json_text_or(d, "locale", NULL), err);
	if (rc == 0 && icu)
		rc = add_clause(c->pg, &sql, "ICU_RULES", mrt_json_text_or(d, "icu_rules", NULL),
		                err);
	if (rc == 0 && !c->no_owner)
		rc = add_name(c->pg, &sql, "OWNER", mrt_json_text_or(d, "owner", NULL), err);
	const char *space = mrt_json_text_or(d, "tablespace", "pg_default");
	if (rc == 0 && !c->no_tablespaces && strcmp(space, "pg_default") != 0)
		rc = add_name(c->pg, &sql, "TABLESPACE", space, err);
	if (rc == 0)
		rc = mrt_buf_check(&sql, err);
	if (rc == 0)
		rc = mrt_pg_exec(c->pg, ctx, err, "%s", sql.data);
	if (rc == 0)
		rc = mrt_pg_exec(c->pg, ctx, err, "REVOKE CONNECT ON DATABASE %s FROM PUBLIC",
		                 name);
	return rc;
}

int mrt_restore_drop(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                     const char *name, struct mrt_error *err)
{
	mrt_autofree char *quoted = NULL;
	int rc = mrt_pg_name(c->pg, name, &quoted, err);
	/* a template cannot be dropped; a database that does not exist is dropped already */
	if (rc == 0)
		mrt_pg_exec(c->pg, ctx, NULL, "ALTER DATABASE %s IS_TEMPLATE false", quoted);
	if (rc == 0)
		rc = mrt_pg_exec(c->pg, ctx, err, "DROP DATABASE IF EXISTS %s%s", quoted,
		                 c->pg->version >= 130000 ? " WITH (FORCE)" : "");
	return rc;
}

void mrt_restore_abandon(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                         const char *name)
{
	const struct mrt_context last = { .log = ctx->log,
		                          .wall = ctx->wall,
		                          .deadline = mrt_clock_monotonic() + 3 * MRT_SECOND };
	mrt_auto(mrt_pg) *pg = NULL;
	struct mrt_error err;
	int rc = mrt_pg_connect(&last, &c->access.options, c->access.params, "postgres", &pg, &err);
	struct mrt_restore_context own = *c;
	own.pg = pg;
	if (rc == 0)
		rc = mrt_restore_drop(&last, &own, name, &err);
	if (rc < 0)
		mrt_warn_because(ctx, &err, "the unfinished database %s stays", name);
}

static void on_line(void *context, const char *line)
{
	mrt_logf(context, strstr(line, ": warning: ") ? MRT_LOG_WARNING : MRT_LOG_DEBUG, "%s",
	         line);
}

static int start_pg_restore(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                            const char *name, const char *file, bool single, struct mrt_child **ret,
                            struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *resolved = NULL;
	char jobs[24];
	const char *argv[16] = { c->pg_restore, "--exit-on-error" };
	size_t n = 2;
	if (c->no_owner) {
		argv[n++] = "--no-owner";
		argv[n++] = "--no-acl";
	}
	if (c->no_tablespaces)
		argv[n++] = "--no-tablespaces";
	if (single)
		argv[n++] = "--single-transaction";
	if (file) {
		snprintf(jobs, sizeof(jobs), "--jobs=%d", c->jobs);
		argv[n++] = jobs;
		argv[n++] = file;
	}
	int rc = mrt_pg_params_copy(c->access.params, &resolved, err);
	if (rc == 0)
		rc = mrt_pg_params_resolve(resolved, ctx, &c->access.options.dns, err);
	const struct mrt_pg_client_options client = {
		.argv = argv,
		.params = resolved,
		.database = name,
		.in = file ? MRT_FD_NULL : MRT_FD_PIPE,
		.out = MRT_FD_NULL,
		.on_line = on_line,
		.context = ctx->log,
	};
	return rc < 0 ? rc : mrt_pg_client(ctx, &client, ret, err);
}

static int open_archive(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                        const json_t *d, struct mrt_source **ret, struct mrt_error *err)
{
	const char *key = NULL;
	int rc = mrt_json_text(d, "object", &key, err);
	if (rc < 0)
		return rc;
	const struct mrt_manifest_object *object = mrt_manifest_object(c->manifest, key);
	if (!object)
		return mrt_fail(err, MRT_CORRUPT, "the manifest does not describe %s", key);
	return mrt_content_source(ctx, c->store, c->manifest, object, ret, err);
}

static int stream_in(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                     const json_t *d, const char *name, bool single, struct mrt_error *err)
{
	mrt_auto(mrt_source) *source = NULL;
	mrt_auto(mrt_sink) *sink = NULL;
	mrt_auto(mrt_child) *child = NULL;
	int rc = open_archive(ctx, c, d, &source, err);
	if (rc == 0)
		rc = start_pg_restore(ctx, c, name, NULL, single, &child, err);
	if (rc == 0)
		rc = mrt_sink_of_fd(ctx, mrt_child_in(child), &sink, err);
	if (rc == 0)
		rc = mrt_stream_copy(ctx, source, sink, err);
	if (rc == MRT_IO) { /* pg_restore went away: its own words say why */
		struct mrt_error why;
		int code = mrt_child_wait(child, ctx, &why);
		if (code < 0 && err)
			*err = why;
		return code < 0 ? code : rc;
	}
	if (rc < 0)
		return rc;
	mrt_child_close_in(child);
	return mrt_child_wait(child, ctx, err);
}

/* Several jobs need a file to seek in. */
static int through_file(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                        const json_t *d, const char *name, struct mrt_error *err)
{
	mrt_autofree char *path = NULL;
	mrt_auto(mrt_source) *source = NULL;
	mrt_auto(mrt_sink) *sink = NULL;
	mrt_auto(mrt_child) *child = NULL;
	int rc = mrt_text_printf(&path, err, "%s/%s.pgdump", c->scratch, name);
	if (rc == 0)
		rc = open_archive(ctx, c, d, &source, err);
	if (rc < 0)
		return rc;
	mrt_autofd fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return mrt_fail_errno(err, errno, "create %s", path);
	rc = mrt_sink_of_fd(ctx, fd, &sink, err);
	if (rc == 0)
		rc = mrt_stream_copy(ctx, source, sink, err);
	if (rc == 0)
		rc = start_pg_restore(ctx, c, name, path, false, &child, err);
	if (rc == 0)
		rc = mrt_child_wait(child, ctx, err);
	unlink(path);
	return rc;
}

static int compare_rows(const struct mrt_context *ctx, struct mrt_pg *pg, const json_t *d,
                        struct mrt_error *err)
{
	const json_t *t;
	size_t i;
	int rc = mrt_pg_exec(pg, ctx, err, "SET row_security = off");
	json_array_foreach (json_object_get(d, "tables"), i, t) {
		if (rc < 0)
			return rc;
		if (json_is_true(json_object_get(t, "of_extension")))
			continue;
		mrt_autofree char *schema = NULL, *name = NULL, *sql = NULL, *rows = NULL;
		char wanted[24];
		rc = mrt_pg_name(pg, mrt_json_text_or(t, "schema", ""), &schema, err);
		if (rc == 0)
			rc = mrt_pg_name(pg, mrt_json_text_or(t, "name", ""), &name, err);
		if (rc == 0)
			rc = mrt_text_printf(&sql, err, "SELECT count(*) FROM ONLY %s.%s", schema,
			                     name);
		if (rc == 0)
			rc = mrt_pg_value(pg, ctx, sql, &rows, err);
		snprintf(wanted, sizeof(wanted), "%" PRIu64, mrt_json_size_or(t, "rows", 0));
		if (rc == 0 && strcmp(rows, wanted) != 0)
			rc = mrt_fail(err, MRT_BAD,
			              "the table %s.%s has %s rows after the restore; the "
			              "backup has %s",
			              schema, name, rows, wanted);
	}
	return rc;
}

int mrt_restore_fill(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                     const json_t *d, const char *name, bool single_transaction,
                     struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	int rc = c->jobs > 1 && !single_transaction
	                 ? through_file(ctx, c, d, name, err)
	                 : stream_in(ctx, c, d, name, single_transaction, err);
	if (rc == 0)
		rc = mrt_pg_connect(ctx, &c->access.options, c->access.params, name, &pg, err);
	if (rc == 0)
		rc = compare_rows(ctx, pg, d, err);
	return rc < 0 ? rc : mrt_pg_exec(pg, ctx, err, "ANALYZE");
}

int mrt_restore_build(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                      const json_t *d, char **ret_name, struct mrt_error *err)
{
	char hex[13];
	mrt_autofree char *name = NULL;
	mrt_random_hex(6, hex);
	int rc = mrt_text_printf(&name, err, "maratea_restore_%s", hex);
	if (rc == 0)
		rc = create(ctx, c, d, name, err);
	if (rc == 0) {
		rc = mrt_restore_fill(ctx, c, d, name, false, err);
		if (rc < 0)
			mrt_restore_abandon(ctx, c, name);
	}
	if (rc == 0)
		*ret_name = mrt_steal(name);
	return rc;
}
