/* tenants.h - a school's row in the platform, for those who look for one. */
#ifndef MRT_PLATFORM_TENANTS_H
#define MRT_PLATFORM_TENANTS_H

#include "codec/json.h"
#include "platform/session.h"

/* As mrt_tenant_show() describes it. Inside mrt_session_look() or _change(). lock: FOR UPDATE. */
int mrt_tenant_fetch(struct mrt_session *session, const char *slug, bool lock, json_t **ret,
                     struct mrt_error *err);
/* Can one work on a school of that status? MRT_CHANGED: it is not made yet, or writes, and it is
 * archived. */
int mrt_tenant_is_usable(const char *slug, const char *status, bool writes, struct mrt_error *err);
/* May a new or renamed school have that slug? id: whose it may have been; NULL: nobody's.
 * MRT_EXISTS. */
int mrt_tenant_slug_free(struct mrt_session *session, const char *slug, const char *id,
                         struct mrt_error *err);
/* Only: is it kept for another? */
int mrt_tenant_slug_kept(struct mrt_session *session, const char *slug, const char *id,
                         struct mrt_error *err);
/* MRT_NOT_FOUND; *ret_isolation, which may be NULL, is to be freed. The plan stays until the
 * transaction ends. */
int mrt_tenant_plan_check(struct mrt_session *session, const char *plan, char **ret_isolation,
                          struct mrt_error *err);

/* Rows as mrt_tenant_row() reads them: MRT_TENANT_ROWS "WHERE ..." */
#define MRT_TENANT_ROWS                                                                      \
	"SELECT t.id, t.slug, t.name, t.status, t.reason, t.plan, p.mode, p.database_name, " \
	"p.schema_name, t.version, to_char(t.created_at AT TIME ZONE 'UTC', "                \
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), to_char(t.updated_at AT TIME ZONE 'UTC', "       \
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM tenants t JOIN placements p ON p.tenant_id = t.id "
int mrt_tenant_row(const PGresult *rows, int i, json_t **ret, struct mrt_error *err);

/* One command at a time works on a school, for as long as it is connected: MRT_LOCKED. */
int mrt_tenant_lock(struct mrt_session *session, const char *slug, struct mrt_error *err);
void mrt_tenant_unlock(struct mrt_session *session, const char *slug);

#endif
