/* clock.h - times and durations. Wall clock: nanoseconds since 1970 UTC; durations: nanoseconds. */
#ifndef MRT_BASE_CLOCK_H
#define MRT_BASE_CLOCK_H

#include "base/error.h"

#include <stdint.h>

#define MRT_SECOND INT64_C(1000000000)
#define MRT_MILLISECOND INT64_C(1000000)

int64_t mrt_clock_monotonic(void);
int64_t mrt_clock_wall(void);

enum mrt_time_format {
	MRT_TIME_RFC3339, /* 2026-11-22T02:00:00Z */
	MRT_TIME_BASIC,   /* 20261122T020000Z: backup ids, SigV4 */
	MRT_TIME_DATE,    /* 20261122 */
};
#define MRT_TIME_SIZE 24
/* Seconds since 1970 to text, in UTC. */
void mrt_time_format(int64_t seconds, enum mrt_time_format format, char ret[MRT_TIME_SIZE]);
/* RFC 3339 or basic form, UTC ("Z") only; MRT_CORRUPT otherwise. */
int mrt_time_parse(const char *text, int64_t *ret_seconds, struct mrt_error *err);
/* An HTTP date, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). */
int mrt_time_parse_http(const char *text, int64_t *ret_seconds, struct mrt_error *err);

/* "90", "90s", "15m", "12h", "7d", "250ms" to nanoseconds; a bare number means seconds. */
int mrt_duration_parse(const char *text, int64_t *ret, struct mrt_error *err);
/* "0.4 s", "12 s", "3m 20s", "5h 12m", "3d 4h" */
#define MRT_DURATION_SIZE 32
void mrt_duration_format(int64_t ns, char ret[MRT_DURATION_SIZE]);

#endif
