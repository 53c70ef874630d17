/* test_domain.c - names of domains. */
#include "unit.h"

#include "codec/domain.h"

#include <stdio.h>

static void names_are_made_as_dns_has_them(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{ "example.org", "example.org" },
		{ "Learn.EXAMPLE.org.", "learn.example.org" },
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example" },
		{ "B\xc3\x9c"
		  "CHER.example",
		  "xn--bcher-kva.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "fa\xc3\x9f.example", "xn--fa-hia.example" },
		{ "1.2.example", "1.2.example" },
		{ "a-b.c--d.example", "a-b.c--d.example" },
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char made[MRT_DOMAIN_SIZE];
		struct mrt_error err;
		assert_ok(mrt_domain_normal(pairs[i][0], made, &err));
		assert_string_equal(made, pairs[i][1]);
	}
}

static void what_no_site_can_be_called_is_refused(void **state)
{
	(void)state;
	char label[80], name[300];
	memset(label, 'a', 64);
	snprintf(label + 64, sizeof(label) - 64, ".org");
	name[0] = '\0';
	for (size_t n = 0; n < 252; n += 2)
		memcpy(name + n, "a.", 3);
	memcpy(name + 252, "org", 4); /* 255 in all */
	const char *const texts[] = {
		"",          ".",       "org",         "a..org",       ".a.org",
		"a.org..",   "-a.org",  "a-.org",      "_a.org",       "*.a.org",
		"a b.org",   "a/b.org", "a.org:80",    "http://a.org", "a@b.org",
		"127.0.0.1", "a.1",     "2001:db8::1", "xn--a.org",    "a\xff.org",
		"a\x01.org", label,     name
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char made[MRT_DOMAIN_SIZE];
		struct mrt_error err;
		if (mrt_domain_normal(texts[i], made, &err) != MRT_USAGE)
			fail_msg("'%s' was taken", texts[i]);
		assert_true(strncmp(err.text.unmasked, "the domain '", 12) == 0);
	}
}

static void the_longest_names_fit(void **state)
{
	(void)state;
	char name[300], made[MRT_DOMAIN_SIZE];
	struct mrt_error err;
	for (size_t n = 0; n < 250; n += 2)
		memcpy(name + n, "a.", 3);
	memcpy(name + 250, "org", 4); /* 253 in all */
	assert_ok(mrt_domain_normal(name, made, &err));
	assert_string_equal(made, name);
	memset(name, 'b', 63);
	memcpy(name + 63, ".org", 5);
	assert_ok(mrt_domain_normal(name, made, &err));
}

static void one_name_is_under_another(void **state)
{
	(void)state;
	assert_true(mrt_domain_is_under("example.org", "example.org"));
	assert_true(mrt_domain_is_under("a.example.org", "example.org"));
	assert_true(mrt_domain_is_under("a.b.EXAMPLE.org", "example.ORG"));
	assert_false(mrt_domain_is_under("notexample.org", "example.org"));
	assert_false(mrt_domain_is_under("example.org", "a.example.org"));
	assert_false(mrt_domain_is_under("example.com", "example.org"));
}

static void public_suffixes_are_known(void **state)
{
	(void)state;
	assert_true(mrt_domain_is_public_suffix("co.uk"));
	assert_true(mrt_domain_is_public_suffix("github.io"));
	assert_true(mrt_domain_is_public_suffix("xn--p1ai"));
	assert_false(mrt_domain_is_public_suffix("example.co.uk"));
	assert_false(mrt_domain_is_public_suffix("school.github.io"));
	assert_false(mrt_domain_is_public_suffix("example.org"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_made_as_dns_has_them),
		cmocka_unit_test(what_no_site_can_be_called_is_refused),
		cmocka_unit_test(the_longest_names_fit),
		cmocka_unit_test(one_name_is_under_another),
		cmocka_unit_test(public_suffixes_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
