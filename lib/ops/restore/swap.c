/* swap.c - a restored database in the place of the old one, which is kept. */
#include "base/text.h"
#include "ops/restore/build.h"

#include <string.h>

#define NAME_MAX_BYTES 63
#define BEFORE "_before_"

int mrt_swap_check(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                   const char *name, char **ret_kept, struct mrt_error *err)
{
	mrt_autofree char *kept = NULL;
	/* what would be too long begins with as much of the name as there is room for */
	size_t len = strlen(name), room = NAME_MAX_BYTES - strlen(c->manifest->id) - strlen(BEFORE);
	if (len > room)
		for (len = room; len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80;)
			len--;
	int rc = mrt_text_printf(&kept, err, "%.*s" BEFORE "%s", (int)len, name, c->manifest->id);
	if (rc < 0)
		return rc;
	const char *const values[] = { name, kept };
	mrt_auto_pgresult r = NULL;
	rc = mrt_pg_query(
	        c->pg, ctx,
	        "SELECT (SELECT count(*) FROM pg_database WHERE datname = $2), (r.rolsuper OR "
	        "(r.rolcreatedb AND pg_has_role(d.datdba, 'USAGE')))::text, (SELECT count(*) FROM "
	        "pg_stat_subscription s JOIN pg_subscription p ON p.oid = s.subid WHERE p.subdbid "
	        "= d.oid), (SELECT count(*) FROM pg_replication_slots WHERE database = $1), "
	        "(SELECT count(*) FROM pg_prepared_xacts WHERE database = $1) FROM pg_database d, "
	        "pg_roles r WHERE d.datname = $1 AND r.rolname = current_user",
	        values, 2, &r, err);
	if (rc < 0)
		return rc;
	if (PQntuples(r) == 0)
		return mrt_fail(err, MRT_NOT_FOUND, "--swap: there is no database %s", name);
	if (strcmp(PQgetvalue(r, 0, 0), "0") != 0)
		return mrt_fail(err, MRT_EXISTS, "--swap: the database %s exists already", kept);
	if (strcmp(PQgetvalue(r, 0, 1), "true") != 0)
		return mrt_fail(err, MRT_REFUSED,
		                "--swap: the role %s may not rename %s (it must own "
		                "it, and have CREATEDB)",
		                PQuser(c->pg->conn), name);
	static const char *const obstacles[] = { "subscriptions", "logical replication slots",
		                                 "prepared transactions" };
	for (int i = 0; i < 3; i++)
		if (strcmp(PQgetvalue(r, 0, 2 + i), "0") != 0)
			return mrt_fail(err, MRT_FAILED, "--swap: the database %s has %s", name,
			                obstacles[i]);
	*ret_kept = mrt_steal(kept);
	return 0;
}

static int try_renames(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                       const char *old, const char *built, const char *kept, struct mrt_error *err)
{
	/* renames are transactional: both happen, or neither; and no signal comes between */
	const struct mrt_context whole = { .log = ctx->log,
		                           .wall = ctx->wall,
		                           .deadline = mrt_clock_monotonic() + 10 * MRT_SECOND };
	int rc = mrt_pg_exec(c->pg, &whole, err, "BEGIN");
	if (rc == 0)
		rc = mrt_pg_exec(c->pg, &whole, err, "ALTER DATABASE %s RENAME TO %s", old, kept);
	if (rc == 0)
		rc = mrt_pg_exec(c->pg, &whole, err, "ALTER DATABASE %s RENAME TO %s", built, old);
	if (rc < 0) {
		mrt_pg_exec(c->pg, &whole, NULL, "ROLLBACK");
		return rc;
	}
	return mrt_pg_exec(c->pg, &whole, err, "COMMIT");
}

int mrt_swap(const struct mrt_context *ctx, const struct mrt_restore_context *c, const char *built,
             const char *name, const char *kept, struct mrt_error *err)
{
	mrt_autofree char *old = NULL, *fresh = NULL, *aside = NULL, *literal = NULL;
	int rc = mrt_pg_name(c->pg, name, &old, err);
	if (rc == 0)
		rc = mrt_pg_name(c->pg, built, &fresh, err);
	if (rc == 0)
		rc = mrt_pg_name(c->pg, kept, &aside, err);
	if (rc == 0)
		rc = mrt_pg_literal(c->pg, name, &literal, err);
	if (rc == 0)
		rc = mrt_pg_exec(c->pg, ctx, err, "ALTER DATABASE %s ALLOW_CONNECTIONS false", old);
	if (rc < 0)
		return rc;
	int64_t end = mrt_clock_monotonic() + c->config->limits_swap;
	do {
		rc = mrt_pg_exec(c->pg, ctx, err,
		                 "SELECT pg_terminate_backend(pid) FROM "
		                 "pg_stat_activity WHERE datname = %s",
		                 literal);
		if (rc == 0)
			rc = try_renames(ctx, c, old, fresh, aside, err);
		if (rc == MRT_FAILED && mrt_clock_monotonic() < end &&
		    mrt_context_sleep(ctx, 200 * MRT_MILLISECOND, err) < 0)
			break;
	} while (rc == MRT_FAILED && mrt_clock_monotonic() < end);
	/* on every path, whatever the old database is called now, and even after a signal */
	const struct mrt_context last = { .log = ctx->log,
		                          .wall = ctx->wall,
		                          .deadline = mrt_clock_monotonic() + 3 * MRT_SECOND };
	struct mrt_error why;
	if (mrt_pg_exec(c->pg, &last, &why, "ALTER DATABASE %s ALLOW_CONNECTIONS true",
	                rc == 0 ? aside : old) < 0)
		mrt_warn_because(ctx, &why, "%s still refuses connections", rc == 0 ? kept : name);
	return rc;
}
