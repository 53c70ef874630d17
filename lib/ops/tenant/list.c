/* list.c - "tenant list" and "tenant show". */
#include "ops/tenant/list.h"
#include "codec/domain.h"
#include "platform/slug.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <string.h>

#define PAGE "1000"

struct listing {
	const struct mrt_tenant_filter *filter;
	int (*each)(const json_t *tenant, void *context, struct mrt_error *err);
	void *context;
	char after[MRT_SLUG_MAX + 1];
	const char *domain; /* normal, or NULL */
	PGresult *page;
};

static int read_page(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct listing *l = context;
	const char *const values[] = { l->after, l->filter->status, l->filter->plan, l->domain };
	return mrt_session_query(s,
	                         MRT_TENANT_ROWS
	                         "WHERE t.slug > $1 AND ($2::text IS NULL OR t.status = "
	                         "$2) AND ($3::text IS NULL OR t.plan = $3) AND ($4::text "
	                         "IS NULL OR EXISTS (SELECT FROM domains d WHERE d.name = "
	                         "$4 AND d.tenant_id = t.id)) ORDER BY t.slug LIMIT " PAGE,
	                         values, 4, &l->page, err);
}

static int check_plan(struct mrt_session *s, void *context, struct mrt_error *err)
{
	const struct listing *l = context;
	return mrt_tenant_plan_check(s, l->filter->plan, NULL, err);
}

/* Outside of the transaction: who reads slowly, or not at all, holds nothing in the server. */
static int tell_page(struct listing *l, struct mrt_error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < PQntuples(l->page); i++) {
		mrt_auto_json one = NULL;
		rc = mrt_tenant_row(l->page, i, &one, err);
		if (rc == 0)
			rc = l->each(one, l->context, err);
		snprintf(l->after, sizeof(l->after), "%s", PQgetvalue(l->page, i, 1));
	}
	return rc;
}

int mrt_tenant_list(const struct mrt_context *ctx, const struct mrt_config *config,
                    const struct mrt_tenant_filter *filter,
                    int (*each)(const json_t *tenant, void *context, struct mrt_error *err),
                    void *context, struct mrt_error *err)
{
	static const char *const states[] = { "provisioning", "active", "suspended", "archived" };
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	struct listing l = { .filter = filter, .each = each, .context = context };
	char domain[MRT_DOMAIN_SIZE];
	bool more = true;
	bool known = !filter->status;
	for (size_t i = 0; !known && i < 4; i++)
		known = strcmp(filter->status, states[i]) == 0;
	if (!known)
		return mrt_fail(
		        err, MRT_USAGE,
		        "--status: '%.80s' is not provisioning, active, suspended or archived",
		        filter->status);
	int rc = filter->domain ? mrt_domain_normal(filter->domain, domain, err) : 0;
	l.domain = filter->domain ? domain : NULL;
	if (rc == 0)
		rc = mrt_session_open(ctx, config, false, &s, err);
	if (rc == 0 && filter->plan)
		rc = mrt_session_look(&s, check_plan, &l, err);
	while (rc == 0 && more) {
		rc = mrt_session_look(&s, read_page, &l, err);
		if (rc == 0)
			rc = tell_page(&l, err);
		more = rc == 0 && PQntuples(l.page) > 0;
		PQclear(l.page);
		l.page = NULL;
	}
	return rc;
}

struct showing {
	const char *slug;
	json_t *tenant;
};

static int fetch(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct showing *o = context;
	mrt_auto_pgresult r = NULL;
	json_t *list = NULL;
	int rc = mrt_tenant_fetch(s, o->slug, false, &o->tenant, err);
	const char *const values[] = { mrt_json_text_or(o->tenant, "id", NULL) };
	if (rc == 0)
		rc = mrt_session_query(s,
		                       "SELECT name FROM domains WHERE tenant_id = $1 ORDER BY "
		                       "is_primary DESC, name",
		                       values, 1, &r, err);
	if (rc == 0)
		rc = mrt_json_set(o->tenant, "domains", list = json_array(), err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = mrt_json_append(list, json_string(PQgetvalue(r, i, 0)), err);
	return rc;
}

int mrt_tenant_show(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *slug, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	struct showing o = { .slug = slug };
	int rc = mrt_session_open(ctx, config, false, &s, err);
	if (rc == 0)
		rc = mrt_session_look(&s, fetch, &o, err);
	if (rc == 0)
		*ret = mrt_steal(o.tenant);
	json_decref(o.tenant);
	return rc;
}
