/* periods.c - counting periods from the newest backup back. */
#include "ops/retention/periods.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define HOUR 3600
#define DAY 86400

const char *mrt_retention_rule(unsigned bit)
{
	static const char *const names[MRT_KEEP_RULES] = {
		"last",         "hourly",          "daily",
		"weekly",       "monthly",         "yearly",
		"tag",          "future",          "unreadable",
		"newest whole", "newest verified", "nothing newer",
		"locked",
	};
	return names[bit];
}

static int64_t floor_of(int64_t n, int64_t by)
{
	return n / by - (n % by < 0);
}

/* The number of the period that a time lies in. */
static int64_t period(unsigned rule, int64_t time)
{
	struct tm tm = { 0 };
	time_t seconds = time;
	switch (rule) {
	case MRT_KEEP_HOURLY:
		return floor_of(time, HOUR);
	case MRT_KEEP_DAILY:
		return floor_of(time, DAY);
	case MRT_KEEP_WEEKLY: /* 1970 began on a Thursday; weeks begin on Monday */
		return floor_of(time + 3 * DAY, 7 * DAY);
	case MRT_KEEP_MONTHLY:
		gmtime_r(&seconds, &tm);
		return (int64_t)tm.tm_year * 12 + tm.tm_mon;
	case MRT_KEEP_YEARLY:
		gmtime_r(&seconds, &tm);
		return tm.tm_year;
	default:
		return time;
	}
}

static bool counts(const struct mrt_retention_item *i)
{
	return !(i->keep & (MRT_KEEP_FUTURE | MRT_KEEP_UNREADABLE));
}

static bool alike(const struct mrt_retention_item *a, const struct mrt_retention_item *b)
{
	return counts(a) && counts(b) && strcmp(a->method, b->method) == 0;
}

/* Keeps the newest of each of the newest so many periods, among those like items[first]. */
static void keep_item(const struct mrt_retention *policy, unsigned rule, int64_t count,
                      struct mrt_retention_item *items, size_t first, size_t n)
{
	int64_t last = 0;
	bool any = false;
	for (size_t i = first; i < n && count > 0; i++) {
		if (!alike(&items[i], &items[first]) || items[i].whole != items[first].whole)
			continue;
		int64_t now = period(rule, items[i].time + policy->zone);
		if (any && rule != MRT_KEEP_LAST && now == last)
			continue;
		items[i].keep |= rule;
		last = now;
		any = true;
		count--;
	}
}

static void keep_hard(struct mrt_retention_item *items, size_t first, size_t n)
{
	bool whole = false, verified = false;
	for (size_t i = first; i < n; i++) {
		if (!alike(&items[i], &items[first]))
			continue;
		if (!whole)
			items[i].keep |= items[i].whole ? MRT_KEEP_NEWEST : MRT_KEEP_NO_NEWER;
		if (items[i].whole && items[i].verified && !verified)
			items[i].keep |= MRT_KEEP_VERIFIED;
		whole = whole || items[i].whole;
		verified = verified || (items[i].whole && items[i].verified);
	}
}

void mrt_retention_apply(const struct mrt_retention *policy, struct mrt_retention_item *items,
                         size_t n)
{
	const struct {
		unsigned rule;
		int64_t count;
	} rules[] = { { MRT_KEEP_LAST, policy->last },       { MRT_KEEP_HOURLY, policy->hourly },
		      { MRT_KEEP_DAILY, policy->daily },     { MRT_KEEP_WEEKLY, policy->weekly },
		      { MRT_KEEP_MONTHLY, policy->monthly }, { MRT_KEEP_YEARLY, policy->yearly } };
	for (size_t first = 0; first < n; first++) {
		bool group = counts(&items[first]), method = group;
		for (size_t i = 0; i < first; i++) {
			method = method && !alike(&items[i], &items[first]);
			group = group && !(alike(&items[i], &items[first]) &&
			                   items[i].whole == items[first].whole);
		}
		for (size_t r = 0; group && r < MRT_COUNT(rules); r++)
			keep_item(policy, rules[r].rule, rules[r].count, items, first, n);
		if (method && !policy->force_last)
			keep_hard(items, first, n);
	}
}

int mrt_retention_zone(const char *text, int64_t *ret, struct mrt_error *err)
{
	if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0) {
		*ret = 0;
		return 0;
	}
	const char *p = text + 1;
	size_t colon = strlen(text) == 6 && text[3] == ':';
	bool shape = (*text == '+' || *text == '-') && strlen(text) == 5 + colon &&
	             isdigit((unsigned char)p[0]) && isdigit((unsigned char)p[1]) &&
	             isdigit((unsigned char)p[2 + colon]) && isdigit((unsigned char)p[3 + colon]);
	int hours = shape ? (p[0] - '0') * 10 + p[1] - '0' : 0;
	int minutes = shape ? (p[2 + colon] - '0') * 10 + p[3 + colon] - '0' : 0;
	if (!shape || hours > 14 || minutes > 59)
		return mrt_fail(err, MRT_CONFIG,
		                "'%.40s' is no time zone: write UTC, or an offset such as +03:00",
		                text);
	*ret = (*text == '-' ? -1 : 1) * (hours * HOUR + minutes * 60);
	return 0;
}
