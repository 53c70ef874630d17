/* data_directory.h - a PostgreSQL data directory written from a physical backup's entries.
 *
 * Until commit the directory cannot be started: global/pg_control has another name. Without commit
 * everything written is taken away again. What is there afterwards does not talk to the server it
 * was copied from: no standby.signal, and postgresql.auto.conf ends in settings that switch off
 * archiving, the primary's address and logical replication.
 */
#ifndef MRT_OPS_RESTORE_DATA_DIRECTORY_H
#define MRT_OPS_RESTORE_DATA_DIRECTORY_H

#include "base/context.h"
#include "codec/json.h"
#include "codec/tar.h"

struct mrt_data_tablespace {
	const char *oid, *location; /* absolute: where it is to be */
};
struct mrt_data_directory_options {
	const char *dir; /* absent, or an empty directory */
	const struct mrt_data_tablespace *tablespaces;
	size_t n_tablespaces;
	const json_t *settings; /* {name: value}: for a minimal postgresql.conf */
	uid_t uid;              /* the files' owner, when owned */
	gid_t gid;
	bool owned;
};

struct mrt_data_directory;
/* MRT_EXISTS: something is in one of the directories. */
int mrt_data_directory_new(const struct mrt_data_directory_options *options,
                           struct mrt_data_directory **ret, struct mrt_error *err);
void mrt_data_directory_free(struct mrt_data_directory *directory);
MRT_DEFINE_AUTO(mrt_data_directory)
/* For mrt_physical_reader: entries, and the bytes of backup_manifest. context: the directory. */
extern const struct mrt_tar_ops mrt_data_directory_ops;
int mrt_data_directory_manifest(void *directory, const void *data, size_t len,
                                struct mrt_error *err);
/* Configuration, fsync of everything, and at last pg_control. */
int mrt_data_directory_commit(struct mrt_data_directory *directory, struct mrt_error *err);

/* Absent or empty? MRT_EXISTS names what is in it. */
int mrt_data_directory_empty(const char *path, struct mrt_error *err);

#endif
