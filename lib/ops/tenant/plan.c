/* plan.c - tariffs. */
#include "ops/tenant/plan.h"
#include "base/text.h"
#include "platform/session.h"
#include "platform/slug.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define N_VALUES 8
#define COLUMNS                                                                  \
	"p.name, p.isolation, p.users_limit, p.courses_limit, p.storage_limit, " \
	"p.requests_per_second, extract(epoch FROM p.backup_interval)::bigint, " \
	"p.backup_retention, p.version, (SELECT count(*) FROM tenants t WHERE t.plan = p.name)"

/* Parameters as the statements take them; NULL: not given, "none": no limit. */
struct values {
	char *texts[N_VALUES];
};

static void values_release(struct values *v)
{
	for (size_t i = 0; i < N_VALUES; i++)
		free(v->texts[i]);
}

enum kind { NUMBER, SIZE, SECONDS };

static int limit(const char *option, const char *text, enum kind kind, char **ret,
                 struct mrt_error *err)
{
	int64_t number = 0;
	uint64_t size = 0;
	if (!text)
		return 0;
	if (strcmp(text, "none") == 0)
		return mrt_text_dup(text, ret, err);
	int rc = kind == NUMBER ? mrt_number_parse(text, 0, INT32_MAX, &number, err)
	         : kind == SIZE ? mrt_size_parse(text, &size, err)
	                        : mrt_duration_parse(text, &number, err);
	if (rc == 0 && (size > INT64_MAX || (kind == SECONDS && number < 60 * MRT_SECOND)))
		rc = mrt_fail(err, MRT_USAGE, "'%.80s' is too %s", text,
		              kind == SIZE ? "much" : "often: a minute is the least");
	if (rc < 0) {
		mrt_prefix(err, rc, "--%s", option);
		if (err)
			err->code = MRT_USAGE;
		return MRT_USAGE;
	}
	return mrt_text_printf(ret, err, "%" PRIu64,
	                       kind == SIZE      ? size
	                       : kind == SECONDS ? (uint64_t)(number / MRT_SECOND)
	                                         : (uint64_t)number);
}

/* "last=3,daily=7" to {"last": 3, "daily": 7}. */
static int retention(const char *text, char **ret, struct mrt_error *err)
{
	static const char *const names[] = { "last",   "hourly",  "daily",
		                             "weekly", "monthly", "yearly" };
	mrt_auto_json json = json_object();
	if (!text)
		return 0;
	if (!json)
		return mrt_no_memory(err);
	for (const char *p = text; *p && strcmp(text, "none") != 0;) {
		size_t len = strcspn(p, ","), name = strcspn(p, "=,"), i = 0;
		char number[24];
		int64_t n;
		while (i < 6 && (strlen(names[i]) != name || strncmp(p, names[i], name) != 0))
			i++;
		if (i == 6 || name == len || len - name > sizeof(number))
			return mrt_fail(
			        err, MRT_USAGE,
			        "--backup-retention: '%.*s' is not one of last, hourly, daily, "
			        "weekly, monthly, yearly, with a number, as in daily=7",
			        (int)(len > 80 ? 80 : len), p);
		snprintf(number, sizeof(number), "%.*s", (int)(len - name - 1), p + name + 1);
		if (mrt_number_parse(number, 0, INT32_MAX, &n, err) < 0)
			return mrt_fail(err, MRT_USAGE, "--backup-retention: '%s' is no number",
			                number);
		/* none is what it is without the rule */
		int rc = n == 0 ? 0 : mrt_json_set_size(json, names[i], (uint64_t)n, err);
		if (rc < 0)
			return rc;
		p += len + (p[len] == ',');
	}
	*ret = json_dumps(json, JSON_COMPACT);
	return *ret ? 0 : mrt_no_memory(err);
}

static int read_options(const char *name, const struct mrt_plan_options *o, struct values *ret,
                        struct mrt_error *err)
{
	int rc = mrt_isolation_check("--isolation", o->isolation, err);
	if (rc == 0)
		rc = mrt_label_check("plan", name, err);
	if (rc == 0)
		rc = mrt_text_dup(name, &ret->texts[0], err);
	if (rc == 0 && o->isolation)
		rc = mrt_text_dup(o->isolation, &ret->texts[1], err);
	if (rc == 0)
		rc = limit("users", o->users, NUMBER, &ret->texts[2], err);
	if (rc == 0)
		rc = limit("courses", o->courses, NUMBER, &ret->texts[3], err);
	if (rc == 0)
		rc = limit("storage", o->storage, SIZE, &ret->texts[4], err);
	if (rc == 0)
		rc = limit("requests-per-second", o->requests, NUMBER, &ret->texts[5], err);
	if (rc == 0 && o->requests && strcmp(ret->texts[5], "0") == 0)
		rc = mrt_fail(err, MRT_USAGE, "--requests-per-second: 0 would serve nobody");
	if (rc == 0)
		rc = limit("backup-interval", o->backup_interval, SECONDS, &ret->texts[6], err);
	return rc < 0 ? rc : retention(o->backup_retention, &ret->texts[7], err);
}

