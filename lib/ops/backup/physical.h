/* physical.h - a base backup from the replication protocol into content objects. */
#ifndef MRT_OPS_BACKUP_PHYSICAL_H
#define MRT_OPS_BACKUP_PHYSICAL_H

#include "client/pg/basebackup.h"
#include "repository/content.h"

#define MRT_PHYSICAL_BASE "base.tar.zst"
#define MRT_PHYSICAL_TABLESPACE "tablespaces/%s.tar.zst"
#define MRT_PHYSICAL_MANIFEST "backup_manifest.zst"

struct mrt_physical_options {
	struct mrt_store *store;
	const char *folder; /* "<platform>/<target>/<id>/" */
	struct mrt_content_options content;
	struct mrt_pg_basebackup_options basebackup;
	uint64_t system_identifier; /* 0: not known */
};

struct mrt_physical_result {
	json_t *objects;  /* entries for the manifest */
	json_t *physical; /* its member "physical", but for what the caller knows */
	bool damaged;
};
void mrt_physical_result_release(struct mrt_physical_result *result);

/* Streams, compares what passes with the server's backup_manifest, commits. */
int mrt_physical_backup(const struct mrt_context *ctx, struct mrt_pg *pg,
                        const struct mrt_physical_options *options, struct mrt_physical_result *ret,
                        struct mrt_error *err);

#endif
