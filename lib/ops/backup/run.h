/* run.h - one backup run while it goes on: shared by run.c (the work) and run_report.c (what is
 * said of it in the manifest or the plan). */
#ifndef MRT_OPS_BACKUP_RUN_H
#define MRT_OPS_BACKUP_RUN_H

#include "ops/backup/backup.h"
#include "ops/backup/dump.h"
#include "ops/backup/lock.h"

struct mrt_backup_job {
	const char *name; /* database */
	json_t *database, *object;
	struct mrt_error err;
	int rc;
};

struct mrt_backup_work {
	const struct mrt_run *run;
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
	struct mrt_pg_lock *lock;
	json_t *globals;
	/* jobs */
	struct mrt_run job_run;
	atomic_int abort;
	struct mrt_backup_job *jobs;
	size_t n_jobs, next, ended;
	unsigned threads;
	unsigned alive;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

/* The manifest of a run whose jobs all ended; the plan of one that has not begun. */
int mrt_run_manifest(const struct mrt_backup_work *work, json_t **ret, struct mrt_error *err);
int mrt_run_plan(const struct mrt_backup_work *work, json_t **ret, struct mrt_error *err);

#endif
