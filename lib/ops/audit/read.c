/* read.c - chains that are read. */
#include "ops/audit/read.h"
#include "base/text.h"
#include "platform/migrations.h"
#include "platform/tenants.h"

#include <stdlib.h>
#include <string.h>

void mrt_audit_reading_release(struct mrt_audit_reading *r)
{
	mrt_session_release(&r->s);
	free(r->tenant);
	free(r->schema);
	free(r->database);
	*r = (struct mrt_audit_reading) { 0 };
}

static int find_tenant(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct mrt_audit_reading *r = context;
	mrt_auto_json json = NULL;
	int rc = mrt_tenant_fetch(s, r->slug, false, &json, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "id", ""), &r->tenant, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "schema", ""), &r->schema, err);
	const char *database = mrt_json_text_or(json, "database", NULL);
	r->made = strcmp(mrt_json_text_or(json, "status", ""), "provisioning") != 0;
	return rc == 0 && database ? mrt_text_dup(database, &r->database, err) : rc;
}

int mrt_audit_open(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   struct mrt_audit_reading *ret, struct mrt_error *err)
{
	*ret = (struct mrt_audit_reading) { .slug = slug };
	int rc = mrt_session_open(ctx, config, false, &ret->s, err);
	if (rc == 0 && slug)
		rc = mrt_session_look(&ret->s, find_tenant, ret, err);
	if (rc < 0)
		mrt_audit_reading_release(ret);
	return rc;
}

int mrt_audit_enter(struct mrt_pg *pg, const struct mrt_context *ctx, const char *schema,
                    struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { "", schema, MRT_OWNER };
	int rc = mrt_pg_exec(pg, ctx, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	if (rc == 0)
		rc = mrt_tenant_enter(pg, ctx, &scope, err);
	return rc < 0 ? rc : mrt_pg_exec(pg, ctx, err, "SET LOCAL row_security = off");
}

int mrt_audit_leave(struct mrt_pg *pg, const struct mrt_context *ctx, int rc, struct mrt_error *err)
{
	struct mrt_error why;
	int back = mrt_pg_exec(pg, ctx, rc < 0 ? &why : err, "ROLLBACK");
	return rc < 0 ? rc : back;
}
