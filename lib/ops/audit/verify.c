/* verify.c - "audit verify": every chain that there must be, from its first row to its head.
 */
#include "base/text.h"
#include "ops/audit/commands.h"
#include "ops/audit/read.h"
#include "platform/migrations.h"
#include "platform/places.h"

#include <stdio.h>
#include <string.h>

enum { ID, SLUG, SCHEMA, DATABASE, STATUS, MODE };

struct verifying {
	struct mrt_audit_reading r;
	PGresult *tenants; /* by id */
	bool plans;        /* there are any: somebody made them */
	const struct mrt_audit_memory *memory;
	size_t n_backups; /* that remember */
	json_t *backups, *not_compared;
	json_t *faults;
	uint64_t chains, rows, erased;
	size_t unreachable; /* of the faults */
	json_t *told;       /* of whom something was said in the place at hand */
};

static void verifying_release(struct verifying *v)
{
	mrt_audit_reading_release(&v->r);
	PQclear(v->tenants);
	json_decref(v->faults);
	json_decref(v->told);
	json_decref(v->backups);
	json_decref(v->not_compared);
}

/* A place where chains are. school: the one whose own it is; -1: several have theirs there. */
struct place {
	const char *chain, *schema, *database;
	int tenant;
};

static int note_fault(struct verifying *v, const struct place *p, const char *tenant,
                      const char *slug, const char *text, struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(v->faults, item, err);
	const char *const texts[][2] = {
		{ "chain", p->chain }, { "schema", p->schema }, { "database", p->database },
		{ "tenant", tenant },  { "slug", slug },        { "text", text }
	};
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(item, texts[i][0], texts[i][1], err);
	return rc < 0 ? rc : mrt_json_set(v->told, tenant, json_true(), err);
}

static const char *cell(const struct verifying *v, int i, int column)
{
	return PQgetisnull(v->tenants, i, column) ? NULL : PQgetvalue(v->tenants, i, column);
}

static bool is_shared(const struct verifying *v, int i)
{
	const char *mode = cell(v, i, MODE);
	return mode && strcmp(mode, "shared") == 0;
}

/* Each school has a chain in the platform's tables from its first moment on, and one of its own
 * when it is made. */
static bool must_be(const struct verifying *v, const struct place *p, int i)
{
	bool made = strcmp(cell(v, i, STATUS), "provisioning") != 0;
	if (strcmp(p->chain, MRT_CHAIN_PLATFORM) == 0)
		return true;
	return made && (p->tenant >= 0 ? i == p->tenant : is_shared(v, i));
}

/* of: its row among the schools, or -1. */
static int follow(struct verifying *v, struct mrt_pg *pg, const struct place *p, const char *tenant,
                  int of, struct mrt_error *err)
{
	struct mrt_audit_state state = { 0 };
	int rc = mrt_audit_follow(pg, v->r.s.ctx, p->chain, tenant, &state, err);
	mrt_autofree char *fault = state.fault;
	if (rc == 0 && fault)
		rc = note_fault(v, p, tenant, of < 0 ? NULL : cell(v, of, SLUG), fault, err);
	v->chains++;
	v->rows += state.rows;
	v->erased += state.erased;
	return rc;
}

/* Both lists are by id. What is in one of them and must be in the other is missed. */
static int follow_all(struct verifying *v, struct mrt_pg *pg, const struct place *p,
                      const PGresult *ids, struct mrt_error *err)
{
	int rc = 0, i = 0, k = 0, n = PQntuples(ids), m = PQntuples(v->tenants);
	bool platform = false;
	while (rc == 0 && (i < n || k < m)) {
		const char *id = i < n ? PQgetvalue(ids, i, 0) : NULL;
		int order = !id ? 1 : k == m ? -1 : strcmp(id, cell(v, k, ID));
		platform = platform || (id && strcmp(id, v->r.s.platform) == 0);
		if (order <= 0)
			rc = follow(v, pg, p, id, order == 0 ? k : -1, err);
		else if (must_be(v, p, k))
			rc = note_fault(v, p, cell(v, k, ID), cell(v, k, SLUG), "there is no chain",
			                err);
		i += order <= 0;
		k += order >= 0;
	}
	bool wanted = strcmp(p->chain, MRT_CHAIN_PLATFORM) == 0 && v->plans && !v->r.slug;
	return rc == 0 && wanted && !platform
	               ? note_fault(v, p, v->r.s.platform, NULL, "there is no chain", err)
	               : rc;
}

