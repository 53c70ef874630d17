/* tenant_property.c - random SQL of random schools, on connections that are used again, never meets
 * a row of another. Run by test_tenant_scope.py: URL SEED ROUNDS BYSTANDER TENANT...; nobody is the
 * bystander, whose rows are compared afterwards. */
#include "base/text.h"
#include "platform/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define CONNECTIONS 3

static struct mrt_context ctx = { .wall = mrt_clock_wall };
static uint64_t state;

static unsigned dice(size_t sides)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((state >> 33) % sides);
}

struct attempt {
	const char *tenant, *other; /* other: some school, perhaps the same; tenant may be "" */
	char sql[1024];
	size_t rows, failed;
};

static const char *const tables[] = { "tenants",        "tenant_settings", "tenant_domains",
	                              "users",          "memberships",     "invitations",
	                              "courses",        "modules",         "lessons",
	                              "enrolments",     "progress",        "certificates",
	                              "usage_counters", "audit_log",       "audit_heads" };

static const char *key_of(const char *table)
{
	return strcmp(table, "tenants") == 0 ? "id" : "tenant_id";
}

static void condition(char *ret, size_t size, const char *alias, const char *key,
                      const struct attempt *a)
{
	switch (dice(7)) {
	case 0:
		snprintf(ret, size, "%s.%s = '%s'", alias, key, a->other);
		break;
	case 1:
		snprintf(ret, size, "%s.%s <> '%s'", alias, key, a->other);
		break;
	case 2:
		snprintf(ret, size, "%s.%s IN (SELECT id FROM tenants)", alias, key);
		break;
	case 3:
		snprintf(ret, size, "%s.%s::text > '%x'", alias, key, dice(16));
		break;
	case 4:
		snprintf(ret, size, "NOT EXISTS (SELECT FROM users u WHERE u.tenant_id = %s.%s)",
		         alias, key);
		break;
	case 5:
		snprintf(ret, size, "random() < 0.5");
		break;
	default:
		snprintf(ret, size, "true");
	}
}

/* Who gives no row back needs no policy for reading: only WITH CHECK holds it. */
static const char *returning(const char *text)
{
	return dice(2) ? text : "";
}

/* The first column of what it gives is the row's school. */
static void make(struct attempt *a)
{
	const char *t = tables[dice(N(tables))], *u = tables[dice(N(tables))], *k = key_of(t),
	           *l = key_of(u);
	char where[256], other[256], back[64];
	condition(where, sizeof(where), "a", k, a);
	condition(other, sizeof(other), "b", l, a);
	snprintf(back, sizeof(back), " RETURNING a.%s", k);
	switch (dice(16)) {
	case 0:
		snprintf(a->sql, sizeof(a->sql), "SELECT a.%s FROM %s a WHERE %s", k, t, where);
		break;
	case 1:
		snprintf(a->sql, sizeof(a->sql),
		         "SELECT b.%s FROM %s a JOIN %s b ON %s AND "
		         "%s",
		         l, t, u, where, other);
		break;
	case 2:
		snprintf(a->sql, sizeof(a->sql),
		         "SELECT a.%s FROM %s a WHERE %s UNION ALL SELECT b.%s FROM %s b", k, t,
		         where, l, u);
		break;
	case 3:
		snprintf(a->sql, sizeof(a->sql),
		         "WITH x AS MATERIALIZED (SELECT * FROM %s) SELECT a.%s FROM x a "
		         "WHERE %s",
		         t, k, where);
		break;
	case 4:
		snprintf(a->sql, sizeof(a->sql),
		         "SELECT (SELECT b.%s FROM %s b WHERE %s LIMIT 1) FROM %s a", l, u, other,
		         t);
		break;
	case 5:
		snprintf(a->sql, sizeof(a->sql),
		         "SELECT a.%s FROM ONLY maratea_shared.%s a WHERE %s FOR UPDATE", k, t,
		         where);
		break;
	case 6:
		snprintf(a->sql, sizeof(a->sql), "UPDATE %s a SET %s = '%s' WHERE %s%s", t, k,
		         a->other, where, returning(back));
		break;
	case 7:
		snprintf(a->sql, sizeof(a->sql),
		         "UPDATE %s a SET %s = a.%s FROM %s b WHERE %s AND %s%s", t, k, k, u, where,
		         other, returning(back));
		break;
	case 8:
		snprintf(a->sql, sizeof(a->sql), "DELETE FROM %s a USING %s b WHERE %s AND %s%s", t,
		         u, where, other, returning(back));
		break;
	case 9:
		snprintf(a->sql, sizeof(a->sql),
		         "INSERT INTO users (tenant_id, email, email_norm) VALUES ('%s', "
		         "'a@b.c', gen_random_uuid())%s",
		         a->other, returning(" RETURNING tenant_id"));
		break;
	case 10:
		snprintf(a->sql, sizeof(a->sql),
		         "INSERT INTO courses (tenant_id, slug, title) VALUES ('%s', '%u', "
		         "'') ON CONFLICT (tenant_id, slug) DO UPDATE SET title = 'x'%s",
		         a->other, dice(4), returning(" RETURNING tenant_id"));
		break;
	case 11:
		snprintf(a->sql, sizeof(a->sql),
		         "EXECUTE "
		         "%s",
		         dice(2) ? "everybody" : "by_school");
		break;
	case 12:
		snprintf(a->sql, sizeof(a->sql),
		         "MERGE INTO users a USING (SELECT '%s'::uuid AS t) s ON a.tenant_id "
		         "= s.t WHEN MATCHED THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN "
		         "INSERT (tenant_id, email, email_norm) VALUES (s.t, 'a@b.c', "
		         "gen_random_uuid())",
		         a->other);
		break;
	case 13:
		snprintf(a->sql, sizeof(a->sql), "UPDATE %s SET %s = '%s'", t, k, a->other);
		break;
	case 14:
		snprintf(a->sql, sizeof(a->sql),
		         "INSERT INTO usage_counters (tenant_id, metric, period) VALUES ('%s', "
		         "gen_random_uuid(), now())",
		         a->other);
		break;
	default:
		snprintf(a->sql, sizeof(a->sql),
		         "SELECT a.%s, 1 / (%u - 1) FROM %s "
		         "a",
		         k, dice(3), t);
	}
}

