/* options.h - what is to be backed up, and how. */
#ifndef MRT_OPS_BACKUP_OPTIONS_H
#define MRT_OPS_BACKUP_OPTIONS_H

#include "codec/json.h"

struct mrt_backup_options {
	const char *target; /* "postgres", "redis", one of "targets:"; NULL: all of them */
	const char *method; /* of the target's configuration; set by the run */
	const char *const *databases; /* NULL: all */
	size_t n_databases;
	const char *label;
	const char *const *recipients; /* encrypt to these instead of backup.recipients */
	size_t n_recipients;
	bool dry_run, plain_role_passwords, allow_warnings, adopt_cluster;
	bool accept_shrink; /* one of under half of the one before is good */
	uint64_t max_rate;  /* bytes a second from the server; 0: no limit */
	/* of the physical method */
	bool spread;                    /* wait for an ordinary checkpoint */
	bool allow_damaged;             /* store it though pages have wrong checksums */
	bool server_compression;        /* the server compresses */
	uint64_t max_wal_retained;      /* bytes; 0: no limit */
	const char *manifest_checksums; /* NULL or "crc32c"; "sha256" */
};

#endif
