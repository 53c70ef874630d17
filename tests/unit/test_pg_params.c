/* test_pg_params.c - connection parameters: from URL and environment, for us and for children. */
#include "unit.h"

#include "client/pg/connection.h"

static int clean_environment(void **state)
{
	(void)state;
	for (const char *const *name = mrt_pg_environment(); *name; name++)
		unsetenv(*name);
	return 0;
}

/* With what the environment says at the moment. */
static int make(const char *url, const char *password, struct mrt_pg_params **ret,
                struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *ambient = NULL;
	int rc = mrt_pg_params_ambient(&ambient, err);
	return rc < 0 ? rc : mrt_pg_params_make(url, password, ambient, ret, err);
}

static void a_url_gives_its_parts(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	assert_ok(make("postgresql://al%20ice:p%40ss%3Aw@db.example:5433/sch%2Fool"
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
	assert_ok(make("host=/run/pg user=u dbname='a b' keepalives_idle=5", NULL, &p, &err));
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
	assert_ok(make("postgresql://u@h/d", "setting", &p, &err));
	assert_string_equal(mrt_pg_params_get(p, "password"), "setting");
	assert_ok(make("postgresql://u:url@h/d", "setting", &q, &err));
	assert_string_equal(mrt_pg_params_get(q, "password"), "url");
	assert_ok(make("postgresql://u@h/d", "", &r, &err));
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
	assert_ok(make("postgresql://h/d", NULL, &p, &err));
	assert_string_equal(mrt_pg_params_get(p, "host"), "h");
	assert_string_equal(mrt_pg_params_get(p, "port"), "6000");
	assert_string_equal(mrt_pg_params_get(p, "user"), "envuser");
	assert_string_equal(mrt_pg_params_get(p, "dbname"), "d");
	assert_ok(make("", NULL, &q, &err));
	assert_string_equal(mrt_pg_params_get(q, "host"), "envhost");
	assert_string_equal(mrt_pg_params_get(q, "dbname"), "envdb");
}

static void an_address_of_the_environment_does_not_redirect_a_url(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL, *q = NULL;
	setenv("PGHOSTADDR", "192.0.2.1", 1);
	assert_ok(make("postgresql://u@h/d", NULL, &p, &err));
	assert_null(mrt_pg_params_get(p, "hostaddr"));
	assert_ok(make("postgresql:///d?user=u", NULL, &q, &err));
	assert_string_equal(mrt_pg_params_get(q, "hostaddr"), "192.0.2.1");
}

static void without_ambient_parameters_only_the_url_counts(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	for (const char *const *name = mrt_pg_environment(); *name; name++)
		setenv(*name, "poison", 1);
	assert_ok(mrt_pg_params_make("postgresql:///d?host=/run/pg&user=u", NULL, NULL, &p, &err));
	for (size_t i = 0; i < p->n; i++)
		assert_string_not_equal(p->values[i], "poison");
	assert_string_equal(mrt_pg_params_get(p, "port"), "5432");
	assert_null(mrt_pg_params_get(p, "hostaddr"));
	mrt_pg_environment_clear();
	assert_null(getenv("PGSERVICE"));
	assert_null(getenv("PGSERVICEFILE"));
	assert_null(getenv("PGTZ"));
	assert_string_equal(getenv("PGPASSWORD"), "poison"); /* ${env:PGPASSWORD} still works */
}

static void a_conninfo_leaves_nothing_to_the_environment(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL;
	assert_ok(mrt_pg_params_make("postgresql:///d?host=/run/pg&user=u", NULL, NULL, &p, &err));
	assert_ok(mrt_pg_params_conninfo(p, "o'ther", "test", &conninfo, &err));
	assert_contains(conninfo, " dbname='o\\'ther'");
	assert_contains(conninfo, " hostaddr=''");
	assert_contains(conninfo, " application_name='test'");
	char *why = NULL;
	PQconninfoOption *parsed = PQconninfoParse(conninfo, &why), *known = PQconndefaults();
	assert_non_null(parsed);
	size_t seen = 0;
	for (const PQconninfoOption *o = known; o->keyword; o++) {
		if (!o->envvar || strcmp(o->keyword, "service") == 0 ||
		    strstr(o->keyword, "_protocol_version"))
			continue;
		const PQconninfoOption *given = parsed;
		while (given->keyword && strcmp(given->keyword, o->keyword) != 0)
			given++;
		assert_non_null(given->val);
		seen++;
	}
	assert_true(seen > 20);
	PQconninfoFree(parsed);
	PQconninfoFree(known);
}

static void every_variable_of_this_libpq_is_known(void **state)
{
	(void)state;
	PQconninfoOption *known = PQconndefaults();
	for (const PQconninfoOption *o = known; o->keyword; o++) {
		const char *const *name = mrt_pg_environment();
		while (o->envvar && *name && strcmp(*name, o->envvar) != 0)
			name++;
		assert_non_null(*name);
	}
	PQconninfoFree(known);
}

static void a_service_fills_what_the_url_omits_and_must_exist(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL, *q = NULL;
	char path[] = "/tmp/maratea-unit-XXXXXX";
	mrt_autofd fd = mkstemp(path);
	static const char text[] = "[good]\nhost=servicehost\nuser=serviceuser\nport=7\n";
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	setenv("PGSERVICEFILE", path, 1);
	setenv("PGSERVICE", "good", 1);
	assert_ok(make("postgresql:///d", NULL, &p, &err));
	assert_string_equal(mrt_pg_params_get(p, "host"), "servicehost");
	assert_string_equal(mrt_pg_params_get(p, "user"), "serviceuser");
	assert_null(mrt_pg_params_get(p, "service"));
	setenv("PGSERVICE", "missing", 1);
	assert_code(MRT_CONFIG, make("postgresql:///d", NULL, &q, &err));
	assert_string_equal(err.text.unmasked,
	                    "the service 'missing' that PGSERVICE names is not defined, "
	                    "or its definition cannot be used");
	unlink(path);
}

static void a_broken_url_does_not_show_its_password(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	const char *const wrong[] = { "postgresql://u:hush%zz@h/d", "postgresql://u:hush@h/d?x=y",
		                      "host=h password='hush", "mysql://u:hush@h/d" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_code(MRT_CONFIG, make(wrong[i], NULL, &p, &err));
		assert_null(strstr(err.text.unmasked, "hush"));
		assert_null(strstr(err.hint.unmasked, "hush"));
	}
	assert_code(MRT_CONFIG, make("postgresql://u@h/d?sslpassword=hush", NULL, &p, &err));
	assert_null(strstr(err.text.unmasked, "hush"));
	assert_null(p);
}

static void a_child_gets_a_quoted_conninfo_without_secrets(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL, *passfile = NULL;
	assert_ok(make("postgresql://o'ne:hu%3Ash%5C@h/d?passfile=/p", NULL, &p, &err));
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
	assert_ok(make("postgresql://u@h/d", NULL, &p, &err));
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
	assert_ok(make("postgresql://u@h/d?passfile=/etc/pgpass", NULL, &p, &err));
	assert_ok(mrt_pg_params_child(p, NULL, &conninfo, &passfile, &err));
	assert_string_equal(passfile, "");
	assert_contains(conninfo, "passfile='/etc/pgpass'");
}

static void parameters_are_replaced_and_copied(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL, *copy = NULL;
	assert_ok(make("postgresql://u:secret@h1,h2:7/d", NULL, &p, &err));
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
	assert_string_equal(err.text.unmasked, "too many connection parameters");
	mrt_pg_params_free(NULL);
}

static void sockets_and_several_hosts_are_named_for_messages(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *several = NULL, *socket = NULL;
	mrt_auto_buf where = MRT_BUF_INIT;
	assert_ok(make("postgresql://u@a:1,a:1,b:2/d", NULL, &several, &err));
	mrt_pg_params_where(several, &where);
	assert_string_equal(mrt_buf_text(&where), "a:1,b:2");
	mrt_buf_clear(&where);
	assert_ok(make("host=/run/pg user=u", NULL, &socket, &err));
	mrt_pg_params_where(socket, &where);
	assert_string_equal(mrt_buf_text(&where), "/run/pg:5432");
}

static void addresses_and_sockets_resolve_without_a_question(void **state)
{
	(void)state;
	struct mrt_error err;
	const struct mrt_context ctx = run_for(20 * MRT_SECOND);
	const struct mrt_dns_options dns = { .timeout = MRT_SECOND };
	mrt_auto(mrt_pg_params) *address = NULL, *socket = NULL;
	assert_ok(make("postgresql://u@127.0.0.1:7/d", NULL, &address, &err));
	assert_ok(mrt_pg_params_resolve(address, &ctx, &dns, &err));
	assert_string_equal(mrt_pg_params_get(address, "hostaddr"), "127.0.0.1");
	assert_string_equal(mrt_pg_params_get(address, "host"), "127.0.0.1");
	assert_string_equal(mrt_pg_params_get(address, "port"), "7");
	assert_ok(make("host=/run/pg user=u", NULL, &socket, &err));
	assert_ok(mrt_pg_params_resolve(socket, &ctx, &dns, &err));
	assert_null(mrt_pg_params_get(socket, "hostaddr"));
}

static void a_url_without_database_is_no_trouble_for_the_child(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_pg_params) *p = NULL;
	mrt_autofree char *conninfo = NULL, *passfile = NULL;
	assert_ok(make("postgresql://u@h", NULL, &p, &err));
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
		clean(an_address_of_the_environment_does_not_redirect_a_url),
		clean(without_ambient_parameters_only_the_url_counts),
		clean(a_conninfo_leaves_nothing_to_the_environment),
		clean(every_variable_of_this_libpq_is_known),
		clean(a_service_fills_what_the_url_omits_and_must_exist),
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
