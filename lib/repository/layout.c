/* layout.c - keys, ids, listing. */
#include "repository/layout.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READER_MEMORY ((uint64_t)28 << 20) /* libraries, stacks, listings */

void mrt_backup_id_new(const struct mrt_context *ctx, char ret[MRT_BACKUP_ID_SIZE])
{
	char time[MRT_TIME_SIZE], random[7];
	unsigned char raw[3];
	const int64_t now = ctx->wall();
	mrt_time_format(now / MRT_SECOND, MRT_TIME_BASIC, time);
	mrt_random(raw, sizeof(raw));
	raw[0] = (unsigned char)(now % MRT_SECOND * 256 / MRT_SECOND);
	mrt_hex(raw, sizeof(raw), random);
	snprintf(ret, MRT_BACKUP_ID_SIZE, "%.16s-%.6s", time, random);
}

bool mrt_backup_id_valid(const char *text)
{
	char time[17];
	int64_t when;
	if (strlen(text) != MRT_BACKUP_ID_SIZE - 1 || text[16] != '-' ||
	    strspn(text + 17, "0123456789abcdef") != 6)
		return false;
	snprintf(time, sizeof(time), "%.16s", text);
	return mrt_time_parse(time, &when, NULL) == 0;
}

int64_t mrt_backup_id_time(const char *id)
{
	char time[17];
	int64_t when = 0;
	snprintf(time, sizeof(time), "%.16s", id);
	mrt_time_parse(time, &when, NULL);
	return when;
}

void mrt_backup_name_encode(const char *name, struct mrt_buf *buf)
{
	mrt_percent_encode(buf, name, strlen(name), "_-");
}

int mrt_backup_key(const char *platform, const char *target, const char *id, const char *rest,
                   char **ret, struct mrt_error *err)
{
	return mrt_text_printf(ret, err, "%s/%s/%s/%s", platform, target, id, rest);
}

int mrt_repository_buffers(const struct mrt_config *config, uint64_t fixed, unsigned min,
                           unsigned *ret, struct mrt_error *err)
{
	uint64_t part = config->store_part_size, memory = config->backup_memory;
	uint64_t wanted = (uint64_t)config->store_concurrency + min;
	uint64_t fit = memory > fixed ? (memory - fixed) / part : 0;
	if (fit < min) {
		char size[MRT_SIZE_SIZE], have[MRT_SIZE_SIZE];
		mrt_size_format(fixed + min * part, size);
		mrt_size_format(memory, have);
		mrt_fail(err, MRT_CONFIG, "%s of memory is too little; %s would do", have, size);
		mrt_hint(err, "raise --memory (backup.memory), or lower backup.jobs, the level of "
		              "backup.compression, or store.part-size");
		return MRT_CONFIG;
	}
	*ret = (unsigned)(fit < wanted ? fit : wanted);
	return 0;
}

int mrt_repository_open(const struct mrt_config *config, unsigned buffers, struct mrt_store **ret,
                        struct mrt_error *err)
{
	return mrt_config_open_store(config, buffers, ret, err);
}

#define PARTS_MAX 10000 /* of an object in S3 */

uint64_t mrt_repository_largest(const struct mrt_config *config)
{
	if (config->store_url && strncmp(config->store_url, "s3://", 5) != 0)
		return UINT64_MAX;
	return config->store_driver && strcmp(config->store_driver, "libs3") == 0
	               ? config->store_libs3_max_object
	               : PARTS_MAX * config->store_part_size;
}

int mrt_repository_open_reader(const struct mrt_config *config, struct mrt_store **ret,
                               struct mrt_error *err)
{
	unsigned buffers = 0;
	int rc = mrt_repository_buffers(config, READER_MEMORY, 1, &buffers, err);
	return rc < 0 ? rc : mrt_repository_open(config, buffers, ret, err);
}

struct listing {
	const char *platform, *target; /* filters */
	struct mrt_backup_list *list;
	char folder[MRT_KEY_MAX]; /* the backup folder the last key was in */
	bool complete;            /* its manifest was seen */
	char *verified;           /* its newest record */
};

/* Splits "platform/target/id/rest"; false for every other key. */
static bool split(char *key, char *parts[4])
{
	char *p = key;
	for (size_t i = 0; i < 3; i++) {
		parts[i] = p;
		p = strchr(p, '/');
		if (!p)
			return false;
		*p++ = '\0';
	}
	parts[3] = p;
	return *p && mrt_backup_id_valid(parts[2]);
}