/* A school's row, or -1. */
static int row_of(const struct verifying *v, const char *tenant)
{
	int first = 0, end = PQntuples(v->tenants);
	while (first < end) {
		int middle = first + (end - first) / 2;
		int order = strcmp(tenant, cell(v, middle, ID));
		if (order == 0)
			return middle;
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return -1;
}

static const char *slug_of(const struct verifying *v, const char *tenant)
{
	int i = row_of(v, tenant);
	return i < 0 ? NULL : cell(v, i, SLUG);
}

/* What was the end of a chain once is a row of it for ever. Each school is told of once. */
static int compare_with(struct verifying *v, struct mrt_pg *pg, const struct place *p, size_t n,
                        const char *heads, struct mrt_error *err)
{
	const char *const values[] = { heads, v->r.tenant };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(
	        pg, v->r.s.ctx,
	        "WITH h AS (SELECT split_part(l, ' ', 1)::uuid AS tenant, split_part(l, ' ', "
	        "2)::bigint AS seq, decode(split_part(l, ' ', 3), 'hex') AS digest FROM "
	        "string_to_table($1, E'\n') l) SELECT h.tenant, h.seq, a.seq IS NOT NULL FROM h "
	        "LEFT JOIN audit_log a ON a.tenant_id = h.tenant AND a.seq = h.seq WHERE h.seq > 0 "
	        "AND a.digest IS DISTINCT FROM h.digest AND ($2::uuid IS NULL OR h.tenant = "
	        "$2::uuid) ORDER BY 1",
	        values, 2, &r, err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		const char *tenant = PQgetvalue(r, i, 0);
		mrt_autofree char *text = NULL;
		bool there = strcmp(PQgetvalue(r, i, 2), "t") == 0;
		if (json_object_get(v->told, tenant))
			continue;
		rc = mrt_text_printf(&text, err,
		                     there ? "row %s is another than in the backup %s"
		                           : "row %s, the last in the backup %s, is missing",
		                     PQgetvalue(r, i, 1), v->memory->id(v->memory->context, n));
		if (rc == 0)
			rc = note_fault(v, p, tenant, slug_of(v, tenant), text, err);
	}
	return rc;
}

static int compare(struct verifying *v, struct mrt_pg *pg, const struct place *p,
                   struct mrt_error *err)
{
	mrt_autofree char *name = NULL;
	size_t compared = 0;
	int rc = 0;
	for (size_t n = 0; rc == 0 && n < v->n_backups; n++) {
		const char *heads = v->memory->heads(v->memory->context, n, p->database, p->schema);
		if (heads)
			rc = compare_with(v, pg, p, n, heads, err);
		compared += heads != NULL;
	}
	if (rc < 0 || compared > 0 || !v->memory)
		return rc;
	rc = mrt_text_printf(&name, err, "%s%s%s", p->database ? p->database : "",
	                     p->database ? "." : "", p->schema);
	return rc < 0 ? rc : mrt_json_append(v->not_compared, json_string(name), err);
}

/* Which of them there are. */
static int find_backups(struct verifying *v, struct mrt_error *err)
{
	const struct mrt_audit_memory *m = v->memory;
	int rc = m ? m->find(m->context, v->r.s.platform, &v->n_backups, err) : 0;
	for (size_t i = 0; rc == 0 && i < v->n_backups; i++)
		rc = mrt_json_append(v->backups, json_string(m->id(m->context, i)), err);
	if (rc == 0 && m && v->n_backups == 0)
		mrt_warn(v->r.s.ctx, "no backup in the store remembers where the chains ended: "
		                     "there is nothing to compare with");
	return rc;
}

static int list_chains(struct verifying *v, struct mrt_pg *pg, PGresult **ret,
                       struct mrt_error *err)
{
	const char *const values[] = { v->r.tenant };
	return mrt_pg_query(pg, v->r.s.ctx,
	                    "SELECT tenant_id FROM audit_heads WHERE $1::uuid IS NULL OR tenant_id "
	                    "= $1 UNION SELECT tenant_id FROM audit_log WHERE $1::uuid IS NULL OR "
	                    "tenant_id = $1 ORDER BY 1",
	                    values, 1, ret, err);
}

static int look_into(struct verifying *v, struct mrt_pg *pg, const struct place *p,
                     struct mrt_error *err)
{
	mrt_autofree char *there = NULL;
	mrt_auto_pgresult ids = NULL;
	json_object_clear(v->told);
	int rc = mrt_audit_enter(pg, v->r.s.ctx, p->schema, err);
	if (rc < 0)
		return rc;
	rc = mrt_pg_value(pg, v->r.s.ctx,
	                  "SELECT to_regclass('audit_log') IS NOT NULL AND "
	                  "to_regclass('audit_heads') IS NOT NULL",
	                  &there, err);
	if (rc == 0 && strcmp(there, "t") == 0)
		rc = list_chains(v, pg, &ids, err);
	else if (rc == 0) /* then all that must be there are missed */
		rc = mrt_pg_query(pg, v->r.s.ctx, "SELECT WHERE false", NULL, 0, &ids, err);
	if (rc == 0)
		rc = follow_all(v, pg, p, ids, err);
	if (rc == 0 && strcmp(there, "t") == 0)
		rc = compare(v, pg, p, err);
	return mrt_audit_leave(pg, v->r.s.ctx, rc, err);
}

/* What cannot be followed is not known to be whole, and keeps no other from being followed. */
static int visit(struct verifying *v, const struct place *p, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *own = NULL;
	struct mrt_pg *pg = NULL;
	struct mrt_error why;
	mrt_autofree char *text = NULL;
	int rc = mrt_place_connect(v->r.s.ctx, v->r.s.config, v->r.s.pg, p->database, &own, &pg,
	                           &why);
	if (rc == 0)
		rc = look_into(v, pg, p, &why);
	if (mrt_code_is_final(rc) || (rc < 0 && !p->database)) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc == 0)
		return 0;
	v->unreachable++;
	rc = mrt_error_explain(v->r.s.ctx->log, &why, &text, err, "could not be followed");
	return rc < 0 ? rc
	              : note_fault(v, p, cell(v, p->tenant, ID), cell(v, p->tenant, SLUG), text,
	                           err);
}

