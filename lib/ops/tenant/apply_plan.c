/* apply_plan.c - what would have to be done for schools to be what a file declares. */
#include "ops/tenant/apply_plan.h"
#include "base/faults.h"
#include "base/text.h"
#include "ops/tenant/creating.h"
#include "ops/tenant/list.h"
#include "ops/tenant/update.h"
#include "platform/tenants.h"

#include <string.h>

enum { SLUG, NAME, STATUS, PLAN, MODE, INVENTORY, REASON, VERSION, REQUEST };

struct planning {
	const struct mrt_inventory *inventory;
	const char *path;
	bool prune;
	struct mrt_apply_plan *to;
	const PGresult *there; /* schools, by slug */
	json_t *plans;         /* {name: isolation} */
	json_t *kept;          /* slugs that others had: {slug: what their school has now, or ""} */
};

void mrt_apply_plan_release(struct mrt_apply_plan *plan)
{
	free(plan->actions);
	free(plan->reason);
	free(plan->reason_suspended);
	json_decref(plan->list);
	*plan = (struct mrt_apply_plan) { 0 };
}

static const char *cell(const struct planning *p, int i, int column)
{
	return PQgetisnull(p->there, i, column) ? NULL : PQgetvalue(p->there, i, column);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int add(struct planning *p, const char *slug, const char *name,
               struct mrt_apply_action **ret, struct mrt_error *err)
{
	struct mrt_apply_plan *plan = p->to;
	if (plan->n == plan->room) {
		size_t room = plan->room ? 2 * plan->room : 64;
		struct mrt_apply_action *more =
		        reallocarray(plan->actions, room, sizeof(*plan->actions));
		if (!more)
			return mrt_no_memory(err);
		plan->actions = more;
		plan->room = room;
	}
	json_t *json = json_object();
	int rc = mrt_json_append(plan->list, json, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "slug", slug, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "action", name, err);
	if (rc == 0)
		rc = mrt_json_set(json, "changes", json_object(), err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "state", "to do", err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "error", NULL, err);
	if (rc < 0)
		return rc;
	*ret = &plan->actions[plan->n++];
	**ret = (struct mrt_apply_action) { .slug = mrt_json_text_or(json, "slug", ""),
		                            .json = json };
	return 0;
}

static int note_action(const struct mrt_apply_action *a, const char *name, const char *from,
                       const char *to, struct mrt_error *err)
{
	if (!to)
		return 0;
	json_t *pair = json_array();
	int rc = mrt_json_set(json_object_get(a->json, "changes"), name, pair, err);
	if (rc == 0)
		rc = mrt_json_append(pair, from ? json_string(from) : json_null(), err);
	return rc < 0 ? rc : mrt_json_append(pair, json_string(to), err);
}

static int fail_at(const struct planning *p, const struct mrt_declared_tenant *s,
                   enum mrt_code code, struct mrt_error *err, const char *text, const char *what)
{
	return mrt_fail(err, code, "%s:%zu: the school '%s' %s%s", p->path, s->line, s->slug, text,
	                what);
}

/* One that was begun is finished as it was begun. */
static int check_begun(const struct planning *p, const struct mrt_declared_tenant *s, int i,
                       const char *mode, struct mrt_error *err)
{
	const struct mrt_tenant_create_options options = { .name = s->name,
		                                           .plan = s->plan,
		                                           .owner_email = s->owner_email };
	const char *text = cell(p, i, REQUEST);
	mrt_auto_json before = NULL;
	mrt_auto_json request = NULL;
	int rc = text ? mrt_json_parse(text, strlen(text), &before, err)
	              : mrt_fail(err, MRT_CORRUPT, "its journal has no step 'reserve'");
	if (rc == 0)
		rc = mrt_tenant_request(&options, &request, err);
	if (rc == 0)
		rc = mrt_tenant_request_compare(s->slug, before, request, cell(p, i, MODE), mode,
		                                err);
	return rc < 0 ? mrt_prefix(err, rc, "%s:%zu", p->path, s->line) : 0;
}

/* i: its row, -1: a new one. */
static int create(struct planning *p, const struct mrt_declared_tenant *s, int i,
                  struct mrt_error *err)
{
	const char *of_plan = mrt_json_text_or(p->plans, s->plan, ""),
	           *mode = s->isolation ? s->isolation : of_plan;
	struct mrt_apply_action *a;
	const char *now = i < 0 ? mrt_json_text_or(p->kept, s->slug, NULL) : NULL;
	if (now) {
		fail_at(p, s, MRT_EXISTS, err, "is to be made, and had its slug from another", "");
		return *now ? mrt_hint(err, "that school is '%s' now: is it meant?", now)
		            : mrt_hint(err, "a slug is kept for 365 days");
	}
	if (!s->owner_email)
		return fail_at(p, s, MRT_CONFIG, err, "is to be made, and has no ", "owner-email");
	int rc = i < 0 ? 0 : check_begun(p, s, i, mode, err);
	if (rc == 0)
		rc = add(p, s->slug, "create", &a, err);
	if (rc < 0)
		return rc;
	bool active = mrt_declared_is_active(s);
	a->kind = MRT_APPLY_CREATE;
	a->tenant = s;
	a->shared = i < 0 && active && strcmp(mode, "shared") == 0;
	rc = note_action(a, "plan", NULL, s->plan, err);
	if (rc == 0)
		rc = note_action(a, "isolation", NULL, i < 0 ? mode : cell(p, i, MODE), err);
	return rc < 0 || active ? rc : note_action(a, "status", NULL, s->status, err);
}

/* What was decided of it is of that version. */
static uint64_t version_of(const struct planning *p, int i)
{
	return strtoull(cell(p, i, VERSION), NULL, 10);
}

static int update(struct planning *p, const struct mrt_declared_tenant *s, int i,
                  struct mrt_error *err)
{
	const char *status = cell(p, i, STATUS), *plan = cell(p, i, PLAN), *name = cell(p, i, NAME);
	struct mrt_tenant_change change = {
		.name = same(name, s->name) ? NULL : s->name,
		.plan = same(plan, s->plan) ? NULL : s->plan,
		.status = !s->status || same(status, s->status) ? NULL : s->status,
		.version = version_of(p, i),
	};
	/* it was put away for not being in the file, and is in it again */
	if (!s->status && same(status, "archived") && same(cell(p, i, REASON), p->to->reason))
		change.status = "active";
	struct mrt_apply_action *a;
	if (!change.name && !change.plan && !change.status) {
		p->to->unchanged++;
		return 0;
	}
	int rc = add(p, s->slug, "update", &a, err);
	if (rc < 0)
		return rc;
	a->kind = MRT_APPLY_UPDATE;
	a->tenant = s;
	a->change = change;
	rc = note_action(a, "name", name, change.name, err);
	if (rc == 0)
		rc = note_action(a, "plan", plan, change.plan, err);
	return rc < 0 ? rc : note_action(a, "status", status, change.status, err);
}

static int archive(struct planning *p, int i, struct mrt_error *err)
{
	struct mrt_apply_action *a;
	const char *status = cell(p, i, STATUS);
	if (same(status, "archived"))
		return 0;
	/* one that was begun cannot be put away before it is made */
	bool can = p->prune && !same(status, "provisioning");
	p->to->left += !can;
	if (!can)
		return 0;
	int rc = add(p, cell(p, i, SLUG), "archive", &a, err);
	if (rc < 0)
		return rc;
	a->kind = MRT_APPLY_ARCHIVE;
	a->change.status = "archived";
	a->change.version = version_of(p, i);
	/* by this it is served again when it is declared again; one that was suspended is not */
	a->change.reason = same(status, "suspended") ? p->to->reason_suspended : p->to->reason;
	return note_action(a, "status", cell(p, i, STATUS), "archived", err);
}

static int declared(struct planning *p, const struct mrt_declared_tenant *s, int i,
                    struct mrt_error *err)
{
	if (!json_object_get(p->plans, s->plan)) {
		mrt_fail(err, MRT_NOT_FOUND, "%s:%zu: there is no plan '%.80s'", p->path,
		         s->plan_line, s->plan);
		return mrt_hint(err,
		                "'maratea plan list' shows those that there are, 'maratea plan "
		                "create' makes one");
	}
	if (i < 0)
		return create(p, s, -1, err);
	const char *of = cell(p, i, INVENTORY), *mode = cell(p, i, MODE);
	if (of && strcmp(of, p->inventory->name) != 0)
		return fail_at(p, s, MRT_CHANGED, err, "belongs to the inventory ", of);
	if (s->isolation && strcmp(s->isolation, mode) != 0) {
		mrt_fail(err, MRT_UNSUPPORTED, "%s:%zu: the school '%s' has isolation %s, not %s",
		         p->path, s->line, s->slug, mode, s->isolation);
		return mrt_hint(err, "its tables stay where they are; take 'isolation' out, or say "
		                     "what it has");
	}
	return same(cell(p, i, STATUS), "provisioning") ? create(p, s, i, err)
	                                                : update(p, s, i, err);
}

/* Both lists are by slug, byte by byte. */
static int compare(struct planning *p, struct mrt_error *err)
{
	mrt_auto_faults faults = { .n = 0 };
	struct mrt_error why;
	size_t k = 0;
	int rc = 0, i = 0, n = PQntuples(p->there);
	while (rc == 0 && (k < p->inventory->n || i < n)) {
		const struct mrt_declared_tenant *s =
		        k < p->inventory->n ? &p->inventory->tenants[k] : NULL;
		int order = !s ? 1 : i == n ? -1 : strcmp(s->slug, cell(p, i, SLUG));
		if (order >= 0 && same(cell(p, i, INVENTORY), p->inventory->name))
			p->to->live += !same(cell(p, i, STATUS), "archived");
		rc = order > 0   ? archive(p, i, &why)
		     : order < 0 ? declared(p, s, -1, &why)
		                 : declared(p, s, i, &why);
		rc = mrt_faults_add(&faults, rc, &why);
		k += order <= 0;
		i += order >= 0;
	}
	return rc < 0 ? mrt_no_memory(err) : mrt_faults_end(&faults, err);
}

static int slugs_of(const struct mrt_inventory *inventory, char **ret, struct mrt_error *err)
{
	mrt_auto_json list = json_array();
	int rc = list ? 0 : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < inventory->n; i++)
		rc = mrt_json_append(list, json_string(inventory->tenants[i].slug), err);
	if (rc == 0 && !(*ret = json_dumps(list, JSON_COMPACT)))
		rc = mrt_no_memory(err);
	return rc;
}

