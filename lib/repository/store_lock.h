/* store_lock.h - one run or prune per target at a time, across hosts: the store is the authority.
 *
 * A lock is a chain of write-once generations, <platform>/<target>/lock/<n>.json; the highest
 * counts. Whoever puts the next one, of which the store lets exactly one win, holds it, renews it
 * with a further generation, and ends with one that says "released". A holder that is not heard of
 * for the length of a lease, by the store's clock, may be taken over. A lease is no fence: holders
 * look before whatever cannot be undone, and every step can be repeated.
 */
#ifndef MRT_REPOSITORY_STORE_LOCK_H
#define MRT_REPOSITORY_STORE_LOCK_H

#include "client/store/contract.h"

struct mrt_store_lock_options {
	const char *platform, *target;
	const char *who;    /* "backup run 2026...-3fa9c1", "backup prune" */
	int64_t lease;      /* ns */
	int64_t clock_skew; /* ns: the store's clock minus ours */
	/* Holders whose name begins so are known to be dead, by a lock of another kind; or NULL. */
	const char *overrule;
};

struct mrt_store_lock;
/* MRT_LOCKED says who holds it since when. */
int mrt_store_lock_take(const struct mrt_context *ctx, struct mrt_store *store,
                        const struct mrt_store_lock_options *options, struct mrt_store_lock **ret,
                        struct mrt_error *err);
/* Is it still ours? MRT_LOCKED otherwise. */
int mrt_store_lock_check(struct mrt_store_lock *lock, const struct mrt_context *ctx,
                         struct mrt_error *err);
/* Shows that we live, when a third of the lease has passed since the last time. */
int mrt_store_lock_renew(struct mrt_store_lock *lock, const struct mrt_context *ctx,
                         struct mrt_error *err);
/* Releases, for 2 s even when the run is cancelled, and frees. */
void mrt_store_lock_free(struct mrt_store_lock *lock);
MRT_DEFINE_AUTO(mrt_store_lock)

#endif
