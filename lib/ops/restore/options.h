/* options.h - what is to be restored, and where to. */
#ifndef MRT_OPS_RESTORE_OPTIONS_H
#define MRT_OPS_RESTORE_OPTIONS_H

#include "codec/json.h"

struct mrt_restore_options {
	const char *id;
	const char *database;    /* of the backup */
	const char *to;          /* URL of the server (and database), or NULL: the configured one */
	const char *to_database; /* name of the new database, or NULL */
	const char *scratch;     /* for jobs > 1 */
	int jobs;
	bool swap, globals, replace_roles, no_owner, no_tablespaces, force_downgrade, dry_run;
	const char *const *tablespaces; /* OLD=NEW */
	size_t n_tablespaces;
	const char *to_dir; /* a physical backup: into this directory */
	const char *owner;  /* whose its files are to be, or NULL */
	/* a backup of Redis: into the running server of this URL, one database where it names one;
	 * or "redis.url", the configured one, and all of them */
	const char *to_redis;
	bool replace; /* give up what its databases hold */
	/* asked before what cannot be undone; NULL: yes. MRT_USAGE refuses */
	int (*confirm)(void *context, const char *question, struct mrt_error *err);
	void *context;
};

#endif
