/* tenant_session.h - a command at work on one school's own tables. */
#ifndef MRT_PLATFORM_TENANT_SESSION_H
#define MRT_PLATFORM_TENANT_SESSION_H

#include "platform/session.h"

struct mrt_tenant_session {
	struct mrt_session s;
	struct mrt_pg *pg;  /* to where its tables are; s.pg or own */
	struct mrt_pg *own; /* a connection of its own, or NULL */
	char *slug, *id, *schema, *database, *plan;
};
/* MRT_NOT_FOUND; MRT_CHANGED: it is not made yet, or writes, and it is archived; MRT_UNSUPPORTED:
 * its schema is not this maratea's. */
int mrt_tenant_session_open(const struct mrt_context *ctx, const struct mrt_config *config,
                            const char *slug, bool writes, struct mrt_tenant_session *ret,
                            struct mrt_error *err);
void mrt_tenant_session_release(struct mrt_tenant_session *tenant);

typedef int mrt_tenant_session_work(struct mrt_tenant_session *tenant, void *context,
                                    struct mrt_error *err);
/* work as its services, who see that school's rows only; all or nothing. */
int mrt_tenant_session_look(struct mrt_tenant_session *tenant, mrt_tenant_session_work *work,
                            void *context, struct mrt_error *err);
/* The same, and event's row in the school's own chain with it: tenant and chain are set here. work
 * may set its action to NULL where nothing was changed: then there is no row. */
int mrt_tenant_session_change(struct mrt_tenant_session *tenant, mrt_tenant_session_work *work,
                              void *context, struct mrt_audit_event *event, struct mrt_error *err);

/* A query in work. $1 is the school's id; further values follow. */
int mrt_tenant_session_query(struct mrt_tenant_session *tenant, const char *sql,
                             const char *const *values, int n_values, PGresult **ret,
                             struct mrt_error *err);

#endif
