/* clock.c - times and durations. */
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * MRT_SECOND + now.tv_nsec;
}

int64_t mrt_clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t mrt_clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

void mrt_time_format(int64_t seconds, enum mrt_time_format format, char ret[MRT_TIME_SIZE])
{
	time_t when = (time_t)seconds;
	struct tm tm = { .tm_mday = 1 };
	size_t n = 0;
	gmtime_r(&when, &tm);
	if (format == MRT_TIME_RFC3339)
		n = strftime(ret, MRT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	else if (format == MRT_TIME_BASIC)
		n = strftime(ret, MRT_TIME_SIZE, "%Y%m%dT%H%M%SZ", &tm);
	else if (format == MRT_TIME_DATE)
		n = strftime(ret, MRT_TIME_SIZE, "%Y%m%d", &tm);
	if (n == 0)
		ret[0] = '\0';
}

/* Digits, or a character that must stand there: "####-##-##T##:##:##Z". */
static bool fits(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '#' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return *text == '\0';
}

/* strptime() alone takes blanks and days that no month has. */
static int parse_with(const char *text, const char *format, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, format, &tm);
	if (!end || *end != '\0')
		return MRT_CORRUPT;
	int day = tm.tm_mday;
	time_t when = timegm(&tm); /* carries the 31st of June over to July */
	if (tm.tm_mday != day)
		return MRT_CORRUPT;
	*ret = (int64_t)when;
	return 0;
}

int mrt_time_parse(const char *text, int64_t *ret_seconds, struct mrt_error *err)
{
	char whole[MRT_TIME_SIZE];
	const char *end = text + strlen(text);
	/* S3 listings carry fractions of a second */
	if (end - text > 21 && text[19] == '.' && end[-1] == 'Z' &&
	    strspn(text + 20, "0123456789") == (size_t)(end - text) - 21) {
		snprintf(whole, sizeof(whole), "%.19sZ", text);
		text = whole;
	}
	if (fits(text, "####-##-##T##:##:##Z") &&
	    parse_with(text, "%Y-%m-%dT%H:%M:%SZ", ret_seconds) == 0)
		return 0;
	if (fits(text, "########T######Z") && parse_with(text, "%Y%m%dT%H%M%SZ", ret_seconds) == 0)
		return 0;
	return mrt_fail(err, MRT_CORRUPT, "'%.40s' is not a UTC time", text);
}

int mrt_time_parse_http(const char *text, int64_t *ret_seconds, struct mrt_error *err)
{
	if (parse_with(text, "%a, %d %b %Y %H:%M:%S GMT", ret_seconds) == 0)
		return 0;
	return mrt_fail(err, MRT_CORRUPT, "'%.40s' is not an HTTP date", text);
}

int mrt_duration_parse(const char *text, int64_t *ret, struct mrt_error *err)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {
		{ "", MRT_SECOND },          { "ms", MRT_MILLISECOND },  { "s", MRT_SECOND },
		{ "m", 60 * MRT_SECOND },    { "min", 60 * MRT_SECOND }, { "h", 3600 * MRT_SECOND },
		{ "d", 86400 * MRT_SECOND },
	};
	char *end = NULL;
	errno = 0;
	intmax_t n = strtoimax(text, &end, 10);
	if (end != text && errno == 0 && n >= 0 && text[0] >= '0' && text[0] <= '9')
		for (size_t i = 0; i < MRT_COUNT(units); i++)
			if (strcmp(end, units[i].unit) == 0 && n <= INT64_MAX / units[i].ns) {
				*ret = (int64_t)n * units[i].ns;
				return 0;
			}
	return mrt_fail(err, MRT_USAGE, "'%.40s' is not a duration (write 30s, 15m, 12h, 7d)",
	                text);
}

void mrt_duration_format(int64_t ns, char ret[MRT_DURATION_SIZE])
{
	int64_t s = ns / MRT_SECOND;
	if (ns < 10 * MRT_SECOND)
		snprintf(ret, MRT_DURATION_SIZE, "%.1f s", (double)ns / (double)MRT_SECOND);
	else if (s < 60)
		snprintf(ret, MRT_DURATION_SIZE, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(ret, MRT_DURATION_SIZE, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(ret, MRT_DURATION_SIZE, "%" PRId64 "h %" PRId64 "m", s / 3600,
		         s / 60 % 60);
	else
		snprintf(ret, MRT_DURATION_SIZE, "%" PRId64 "d %" PRId64 "h", s / 86400,
		         s / 3600 % 24);
}
