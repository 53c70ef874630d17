/* tee.h - one put into several stores at once.
 *
 * Bytes are written to each as they come. A store that fails is dropped, and the others go on: an
 * object is whole in each store that is left, and does not exist in those that were dropped before
 * its commit. Only when none is left does a call fail, with the first store's error.
 */
#ifndef MRT_CLIENT_STORE_TEE_H
#define MRT_CLIENT_STORE_TEE_H

#include "client/store/contract.h"

/* stores stay the caller's, and must outlive it. It can put, and nothing else. */
int mrt_store_tee_open(struct mrt_store *const *stores, size_t n, struct mrt_store **ret,
                       struct mrt_error *err);
/* Nothing more goes to this one. The first reason counts. */
void mrt_store_tee_drop(struct mrt_store *tee, size_t i, const struct mrt_error *why);
/* Why it was dropped; NULL: it was not. */
const struct mrt_error *mrt_store_tee_dropped(const struct mrt_store *tee, size_t i);

#endif
