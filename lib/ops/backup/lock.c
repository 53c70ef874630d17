/* lock.c - one run per server at a time. */
#include "ops/backup/lock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* "mara", "back" as two int4 keys; the same in every maratea */
#define KEYS "1835102817, 1650549611"
#define IS_OURS                                                                      \
	"locktype = 'advisory' AND classid = 1835102817 AND objid = 1650549611 AND " \
	"database = (SELECT oid FROM pg_database WHERE datname = current_database())"

struct mrt_pg_lock {
	struct mrt_pg *pg;
};

static int who_holds(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(pg, ctx,
	                      "SELECT coalesce(nullif(a.application_name, ''), 'pid ' || l.pid), "
	                      "coalesce(host(a.client_addr), 'the server itself'), "
	                      "to_char(a.backend_start AT TIME ZONE 'UTC', "
	                      "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
	                      "FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) "
	                      "WHERE l.granted AND l." IS_OURS,
	                      NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	if (PQntuples(r) == 0)
		return mrt_fail(err, MRT_LOCKED, "another run held the lock a moment ago");
	return mrt_fail(err, MRT_LOCKED, "another run is at work: %s from %s, since %s",
	                PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1), PQgetvalue(r, 0, 2));
}

int mrt_pg_lock_ping(struct mrt_pg_lock *lock, const struct mrt_context *ctx, struct mrt_error *err)
{
	mrt_autofree char *pid = NULL;
	char ours[16];
	int rc = mrt_pg_value(lock->pg, ctx, "SELECT pid FROM pg_locks WHERE granted AND " IS_OURS,
	                      &pid, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "the lock is lost");
	snprintf(ours, sizeof(ours), "%d", PQbackendPID(lock->pg->conn));
	if (strcmp(pid, ours) == 0)
		return 0;
	mrt_fail(err, MRT_LOCKED, "the lock is not held by our session (pid %s, ours is %s)",
	         *pid ? pid : "none", ours);
	return mrt_hint(err, "connect to the server itself, not through a connection pooler: set "
	                     "backup.postgres-url");
}

int mrt_pg_lock_take(const struct mrt_context *ctx, const struct mrt_pg_options *options,
                     const struct mrt_pg_params *params, const char *database, const char *who,
                     struct mrt_pg_lock **ret, struct mrt_error *err)
{
	char name[64];
	snprintf(name, sizeof(name), "maratea %s", who);
	struct mrt_pg_options named = *options;
	named.application = name;
	mrt_auto(mrt_pg_lock) *lock = calloc(1, sizeof(*lock));
	mrt_autofree char *taken = NULL;
	if (!lock)
		return mrt_no_memory(err);
	int rc = mrt_pg_connect(ctx, &named, params, database, &lock->pg, err);
	if (rc == MRT_REFUSED && mrt_error_has_peer_code(err, MRT_SQLSTATE_NO_DATABASE)) {
		mrt_debug_because(ctx, err, "the lock is taken in the URL's database");
		rc = mrt_pg_connect(ctx, &named, params, NULL, &lock->pg, err);
	}
	if (rc == 0)
		rc = mrt_pg_value(lock->pg, ctx, "SELECT pg_try_advisory_lock(" KEYS ")::text",
		                  &taken, err);
	if (rc == 0 && strcmp(taken, "true") != 0)
		rc = who_holds(lock->pg, ctx, err);
	if (rc == 0)
		rc = mrt_pg_lock_ping(lock, ctx, err);
	if (rc == 0)
		*ret = mrt_steal(lock);
	return rc;
}

struct mrt_pg *mrt_pg_lock_session(const struct mrt_pg_lock *lock)
{
	return lock->pg;
}

void mrt_pg_lock_free(struct mrt_pg_lock *lock)
{
	if (!lock)
		return;
	mrt_pg_free(lock->pg); /* the session's end is the release */
	free(lock);
}
