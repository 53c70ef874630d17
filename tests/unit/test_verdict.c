/* test_verdict.c - verdicts and methods keep their names through JSON. */
#include "unit.h"

#include "ops/domain/verdict.h"

static void names_lead_back_to_their_verdicts(void **state)
{
	(void)state;
	for (int v = MRT_DOMAIN_UNKNOWN; v <= MRT_DOMAIN_EXPIRED; v++) {
		mrt_auto_json json = json_pack("{s:s}", "verdict",
		                               mrt_domain_verdict_name((enum mrt_domain_verdict)v));
		assert_int_equal(mrt_domain_verdict_in(json), v);
	}
	assert_string_equal(mrt_domain_verdict_name(MRT_DOMAIN_CHALLENGED), "challenged");
	mrt_auto_json other = json_pack("{s:s}", "verdict", "excellent");
	assert_int_equal(mrt_domain_verdict_in(other), MRT_DOMAIN_UNKNOWN);
}

static void names_lead_back_to_their_methods(void **state)
{
	(void)state;
	assert_int_equal(mrt_domain_method_of("dns"), MRT_SHOWN_BY_DNS);
	assert_int_equal(mrt_domain_method_of("file"), MRT_SHOWN_BY_FILE);
	assert_int_equal(mrt_domain_method_of("telegram"), MRT_SHOWN_BY_NOTHING);
	assert_int_equal(mrt_domain_method_of(NULL), MRT_SHOWN_BY_NOTHING);
	assert_null(mrt_domain_method_name(MRT_SHOWN_BY_NOTHING));
	mrt_auto_json json = json_pack("{s:s}", "method", "file");
	mrt_auto_json none = json_pack("{s:n}", "method");
	assert_int_equal(mrt_domain_method_in(json), MRT_SHOWN_BY_FILE);
	assert_int_equal(mrt_domain_method_in(none), MRT_SHOWN_BY_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lead_back_to_their_verdicts),
		cmocka_unit_test(names_lead_back_to_their_methods),
	};
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
