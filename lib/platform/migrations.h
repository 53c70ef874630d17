/* migrations.h - the schema of the platform and of a school, as numbered files in the binary.
 *
 * Two sets: "platform", once, in the schema maratea; "tenant", with unqualified names, in each
 * schema that holds schools. Each schema keeps what was applied to it in its own table
 * schema_migrations. A file is one transaction, as the role that owns everything and with row
 * security off, so that what would be filtered is an error. One that begins with "-- maratea:
 * no-transaction" is run statement by statement, each of which ends in ";" at the end of a line and
 * can be repeated; indexes that an interrupted run left invalid are dropped first.
 */
#ifndef MRT_PLATFORM_MIGRATIONS_H
#define MRT_PLATFORM_MIGRATIONS_H

#include "client/pg/connection.h"
#include "codec/json.h"
#include "platform/identity.h"

#define MRT_OWNER "maratea_owner"
#define MRT_APP "maratea_app" /* of services */
#define MRT_SHARED_SCHEMA "maratea_shared"

struct mrt_migration {
	const char *set; /* "platform", "tenant" */
	int number;
	const char *name, *sql; /* "0001_platform" */
};
extern const struct mrt_migration mrt_migrations[]; /* by set and number */
extern const size_t mrt_n_migrations;

struct mrt_migrate_options {
	int64_t give_up_after, retry_first, retry_longest;
	bool unused; /* nobody uses the schema yet: nothing must be made concurrently */
};

/* The text for a transaction that nobody looks on at: nothing is made concurrently. */
void mrt_migration_text(const struct mrt_migration *migration, struct mrt_buf *ret);

/* *ret: list of {"number", "name", "state", "applied"}: applied, pending, edited (its text was
 * changed after it was applied), unknown (of a newer maratea). A schema that is not there has all
 * pending. */
int mrt_migrate_state(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                      const char *schema, json_t **ret, struct mrt_error *err);
/* MRT_CORRUPT, MRT_UNSUPPORTED as mrt_migrate_apply(), which does nothing then. */
int mrt_migrate_check(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                      const char *schema, struct mrt_error *err);
/* Is it exactly as this maratea has it? MRT_UNSUPPORTED otherwise: who would use it does not. */
int mrt_migrate_is_current(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                           const char *schema, struct mrt_error *err);
/* Applies what is pending; *ret_applied counts. MRT_CORRUPT: an edited one; MRT_UNSUPPORTED: the
 * schema is of a newer maratea. */
int mrt_migrate_apply(struct mrt_pg *pg, const struct mrt_context *ctx, const char *set,
                      const char *schema, const struct mrt_migrate_options *options,
                      unsigned *ret_applied, struct mrt_error *err);
/* One migration of a platform at a time: MRT_LOCKED. Held until the session ends. shared: beside
 * others that make a schema of their own, and not beside one of the whole platform. */
int mrt_migrate_lock(struct mrt_pg *pg, const struct mrt_context *ctx, bool shared,
                     struct mrt_error *err);

#endif
