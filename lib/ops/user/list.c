/* list.c - the people of a school, listed. */
#include "base/text.h"
#include "ops/user/change.h"
#include "ops/user/row.h"
#include "platform/tenant_session.h"

#include <stdlib.h>
#include <string.h>

#define PAGE "500"

static int check_one_of(const char *what, const char *text, const char *const *known, size_t n,
                        struct mrt_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!text || strcmp(text, known[i]) == 0)
			return 0;
	return mrt_fail(err, MRT_USAGE, "%s: '%.80s' is not one of %s, %s, %s%s%s", what, text,
	                known[0], known[1], known[2], n > 3 ? ", " : "", n > 3 ? known[3] : "");
}

int mrt_user_check_role(const char *role, struct mrt_error *err)
{
	static const char *const roles[] = { "owner", "admin", "instructor", "student" };
	return check_one_of("the role", role, roles, 4, err);
}

int mrt_user_describe(const PGresult *r, int i, json_t **ret, struct mrt_error *err)
{
	static const char *const names[] = {
		"id", "email", "name", "status", "roles", "created_at"
	};
	mrt_auto_json json = json_object();
	int rc = json ? 0 : mrt_no_memory(err);
	for (int k = 0; rc == 0 && k < 6; k++) {
		const char *text = PQgetvalue(r, i, k);
		rc = k == 4 ? mrt_json_set(json, names[k], json_loads(text, 0, NULL), err)
		            : mrt_json_set_text(json, names[k], text, err);
	}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

struct listing {
	const struct mrt_user_filter *filter;
	char *after;
	PGresult *page;
};

static void listing_release(struct listing *l)
{
	free(l->after);
	PQclear(l->page);
}

static int read_page(struct mrt_tenant_session *s, void *context, struct mrt_error *err)
{
	struct listing *l = context;
	const char *const values[] = { l->after, l->filter->role, l->filter->status };
	PQclear(l->page);
	l->page = NULL;
	return mrt_tenant_session_query(
	        s,
	        MRT_USER_COLUMNS
	        "AND u.email_norm > $2 AND ($3::text IS NULL OR EXISTS (SELECT FROM memberships m "
	        "WHERE m.tenant_id = $1 AND m.user_id = u.id AND m.role = $3)) AND ($4::text IS "
	        "NULL OR u.status = $4) ORDER BY u.email_norm LIMIT " PAGE,
	        values, 3, &l->page, err);
}

int mrt_user_list(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                  const struct mrt_user_filter *filter,
                  int (*each)(const json_t *user, void *context, struct mrt_error *err),
                  void *context, struct mrt_error *err)
{
	static const char *const states[] = { "invited", "active", "disabled" };
	mrt_cleanup(mrt_tenant_session_release) struct mrt_tenant_session s = { 0 };
	mrt_cleanup(listing_release) struct listing l = { .filter = filter };
	int n = 1, rc = mrt_user_check_role(filter->role, err);
	if (rc == 0)
		rc = check_one_of("--status", filter->status, states, 3, err);
	if (rc == 0)
		rc = mrt_text_dup("", &l.after, err);
	if (rc == 0)
		rc = mrt_tenant_session_open(ctx, config, slug, false, &s, err);
	while (rc == 0 && n > 0) {
		rc = mrt_tenant_session_look(&s, read_page, &l, err);
		n = rc == 0 ? PQntuples(l.page) : 0;
		for (int i = 0; rc == 0 && i < n; i++) {
			mrt_auto_json one = NULL;
			rc = mrt_user_describe(l.page, i, &one, err);
			if (rc == 0)
				rc = each(one, context, err);
		}
		if (rc == 0 && n > 0) {
			free(l.after);
			l.after = NULL;
			rc = mrt_text_dup(PQgetvalue(l.page, n - 1, 6), &l.after, err);
		}
	}
	return rc;
}
