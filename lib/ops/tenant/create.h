/* create.h - schools, made. */
#ifndef MRT_OPS_TENANT_CREATE_H
#define MRT_OPS_TENANT_CREATE_H

#include "codec/json.h"
#include "config/settings.h"
#include "ops/tenant/create_options.h"

/* Makes a school, or finishes what the same command began. Steps, each done once and noted in the
 * journal: "reserve" the slug, "schema" or "database" and "migrate" where it has one of its own,
 * "fill" with its settings and its owner, "activate". *ret: {"id", "slug", "name", "plan",
 * "isolation", "database", "schema", "owner": {"email", "invitation"}, "domain": null or what
 * mrt_domain_add() gives, "dry_run", "steps": [{"step", "state"}]}; invitation: a link, or a token
 * where platform.domain is not set, given this once. MRT_USAGE: slug or e-mail; MRT_NOT_FOUND:
 * plan; MRT_EXISTS: the slug is taken, kept, or being made otherwise; MRT_LOCKED: another is at it.
 */
int mrt_tenant_create(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const struct mrt_tenant_create_options *options,
                      json_t **ret, struct mrt_error *err);

#endif
