/* test_address.c - which addresses are public. */
#include "unit.h"

#include "codec/address.h"

static void addresses_of_the_internet_are_public(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"1.1.1.1",        "9.255.255.255",    "11.0.0.0",        "100.63.255.255",
		"100.128.0.0",    "126.255.255.255",  "128.0.0.0",       "169.253.255.255",
		"169.255.0.0",    "172.15.255.255",   "172.32.0.0",      "192.0.1.0",
		"192.0.3.0",      "192.167.255.255",  "192.169.0.0",     "198.17.255.255",
		"198.20.0.0",     "223.255.255.255",  "2606:4700::1",    "2a00:1450::1",
		"2001:200::1",    "2001:db7:ffff::",  "2001:db9::",      "3ffe::1",
		"::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!mrt_address_is_public(texts[i]))
			fail_msg("%s is public", texts[i]);
}

static void what_only_some_network_has_is_not(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"0.0.0.0",
		"0.255.255.255",
		"10.0.0.0",
		"10.255.255.255",
		"100.64.0.0",
		"100.127.255.255",
		"127.0.0.1",
		"127.255.255.255",
		"169.254.0.0",
		"169.254.169.254",
		"172.16.0.0",
		"172.31.255.255",
		"192.0.0.8",
		"192.0.2.1",
		"192.88.99.1",
		"192.168.0.0",
		"192.168.255.255",
		"198.18.0.0",
		"198.19.255.255",
		"198.51.100.7",
		"203.0.113.7",
		"224.0.0.1",
		"239.255.255.255",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::7f00:1",
		"fe80::1",
		"febf::1",
		"fec0::1",
		"fc00::1",
		"fdff::1",
		"ff02::1",
		"2001::1",
		"2001:1ff::1",
		"2001:db8::1",
		"3fff::1",
		"3fff:fff::1",
		"100::1",
		"::ffff:127.0.0.1",
		"::ffff:10.0.0.1",
		"64:ff9b::10.0.0.1",
		"64:ff9b:1::1",
		"2002:7f00:1::",
		"2002:a00:1::1",
		"4000::1",
		"1fff::1",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (mrt_address_is_public(texts[i]))
			fail_msg("%s is not public", texts[i]);
}

static void what_is_no_address_is_not(void **state)
{
	(void)state;
	static const char *const texts[] = { "",          "localhost", "1.1.1",     "1.1.1.1.1",
		                             "1.1.1.256", "0x1.1.1.1", "2606::x",   " 1.1.1.1",
		                             "1.1.1.1 ",  "[2606::1]", "fe80::1%lo" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (mrt_address_is_public(texts[i]))
			fail_msg("'%s' is no address", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_internet_are_public),
		cmocka_unit_test(what_only_some_network_has_is_not),
		cmocka_unit_test(what_is_no_address_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
