/* findings.h - a check of the isolation while it goes on, and what it found. */
#ifndef MRT_OPS_ISOLATION_FINDINGS_H
#define MRT_OPS_ISOLATION_FINDINGS_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_tenant_checking {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	bool all_tenants;
	json_t *findings, *reviewed;
	const char *database,
	        *tenant; /* where it is: NULL: the platform's; NULL: of no single one */
	uint64_t schemas, tables, attempts;
};
int mrt_tenant_finding(struct mrt_tenant_checking *c, const char *check, const char *object,
                       const char *text, struct mrt_error *err);

#endif
