/* lock.h - one run per server at a time: an advisory lock in one fixed database.
 *
 * The lock is only as good as its session: it must be ours (a pooler would lend it to others), and
 * it must live (a lost session ends the run). Whoever holds it is named by application_name.
 */
#ifndef MRT_OPS_BACKUP_LOCK_H
#define MRT_OPS_BACKUP_LOCK_H

#include "client/pg/connection.h"

struct mrt_pg_lock;
/* database: the fixed one; where it cannot be connected to, that of params. MRT_LOCKED says who
 * holds it since when. who: "backup run 2026...-3fa9c1". */
int mrt_pg_lock_take(const struct mrt_context *ctx, const struct mrt_pg_options *options,
                     const struct mrt_pg_params *params, const char *database, const char *who,
                     struct mrt_pg_lock **ret, struct mrt_error *err);
/* Is it still ours? Otherwise an error. */
int mrt_pg_lock_ping(struct mrt_pg_lock *lock, const struct mrt_context *ctx,
                     struct mrt_error *err);
/* The session itself, for a base backup: it is the lock's as long as it runs. */
struct mrt_pg *mrt_pg_lock_session(const struct mrt_pg_lock *lock);
void mrt_pg_lock_free(struct mrt_pg_lock *lock);
MRT_DEFINE_AUTO(mrt_pg_lock)

#endif
