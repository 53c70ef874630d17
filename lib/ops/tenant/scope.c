/* scope.c - the one way to a school's rows. */
#include "ops/tenant/scope.h"
#include "base/text.h"

#include <string.h>

static bool is_uuid_or_empty(const char *text)
{
	return !*text || (strlen(text) == 36 && strspn(text, "0123456789abcdefABCDEF-") == 36);
}

int mrt_tenant_enter(struct mrt_pg *pg, const struct mrt_run *run,
                     const struct mrt_tenant_scope *scope, struct mrt_error *err)
{
	mrt_autofree char *schema = NULL, *role = NULL, *sql = NULL;
	if (!is_uuid_or_empty(scope->tenant))
		return mrt_fail(err, MRT_USAGE, "'%.80s' is no tenant's id", scope->tenant);
	int rc = mrt_pg_name(pg, scope->schema, &schema, err);
	if (rc == 0)
		rc = mrt_pg_name(pg, scope->role, &role, err);
	if (rc == 0)
		rc = mrt_text_printf(
		        &sql, err,
		        "SET LOCAL ROLE %s; SET LOCAL search_path = %s, pg_temp; SET LOCAL "
		        "maratea.tenant_id = '%s'",
		        role, schema, scope->tenant);
	return rc < 0 ? rc : mrt_pg_script(pg, run, sql, err);
}