static int set_number(json_t *object, const char *name, const PGresult *r, int i, int column,
                      struct mrt_error *err)
{
	return PQgetisnull(r, i, column)
	               ? mrt_json_set(object, name, json_null(), err)
	               : mrt_json_set_size(object, name,
	                                   strtoull(PQgetvalue(r, i, column), NULL, 10), err);
}

static int describe_plan(const PGresult *r, int i, json_t **ret, struct mrt_error *err)
{
	static const char *const limits[] = { "users", "courses", "storage",
		                              "requests_per_second" };
	mrt_auto_json json = json_object();
	json_t *limit_list = NULL, *backup = NULL, *keep = NULL;
	int rc = json ? mrt_json_set_text(json, "name", PQgetvalue(r, i, 0), err)
	              : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "isolation", PQgetvalue(r, i, 1), err);
	if (rc == 0)
		rc = mrt_json_set(json, "limits", limit_list = json_object(), err);
	if (rc == 0)
		rc = mrt_json_set(json, "backup", backup = json_object(), err);
	for (int k = 0; rc == 0 && k < 4; k++)
		rc = set_number(limit_list, limits[k], r, i, 2 + k, err);
	if (rc == 0)
		rc = set_number(backup, "interval_s", r, i, 6, err);
	if (rc == 0)
		rc = mrt_json_parse(PQgetvalue(r, i, 7), strlen(PQgetvalue(r, i, 7)), &keep, err);
	if (rc == 0)
		rc = mrt_json_set(backup, "retention", keep, err);
	if (rc == 0)
		rc = set_number(json, "version", r, i, 8, err);
	if (rc == 0)
		rc = set_number(json, "tenants", r, i, 9, err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

struct planning {
	const char *name;
	struct values values;
	bool create, changed;
	json_t *plan, *list;
	struct mrt_audit_event event;
};

static void planning_release(struct planning *p)
{
	values_release(&p->values);
	json_decref(p->plan);
	json_decref(p->list);
}

static int fetch(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct planning *p = context;
	mrt_auto_pgresult r = NULL;
	const char *const values[] = { p->name };
	int rc = mrt_session_query(s, "SELECT " COLUMNS " FROM plans p WHERE name = $1", values, 1,
	                           &r, err);
	if (rc == 0 && PQntuples(r) == 0) {
		rc = mrt_fail(err, MRT_NOT_FOUND, "there is no plan '%.80s'", p->name);
		mrt_hint(err, "'maratea plan list' shows those that there are");
	}
	return rc < 0 ? rc : describe_plan(r, 0, &p->plan, err);
}

/* What is read then is what there is when the lock is ours. */
static int lock_plan(struct mrt_session *s, const struct planning *p, struct mrt_error *err)
{
	const char *const values[] = { p->name };
	mrt_auto_pgresult r = NULL;
	return mrt_session_query(s, "SELECT FROM plans WHERE name = $1 FOR NO KEY UPDATE", values,
	                         1, &r, err);
}

/* But for the number of the version. */
static int same_plan(const json_t *a, const json_t *b, bool *ret, struct mrt_error *err)
{
	mrt_auto_json x = json_deep_copy(a);
	mrt_auto_json y = json_deep_copy(b);
	if (!x || !y)
		return mrt_no_memory(err);
	json_object_del(x, "version");
	json_object_del(y, "version");
	*ret = json_equal(x, y);
	return 0;
}

static int write_plan(struct mrt_session *s, void *context, struct mrt_error *err)
{
	static const char create[] =
	        "INSERT INTO plans (name, isolation, users_limit, courses_limit, storage_limit, "
	        "requests_per_second, backup_interval, backup_retention) VALUES ($1, "
	        "coalesce($2, 'shared'), nullif($3, 'none')::bigint, nullif($4, 'none')::bigint, "
	        "nullif($5, 'none')::bigint, nullif($6, 'none')::integer, nullif($7, "
	        "'none')::bigint * interval '1 second', coalesce($8::jsonb, '{}'))";
	static const char update[] =
	        "UPDATE plans SET isolation = coalesce($2, isolation), users_limit = CASE WHEN "
	        "$3::text IS NULL THEN users_limit ELSE nullif($3, 'none')::bigint END, "
	        "courses_limit = CASE WHEN $4::text IS NULL THEN courses_limit ELSE nullif($4, "
	        "'none')::bigint END, storage_limit = CASE WHEN $5::text IS NULL THEN "
	        "storage_limit ELSE nullif($5, 'none')::bigint END, requests_per_second = CASE "
	        "WHEN $6::text IS NULL THEN requests_per_second ELSE nullif($6, 'none')::integer "
	        "END, backup_interval = CASE WHEN $7::text IS NULL THEN backup_interval ELSE "
	        "nullif($7, 'none')::bigint * interval '1 second' END, backup_retention = "
	        "coalesce($8::jsonb, backup_retention), version = version + 1, updated_at = now() "
	        "WHERE name = $1";
	struct planning *p = context;
	mrt_auto_pgresult r = NULL;
	mrt_auto_json before = NULL;
	int rc = p->create ? 0 : mrt_pg_exec(s->pg, s->ctx, err, "SAVEPOINT try");
	if (rc == 0 && !p->create)
		rc = lock_plan(s, p, err);
	if (rc == 0 && !p->create) {
		rc = fetch(s, p, err);
		before = mrt_steal(p->plan);
	}
	if (rc == 0)
		rc = mrt_session_query(s, p->create ? create : update,
		                       (const char *const *)p->values.texts, N_VALUES, &r, err);
	if (rc == MRT_FAILED && strcmp(s->pg->sqlstate, "23505") == 0) {
		mrt_fail(err, MRT_EXISTS, "there is a plan '%s' already", p->name);
		return mrt_hint(err, "'maratea plan update %s' changes it", p->name);
	}
	if (rc == 0)
		rc = fetch(s, p, err);
	bool same = false;
	if (rc == 0 && before)
		rc = same_plan(before, p->plan, &same, err);
	p->changed = !same;
	p->event.payload = p->plan;
	if (rc < 0 || !same)
		return rc;
	p->event.action = NULL;
	json_decref(p->plan);
	p->plan = mrt_steal(before);
	return mrt_pg_exec(s->pg, s->ctx, err, "ROLLBACK TO try");
}

/* Does it, and takes it back. */
static int try_plan(struct mrt_session *s, void *context, struct mrt_error *err)
{
	int rc = mrt_pg_exec(s->pg, s->ctx, err, "SAVEPOINT dry");
	if (rc == 0)
		rc = write_plan(s, context, err);
	return rc < 0 ? rc : mrt_pg_exec(s->pg, s->ctx, err, "ROLLBACK TO dry");
}

static int change(const struct mrt_context *ctx, const struct mrt_config *config, const char *name,
                  const struct mrt_plan_options *options, bool create, json_t **ret,
                  struct mrt_error *err)
{
	mrt_cleanup(planning_release) struct planning p = { .name = name, .create = create };
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	int rc = read_options(name, options, &p.values, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &s, err);
	if (rc < 0)
		return rc;
	snprintf(p.event.tenant, sizeof(p.event.tenant), "%s", s.platform);
	p.event.begins = true;
	p.event.action = create ? "plan.create" : "plan.update";
	rc = options->dry_run ? mrt_session_look(&s, try_plan, &p, err)
	                      : mrt_session_change(&s, write_plan, &p, &p.event, err);
	if (rc == 0)
		rc = mrt_json_set(p.plan, "changed", json_boolean(p.changed), err);
	if (rc == 0)
		rc = mrt_json_set(p.plan, "dry_run", json_boolean(options->dry_run), err);
	if (rc == 0)
		*ret = mrt_steal(p.plan);
	return rc;
}

int mrt_plan_create(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *name, const struct mrt_plan_options *options, json_t **ret,
                    struct mrt_error *err)
{
	return change(ctx, config, name, options, true, ret, err);
}

int mrt_plan_update(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *name, const struct mrt_plan_options *options, json_t **ret,
                    struct mrt_error *err)
{
	return change(ctx, config, name, options, false, ret, err);
}

int mrt_plan_show(const struct mrt_context *ctx, const struct mrt_config *config, const char *name,
                  json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(planning_release) struct planning p = { .name = name };
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	int rc = mrt_session_open(ctx, config, false, &s, err);
	if (rc == 0)
		rc = mrt_session_look(&s, fetch, &p, err);
	if (rc == 0)
		*ret = mrt_steal(p.plan);
	return rc;
}

static int fetch_all(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct planning *p = context;
	mrt_auto_pgresult r = NULL;
	int rc = mrt_session_query(s,
	                           "SELECT " COLUMNS " FROM plans p ORDER BY p.name COLLATE \"C\"",
	                           NULL, 0, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		json_t *one = NULL;
		rc = describe_plan(r, i, &one, err);
		if (rc == 0)
			rc = mrt_json_append(p->list, one, err);
	}
	return rc;
}

int mrt_plan_list(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                  struct mrt_error *err)
{
	mrt_cleanup(planning_release) struct planning p = { .list = json_array() };
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_auto_json json = json_object();
	int rc =
	        json && p.list ? mrt_session_open(ctx, config, false, &s, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_session_look(&s, fetch_all, &p, err);
	if (rc == 0)
		rc = mrt_json_set(json, "plans", json_incref(p.list), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}
