/* probe.h - "store probe". */
#ifndef MRT_OPS_STORE_PROBE_H
#define MRT_OPS_STORE_PROBE_H

#include "codec/json.h"
#include "config/settings.h"

/* What the store can do, and how it is set up; write: find out more by writing and deleting.
 * MRT_BAD, with the answer, when something of it is a danger to backups. */
int mrt_store_report(const struct mrt_context *ctx, const struct mrt_config *config, bool write,
                     json_t **ret, struct mrt_error *err);

#endif
