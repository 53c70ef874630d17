/* commands.h - the database of a platform: its roles, its schema, and whose it is. */
#ifndef MRT_OPS_DB_COMMANDS_H
#define MRT_OPS_DB_COMMANDS_H

#include "client/pg/connection.h"
#include "codec/json.h"
#include "config/settings.h"

struct mrt_db_init_options {
	const char *admin_url; /* who may create roles; to the platform's database */
	const char *passwords; /* directory with a file per role that logs in; NULL: no passwords */
	bool dry_run;
	/* Asked when the database answered, before anything is made; may be NULL. */
	int (*confirm)(void *context, const char *question, struct mrt_error *err);
	void *context;
};
/* Creates, or sets right, the roles and what they are granted, the schemas, and the platform's id
 * here and in the store. *ret: {"platform_id", "roles": [{"name", "action", "password"}]};
 * password: "made", "read", "kept", null: it does not log in. MRT_UNSUPPORTED: this server's
 * administrator cannot grant BYPASSRLS. MRT_CHANGED: the database or the store is another
 * platform's. */
int mrt_db_init(const struct mrt_context *ctx, const struct mrt_config *config,
                const struct mrt_db_init_options *options, json_t **ret, struct mrt_error *err);

struct mrt_db_migrate_options {
	unsigned jobs; /* schemas at a time */
	bool dry_run;
};
/* Applies pending migrations to the platform, to the schema that schools share, and to those that
 * have one, or a database, of their own. *ret, NULL before: {"schemas": [{"set", "schema",
 * "database", "tenant", "applied", "error"}]}. MRT_FAILED, with the answer, when some failed. */
int mrt_db_migrate(const struct mrt_context *ctx, const struct mrt_config *config,
                   const struct mrt_db_migrate_options *options, json_t **ret,
                   struct mrt_error *err);
/* *ret: the same list, each with "migrations" as mrt_migrate_state() gives them. MRT_BAD, with the
 * answer, when something is pending, edited or unknown. */
int mrt_db_status(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                  struct mrt_error *err);

/* *ret: {"differences": [{"schema", "tenant", "change", "text"}]}: "missing" is what the migrations
 * make, "unexpected" what they do not, "unknown" why it could not be looked at. MRT_BAD, with the
 * answer, when there are any. */
int mrt_db_diff(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                struct mrt_error *err);

#endif
