/* row.h - a user's row, for those who change users and those who list them. */
#ifndef MRT_OPS_USER_ROW_H
#define MRT_OPS_USER_ROW_H

#include "client/pg/connection.h"
#include "codec/json.h"

#define MRT_USER_COLUMNS                                                                      \
	"SELECT u.id, u.email, u.name, u.status, (SELECT coalesce(json_agg(m.role ORDER BY "  \
	"m.role), '[]') FROM memberships m WHERE m.tenant_id = u.tenant_id AND m.user_id = "  \
	"u.id), to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), " \
	"u.email_norm FROM users u WHERE u.tenant_id = $1 "

/* A row of those columns, as mrt_user_add() gives it. */
int mrt_user_describe(const PGresult *r, int i, json_t **ret, struct mrt_error *err);
/* NULL: not given. MRT_USAGE. */
int mrt_user_check_role(const char *role, struct mrt_error *err);

#endif