static int end_folder(struct listing *l, struct mrt_error *err)
{
	char *parts[4], folder[MRT_KEY_MAX + 2];
	if (!l->folder[0])
		return 0;
	mrt_autofree char *verified = mrt_steal(l->verified);
	snprintf(folder, sizeof(folder), "%sx", l->folder);
	split(folder, parts);
	if (l->target && strcmp(parts[1], l->target) != 0)
		return 0;
	struct mrt_backup_list *list = l->list;
	struct mrt_backup_entry **to = l->complete ? &list->entries : &list->unfinished;
	size_t *n = l->complete ? &list->n : &list->incomplete;
	if ((*n & (*n - 1)) == 0) { /* 0, 1, 2, 4, 8... */
		struct mrt_backup_entry *grown =
		        realloc(*to, (*n > 0 ? 2 * *n : 1) * sizeof(*grown));
		if (!grown)
			return mrt_no_memory(err);
		*to = grown;
	}
	struct mrt_backup_entry entry = { 0 };
	snprintf(entry.id, sizeof(entry.id), "%s", parts[2]);
	int rc = mrt_text_dup(parts[0], &entry.platform, err);
	if (rc == 0)
		rc = mrt_text_dup(parts[1], &entry.target, err);
	if (rc < 0) {
		free(entry.platform);
		return rc;
	}
	entry.verified_key = mrt_steal(verified);
	(*to)[(*n)++] = entry;
	return 0;
}

static int see_key(void *context, const struct mrt_object *object, struct mrt_error *err)
{
	struct listing *l = context;
	char copy[MRT_KEY_MAX + 1], *parts[4];
	snprintf(copy, sizeof(copy), "%s", object->key);
	if (!split(copy, parts))
		return 0;
	size_t folder = (size_t)(parts[3] - copy);
	if (strncmp(l->folder, object->key, folder) != 0 || l->folder[folder] != '\0') {
		int rc = end_folder(l, err);
		if (rc < 0)
			return rc;
		snprintf(l->folder, sizeof(l->folder), "%.*s", (int)folder, object->key);
		l->complete = false;
	}
	const char *rest = object->key + folder;
	if (strcmp(rest, "manifest.json") == 0)
		l->complete = true;
	if (strncmp(rest, "verified-", 9) == 0) { /* keys come in order: the last is the newest */
		free(mrt_steal(l->verified));
		return mrt_text_dup(object->key, &l->verified, err);
	}
	return 0;
}

int mrt_repository_list(const struct mrt_context *ctx, struct mrt_store *store,
                        const char *platform, const char *target, struct mrt_backup_list *ret,
                        struct mrt_error *err)
{
	*ret = (struct mrt_backup_list) { 0 };
	struct listing l = { .platform = platform, .target = target, .list = ret };
	mrt_autofree char *prefix = NULL;
	int rc = mrt_text_printf(&prefix, err, "%s%s%s%s", platform ? platform : "",
	                         platform ? "/" : "", platform && target ? target : "",
	                         platform && target ? "/" : "");
	if (rc == 0)
		rc = mrt_store_each(store, ctx, prefix, see_key, &l, err);
	if (rc == 0)
		rc = end_folder(&l, err);
	free(l.verified);
	if (rc < 0) {
		mrt_backup_list_release(ret);
		return rc;
	}
	return 0;
}

static void entries_free(struct mrt_backup_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(entries[i].platform);
		free(entries[i].target);
		free(entries[i].verified_key);
	}
	free(entries);
}

void mrt_backup_list_release(struct mrt_backup_list *list)
{
	entries_free(list->entries, list->n);
	entries_free(list->unfinished, list->incomplete);
	*list = (struct mrt_backup_list) { 0 };
}

/* Skips "[A-Za-z0-9_%-]+", a database's name in a key. */
static const char *skip_name(const char *p)
{
	const char *begin = p;
	while (isalnum((unsigned char)*p) || *p == '_' || *p == '-' || *p == '%')
		p++;
	return p > begin ? p : NULL;
}

static const char *skip_digits(const char *p, size_t min)
{
	const char *begin = p;
	while (isdigit((unsigned char)*p))
		p++;
	return (size_t)(p - begin) >= min ? p : NULL;
}

static const char *skip_text(const char *p, const char *text)
{
	size_t n = strlen(text);
	return p && strncmp(p, text, n) == 0 ? p + n : NULL;
}

/* ".zst", then ".age" or not, then the number of a further volume or not. */
static bool is_content_end(const char *p)
{
	p = skip_text(p, ".zst");
	if (p && skip_text(p, ".age"))
		p = skip_text(p, ".age");
	if (p && *p == '.')
		p = skip_digits(p + 1, 4);
	return p && *p == '\0';
}

bool mrt_repository_knows(const char *rest)
{
	static const char *const contents[] = { "globals.sql", "base.tar", "backup_manifest",
		                                "dump.rdb" };
	if (strcmp(rest, "manifest.json") == 0)
		return true;
	for (size_t i = 0; i < MRT_COUNT(contents); i++)
		if (is_content_end(skip_text(rest, contents[i])))
			return true;
	const char *p = skip_text(rest, "db/");
	if (p && (p = skip_name(p)))
		return is_content_end(skip_text(p, ".pgdump"));
	p = skip_text(rest, "tablespaces/");
	if (p && (p = skip_digits(p, 1)))
		return is_content_end(skip_text(p, ".tar"));
	p = skip_text(rest, "alive-");
	if (p && (p = skip_digits(p, 1)))
		return *p == '\0';
	p = skip_text(rest, "verified-");
	size_t n = p ? strlen(p) : 0;
	return n > 5 && strcmp(p + n - 5, ".json") == 0 && !strchr(p, '/');
}
