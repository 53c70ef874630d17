/* list.h - schools, listed and shown. */
#ifndef MRT_OPS_TENANT_LIST_H
#define MRT_OPS_TENANT_LIST_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_tenant_filter {
	const char *status, *plan; /* NULL: any */
	const char *domain;        /* that it is active at; NULL: any, or none */
};
/* Calls each with every school, by slug, {"id", "slug", "name", "status", "reason", "plan",
 * "isolation", "database", "schema", "version", "created_at", "updated_at"}; a page of them at a
 * time is in memory. What each gives but 0 ends it. */
int mrt_tenant_list(const struct mrt_context *ctx, const struct mrt_config *config,
                    const struct mrt_tenant_filter *filter,
                    int (*each)(const json_t *tenant, void *context, struct mrt_error *err),
                    void *context, struct mrt_error *err);
/* *ret: one of those, with "domains", the names that it is active at, its primary one first.
 * MRT_NOT_FOUND. */
int mrt_tenant_show(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *slug, json_t **ret, struct mrt_error *err);

#endif
