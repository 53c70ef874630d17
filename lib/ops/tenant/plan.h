/* plan.h - tariffs: what a school may use, and how it is kept. */
#ifndef MRT_OPS_TENANT_PLAN_H
#define MRT_OPS_TENANT_PLAN_H

#include "codec/json.h"
#include "config/settings.h"

/* Texts as they were given; NULL: not given. "none" takes a limit away. */
struct mrt_plan_options {
	const char *isolation;        /* "shared", "schema", "database" */
	const char *users, *courses;  /* numbers */
	const char *storage;          /* a size */
	const char *requests;         /* a second */
	const char *backup_interval;  /* a duration */
	const char *backup_retention; /* "last=3,daily=7": see maratea.yaml(5) */
	bool dry_run;
};
/* *ret: the plan as it is then, as mrt_plan_show() gives it, "changed" and "dry_run". MRT_EXISTS:
 * there is one of that name. */
int mrt_plan_create(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *name, const struct mrt_plan_options *options, json_t **ret,
                    struct mrt_error *err);
/* What is not given stays. Schools that have the plan keep their isolation. MRT_NOT_FOUND. */
int mrt_plan_update(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *name, const struct mrt_plan_options *options, json_t **ret,
                    struct mrt_error *err);
/* *ret: {"name", "isolation", "limits": {"users", "courses", "storage", "requests_per_second"},
 * "backup": {"interval_s", "retention": {}}, "version", "tenants"}; null: no limit. */
int mrt_plan_show(const struct mrt_context *ctx, const struct mrt_config *config, const char *name,
                  json_t **ret, struct mrt_error *err);
/* *ret: {"plans": [...]}, by name. */
int mrt_plan_list(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                  struct mrt_error *err);

#endif
