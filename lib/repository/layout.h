/* layout.h - where things lie in a store; maratea-repository(7) is the manual.
 *
 *   <platform>/<target>/<id>/manifest.json      written last: without it there is no backup
 *   <platform>/<target>/<id>/db/<name>.pgdump.zst, globals.sql.zst
 *   <platform>/<target>/<id>/verified-<time>.json
 *   <platform>/<target>/<id>/alive-<n>
 *   <platform>/<target>/cluster/<system identifier>.json
 */
#ifndef MRT_REPOSITORY_LAYOUT_H
#define MRT_REPOSITORY_LAYOUT_H

#include "client/store/contract.h"
#include "config/open.h"

#define MRT_BACKUP_ID_SIZE 24 /* "20261122T020000Z-3fa9c1" and the NUL */

/* A new id: UTC time to the second, two hex digits for the 256th of it, four random ones. So it
 * sorts by time: of one target's backups, which exclude each other, in every case. */
void mrt_backup_id_new(const struct mrt_context *ctx, char ret[MRT_BACKUP_ID_SIZE]);
bool mrt_backup_id_valid(const char *text);
/* Seconds since 1970 of a valid id. */
int64_t mrt_backup_id_time(const char *id);
/* A database's name as a piece of a key: percent-encoded outside [A-Za-z0-9_-]. */
void mrt_backup_name_encode(const char *name, struct mrt_buf *buf);

/* Opens the configured store; buffers: how many part buffers it may use. */
int mrt_repository_open(const struct mrt_config *config, unsigned buffers, struct mrt_store **ret,
                        struct mrt_error *err);
/* The largest object that the configured store takes. */
uint64_t mrt_repository_largest(const struct mrt_config *config);
/* Opens it for reading small objects, listing and deleting: no compressor needs memory beside. */
int mrt_repository_open_reader(const struct mrt_config *config, struct mrt_store **ret,
                               struct mrt_error *err);
/* Part buffers that fit into backup.memory beside fixed bytes; MRT_CONFIG names the least memory
 * that would do when that is under min. */
int mrt_repository_buffers(const struct mrt_config *config, uint64_t fixed, unsigned min,
                           unsigned *ret, struct mrt_error *err);

/* A backup as the listing sees it. */
struct mrt_backup_entry {
	char *platform, *target;
	char id[MRT_BACKUP_ID_SIZE];
	char *verified_key; /* newest verified-*.json, or NULL */
};
struct mrt_backup_list {
	struct mrt_backup_entry *entries; /* by platform, target, id: oldest first */
	size_t n;
	struct mrt_backup_entry *unfinished; /* folders without a manifest */
	size_t incomplete;                   /* how many of those */
};
/* Complete backups (those with a manifest). platform NULL: all; target NULL: all. */
int mrt_repository_list(const struct mrt_context *ctx, struct mrt_store *store,
                        const char *platform, const char *target, struct mrt_backup_list *ret,
                        struct mrt_error *err);
void mrt_backup_list_release(struct mrt_backup_list *list);

/* Is a key, relative to a backup's folder, one that the manual knows? */
bool mrt_repository_knows(const char *rest);
/* "<platform>/<target>/<id>/<rest>" */
int mrt_backup_key(const char *platform, const char *target, const char *id, const char *rest,
                   char **ret, struct mrt_error *err);
#endif
