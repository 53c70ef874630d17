/* backup.h - backing up, listing, verifying and restoring.
 *
 * Each function does one capability from end to end and answers with a JSON document (documented in
 * maratea-backup(1)) that the command renders as a table or prints.
 */
#ifndef MRT_OPS_BACKUP_BACKUP_H
#define MRT_OPS_BACKUP_BACKUP_H

#include "codec/json.h"
#include "ops/backup/manifest.h"

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

/* The listing: {"backups": [...], "incomplete": n}, newest last. */
int mrt_backup_list(const struct mrt_run *run, const struct mrt_config *config, const char *target,
                    bool all_platforms, json_t **ret, struct mrt_error *err);
int mrt_backup_show(const struct mrt_run *run, const struct mrt_config *config, const char *id,
                    json_t **ret, struct mrt_error *err);

enum mrt_verify_level {
	MRT_VERIFY_CONTENT, /* every byte is read and compared */
	MRT_VERIFY_STORED,  /* every object is there with its size */
	MRT_VERIFY_RESTORE  /* and a server is started from it */
};
struct mrt_verify_options {
	const char *id;
	enum mrt_verify_level level;
	bool no_record; /* a good result of level stored is never recorded: it would hide a better
	                 */
};
/* 0 and the record: everything is as the manifest says. MRT_CORRUPT or MRT_BAD, and the record all
 * the same (*ret may stay NULL): the first thing that is not. Any other code: it could not be
 * verified, which says nothing about the backup. */
int mrt_backup_verify(const struct mrt_run *run, const struct mrt_config *config,
                      const struct mrt_verify_options *options, json_t **ret,
                      struct mrt_error *err);

/* All backups of the platform, or of one target, the newest first: {"backups": [record, or
 * {"id", "error"}], "good", "bad", "not_verified"}. Goes on after a bad one; MRT_BAD when there was
 * one, else the code of the first that could not be verified, with the answer all the same. */
int mrt_backup_verify_all(const struct mrt_run *run, const struct mrt_config *config,
                          const char *target, const struct mrt_verify_options *options,
                          json_t **ret, struct mrt_error *err);

struct mrt_drill_options {
	const char *target;           /* NULL: of any */
	int64_t rpo_limit, rto_limit; /* ns; 0: none */
	bool no_record;
};
/* The newest whole backup, verified by a restore: the record with "rpo_s", how old it is, and
 * "rto_s", how long it took to have it back. MRT_BAD, with the answer, when a limit is passed. */
int mrt_backup_drill(const struct mrt_run *run, const struct mrt_config *config,
                     const struct mrt_drill_options *options, json_t **ret, struct mrt_error *err);

struct mrt_prune_options {
	const char *target;      /* NULL: all of the platform */
	const char *const *tags; /* keep labels that match these, besides backup.retention's */
	size_t n_tags;
	int64_t grace; /* ns: what is unfinished for longer goes */
	bool dry_run, force_last, accept_shrink, no_store_lock;
	/* told the plan so far ("backups" of the answer) before anything is removed; may be NULL */
	void (*plan)(void *context, const json_t *backups);
	/* asked before anything is removed; NULL: yes. MRT_USAGE refuses */
	int (*confirm)(void *context, const char *question, struct mrt_error *err);
	void *context;
};
/* Removes what the policy of backup.retention does not keep, and what unfinished runs left, in each
 * store. MRT_FAILED, and the answer all the same, when some of it could not be removed; of several
 * stores, the first failure's code and the answer of the others. */
int mrt_backup_prune(const struct mrt_run *run, const struct mrt_config *config,
                     const struct mrt_prune_options *options, json_t **ret, struct mrt_error *err);

/* A backup, byte for byte, into another of the configuration's stores; records of verifications are
 * not copied. What an interrupted copy left is compared, and kept when it is right. MRT_CORRUPT: it
 * is not what its manifest says, and nothing came of it. MRT_EXISTS. */
int mrt_backup_copy(const struct mrt_run *run, const struct mrt_config *config, const char *id,
                    const char *to, json_t **ret, struct mrt_error *err);

/* What the store can do, and how it is set up; write: find out more by writing and deleting.
 * MRT_BAD, with the answer, when something of it is a danger to backups. */
int mrt_store_report(const struct mrt_run *run, const struct mrt_config *config, bool write,
                     json_t **ret, struct mrt_error *err);

/* With which credentials the store is asked: {"store", "access_key", "source", "expires", "tried"}.
 * MRT_CONFIG, with the answer, when there are none. */
int mrt_store_whoami(const struct mrt_run *run, const struct mrt_config *config, json_t **ret,
                     struct mrt_error *err);

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
int mrt_backup_restore(const struct mrt_run *run, const struct mrt_config *config,
                       const struct mrt_restore_options *options, json_t **ret,
                       struct mrt_error *err);

#endif
