/* test_pg_params.c - connection parameters: from URL and environment, for us and for children. */
#include "unit.h"

#include "client/pg.h"

static int clean_environment(void **state)
{
	(void)state;
	static const char *const names[] = { "PGHOST",    "PGHOSTADDR", "PGPORT",    "PGDATABASE",
		                             "PGUSER",    "PGPASSWORD", "PGSERVICE", "PGPASSFILE",
		                             "PGSSLMODE", "PGOPTIONS" };
	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	return 0;
}

static void a_url_gives_its_parts(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	assert_ok(mrt_pg_params_make("postgresql://al%20ice:p%40ss%3Aw@db.example:5433/sch%2Fool"
	                             "?sslmode=require",
	                             NULL, &p, &err));
	assert_string_equal(mrt_pg_params_get(p, "user"), "al ice");
	assert_string_equal(mrt_pg_params_get(p, "password"), "p@ss:w");
	assert_string_equal(mrt_pg_params_get(p, "host"), "db.example");
	assert_string_equal(mrt_pg_params_get(p, "port"), "5433");
	assert_string_equal(mrt_pg_params_get(p, "dbname"), "sch/ool");
	assert_string_equal(mrt_pg_params_get(p, "sslmode"), "require");
	assert_string_equal(mrt_pg_params_get(p, "keepalives_idle"), "30");
	assert_null(mrt_pg_params_get(p, "hostaddr"));
	mrt_auto_buf where = MRT_BUF_INIT;
	mrt_pg_params_where(p, &where);
	assert_string_equal(mrt_buf_text(&where), "db.example:5433");
}

static void keyword_value_strings_are_understood_too(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	assert_ok(mrt_pg_params_make("host=/run/pg user=u dbname='a b' keepalives_idle=5", NULL, &p,
	                             &err));
	assert_string_equal(mrt_pg_params_get(p, "host"), "/run/pg");
	assert_string_equal(mrt_pg_params_get(p, "dbname"), "a b");
	assert_string_equal(mrt_pg_params_get(p, "keepalives_idle"), "5");
}

static void the_password_setting_fills_a_url_without_one(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL, *q = NULL, *r = NULL;
	setenv("PGPASSWORD", "ambient", 1);
	assert_ok(mrt_pg_params_make("postgresql://u@h/d", "setting", &p, &err));
	assert_string_equal(mrt_pg_params_get(p, "password"), "setting");
	assert_ok(mrt_pg_params_make("postgresql://u:url@h/d", "setting", &q, &err));
	assert_string_equal(mrt_pg_params_get(q, "password"), "url");
	assert_ok(mrt_pg_params_make("postgresql://u@h/d", "", &r, &err));
	assert_string_equal(mrt_pg_params_get(r, "password"), "ambient");
}

static void the_environment_fills_what_the_url_omits(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL, *q = NULL;
	setenv("PGHOST", "envhost", 1);
	setenv("PGPORT", "6000", 1);
	setenv("PGUSER", "envuser", 1);
	setenv("PGDATABASE", "envdb", 1);
	assert_ok(mrt_pg_params_make("postgresql://h/d", NULL, &p, &err));
	assert_string_equal(mrt_pg_params_get(p, "host"), "h");
	assert_string_equal(mrt_pg_params_get(p, "port"), "6000");
	assert_string_equal(mrt_pg_params_get(p, "user"), "envuser");
	assert_string_equal(mrt_pg_params_get(p, "dbname"), "d");
	assert_ok(mrt_pg_params_make("", NULL, &q, &err));
	assert_string_equal(mrt_pg_params_get(q, "host"), "envhost");
	assert_string_equal(mrt_pg_params_get(q, "dbname"), "envdb");
}

static void a_broken_url_does_not_show_its_password(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	const char *const wrong[] = { "postgresql://u:hush%zz@h/d", "postgresql://u:hush@h/d?x=y",
		                      "host=h password='hush", "mysql://u:hush@h/d" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_code(MRT_CONFIG, mrt_pg_params_make(wrong[i], NULL, &p, &err));
		assert_null(strstr(err.text, "hush"));
		assert_null(strstr(err.hint, "hush"));
	}
	assert_code(MRT_CONFIG,
	            mrt_pg_params_make("postgresql://u@h/d?sslpassword=hush", NULL, &p, &err));
	assert_null(strstr(err.text, "hush"));
	assert_null(p);
}

static void a_child_gets_a_quoted_conninfo_without_secrets(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL, *passfile = NULL;
	assert_ok(
	        mrt_pg_params_make("postgresql://o'ne:hu%3Ash%5C@h/d?passfile=/p", NULL, &p, &err));
	assert_ok(mrt_pg_params_child(p, "we'ird \\db", &conninfo, &passfile, &err));
	assert_contains(conninfo, "user='o\\'ne'");
	assert_contains(conninfo, "host='h'");
	assert_contains(conninfo, " dbname='we\\'ird \\\\db'");
	assert_null(strstr(conninfo, "hu:sh"));
	assert_null(strstr(conninfo, "password"));
	assert_null(strstr(conninfo, "dbname='d'"));
	assert_string_equal(passfile, "*:*:*:*:hu\\:sh\\\\\n");
	/* what libpq makes of it is what went in */
	char *why = NULL;
	PQconninfoOption *parsed = PQconninfoParse(conninfo, &why);
	assert_non_null(parsed);
	for (const PQconninfoOption *o = parsed; o->keyword; o++) {
		if (strcmp(o->keyword, "dbname") == 0)
			assert_string_equal(o->val, "we'ird \\db");
		if (strcmp(o->keyword, "user") == 0)
			assert_string_equal(o->val, "o'ne");
	}
	PQconninfoFree(parsed);
}

