/* dump.h - one database, or the globals, from pg_dump's pipe into a content object. */
#ifndef MRT_OPS_BACKUP_DUMP_H
#define MRT_OPS_BACKUP_DUMP_H

#include "base/rate.h"
#include "repository/content.h"
#include "repository/pg_catalog.h"

#include <pthread.h>

/* What all dumps of one run share; read-only but for the warnings. */
struct mrt_dump_context {
	const struct mrt_config *config;
	struct mrt_store *store;
	struct mrt_pg_access access;
	const char *folder; /* "<platform>/<target>/<id>/" */
	const char *pg_dump, *pg_dumpall;
	struct mrt_content_options content;
	bool role_passwords, allow_warnings;
	struct mrt_log *log;
	struct mrt_rate rate; /* of all dumps together */
	pthread_mutex_t lock;
	json_t *warnings; /* texts */
};

/* Dumps one database under one snapshot, proves the archive whole, commits the object. *ret: the
 * database's entry for the manifest; *ret_object its object's. MRT_NOT_FOUND: there is no such
 * database (any more). */
int mrt_dump_database(const struct mrt_context *ctx, struct mrt_dump_context *context,
                      const char *name, json_t **ret, json_t **ret_object, struct mrt_error *err);
int mrt_dump_globals(const struct mrt_context *ctx, struct mrt_dump_context *context,
                     json_t **ret_object, struct mrt_error *err);

/* A plain pg_dumpall script ends with this line; one without it was cut. */
#define MRT_GLOBALS_END "-- PostgreSQL database cluster dump complete\n"
/* Feeds the passing script; complete after the last byte? */
struct mrt_globals_check {
	char tail[256];
	size_t len;
};
void mrt_globals_feed(struct mrt_globals_check *check, const void *data, size_t len);
int mrt_globals_end(const struct mrt_globals_check *check, struct mrt_error *err);

#endif
