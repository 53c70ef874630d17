/* session.c - a command at work on the platform. */
#include "platform/session.h"
#include "base/text.h"
#include "platform/connect.h"
#include "platform/identity.h"
#include "platform/migrations.h"

#include <stdlib.h>
#include <string.h>

void mrt_session_release(struct mrt_session *s)
{
	mrt_pg_free(s->pg);
	free(s->platform);
	s->pg = NULL;
	s->platform = NULL;
}

static int open_session(struct mrt_session *s, bool writes, struct mrt_error *err)
{
	int rc = mrt_platform_connect(s->ctx, s->config, NULL, &s->pg, err);
	if (rc == 0)
		rc = mrt_platform_check(s->pg, s->ctx, s->config, writes, err);
	if (rc == 0)
		rc = mrt_migrate_is_current(s->pg, s->ctx, "platform", MRT_PLATFORM_SCHEMA, err);
	if (rc == 0)
		rc = mrt_pg_value(s->pg, s->ctx, "SELECT id FROM " MRT_PLATFORM_SCHEMA ".platform",
		                  &s->platform, err);
	return rc;
}

int mrt_session_open(const struct mrt_context *ctx, const struct mrt_config *config, bool writes,
                     struct mrt_session *ret, struct mrt_error *err)
{
	struct mrt_session s = { .ctx = ctx, .config = config };
	mrt_audit_who(&s.who);
	int rc = open_session(&s, writes, err);
	if (rc < 0)
		mrt_session_release(&s);
	else
		*ret = s;
	return rc;
}

struct change {
	struct mrt_session *session;
	mrt_session_work *work;
	void *context;
	const struct mrt_audit_event *event; /* NULL: only looks */
};

static int do_change(struct mrt_pg *pg, void *context, struct mrt_error *err)
{
	struct change *c = context;
	int rc = mrt_pg_exec(pg, c->session->ctx, err, "SET LOCAL row_security = off");
	if (rc == 0)
		rc = c->work(c->session, c->context, err);
	return rc < 0 || !c->event || !c->event->action
	               ? rc
	               : mrt_audit_append(pg, c->session->ctx, &c->session->who, c->event, err);
}

int mrt_session_change(struct mrt_session *s, mrt_session_work *work, void *context,
                       const struct mrt_audit_event *event, struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { "", MRT_PLATFORM_SCHEMA, MRT_OWNER };
	struct change change = { s, work, context, event };
	return mrt_tenant_txn(s->pg, s->ctx, &scope, do_change, &change, err);
}

int mrt_session_look(struct mrt_session *s, mrt_session_work *work, void *context,
                     struct mrt_error *err)
{
	return mrt_session_change(s, work, context, NULL, err);
}

int mrt_session_query(struct mrt_session *s, const char *sql, const char *const *values,
                      int n_values, PGresult **ret, struct mrt_error *err)
{
	return mrt_pg_query(s->pg, s->ctx, sql, values, n_values, ret, err);
}
