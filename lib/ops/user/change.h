/* change.h - the people of a school. */
#ifndef MRT_OPS_USER_CHANGE_H
#define MRT_OPS_USER_CHANGE_H

#include "codec/json.h"
#include "config/settings.h"

struct mrt_user_options {
	const char *role;     /* "owner", "admin", "instructor", "student"; NULL: student */
	const char *name;     /* NULL: none */
	const char *password; /* to add: must be given */
};
/* *ret: {"id", "email", "name", "status", "roles": [], "created_at"}. MRT_USAGE: e-mail, role, name
 * or password; MRT_EXISTS: there is such a user, who is not disabled. All of these: MRT_NOT_FOUND:
 * the school; MRT_CHANGED: it is not made yet, or archived. */
int mrt_user_add(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                 const char *email, const struct mrt_user_options *options, json_t **ret,
                 struct mrt_error *err);
/* The same with "invitation", a link or a token, which is told this once. MRT_EXISTS: the user is
 * active. */
int mrt_user_invite(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *slug, const char *email, const struct mrt_user_options *options,
                    json_t **ret, struct mrt_error *err);
/* *ret: the user then, and "changed". MRT_NOT_FOUND: no such user; MRT_CHANGED: it is the last
 * owner. */
int mrt_user_set_role(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *slug, const char *email, const char *role, json_t **ret,
                      struct mrt_error *err);
int mrt_user_remove(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *slug, const char *email, json_t **ret, struct mrt_error *err);

struct mrt_user_filter {
	const char *role, *status; /* NULL: any */
};
/* Calls each with every user, by e-mail; a page of them at a time is in memory. What each gives but
 * 0 ends it. */
int mrt_user_list(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                  const struct mrt_user_filter *filter,
                  int (*each)(const json_t *user, void *context, struct mrt_error *err),
                  void *context, struct mrt_error *err);

#endif
