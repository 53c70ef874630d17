/* postgres.h - one backup run while it goes on: shared by postgres.c (the work) and report.c (what
 * is said of it in the manifest or the plan). */
#ifndef MRT_OPS_BACKUP_POSTGRES_H
#define MRT_OPS_BACKUP_POSTGRES_H

#include "config/settings.h"
#include "ops/backup/dump.h"
#include "ops/backup/lock.h"
#include "ops/backup/options.h"
#include "ops/backup/physical.h"
#include "ops/backup/wal_slot.h"

struct mrt_backup_job {
	const char *name; /* database */
	json_t *database, *object;
	struct mrt_error err;
	int rc;
};

struct mrt_backup_work {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_backup_options *options;
	char id[MRT_BACKUP_ID_SIZE];
	char *folder;
	int64_t started;
	struct mrt_pg_cluster cluster;
	struct mrt_pg_databases databases;
	char *pg_dump, *pg_dumpall;
	int client_major;
	struct mrt_dump_context context;
	struct mrt_age_recipients *recipients; /* or NULL */
	struct mrt_pg_lock *lock;
	struct mrt_backup_run_stores *stores;
	/* jobs */
	struct mrt_backup_job server; /* roles and tablespaces; physical: the base backup */
	struct mrt_context job_run;
	atomic_int abort;
	struct mrt_backup_job *jobs;
	size_t n_jobs, next, ended;
	unsigned threads;
	unsigned alive;
	/* of the physical method */
	bool is_physical;
	struct mrt_physical_facts facts;
	json_t *audit_heads; /* what mrt_audit_heads_read() adds, by database */
	struct mrt_physical_slot *slot;
	struct mrt_physical_result physical;
	uint64_t retained; /* the most WAL the server kept for us */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

/* postgres.c; the backup exists when *ret is set, whatever else is to be said about it */
int mrt_backup_run_postgres(const struct mrt_context *ctx, const struct mrt_config *config,
                            const struct mrt_backup_options *options, json_t **ret,
                            struct mrt_error *err);
/* postgres_physical.c */
int mrt_backup_run_physical_options(const struct mrt_backup_options *options,
                                    struct mrt_error *err);
int mrt_backup_run_physical_look(struct mrt_backup_work *work, struct mrt_pg *pg,
                                 struct mrt_error *err);
/* The lock's session is the one that BASE_BACKUP runs in. */
int mrt_backup_run_physical_lock(struct mrt_backup_work *work, const char *who,
                                 struct mrt_error *err);
int mrt_backup_run_physical_heads(struct mrt_backup_work *work, struct mrt_error *err);
int mrt_backup_run_physical_slot(struct mrt_backup_work *work, struct mrt_error *err);
void *mrt_backup_run_physical_work(void *work); /* a thread's function */
/* From time to time: is the slot there, and not too much WAL kept? */
int mrt_backup_run_physical_watch(struct mrt_backup_work *work, int64_t *next,
                                  struct mrt_error *err);
int mrt_backup_run_physical_describe(const struct mrt_backup_work *work, json_t *physical,
                                     struct mrt_error *err);

/* The manifest of a run whose jobs all ended; the plan of one that has not begun. */
int mrt_backup_run_manifest(const struct mrt_backup_work *work, json_t **ret,
                            struct mrt_error *err);
int mrt_backup_run_plan(const struct mrt_backup_work *work, json_t **ret, struct mrt_error *err);

#endif
