/* physical.c - a physical backup's verification. */
#include "ops/verify/physical.h"
#include "base/file.h"
#include "base/text.h"
#include "client/pg/programs.h"
#include "ops/restore/directory.h"
#include "ops/verify/assertions.h"
#include "repository/access.h"

#include <stdio.h>
#include <string.h>

struct trial {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_manifest *manifest;
	const json_t *physical;
	struct mrt_pg_server *server;
	struct mrt_pg_access access;
	char *programs;
	struct mrt_physical_verdict *verdict;
};

static void trial_release(struct trial *t)
{
	mrt_pg_params_free(t->access.params);
	mrt_pg_server_free(t->server);
	free(t->programs);
}

/* What the source's server had and recovery insists on. */
static int recovery_settings(const struct trial *t, char **ret, size_t cap, struct mrt_error *err)
{
	static const char *const names[] = { "max_connections", "max_prepared_transactions",
		                             "max_worker_processes", "max_wal_senders",
		                             "max_locks_per_transaction" };
	const json_t *settings = json_object_get(t->physical, "settings");
	size_t n = 0;
	int rc = 0;
	mrt_assert(MRT_COUNT(names) < cap);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(names); i++) {
		const char *value = mrt_json_text_or(settings, names[i], NULL);
		if (value && *value && strspn(value, "0123456789") == strlen(value))
			rc = mrt_text_printf(&ret[n++], err, "%s=%s", names[i], value);
	}
	return rc;
}

static int start(struct trial *t, const char *dir, struct mrt_error *err)
{
	char *settings[8] = { NULL };
	const struct mrt_pg_server_options options = {
		.major = t->manifest->server_major,
		.bin_dir = t->config->postgres_bin_dir,
		.start_timeout = t->config->limits_recovery,
		.restored = true,
		.superuser = mrt_json_text_or(t->physical, "superuser", "postgres"),
		.settings = (const char *const *)settings,
	};
	int rc = recovery_settings(t, settings, 8, err);
	if (rc == 0)
		rc = mrt_pg_server_start(t->ctx, &options, dir, &t->server, err);
	for (size_t i = 0; i < 8; i++)
		free(settings[i]);
	if (rc == MRT_FAILED) /* its files are right, and it does not start from them */
		rc = mrt_recode(err, MRT_BAD);
	return rc < 0 ? rc : mrt_pg_access_private(t->config, t->server, &t->access, err);
}

/* Recovered to where the backup ends, and the same system? */
static int check_position(struct trial *t, struct mrt_pg *pg, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	const char *end = mrt_json_text_or(t->physical, "end_lsn", "");
	const char *identifier = mrt_json_text_or(json_object_get(t->manifest->json, "server"),
	                                          "system_identifier", "");
	const char *values[] = { end };
	int rc = mrt_pg_query(pg, t->ctx,
	                      "SELECT (NOT pg_is_in_recovery() AND pg_current_wal_insert_lsn() >= "
	                      "$1::pg_lsn)::text, system_identifier::text, "
	                      "pg_current_wal_insert_lsn()::text FROM pg_control_system()",
	                      values, 1, &r, err);
	if (rc < 0)
		return rc;
	if (strcmp(PQgetvalue(r, 0, 0), "true") != 0)
		return mrt_fail(err, MRT_BAD, "the restored server is at %s; the backup ends at %s",
		                PQgetvalue(r, 0, 2), end);
	if (*identifier && strcmp(PQgetvalue(r, 0, 1), identifier) != 0)
		return mrt_fail(err, MRT_BAD,
		                "the restored server is system %s; the backup is of %s",
		                PQgetvalue(r, 0, 1), identifier);
	return 0;
}

static int run_program(struct trial *t, const char *const *argv, bool operand, const char *database,
                       struct mrt_error *err)
{
	mrt_auto(mrt_child) *child = NULL;
	const struct mrt_pg_client_options client = {
		.argv = argv,
		.params = t->access.params,
		.database = database,
		.operand = operand,
		.in = MRT_FD_NULL,
		.out = MRT_FD_NULL,
	};
	int rc = mrt_pg_client(t->ctx, &client, &child, err);
	if (rc == 0)
		rc = mrt_child_wait(child, t->ctx, err);
	if (rc == MRT_FAILED)
		rc = mrt_recode(err, MRT_BAD);
	return rc;
}

