/* backup_run.h - "backup run": what is to be backed up, and how. */
#ifndef MRT_OPS_BACKUP_BACKUP_RUN_H
#define MRT_OPS_BACKUP_BACKUP_RUN_H

#include "codec/json.h"
#include "ops/config/config.h"

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
/* Backs up; *ret, NULL before, is the manifest, or for a dry run the plan; with several stores also
 * "stores"; of several targets {"targets": [{"target", "status", "error", "backup"}]}. Where it is
 * set, the backup exists; a failure then says what is wrong with it all the same: MRT_BAD, that it
 * is suspiciously small; MRT_FAILED, that it is not in every store, or not all targets have one. */
int mrt_backup_run(const struct mrt_run *run, const struct mrt_config *config,
                   const struct mrt_backup_options *options, json_t **ret, struct mrt_error *err);

#endif
