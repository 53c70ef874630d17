/* test_retention.c - which backups stay: the policy's rules, and those no policy overrules. */
#include "unit.h"

#include "ops/retention/periods.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define NOON INT64_C(1763812800) /* 2025-11-22, a Saturday, 12:00 UTC */

static struct mrt_retention_item whole_at(int64_t time)
{
	return (struct mrt_retention_item) { .time = time, .method = "logical", .whole = true };
}

/* One letter an item, newest first: "+" kept, "-" goes. */
static const char *plan(const struct mrt_retention_item *items, size_t n)
{
	static char text[1001];
	for (size_t i = 0; i < n; i++)
		text[i] = items[i].keep ? '+' : '-';
	text[n] = '\0';
	return text;
}

static void last_keeps_the_newest_so_many(void **state)
{
	(void)state;
	struct mrt_retention_item items[5];
	for (size_t i = 0; i < 5; i++)
		items[i] = whole_at(NOON - (int64_t)i);
	mrt_retention_apply(&(struct mrt_retention) { .last = 3 }, items, 5);
	assert_string_equal(plan(items, 5), "+++--");
	assert_int_equal(items[0].keep, MRT_KEEP_LAST | MRT_KEEP_NEWEST);
	assert_int_equal(items[1].keep, MRT_KEEP_LAST);
}

static void each_period_keeps_its_newest(void **state)
{
	(void)state;
	static const struct {
		struct mrt_retention policy;
		unsigned rule;
		const char *want; /* of one backup every 12 hours, from noon back */
	} cases[] = {
		/* noon and midnight: the day's newest is noon's */
		{ { .daily = 3 }, MRT_KEEP_DAILY, "+-+-+-----" },
		{ { .hourly = 3 }, MRT_KEEP_HOURLY, "+++-------" },
		/* Saturday noon; the week before ends on Sunday noon, 6 days earlier */
		{ { .weekly = 2 }, MRT_KEEP_WEEKLY, "+-----------+-" },
		/* noon is the end of a day's first half, or the beginning of a day */
		{ { .daily = 2, .zone = 11 * HOUR + 1800 }, MRT_KEEP_DAILY, "+-+-------" },
		{ { .daily = 2, .zone = 12 * HOUR }, MRT_KEEP_DAILY, "++--------" },
	};
	for (size_t c = 0; c < COUNT(cases); c++) {
		struct mrt_retention_item items[14];
		size_t n = strlen(cases[c].want);
		for (size_t i = 0; i < n; i++)
			items[i] = whole_at(NOON - (int64_t)i * 12 * HOUR);
		mrt_retention_apply(&cases[c].policy, items, n);
		if (strcmp(plan(items, n), cases[c].want) != 0)
			fail_msg("case %zu: %s, not %s", c, plan(items, n), cases[c].want);
		assert_int_equal(items[0].keep, cases[c].rule | MRT_KEEP_NEWEST);
	}
}

static void days_begin_where_the_time_zone_says(void **state)
{
	(void)state;
	/* 21:30 and 20:30 UTC: in Moscow the one is of the next day */
	struct mrt_retention_item items[] = { whole_at(NOON + 9 * HOUR + 1800),
		                              whole_at(NOON + 8 * HOUR + 1800) };
	mrt_retention_apply(&(struct mrt_retention) { .daily = 5 }, items, 2);
	assert_string_equal(plan(items, 2), "+-");
	items[0].keep = items[1].keep = 0;
	mrt_retention_apply(&(struct mrt_retention) { .daily = 5, .zone = 3 * HOUR }, items, 2);
	assert_string_equal(plan(items, 2), "++");
}

static void months_and_years_are_those_of_the_calendar(void **state)
{
	(void)state;
	/* 2025-11-22, 2025-11-01, 2025-10-31, 2025-01-01, 2024-12-31, 2024-02-29 */
	struct mrt_retention_item items[] = { whole_at(NOON),
		                              whole_at(NOON - 21 * DAY),
		                              whole_at(NOON - 22 * DAY),
		                              whole_at(NOON - 325 * DAY),
		                              whole_at(NOON - 326 * DAY),
		                              whole_at(NOON - 632 * DAY) };
	mrt_retention_apply(&(struct mrt_retention) { .monthly = 10 }, items, 6);
	assert_string_equal(plan(items, 6), "+-++++");
	for (size_t i = 0; i < 6; i++)
		items[i].keep = 0;
	mrt_retention_apply(&(struct mrt_retention) { .yearly = 10 }, items, 6);
	assert_string_equal(plan(items, 6), "+---+-");
}

static void rules_are_united(void **state)
{
	(void)state;
	struct mrt_retention_item items[30];
	for (size_t i = 0; i < 30; i++)
		items[i] = whole_at(NOON - (int64_t)i * DAY);
	const struct mrt_retention policy = { .last = 3, .daily = 7, .weekly = 4, .monthly = 12 };
	mrt_retention_apply(&policy, items, 30);
	/* Saturday 22nd; Sundays 16th, 9th, 2nd; the 31st of October */
	assert_string_equal(plan(items, 30), "+++++++------+------+-+-------");
	assert_int_equal(items[2].keep, MRT_KEEP_LAST | MRT_KEEP_DAILY);
	assert_int_equal(items[6].keep, MRT_KEEP_DAILY | MRT_KEEP_WEEKLY);
	assert_int_equal(items[22].keep, MRT_KEEP_MONTHLY);
}

static void a_rule_of_thousands_keeps_all(void **state)
{
	(void)state;
	static struct mrt_retention_item items[1000];
	for (size_t i = 0; i < 1000; i++)
		items[i] = whole_at(NOON - (int64_t)i * 37 * HOUR);
	mrt_retention_apply(&(struct mrt_retention) { .last = INT64_MAX }, items, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i].keep & MRT_KEEP_LAST, MRT_KEEP_LAST);
}

