/* metrics.h - what monitoring is told of a run: metrics for Prometheus, and pings for a dead man's
 * switch.
 *
 * Nothing here fails a backup: what cannot be told is warned of, and its absence raises the alarm.
 * Sources: the text format and the naming rules of Prometheus; Pushgateway's API; the ping API of
 * healthchecks.io.
 */
#ifndef MRT_OPS_BACKUP_METRICS_H
#define MRT_OPS_BACKUP_METRICS_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_backup_outcome {
	const char *target;
	int64_t ended;         /* seconds since 1970 */
	double duration;       /* seconds */
	int exit_status;       /* 0: it succeeded */
	uint64_t size, stored; /* bytes, of a success */
};
/* After each run, good or bad, to backup.metrics-textfile and backup.pushgateway where they are
 * set. A failed run leaves what is known of the last success. */
void mrt_backup_metrics(const struct mrt_context *ctx, const struct mrt_config *config,
                        const struct mrt_backup_outcome *outcome);
/* The same for a verification that passed. */
void mrt_backup_metrics_verified(const struct mrt_context *ctx, const struct mrt_config *config,
                                 const char *target, int64_t started, double recovery_time,
                                 int64_t backup_time);

/* The lines of text with those of more in place of the same series and comments, by metric. */
int mrt_metrics_merge(const char *text, const char *more, struct mrt_buf *ret,
                      struct mrt_error *err);

/* backup.ping, when it is set. */
enum mrt_ping { MRT_PING_START, MRT_PING_OK, MRT_PING_FAIL };
struct mrt_pinger {
	char id[MRT_UUID_SIZE]; /* pairs start and end */
};
void mrt_ping(const struct mrt_context *ctx, const struct mrt_config *config,
              struct mrt_pinger *pinger, enum mrt_ping what, const struct mrt_error *why);

#endif
