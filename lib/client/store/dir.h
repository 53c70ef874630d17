/* dir.h - inside of the dir driver. */
#ifndef MRT_CLIENT_STORE_DIR_H
#define MRT_CLIENT_STORE_DIR_H

#include "client/store/contract.h"

#define MRT_DIR_TEMPORARY ".maratea-tmp" /* where objects are written before they are linked */

struct mrt_dir_store {
	struct mrt_store store;
	char *root; /* without "/" at the end */
};

int mrt_dir_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                 const char *token, unsigned limit, struct mrt_store_page *ret,
                 struct mrt_error *err);

#endif