static int work(struct mrt_pg *pg, void *context, struct mrt_error *err)
{
	struct attempt *a = context;
	for (unsigned n = 1 + dice(4); n > 0; n--) {
		mrt_auto_pgresult r = NULL;
		make(a);
		int rc = mrt_pg_query(pg, &ctx, a->sql, NULL, 0, &r, err);
		if (rc < 0) {
			a->failed++;
			return rc;
		}
		for (int i = 0; i < PQntuples(r); i++) {
			const char *whose = PQgetvalue(r, i, 0);
			a->rows++;
			if (*whose && strcmp(whose, a->tenant) != 0) {
				printf("as '%s' met a row of %s: %s\n", a->tenant, whose, a->sql);
				exit(1);
			}
		}
	}
	return dice(4) == 0 ? mrt_fail(err, MRT_FAILED, "changed its mind") : 0;
}

int main(int argc, char **argv)
{
	struct mrt_error err;
	struct mrt_pg *pgs[CONNECTIONS] = { NULL };
	struct mrt_pg_params *params = NULL;
	const struct mrt_pg_options options = { .connect_timeout = 10 * MRT_SECOND,
		                                .dns = { .timeout = 10 * MRT_SECOND } };
	if (argc < 7)
		return 2;
	state = strtoull(argv[2], NULL, 10);
	size_t rounds = strtoull(argv[3], NULL, 10), done = 0, rows = 0, failed = 0;
	int rc = mrt_pg_params_make(argv[1], NULL, NULL, &params, &err);
	for (size_t i = 0; rc == 0 && i < CONNECTIONS; i++) {
		rc = mrt_pg_connect(&ctx, &options, params, NULL, &pgs[i], &err);
		if (rc == 0)
			rc = mrt_pg_script(
			        pgs[i], &ctx,
			        "PREPARE everybody AS SELECT tenant_id FROM "
			        "maratea_shared.users; PREPARE by_school AS SELECT "
			        "tenant_id, count(*) FROM maratea_shared.users GROUP BY 1",
			        &err);
	}
	while (rc == 0 && done < rounds) {
		const char *tenant = dice(16) == 0 ? "" : argv[5 + dice((size_t)argc - 5)];
		struct attempt a = { .tenant = tenant, .other = argv[4 + dice((size_t)argc - 4)] };
		const struct mrt_tenant_scope scope = { tenant, "maratea_shared",
			                                dice(2) ? "maratea_app" : NULL };
		int one = mrt_tenant_txn(pgs[dice(CONNECTIONS)], &ctx, &scope, work, &a, &err);
		if (one < 0 && one != MRT_FAILED && one != MRT_REFUSED)
			rc = one;
		rows += a.rows;
		failed += a.failed;
		done++;
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		mrt_pg_free(pgs[i]);
	mrt_pg_params_free(params);
	if (rc < 0)
		printf("%s\n", err.text.unmasked);
	else
		printf("%zu transactions, %zu rows, %zu refused\n", done, rows, failed);
	return rc < 0;
}
