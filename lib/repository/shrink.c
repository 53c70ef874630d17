/* shrink.c - the newest backup beside the one before it. */
#include "repository/shrink.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHRUNK_SIZE ((uint64_t)1 << 20) /* below this, half of it says nothing */

static uint64_t count_tables(const struct mrt_manifest *m)
{
	const json_t *database;
	size_t i;
	uint64_t n = 0;
	json_array_foreach (m->databases, i, database)
		n += json_array_size(json_object_get(database, "tables"));
	return n;
}

/* Those of another server say nothing about this one. */
static bool same_server(const struct mrt_manifest *a, const struct mrt_manifest *b)
{
	const char *one = mrt_json_text_or(json_object_get(a->json, "server"), "system_identifier",
	                                   ""),
	           *two = mrt_json_text_or(json_object_get(b->json, "server"), "system_identifier",
	                                   "");
	return strcmp(one, two) == 0;
}

bool mrt_backup_shrunk(const struct mrt_manifest *newer, const struct mrt_manifest *older,
                       char *ret, size_t size)
{
	uint64_t tables = count_tables(newer), before = count_tables(older);
	bool smaller = older->size >= SHRUNK_SIZE && newer->size < older->size / 2;
	if ((!smaller && tables >= before / 2) || !same_server(newer, older))
		return false;
	char now_size[MRT_SIZE_SIZE], before_size[MRT_SIZE_SIZE];
	mrt_size_format(newer->size, now_size);
	mrt_size_format(older->size, before_size);
	snprintf(ret, size,
	         "the newest %s backup, %s, has %s and %" PRIu64
	         " tables; the one before, %s, has %s and %" PRIu64 " tables",
	         newer->method, newer->id, now_size, tables, older->id, before_size, before);
	return true;
}

int mrt_backup_check_shrink(const struct mrt_context *ctx, struct mrt_store *store,
                            const char *platform, const char *target, const char *id,
                            struct mrt_error *err)
{
	mrt_auto(mrt_manifest) *newer = NULL;
	mrt_cleanup(mrt_backup_list_release) struct mrt_backup_list all = { 0 };
	char words[512];
	int rc = mrt_manifest_load(ctx, store, platform, target, id, &newer, err);
	if (rc < 0 || !newer->whole || newer->damaged)
		return rc;
	rc = mrt_repository_list(ctx, store, platform, target, &all, err);
	for (size_t i = all.n; rc == 0 && i > 0; i--) {
		mrt_auto(mrt_manifest) *older = NULL;
		struct mrt_error why;
		if (strcmp(all.entries[i - 1].id, id) >= 0)
			continue;
		int found = mrt_manifest_load(ctx, store, platform, target, all.entries[i - 1].id,
		                              &older, &why);
		if (found == MRT_CORRUPT || found == MRT_UNSUPPORTED || found == MRT_NOT_FOUND)
			continue;
		if (found < 0 && err)
			*err = why;
		if (found < 0)
			return found;
		if (!older->whole || older->damaged || strcmp(older->method, newer->method) != 0)
			continue;
		if (!mrt_backup_shrunk(newer, older, words, sizeof(words)))
			return 0;
		mrt_fail(err, MRT_BAD, "it is stored, but %s", words);
		return mrt_hint(err, "if that is as it should be: --accept-shrink");
	}
	return rc;
}