static int read_tenants(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct verifying *v = context;
	const char *const values[] = { v->r.tenant };
	mrt_autofree char *plans = NULL;
	int rc = mrt_session_query(
	        s,
	        "SELECT t.id, t.slug, p.schema_name, p.database_name, t.status, p.mode FROM "
	        "tenants t LEFT JOIN placements p ON p.tenant_id = t.id WHERE $1::uuid IS NULL OR "
	        "t.id = $1 ORDER BY t.id",
	        values, 1, &v->tenants, err);
	if (rc == 0)
		rc = mrt_pg_value(s->pg, s->ctx, "SELECT EXISTS (SELECT FROM plans)", &plans, err);
	v->plans = rc == 0 && strcmp(plans, "t") == 0;
	return rc;
}

/* Who leads us to another place than its own shows another's chain for it. */
static int check_place(struct verifying *v, int i, struct mrt_error *err)
{
	const char *schema = cell(v, i, SCHEMA), *database = cell(v, i, DATABASE);
	struct mrt_place_names own;
	mrt_place_names(cell(v, i, ID), &own);
	bool right =
	        schema && (is_shared(v, i) ? strcmp(schema, MRT_SHARED_SCHEMA) == 0 && !database
	                   : database      ? strcmp(database, own.database) == 0
	                                   : strcmp(schema, own.schema) == 0);
	const struct place where = { MRT_CHAIN_TENANT, schema ? schema : "none", database, i };
	return right ? 0
	             : note_fault(v, &where, cell(v, i, ID), cell(v, i, SLUG),
	                          "its row in placements is not what its id says", err);
}

/* It had a chain of its own in the n-th backup. */
static bool had_chain(const struct verifying *v, size_t n, const char *id)
{
	const struct mrt_audit_memory *m = v->memory;
	const char *shared = m->heads(m->context, n, NULL, MRT_SHARED_SCHEMA);
	struct mrt_place_names own;
	mrt_place_names(id, &own);
	return (shared && strstr(shared, id)) || m->heads(m->context, n, NULL, own.schema) ||
	       m->heads(m->context, n, own.database, MRT_OWN_SCHEMA);
}

/* What the n-th backup knows of schools that nobody would have looked for. A line is "UUID SEQ
 * HEX". */
