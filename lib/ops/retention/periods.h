/* periods.h - which backups are kept, and by which rule: a pure function of their times.
 *
 * The rules of the policy are those of restic and borg: each keeps the newest backup of so many
 * hours, days, ISO weeks, months or years that have one, and a backup is kept when any rule says
 * so. Whole backups and others, and each method, are counted apart. Beyond the policy stand the
 * hard rules: the newest whole backup and the newest verified one of a method are kept, and so is
 * whatever has no newer whole one.
 */
#ifndef MRT_OPS_RETENTION_PERIODS_H
#define MRT_OPS_RETENTION_PERIODS_H

#include "base/error.h"

#include <stdint.h>

struct mrt_retention {
	int64_t last, hourly, daily, weekly, monthly, yearly; /* how many; 0: no such rule */
	int64_t zone;    /* seconds east of UTC, in which days begin */
	bool force_last; /* without the hard rules */
};

enum { /* why one is kept */
       MRT_KEEP_LAST = 1 << 0,
       MRT_KEEP_HOURLY = 1 << 1,
       MRT_KEEP_DAILY = 1 << 2,
       MRT_KEEP_WEEKLY = 1 << 3,
       MRT_KEEP_MONTHLY = 1 << 4,
       MRT_KEEP_YEARLY = 1 << 5,
       MRT_KEEP_TAG = 1 << 6, /* set by the caller, as the next two */
       MRT_KEEP_FUTURE = 1 << 7,
       MRT_KEEP_UNREADABLE = 1 << 8,
       MRT_KEEP_NEWEST = 1 << 9,
       MRT_KEEP_VERIFIED = 1 << 10,
       MRT_KEEP_NO_NEWER = 1 << 11,
       MRT_KEEP_HELD = 1 << 12 /* locked by the store: set by the caller */
};
#define MRT_KEEP_RULES 13
/* Of one bit, by its number: "daily", "newest whole", ... */
const char *mrt_retention_rule(unsigned bit);

struct mrt_retention_item {
	int64_t time;       /* seconds since 1970 */
	const char *method; /* counted apart */
	bool whole;         /* everything is in it, undamaged */
	bool verified;
	unsigned keep; /* of the caller's bits; others are added. 0: it goes */
};
/* items: newest first. Those that are unreadable or of the future neither count nor protect. */
void mrt_retention_apply(const struct mrt_retention *policy, struct mrt_retention_item *items,
                         size_t n);

/* "UTC", "+03:00", "-0530" to seconds east of UTC; MRT_CONFIG. */
int mrt_retention_zone(const char *text, int64_t *ret, struct mrt_error *err);

#endif
