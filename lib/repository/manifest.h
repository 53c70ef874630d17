/* manifest.h - what a backup says of itself; its last line is the SHA-256 of all bytes before it.
 *
 * maratea-repository(7) documents every member. The document is kept as JSON; the fields that many
 * callers need are taken out and checked when it is read.
 */
#ifndef MRT_REPOSITORY_MANIFEST_H
#define MRT_REPOSITORY_MANIFEST_H

#include "client/store/contract.h"
#include "codec/age/stream.h"
#include "codec/digest.h"
#include "codec/json.h"
#include "repository/layout.h"

#define MRT_MANIFEST_FORMAT 1

struct mrt_manifest_volume {
	const char *key; /* relative to the backup's folder */
	uint64_t size;
	const char *sha256;
};
struct mrt_manifest_object {
	const char *key; /* of the first volume */
	uint64_t size, stored_size;
	const char *sha256, *stored_sha256;  /* sha256 NULL: physical, backup_manifest covers it */
	const json_t *recipients;            /* list of texts; NULL: not encrypted */
	struct mrt_manifest_volume *volumes; /* at least one */
	size_t n_volumes;
};
struct mrt_manifest {
	json_t *json;
	const char *id, *platform, *target, *method, *label; /* label may be NULL */
	int64_t started, ended;                              /* seconds since 1970 */
	int server_major;
	uint64_t size, stored_size;
	bool whole;   /* every database that should be there is */
	bool damaged; /* physical: stored although pages had wrong checksums */
	struct mrt_manifest_object *objects;
	size_t n_objects;
	json_t *databases; /* list of objects */
	/* what opens encrypted objects: set, and owned, by who reads them */
	const struct mrt_age_identities *identities;
	unsigned threads;            /* that may decompress: set by who reads; 0 is one */
	char sha256[MRT_SHA256_HEX]; /* its own */
};

/* Prints json (without the digest) and appends the digest's line. */
int mrt_manifest_print(const json_t *json, struct mrt_buf *buf, struct mrt_error *err);
/* MRT_CORRUPT: digest wrong, not JSON, members missing. MRT_UNSUPPORTED: a newer format. */
int mrt_manifest_parse(const char *text, size_t len, struct mrt_manifest **ret,
                       struct mrt_error *err);
void mrt_manifest_free(struct mrt_manifest *manifest);
MRT_DEFINE_AUTO(mrt_manifest)
int mrt_manifest_load(const struct mrt_context *ctx, struct mrt_store *store, const char *platform,
                      const char *target, const char *id, struct mrt_manifest **ret,
                      struct mrt_error *err);

/* ID, "latest" or "target/latest" to one backup's manifest. latest is the newest whole, undamaged
 * backup, of that method unless it is NULL; where several targets have one: MRT_USAGE.
 * MRT_NOT_FOUND. */
int mrt_manifest_find(const struct mrt_context *ctx, struct mrt_store *store, const char *platform,
                      const char *text, const char *method, struct mrt_manifest **ret,
                      struct mrt_error *err);

/* The object of that key, encrypted (".age") or not; or NULL. */
const struct mrt_manifest_object *mrt_manifest_object(const struct mrt_manifest *manifest,
                                                      const char *key);
/* The database of that name, or NULL. */
json_t *mrt_manifest_database(const struct mrt_manifest *manifest, const char *name);
/* The full key of something in the backup's folder. */
int mrt_manifest_key(const struct mrt_manifest *manifest, const char *rest, char **ret,
                     struct mrt_error *err);

#endif
