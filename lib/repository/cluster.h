/* cluster.h - whose server a repository belongs to. */
#ifndef MRT_REPOSITORY_CLUSTER_H
#define MRT_REPOSITORY_CLUSTER_H

#include "client/store/contract.h"

/* Two clusters must not share one prefix: the first run writes <target>/cluster/<system
 * identifier>.json, later ones fail with MRT_CHANGED when theirs is not the newest entry. adopt
 * adds one. An empty identifier (not known) is not checked, with a warning. */
int mrt_cluster_claim(const struct mrt_context *ctx, struct mrt_store *store, const char *platform,
                      const char *target, const char *identifier, const char *id, bool adopt,
                      struct mrt_error *err);

#endif
