/* tenant_session.c - a command at work on one school's own tables. */
#include "platform/tenant_session.h"
#include "base/text.h"
#include "platform/migrations.h"
#include "platform/places.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 8

void mrt_tenant_session_release(struct mrt_tenant_session *tenant)
{
	mrt_pg_free(tenant->own);
	mrt_session_release(&tenant->s);
	free(tenant->slug);
	free(tenant->id);
	free(tenant->schema);
	free(tenant->database);
	free(tenant->plan);
	*tenant = (struct mrt_tenant_session) { 0 };
}

struct finding {
	struct mrt_tenant_session *tenant;
	bool writes;
};

static int find(struct mrt_session *s, void *context, struct mrt_error *err)
{
	const struct finding *f = context;
	struct mrt_tenant_session *to = f->tenant;
	mrt_auto_json json = NULL;
	int rc = mrt_tenant_fetch(s, to->slug, false, &json, err);
	if (rc < 0)
		return rc;
	const char *status = mrt_json_text_or(json, "status", ""),
	           *database = mrt_json_text_or(json, "database", NULL);
	rc = mrt_tenant_is_usable(to->slug, status, f->writes, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "id", ""), &to->id, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "schema", ""), &to->schema, err);
	if (rc == 0)
		rc = mrt_text_dup(mrt_json_text_or(json, "plan", ""), &to->plan, err);
	return rc == 0 && database ? mrt_text_dup(database, &to->database, err) : rc;
}

int mrt_tenant_session_open(const struct mrt_context *ctx, const struct mrt_config *config,
                            const char *slug, bool writes, struct mrt_tenant_session *ret,
                            struct mrt_error *err)
{
	struct finding finding = { ret, writes };
	*ret = (struct mrt_tenant_session) { 0 };
	int rc = mrt_text_dup(slug, &ret->slug, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, writes, &ret->s, err);
	if (rc == 0)
		rc = mrt_session_look(&ret->s, find, &finding, err);
	if (rc == 0)
		rc = mrt_place_connect(ctx, config, ret->s.pg, ret->database, &ret->own, &ret->pg,
		                       err);
	if (rc == 0)
		rc = mrt_migrate_is_current(ret->pg, ctx, "tenant", ret->schema, err);
	if (rc < 0)
		mrt_tenant_session_release(ret);
	return rc;
}

struct change {
	struct mrt_tenant_session *tenant;
	mrt_tenant_session_work *work;
	void *context;
	struct mrt_audit_event *event; /* NULL: only looks */
};

static int do_change(struct mrt_pg *pg, void *context, struct mrt_error *err)
{
	struct change *c = context;
	const struct mrt_context *ctx = c->tenant->s.ctx;
	int rc = c->work(c->tenant, c->context, err);
	if (rc == 0 && c->event && c->event->action)
		rc = mrt_audit_append(pg, ctx, &c->tenant->s.who, c->event, err);
	return rc;
}

int mrt_tenant_session_change(struct mrt_tenant_session *tenant, mrt_tenant_session_work *work,
                              void *context, struct mrt_audit_event *event, struct mrt_error *err)
{
	const struct mrt_tenant_scope scope = { tenant->id, tenant->schema, MRT_APP };
	struct change change = { tenant, work, context, event };
	if (event) {
		event->chain = MRT_CHAIN_TENANT;
		snprintf(event->tenant, sizeof(event->tenant), "%s", tenant->id);
	}
	return mrt_tenant_txn(tenant->pg, tenant->s.ctx, &scope, do_change, &change, err);
}

int mrt_tenant_session_look(struct mrt_tenant_session *tenant, mrt_tenant_session_work *work,
                            void *context, struct mrt_error *err)
{
	return mrt_tenant_session_change(tenant, work, context, NULL, err);
}

int mrt_tenant_session_query(struct mrt_tenant_session *tenant, const char *sql,
                             const char *const *values, int n_values, PGresult **ret,
                             struct mrt_error *err)
{
	const char *all[VALUES_MAX] = { tenant->id };
	mrt_assert(n_values >= 0 && n_values < VALUES_MAX);
	for (int i = 0; i < n_values; i++)
		all[i + 1] = values[i];
	return mrt_pg_query(tenant->pg, tenant->s.ctx, sql, all, n_values + 1, ret, err);
}
