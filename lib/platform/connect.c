/* connect.c - a connection as the role that migrates. */
#include "platform/connect.h"
#include "config/open.h"
#include "platform/migrations.h"
#include "platform/scope.h"

#include <stdlib.h>
#include <string.h>

/* Locks and the role are the session's: a pooler that gives each transaction to another one would
 * make nothing of them. What it says to be the session's process is no process of the server. */
static int check_session(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_exec(pg, ctx, err, "SET lock_timeout = '" MRT_LOCK_WAIT "'");
	if (rc < 0)
		return rc;
	rc = mrt_pg_query(
	        pg, ctx,
	        "SELECT pg_backend_pid(), session_user, (SELECT pg_has_role(session_user, oid, "
	        "'MEMBER') FROM pg_roles WHERE rolname = '" MRT_OWNER "')",
	        NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	if (strtol(PQgetvalue(r, 0, 0), NULL, 10) != PQbackendPID(pg->conn)) {
		mrt_fail(err, MRT_CONFIG, "%s is a pooler, which locks do not go through",
		         pg->where);
		return mrt_hint(err, "postgres.migrate-url must lead to the server itself");
	}
	if (strcmp(PQgetvalue(r, 0, 2), "t") == 0)
		return 0;
	if (PQgetisnull(r, 0, 2)) {
		mrt_fail(err, MRT_CONFIG, "%s: there is no role " MRT_OWNER, pg->where);
		return mrt_hint(err, "'maratea db init' makes the roles and schemas of a platform");
	}
	mrt_fail(err, MRT_CONFIG, "%s: the role %s may not become " MRT_OWNER, pg->where,
	         PQgetvalue(r, 0, 1));
	return mrt_hint(err, "postgres.migrate-url must log in as maratea_migrate, which 'maratea "
	                     "db init' makes");
}

int mrt_platform_connect(const struct mrt_context *ctx, const struct mrt_config *config,
                         const char *database, struct mrt_pg **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *pg = NULL;
	if (!config->postgres_migrate_url) {
		mrt_fail(err, MRT_CONFIG,
		         "postgres.migrate-url is not set: there is no role to migrate as");
		return mrt_hint(err,
		                "set postgres.migrate-url, as maratea_migrate; 'maratea db init' "
		                "makes the role%s",
		                config->path ? "" : " (no configuration file was found)");
	}
	const struct mrt_config_pg how = { .url = config->postgres_migrate_url,
		                           .password = config->postgres_migrate_password,
		                           .password_from = "postgres.migrate-password",
		                           .database = database,
		                           .application = "maratea db migrate" };
	int rc = mrt_config_open_pg(ctx, config, &how, &pg, err);
	if (rc == 0)
		rc = check_session(pg, ctx, err);
	if (rc == 0)
		*ret = mrt_steal(pg);
	return rc;
}