static int read_plans(struct mrt_session *s, json_t *to, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(s, "SELECT name, isolation FROM plans", NULL, 0, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = mrt_json_set_text(to, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), err);
	return rc;
}

static int read_kept(struct mrt_session *s, const char *slugs, json_t *to, struct mrt_error *err)
{
	const char *const values[] = { slugs };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(
	        s,
	        "SELECT k.slug, coalesce(t.slug, '') FROM slug_tombstones k LEFT JOIN tenants t ON "
	        "t.id = k.tenant_id WHERE k.until > now() AND k.slug IN (SELECT "
	        "json_array_elements_text($1::json))",
	        values, 1, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = mrt_json_set_text(to, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), err);
	return rc;
}

int mrt_apply_plan(struct mrt_session *s, const struct mrt_inventory *inventory, const char *path,
                   bool prune, struct mrt_apply_plan *ret, struct mrt_error *err)
{
	mrt_auto_json plans = json_object();
	mrt_auto_json kept = json_object();
	mrt_auto_pgresult there = NULL;
	mrt_autofree char *slugs = NULL;
	struct planning p = { inventory, path, prune, ret, NULL, plans, kept };
	*ret = (struct mrt_apply_plan) { .list = json_array() };
	int rc = plans && kept && ret->list ? slugs_of(inventory, &slugs, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_text_printf(&ret->reason, err, MRT_REASON_PRUNED "%s", inventory->name);
	if (rc == 0)
		rc = mrt_text_printf(&ret->reason_suspended, err, "%s; it was suspended before",
		                     ret->reason);
	const char *const values[] = { slugs, inventory->name };
	if (rc == 0)
		rc = read_plans(s, plans, err);
	if (rc == 0)
		rc = read_kept(s, slugs, kept, err);
	if (rc == 0)
		rc = mrt_session_query(
		        s,
		        "SELECT t.slug, t.name, t.status, t.plan, p.mode, t.inventory, t.reason, "
		        "t.version, j.detail FROM tenants t JOIN placements p ON p.tenant_id = "
		        "t.id LEFT JOIN journal j ON t.status = 'provisioning' AND j.tenant_id = "
		        "t.id AND j.step = 'reserve' WHERE t.inventory = $2 OR t.slug IN (SELECT "
		        "json_array_elements_text($1::json)) ORDER BY t.slug COLLATE \"C\"",
		        values, 2, &there, err);
	p.there = there;
	if (rc == 0)
		rc = compare(&p, err);
	if (rc < 0)
		mrt_apply_plan_release(ret);
	return rc;
}