static int check_database(struct trial *t, const char *name, struct mrt_error *err)
{
	mrt_autofree char *dump = NULL, *amcheck = NULL;
	int rc = mrt_text_printf(&dump, err, "%s/pg_dump", t->programs);
	if (rc == 0)
		rc = mrt_text_printf(&amcheck, err, "%s/pg_amcheck", t->programs);
	if (rc < 0)
		return rc;
	const char *const dumping[] = { dump, "--format=custom", "--compress=0", NULL };
	const char *const checking[] = { amcheck, "--install-missing", NULL };
	rc = run_program(t, dumping, false, name, err);
	if (rc < 0)
		return rc;
	t->verdict->databases++;
	if (access(amcheck, X_OK) < 0) {
		t->verdict->level = "started";
		return 0;
	}
	return run_program(t, checking, true, name, err);
}

static int check_databases(struct trial *t, struct mrt_pg *pg, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(pg, t->ctx,
	                      "SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit "
	                      "<> -2 ORDER BY datname",
	                      NULL, 0, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		const char *name = PQgetvalue(r, i, 0);
		rc = check_database(t, name, err);
		if (rc == 0)
			rc = mrt_assertions_ask(t->ctx, t->config, t->manifest, &t->access, name,
			                        name, &t->verdict->assertions, err);
		if (rc < 0)
			return mrt_prefix(err, rc, "database %s", name);
	}
	return rc;
}

static int try_server(struct trial *t, const char *dir, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	mrt_progress_begin(t->ctx->progress, "recovering", 0);
	int rc = start(t, dir, err);
	mrt_progress_begin(t->ctx->progress, "reading every database", 0);
	if (rc == 0)
		rc = mrt_pg_connect(t->ctx, &t->access.options, t->access.params, NULL, &pg, err);
	if (rc == 0)
		rc = check_position(t, pg, err);
	if (rc == 0)
		rc = check_databases(t, pg, err);
	if (rc == 0 && strcmp(t->verdict->level, "started") == 0)
		mrt_warn(t->ctx,
		         "there is no pg_amcheck in %s: indexes and tables were not checked "
		         "(package postgresql-client)",
		         t->programs);
	return rc;
}

static int check_restore(struct trial *t, struct mrt_store *store, struct mrt_error *err)
{
	mrt_autofree char *dir = NULL;
	struct mrt_unprivileged who;
	int rc = mrt_pg_server_programs(t->ctx, t->manifest->server_major,
	                                t->config->postgres_bin_dir, &t->programs, err);
	if (rc == 0)
		rc = mrt_unprivileged_find(&who, err);
	if (rc == 0)
		rc = mrt_dir_temporary("maratea-verify", 80, &dir, err);
	if (rc < 0)
		return rc;
	if (who.uid != 0 && chown(dir, who.uid, who.gid) < 0)
		rc = mrt_fail(err, MRT_IO, "give %s to %s", dir, who.name);
	if (rc == 0)
		rc = mrt_restore_scratch(t->ctx, store, t->manifest, dir, who.uid, who.gid,
		                         &t->verdict->found, err);
	if (rc == 0)
		rc = try_server(t, dir, err);
	mrt_pg_server_free(mrt_steal(t->server));
	struct mrt_error why;
	if (mrt_dir_remove(dir, &why) < 0)
		mrt_warn_because(t->ctx, &why, "%s stays", dir);
	return rc;
}

int mrt_verify_physical(const struct mrt_context *ctx, const struct mrt_config *config,
                        struct mrt_store *store, const struct mrt_manifest *manifest, bool restore,
                        struct mrt_physical_verdict *ret, struct mrt_error *err)
{
	struct mrt_physical_verdict verdict = { .level = restore ? "restore" : "content" };
	mrt_cleanup(trial_release) struct trial t = {
		.ctx = ctx,
		.config = config,
		.manifest = manifest,
		.physical = json_object_get(manifest->json, "physical"),
		.verdict = &verdict,
	};
	const struct mrt_physical_reader reader = { .ctx = ctx,
		                                    .store = store,
		                                    .manifest = manifest };
	/* restoring reads and compares all there is to read */
	int rc = restore ? check_restore(&t, store, err)
	                 : mrt_physical_read(&reader, &verdict.found, err);
	*ret = verdict;
	return rc;
}
