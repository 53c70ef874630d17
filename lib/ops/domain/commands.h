/* commands.h - names of their own that schools are served at: claimed, shown, active. */
#ifndef MRT_OPS_DOMAIN_COMMANDS_H
#define MRT_OPS_DOMAIN_COMMANDS_H

#include "codec/json.h"
#include "config/settings.h"

/* All of them: MRT_CONFIG: platform.domain is not set; MRT_USAGE: no name that a school can have;
 * MRT_NOT_FOUND: the school, or its claim. */

/* *ret: {"slug", "name", "state", "primary", "token", "expires_at", "active_since", "checked_at",
 * "holder": another school that has it, or null, "challenge": {"by", "holder", "until"}, "record":
 * {"name", "type", "value"}, "file": {"url", "content"}, "target", "changed"}. MRT_CHANGED: the
 * school is not made yet, or archived. */
int mrt_domain_add(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   const char *name, json_t **ret, struct mrt_error *err);

struct mrt_domain_filter {
	const char *slug, *state; /* NULL: any */
};
/* Calls each with every claim, by name, as above up to "challenge"; a page of them at a time is in
 * memory. What each gives but 0 ends it. */
int mrt_domain_list(const struct mrt_context *ctx, const struct mrt_config *config,
                    const struct mrt_domain_filter *filter,
                    int (*each)(const json_t *domain, void *context, struct mrt_error *err),
                    void *context, struct mrt_error *err);

struct mrt_domain_verify_options {
	const char *slug; /* NULL: of all schools */
	const char *name; /* NULL: all that are active */
	unsigned jobs;    /* at a time */
};
/* Calls each, by name, with {..., "verdict", "shown", "method", "zone", "answers", "leads_to",
 * "site", "advice", "error"}, see maratea-domain(1), and changes nothing. MRT_BAD, after the last:
 * some are not shown, or to be lost; MRT_UNREACHABLE: of some nothing could be said. */
int mrt_domain_verify(const struct mrt_context *ctx, const struct mrt_config *config,
                      const struct mrt_domain_verify_options *options,
                      int (*each)(const json_t *domain, void *context, struct mrt_error *err),
                      void *context, struct mrt_error *err);
/* *ret, NULL before, also with MRT_BAD: it is not shown, MRT_UNREACHABLE, and MRT_EXISTS: another
 * school has it, whose time to show it runs from the first of these. MRT_CHANGED: things
 * changed meanwhile, or as for add. */
int mrt_domain_activate(const struct mrt_context *ctx, const struct mrt_config *config,
                        const char *slug, const char *name, bool primary, json_t **ret,
                        struct mrt_error *err);
/* *ret: {"slug", "name", "state", "primary"}: what it was. */
int mrt_domain_remove(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const char *name, json_t **ret, struct mrt_error *err);

#endif