static void without_a_password_the_passfile_is_empty(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL, *passfile = NULL;
	assert_ok(mrt_pg_params_make("postgresql://u@h/d", NULL, &p, &err));
	assert_ok(mrt_pg_params_child(p, NULL, &conninfo, &passfile, &err));
	assert_string_equal(passfile, "");
	assert_contains(conninfo, "dbname='d'");
}

static void a_passfile_of_the_url_reaches_the_child(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL, *passfile = NULL;
	assert_ok(mrt_pg_params_make("postgresql://u@h/d?passfile=/etc/pgpass", NULL, &p, &err));
	assert_ok(mrt_pg_params_child(p, NULL, &conninfo, &passfile, &err));
	assert_string_equal(passfile, "");
	assert_contains(conninfo, "passfile='/etc/pgpass'");
}

static void parameters_are_replaced_and_copied(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL, *copy = NULL;
	assert_ok(mrt_pg_params_make("postgresql://u:secret@h1,h2:7/d", NULL, &p, &err));
	size_t n = p->n;
	assert_ok(mrt_pg_params_set(p, "user", "v", &err));
	assert_int_equal(p->n, n);
	assert_ok(mrt_pg_params_copy(p, &copy, &err));
	assert_ok(mrt_pg_params_set(p, "user", "w", &err));
	assert_string_equal(mrt_pg_params_get(copy, "user"), "v");
	assert_string_equal(mrt_pg_params_get(copy, "password"), "secret");
	for (size_t i = p->n; i < MRT_PG_PARAMS_MAX - 1; i++) {
		char key[16];
		snprintf(key, sizeof(key), "key%zu", i);
		assert_ok(mrt_pg_params_set(p, key, "x", &err));
	}
	assert_code(MRT_CONFIG, mrt_pg_params_set(p, "one-more", "x", &err));
	assert_string_equal(err.text, "too many connection parameters");
	mrt_pg_params_free(NULL);
}

static void sockets_and_several_hosts_are_named_for_messages(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *several = NULL, *socket = NULL;
	mrt_auto_buf where = MRT_BUF_INIT;
	assert_ok(mrt_pg_params_make("postgresql://u@a:1,a:1,b:2/d", NULL, &several, &err));
	mrt_pg_params_where(several, &where);
	assert_string_equal(mrt_buf_text(&where), "a:1,b:2");
	mrt_buf_clear(&where);
	assert_ok(mrt_pg_params_make("host=/run/pg user=u", NULL, &socket, &err));
	mrt_pg_params_where(socket, &where);
	assert_string_equal(mrt_buf_text(&where), "/run/pg:5432");
}

static void addresses_and_sockets_resolve_without_a_question(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_run run = run_for(20 * MRT_SECOND);
	const struct mrt_dns_options dns = { .timeout = MRT_SECOND };
	mrt_auto(mrt_pg_params) *address = NULL, *socket = NULL;
	assert_ok(mrt_pg_params_make("postgresql://u@127.0.0.1:7/d", NULL, &address, &err));
	assert_ok(mrt_pg_params_resolve(address, &run, &dns, &err));
	assert_string_equal(mrt_pg_params_get(address, "hostaddr"), "127.0.0.1");
	assert_string_equal(mrt_pg_params_get(address, "host"), "127.0.0.1");
	assert_string_equal(mrt_pg_params_get(address, "port"), "7");
	assert_ok(mrt_pg_params_make("host=/run/pg user=u", NULL, &socket, &err));
	assert_ok(mrt_pg_params_resolve(socket, &run, &dns, &err));
	assert_null(mrt_pg_params_get(socket, "hostaddr"));
}

static void a_url_without_database_is_no_trouble_for_the_child(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL, *passfile = NULL;
	assert_ok(mrt_pg_params_make("postgresql://u@h", NULL, &p, &err));
	if (!mrt_pg_params_get(p, "dbname")) /* libpq then takes the user's name */
		assert_ok(mrt_pg_params_child(p, NULL, &conninfo, &passfile, &err));
}

#define clean(test) cmocka_unit_test_setup_teardown(test, clean_environment, clean_environment)
int main(void)
{
	const struct CMUnitTest tests[] = {
		clean(a_url_gives_its_parts),
		clean(keyword_value_strings_are_understood_too),
		clean(the_password_setting_fills_a_url_without_one),
		clean(the_environment_fills_what_the_url_omits),
		clean(a_broken_url_does_not_show_its_password),
		clean(a_child_gets_a_quoted_conninfo_without_secrets),
		clean(without_a_password_the_passfile_is_empty),
		clean(a_passfile_of_the_url_reaches_the_child),
		clean(parameters_are_replaced_and_copied),
		clean(sockets_and_several_hosts_are_named_for_messages),
		clean(addresses_and_sockets_resolve_without_a_question),
		clean(a_url_without_database_is_no_trouble_for_the_child),
	};
	return cmocka_run_group_tests_name("pg_params", tests, NULL, NULL);
}
