/* session.h - a command at work on the platform: which one, by whom, and changes with their audit
 * row. */
#ifndef MRT_PLATFORM_SESSION_H
#define MRT_PLATFORM_SESSION_H

#include "config/settings.h"
#include "platform/audit.h"
#include "platform/scope.h"

struct mrt_session {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	struct mrt_pg *pg; /* to the platform's database, as the role that migrates */
	char *platform;    /* its id */
	struct mrt_audit_who who;
};
/* MRT_CONFIG, MRT_CHANGED as mrt_platform_check(); MRT_UNSUPPORTED: the platform's schema is not
 * this maratea's. */
int mrt_session_open(const struct mrt_context *ctx, const struct mrt_config *config, bool writes,
                     struct mrt_session *ret, struct mrt_error *err);
void mrt_session_release(struct mrt_session *session);

typedef int mrt_session_work(struct mrt_session *session, void *context, struct mrt_error *err);
/* work as the owner, in the schema maratea, unfiltered; all or nothing. */
int mrt_session_look(struct mrt_session *session, mrt_session_work *work, void *context,
                     struct mrt_error *err);
/* The same, and event's audit row with it. work may fill event, and set its action to NULL where
 * nothing was changed: then there is no row. */
int mrt_session_change(struct mrt_session *session, mrt_session_work *work, void *context,
                       const struct mrt_audit_event *event, struct mrt_error *err);

/* A query in work. */
int mrt_session_query(struct mrt_session *session, const char *sql, const char *const *values,
                      int n_values, PGresult **ret, struct mrt_error *err);

#endif
