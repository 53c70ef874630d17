/* place.h - a restore that is going on, and the place it goes to. */
#ifndef MRT_OPS_RESTORE_PLACE_H
#define MRT_OPS_RESTORE_PLACE_H

#include "config/targets.h"
#include "ops/restore/build.h"
#include "ops/restore/options.h"

enum mrt_place_state { MRT_PLACE_FREE, MRT_PLACE_EMPTY, MRT_PLACE_TAKEN };

struct mrt_restoring {
	const struct mrt_context *ctx;
	const struct mrt_restore_options *options;
	struct mrt_restore_context c;
	struct mrt_target target; /* whose backup it is, where that is configured */
	struct mrt_manifest *manifest;
	struct mrt_age_identities *identities; /* NULL: it is not encrypted */
	struct mrt_store *store;
	const json_t *database;
	const char *name; /* the database to be */
	enum mrt_place_state state;
	bool may_create;
	char *kept;  /* --swap: the old one's new name */
	json_t *old; /* properties of an existing empty one */
	uint64_t scratch_free;
	char *where; /* host and port */
};

/* The backup's database that is meant. MRT_USAGE, MRT_NOT_FOUND. */
int mrt_restore_choose_database(struct mrt_restoring *r, struct mrt_error *err);
/* The server: --to URL, else the configured one. The database: --to-database, the URL's, or with
 * --swap the same name. MRT_USAGE: none is named. */
int mrt_restore_choose_place(struct mrt_restoring *r, const struct mrt_config *config,
                             struct mrt_error *err);
/* Looks at it. MRT_EXISTS: it is taken; MRT_REFUSED: the role may not make it. */
int mrt_restore_check_place(struct mrt_restoring *r, struct mrt_error *err);
/* Where the role may not create databases, all of it is one transaction. MRT_UNSUPPORTED: the
 * server's lock table has no room for its objects. */
int mrt_restore_fits_transaction(struct mrt_restoring *r, struct mrt_error *err);
/* --jobs needs --scratch, and room there. */
int mrt_restore_check_scratch(struct mrt_restoring *r, struct mrt_error *err);

#endif
