/* show.h - a user of a school. */
#ifndef MRT_MARATEA_USER_SHOW_H
#define MRT_MARATEA_USER_SHOW_H

#include "maratea/cmd.h"

#define MRT_USER_ROLES "owner|admin|instructor|student"
#define MRT_USER_SLUG(type) \
	MRT_OPERAND(type, slug, "SLUG", "the school's", .offers = MRT_OFFER_TENANTS)
#define MRT_USER_EMAIL(type) MRT_OPERAND(type, email, "EMAIL", "the user's")
#define MRT_USER_NAME(type) MRT_OPT_TEXT(type, name, 0, "name", "TEXT", "what the person is called")

/* Appends the roles, separated by commas. */
void mrt_user_add_roles(const json_t *user, struct mrt_buf *to);
int mrt_user_show(const struct mrt_cmd_env *env, const json_t *user, struct mrt_error *err);

#endif
