/* scope.c - the one way to a school's rows. */
#include "platform/scope.h"
#include "base/text.h"

#include <string.h>

static bool is_uuid_or_empty(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	if (!*text)
		return true;
	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	return true;
}

int mrt_tenant_enter(struct mrt_pg *pg, const struct mrt_context *ctx,
                     const struct mrt_tenant_scope *scope, struct mrt_error *err)
{
	mrt_autofree char *schema = NULL, *role = NULL;
	mrt_auto_buf sql = MRT_BUF_INIT;
	if (!is_uuid_or_empty(scope->tenant))
		return mrt_fail(err, MRT_USAGE, "'%.80s' is no tenant's id", scope->tenant);
	int rc = mrt_pg_name(pg, scope->schema, &schema, err);
	if (rc == 0 && scope->role)
		rc = mrt_pg_name(pg, scope->role, &role, err);
	if (rc < 0)
		return rc;
	mrt_buf_add_text(&sql, "CLOSE ALL; ");
	mrt_buf_printf(&sql, "SET LOCAL ROLE %s; ", role ? role : "NONE");
	mrt_buf_printf(&sql,
	               "SET LOCAL search_path = %s, pg_temp; SET LOCAL maratea.tenant_id = '%s'",
	               schema, scope->tenant);
	rc = mrt_buf_check(&sql, err);
	return rc < 0 ? rc : mrt_pg_script(pg, ctx, mrt_buf_text(&sql), err);
}

/* Who waits for another's lock says so at last. */
static int tell_lock(const struct mrt_pg *pg, int rc, struct mrt_error *err)
{
	if (rc != MRT_LOCKED || strcmp(pg->sqlstate, "55P03") != 0)
		return rc;
	mrt_fail(err, MRT_LOCKED, "%s: somebody has held a lock for " MRT_LOCK_WAIT, pg->where);
	return mrt_hint(err, MRT_LOCK_HINT);
}

int mrt_tenant_txn(struct mrt_pg *pg, const struct mrt_context *ctx,
                   const struct mrt_tenant_scope *scope,
                   int (*work)(struct mrt_pg *pg, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err)
{
	/* one that is open already would be ended by this one's end */
	if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		return mrt_fail(
		        err, PQstatus(pg->conn) == CONNECTION_OK ? MRT_FAILED : MRT_UNREACHABLE,
		        "%s: %s", pg->where,
		        PQstatus(pg->conn) == CONNECTION_OK ? "there is a transaction already"
		                                            : "the connection is lost");
	int rc = mrt_pg_exec(pg, ctx, err, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
	if (rc < 0)
		return rc;
	rc = mrt_tenant_enter(pg, ctx, scope, err);
	if (rc == 0)
		rc = mrt_pg_exec(pg, ctx, err, "SET LOCAL lock_timeout = '" MRT_LOCK_WAIT "'");
	if (rc == 0)
		rc = tell_lock(pg, work(pg, context, err), err);
	/* a failed statement whose error nobody passed on makes COMMIT a ROLLBACK that succeeds */
	if (rc == 0 && PQtransactionStatus(pg->conn) != PQTRANS_INTRANS)
		rc = mrt_fail(err, MRT_FAILED, "the transaction on %s had failed before its end",
		              pg->where);
	if (rc == 0)
		return mrt_pg_exec(pg, ctx, err, "COMMIT");
	mrt_pg_exec(pg, ctx, NULL, "ROLLBACK");
	return rc;
}