static int check_known(struct verifying *v, size_t n, struct mrt_error *err)
{
	static const struct place platform = { MRT_CHAIN_PLATFORM, MRT_PLATFORM_SCHEMA, NULL, -1 };
	const struct mrt_audit_memory *m = v->memory;
	const char *line = m->heads(m->context, n, NULL, MRT_PLATFORM_SCHEMA);
	int rc = 0;
	for (; rc == 0 && line && strcspn(line, " \n") == MRT_UUID_SIZE - 1;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char id[MRT_UUID_SIZE];
		mrt_autofree char *text = NULL;
		snprintf(id, sizeof(id), "%.*s", MRT_UUID_SIZE - 1, line);
		int i = row_of(v, id);
		bool lost = i < 0, unmade = !lost &&
		                            strcmp(cell(v, i, STATUS), "provisioning") == 0 &&
		                            had_chain(v, n, id);
		if (strcmp(id, v->r.s.platform) == 0 || json_object_get(v->told, id) ||
		    (v->r.tenant && strcmp(id, v->r.tenant) != 0) || (!lost && !unmade))
			continue;
		rc = mrt_text_printf(&text, err,
		                     lost ? "the backup %s knows this school, and the platform "
		                            "does not"
		                          : "the school was made in the backup %s, and is not said "
		                            "to be",
		                     m->id(m->context, n));
		if (rc == 0)
			rc = note_fault(v, &platform, id, lost ? NULL : cell(v, i, SLUG), text,
			                err);
	}
	return rc;
}

static int visit_all(struct verifying *v, struct mrt_error *err)
{
	const struct place platform = { MRT_CHAIN_PLATFORM, MRT_PLATFORM_SCHEMA, NULL, -1 },
	                   shared = { MRT_CHAIN_TENANT, MRT_SHARED_SCHEMA, NULL, -1 };
	int rc = mrt_session_look(&v->r.s, read_tenants, v, err);
	if (rc == 0)
		rc = visit(v, &platform, err);
	if (rc == 0 && (!v->r.slug || strcmp(v->r.schema, MRT_SHARED_SCHEMA) == 0))
		rc = visit(v, &shared, err);
	for (int i = 0; rc == 0 && i < PQntuples(v->tenants); i++) {
		const struct place own = { MRT_CHAIN_TENANT, cell(v, i, SCHEMA),
			                   cell(v, i, DATABASE), i };
		if (own.schema && !is_shared(v, i) &&
		    strcmp(cell(v, i, STATUS), "provisioning") != 0)
			rc = visit(v, &own, err);
	}
	for (int i = 0; rc == 0 && i < PQntuples(v->tenants); i++)
		rc = check_place(v, i, err);
	for (size_t n = 0; rc == 0 && n < v->n_backups; n++)
		rc = check_known(v, n, err);
	return rc;
}

int mrt_audit_verify(const struct mrt_context *ctx, const struct mrt_config *config,
                     const char *slug, const struct mrt_audit_memory *memory, json_t **ret,
                     struct mrt_error *err)
{
	mrt_cleanup(verifying_release) struct verifying v = {
		.memory = memory,
		.faults = json_array(),
		.backups = json_array(),
		.told = json_object(),
		.not_compared = json_array(),
	};
	mrt_auto_json json = json_object();
	int rc = json && v.faults && v.backups && v.not_compared
	                 ? mrt_audit_open(ctx, config, slug, &v.r, err)
	                 : mrt_no_memory(err);
	if (rc == 0)
		rc = find_backups(&v, err);
	if (rc == 0)
		rc = visit_all(&v, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "chains", v.chains, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "rows", v.rows, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "erased", v.erased, err);
	if (rc == 0)
		rc = mrt_json_set(json, "backups", json_incref(v.backups), err);
	if (rc == 0)
		rc = mrt_json_set(json, "not_compared", json_incref(v.not_compared), err);
	if (rc == 0)
		rc = mrt_json_set(json, "faults", json_incref(v.faults), err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	const json_t *first = json_array_get(v.faults, 0);
	size_t n = json_array_size(v.faults);
	const char *of = first ? mrt_json_text_or(first, "slug", NULL) : NULL;
	if (!first)
		return 0;
	if (n == v.unreachable)
		return mrt_fail(
		        err, MRT_FAILED, "%zu school%s could not be looked at, the first: %s: %s",
		        n, n == 1 ? "" : "s", of ? of : "?", mrt_json_text_or(first, "text", ""));
	return mrt_fail(err, MRT_BAD, "%zu chain%s broken, the first: of %s, in %s: %s", n,
	                n == 1 ? " is" : "s are", of ? of : "the platform",
	                mrt_json_text_or(first, "schema", ""), mrt_json_text_or(first, "text", ""));
}
