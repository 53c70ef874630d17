/* build.h - the pieces of a logical restore, shared by "backup restore" and "verify --restore".
 */
#ifndef MRT_OPS_RESTORE_BUILD_H
#define MRT_OPS_RESTORE_BUILD_H

#include "repository/content.h"
#include "repository/pg_catalog.h"

struct mrt_restore_context {
	const struct mrt_config *config;
	struct mrt_store *store;
	const struct mrt_manifest *manifest;
	struct mrt_pg_access access; /* the server to restore to */
	struct mrt_pg *pg;           /* connected to its maintenance database */
	char *pg_restore;
	int jobs;
	const char *scratch;
	bool no_owner, no_tablespaces;
};

/* Connects to the server and finds a pg_restore that fits dumper and server. */
int mrt_restore_connect(const struct mrt_context *ctx, struct mrt_restore_context *context,
                        bool force_downgrade, struct mrt_error *err);
void mrt_restore_context_release(struct mrt_restore_context *context);

/* MRT_UNSUPPORTED lists the roles, tablespaces and extensions the server lacks for this database.
 */
int mrt_restore_check(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                      const json_t *database, struct mrt_error *err);
/* Builds the database under a temporary name, "maratea_restore_<hex>": created from template0,
 * closed to the public, filled, its rows compared with the manifest, analysed. On failure it is
 * dropped again. MRT_BAD: the rows differ. */
int mrt_restore_build(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                      const json_t *database, char **ret_name, struct mrt_error *err);
/* Fills an existing database in one transaction, and compares the rows. */
int mrt_restore_fill(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                     const json_t *database, const char *name, bool single_transaction,
                     struct mrt_error *err);
/* Settings, rights, comment of the archived (or another) database for the database called name. */
int mrt_restore_properties(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                           const json_t *properties, const char *name, struct mrt_error *err);
int mrt_restore_drop(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                     const char *name, struct mrt_error *err);

/* Drops what a failed restore leaves, even when the run was cancelled: over a connection of its
 * own, within 3 s. What stays is warned of. */
void mrt_restore_abandon(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                         const char *name);

/* name's database aside as kept, the built one in its place, in one transaction. */
int mrt_swap_check(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                   const char *name, char **ret_kept, struct mrt_error *err);
int mrt_swap(const struct mrt_context *ctx, const struct mrt_restore_context *context,
             const char *built, const char *name, const char *kept, struct mrt_error *err);

/* Roles, memberships and tablespaces. plan_only: *ret is the plan, nothing is done. */
struct mrt_globals_options {
	bool replace_roles, plan_only;
	const char *const *tablespaces; /* OLD=NEW directories */
	size_t n_tablespaces;
};
int mrt_restore_globals(const struct mrt_context *ctx, const struct mrt_restore_context *context,
                        const struct mrt_globals_options *options, json_t **ret,
                        struct mrt_error *err);

#endif