static void partial_backups_and_other_methods_are_counted_apart(void **state)
{
	(void)state;
	struct mrt_retention_item items[] = {
		{ .time = NOON, .method = "logical" },
		{ .time = NOON - 1, .method = "logical" },
		{ .time = NOON - 2, .method = "logical", .whole = true },
		{ .time = NOON - 3, .method = "physical", .whole = true },
		{ .time = NOON - 4, .method = "logical" },
		{ .time = NOON - 5, .method = "physical", .whole = true },
		{ .time = NOON - 6, .method = "logical", .whole = true },
	};
	mrt_retention_apply(&(struct mrt_retention) { .last = 1 }, items, 7);
	/* the second is younger than any whole one of its method */
	assert_string_equal(plan(items, 7), "++++---");
	assert_int_equal(items[0].keep, MRT_KEEP_LAST | MRT_KEEP_NO_NEWER);
	assert_int_equal(items[1].keep, MRT_KEEP_NO_NEWER);
	assert_int_equal(items[2].keep, MRT_KEEP_LAST | MRT_KEEP_NEWEST);
	assert_int_equal(items[3].keep, MRT_KEEP_LAST | MRT_KEEP_NEWEST);
}

static void the_newest_verified_one_stays_however_old(void **state)
{
	(void)state;
	struct mrt_retention_item items[] = { whole_at(NOON), whole_at(NOON - DAY),
		                              whole_at(NOON - 400 * DAY),
		                              whole_at(NOON - 500 * DAY) };
	items[2].verified = items[3].verified = true;
	mrt_retention_apply(&(struct mrt_retention) { .last = 1 }, items, 4);
	assert_string_equal(plan(items, 4), "+-+-");
	assert_int_equal(items[2].keep, MRT_KEEP_VERIFIED);
}

static void without_a_policy_the_hard_rules_stand(void **state)
{
	(void)state;
	struct mrt_retention_item items[] = { whole_at(NOON), whole_at(NOON - 1) };
	mrt_retention_apply(&(struct mrt_retention) { .last = 0 }, items, 2);
	assert_string_equal(plan(items, 2), "+-");
	items[0].keep = items[1].keep = 0;
	mrt_retention_apply(&(struct mrt_retention) { .force_last = true }, items, 2);
	assert_string_equal(plan(items, 2), "--");
}

static void what_is_of_the_future_or_unreadable_neither_counts_nor_protects(void **state)
{
	(void)state;
	struct mrt_retention_item items[] = { whole_at(NOON + 900 * DAY), whole_at(NOON),
		                              whole_at(NOON - 1), whole_at(NOON - 2) };
	items[0].keep = MRT_KEEP_FUTURE;
	items[2].keep = MRT_KEEP_UNREADABLE;
	mrt_retention_apply(&(struct mrt_retention) { .last = 1 }, items, 4);
	assert_string_equal(plan(items, 4), "+++-");
	assert_int_equal(items[0].keep, MRT_KEEP_FUTURE);
	assert_int_equal(items[1].keep, MRT_KEEP_LAST | MRT_KEEP_NEWEST);
	assert_int_equal(items[2].keep, MRT_KEEP_UNREADABLE);
}

static void a_tag_keeps_and_still_counts(void **state)
{
	(void)state;
	struct mrt_retention_item items[] = { whole_at(NOON), whole_at(NOON - 1),
		                              whole_at(NOON - 2) };
	items[2].keep = MRT_KEEP_TAG;
	mrt_retention_apply(&(struct mrt_retention) { .last = 1 }, items, 3);
	assert_string_equal(plan(items, 3), "+-+");
	assert_int_equal(items[2].keep, MRT_KEEP_TAG);
}

static void zones_are_offsets(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = { { "UTC", 0 },         { "Z", 0 },         { "+03:00", 3 * HOUR },
		     { "-05:30", -19800 }, { "+0545", 20700 }, { "+14:00", 14 * HOUR } };
	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t got = 1;
		assert_ok(mrt_retention_zone(good[i].text, &got, &err));
		assert_int_equal(got, good[i].seconds);
	}
	static const char *const wrong[] = {
		"",       "+",     "3",      "+3:00",         "03:00",   "+03:60",
		"+15:00", "+03:0", "+ab:cd", "Europe/Moscow", "+03:00x", "+03-00"
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t got = 1;
		assert_code(MRT_CONFIG, mrt_retention_zone(wrong[i], &got, &err));
		assert_int_equal(got, 1);
	}
}

static void rules_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MRT_KEEP_RULES; i++)
		assert_true(strlen(mrt_retention_rule(i)) > 2);
	assert_string_equal(mrt_retention_rule(9), "newest whole");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_keeps_the_newest_so_many),
		cmocka_unit_test(each_period_keeps_its_newest),
		cmocka_unit_test(days_begin_where_the_time_zone_says),
		cmocka_unit_test(months_and_years_are_those_of_the_calendar),
		cmocka_unit_test(rules_are_united),
		cmocka_unit_test(a_rule_of_thousands_keeps_all),
		cmocka_unit_test(partial_backups_and_other_methods_are_counted_apart),
		cmocka_unit_test(the_newest_verified_one_stays_however_old),
		cmocka_unit_test(without_a_policy_the_hard_rules_stand),
		cmocka_unit_test(what_is_of_the_future_or_unreadable_neither_counts_nor_protects),
		cmocka_unit_test(a_tag_keeps_and_still_counts),
		cmocka_unit_test(zones_are_offsets),
		cmocka_unit_test(rules_have_names),
	};
	return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
