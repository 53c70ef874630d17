/* manifest.c - printing, parsing, finding manifests. */
#include "repository/manifest.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define DIGEST_LINE "  \"sha256\": \""

int mrt_manifest_print(const json_t *json, struct mrt_buf *buf, struct mrt_error *err)
{
	int rc = mrt_json_print(json, buf, err);
	if (rc < 0)
		return rc;
	/* "...\n}\n" becomes "...,\n" + the digest of all that + "\n}\n" */
	buf->len -= 3;
	mrt_buf_add_text(buf, ",\n");
	unsigned char digest[MRT_SHA256_SIZE];
	char hex[MRT_SHA256_HEX];
	rc = mrt_buf_check(buf, err);
	if (rc == 0)
		rc = mrt_sha256(buf->data, buf->len, digest, err);
	if (rc < 0)
		return rc;
	mrt_hex(digest, sizeof(digest), hex);
	mrt_buf_printf(buf, DIGEST_LINE "%s\"\n}\n", hex);
	return mrt_buf_check(buf, err);
}

static int check_digest(const char *text, size_t len, char ret[MRT_SHA256_HEX],
                        struct mrt_error *err)
{
	static const char start[] = DIGEST_LINE, end[] = "\"\n}\n";
	size_t tail = sizeof(start) - 1 + MRT_SHA256_HEX - 1 + sizeof(end) - 1;
	const char *line = len > tail ? text + len - tail : NULL;
	if (!line || memcmp(line, start, sizeof(start) - 1) != 0 ||
	    memcmp(text + len - (sizeof(end) - 1), end, sizeof(end) - 1) != 0)
		return mrt_fail(err, MRT_CORRUPT, "the manifest does not end with its digest");
	unsigned char digest[MRT_SHA256_SIZE];
	int rc = mrt_sha256(text, len - tail, digest, err);
	if (rc < 0)
		return rc;
	mrt_hex(digest, sizeof(digest), ret);
	if (memcmp(ret, line + sizeof(start) - 1, MRT_SHA256_HEX - 1) != 0)
		return mrt_fail(err, MRT_CORRUPT,
		                "the manifest's digest is wrong: it was changed or damaged");
	return 0;
}

static bool safe_key(const char *key)
{
	size_t n = strlen(key);
	return n > 0 && n < MRT_KEY_MAX / 2 && key[0] != '/' && !strstr(key, "..") &&
	       !strstr(key, "//");
}

static int parse_volumes(const json_t *json, struct mrt_manifest_object *object,
                         struct mrt_error *err)
{
	json_t *list, *item;
	size_t i;
	int rc = mrt_json_array(json, "volumes", &list, err);
	if (rc < 0)
		return rc;
	object->volumes = calloc(json_array_size(list) + 1, sizeof(*object->volumes));
	if (!object->volumes)
		return mrt_no_memory(err);
	uint64_t sum = 0;
	json_array_foreach (list, i, item) {
		struct mrt_manifest_volume *v = &object->volumes[object->n_volumes++];
		rc = mrt_json_text(item, "key", &v->key, err);
		if (rc == 0)
			rc = mrt_json_size(item, "stored_size", &v->size, err);
		if (rc == 0)
			rc = mrt_json_text(item, "stored_sha256", &v->sha256, err);
		if (rc == 0 && !safe_key(v->key))
			rc = mrt_fail(err, MRT_CORRUPT, "the key '%.80s' is impossible", v->key);
		if (rc < 0)
			return rc;
		if (__builtin_add_overflow(sum, v->size, &sum))
			return mrt_fail(err, MRT_CORRUPT, "the volumes of %s do not add up",
			                object->key);
	}
	if (object->n_volumes == 0 || sum != object->stored_size ||
	    strcmp(object->volumes[0].key, object->key) != 0)
		return mrt_fail(err, MRT_CORRUPT, "the volumes of %s do not add up", object->key);
	return 0;
}

static int parse_recipients(const json_t *json, struct mrt_manifest_object *object,
                            struct mrt_error *err)
{
	const json_t *item, *list = json_object_get(json, "recipients");
	size_t i;
	if (!list)
		return 0;
	if (json_array_size(list) == 0)
		return mrt_fail(err, MRT_CORRUPT, "%s: its recipients are no list", object->key);
	json_array_foreach (list, i, item)
		if (!json_is_string(item))
			return mrt_fail(err, MRT_CORRUPT, "%s: a recipient is no text",
			                object->key);
	object->recipients = list;
	return 0;
}

static int parse_objects(struct mrt_manifest *m, struct mrt_error *err)
{
	json_t *list, *item;
	size_t i;
	int rc = mrt_json_array(m->json, "objects", &list, err);
	if (rc < 0)
		return rc;
	m->objects = calloc(json_array_size(list) + 1, sizeof(*m->objects));
	if (!m->objects)
		return mrt_no_memory(err);
	json_array_foreach (list, i, item) {
		struct mrt_manifest_object *o = &m->objects[m->n_objects++];
		rc = mrt_json_text(item, "key", &o->key, err);
		if (rc == 0)
			rc = mrt_json_size(item, "size", &o->size, err);
		if (rc == 0)
			rc = json_is_null(json_object_get(item, "sha256"))
			             ? 0
			             : mrt_json_text(item, "sha256", &o->sha256, err);
		if (rc == 0)
			rc = mrt_json_size(item, "stored_size", &o->stored_size, err);
		if (rc == 0)
			rc = mrt_json_text(item, "stored_sha256", &o->stored_sha256, err);
		if (rc == 0)
			rc = parse_recipients(item, o, err);
		if (rc == 0)
			rc = parse_volumes(item, o, err);
		if (rc < 0)
			return rc;
		if (__builtin_add_overflow(m->size, o->size, &m->size) ||
		    __builtin_add_overflow(m->stored_size, o->stored_size, &m->stored_size))
			return mrt_fail(err, MRT_CORRUPT,
			                "the sizes of the objects are impossible");
	}
	return 0;
}

static int parse_members(struct mrt_manifest *m, struct mrt_error *err)
{
	uint64_t format = 0;
	const char *started = NULL, *ended = NULL;
	int rc = mrt_json_size(m->json, "format", &format, err);
	if (rc == 0 && format != MRT_MANIFEST_FORMAT)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "the manifest has format %" PRIu64 "; this maratea reads format %d",
		                format, MRT_MANIFEST_FORMAT);
	const struct {
		const char *name, **to;
	} texts[] = { { "id", &m->id },         { "platform", &m->platform },
		      { "target", &m->target }, { "method", &m->method },
		      { "started", &started },  { "ended", &ended } };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_text(m->json, texts[i].name, texts[i].to, err);
	if (rc == 0)
		rc = mrt_time_parse(started, &m->started, err);
	if (rc == 0)
		rc = mrt_time_parse(ended, &m->ended, err);
	if (rc == 0 && !mrt_backup_id_valid(m->id))
		rc = mrt_fail(err, MRT_CORRUPT, "'%.40s' is not a backup id", m->id);
	m->label = mrt_json_text_or(m->json, "label", NULL);
	m->whole = json_is_true(json_object_get(m->json, "whole"));
	m->damaged = json_is_true(json_object_get(json_object_get(m->json, "physical"), "damaged"));
	const json_t *server = json_object_get(m->json, "server");
	m->server_major = (int)mrt_json_size_or(server, "major", 0);
	if (rc == 0)
		rc = mrt_json_array(m->json, "databases", &m->databases, err);
	return rc < 0 ? rc : parse_objects(m, err);
}

int mrt_manifest_parse(const char *text, size_t len, struct mrt_manifest **ret,
                       struct mrt_error *err)
{
	mrt_auto(mrt_manifest) *m = calloc(1, sizeof(*m));
	if (!m)
		return mrt_no_memory(err);
	int rc = check_digest(text, len, m->sha256, err);
	if (rc == 0)
		rc = mrt_json_parse(text, len, &m->json, err);
	if (rc == 0)
		rc = parse_members(m, err);
	if (rc == 0)
		*ret = mrt_steal(m);
	return rc;
}

void mrt_manifest_free(struct mrt_manifest *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_objects; i++)
		free(m->objects[i].volumes);
	free(m->objects);
	json_decref(m->json);
	free(m);
}

int mrt_manifest_load(const struct mrt_context *ctx, struct mrt_store *store, const char *platform,
                      const char *target, const char *id, struct mrt_manifest **ret,
                      struct mrt_error *err)
{
	mrt_autofree char *key = NULL;
	mrt_auto_buf text = { .ceiling = (size_t)256 << 20 };
	mrt_auto(mrt_manifest) *m = NULL;
	int rc = mrt_backup_key(platform, target, id, "manifest.json", &key, err);
	if (rc == 0)
		rc = mrt_store_get_bytes(store, ctx, key, &text, err);
	if (rc < 0)
		return rc;
	rc = mrt_manifest_parse(mrt_buf_text(&text), text.len, &m, err);
	if (rc == 0 && (strcmp(m->id, id) != 0 || strcmp(m->target, target) != 0 ||
	                strcmp(m->platform, platform) != 0))
		rc = mrt_fail(err, MRT_CORRUPT, "it is the manifest of %s/%s/%s", m->platform,
		              m->target, m->id);
	if (rc < 0)
		return mrt_prefix(err, rc, "%s, %s", store->name, key);
	*ret = mrt_steal(m);
	return 0;
}

static int no_backup(const char *text, const char *platform, const struct mrt_store *store,
                     struct mrt_error *err)
{
	mrt_fail(err, MRT_NOT_FOUND, "no backup '%s' of platform '%s' in %s", text, platform,
	         store->name);
	return mrt_hint(err, "'maratea backup list --all-platforms' shows what is there");
}

static int find_latest(const struct mrt_context *ctx, struct mrt_store *store,
                       const struct mrt_backup_list *list, const char *target, const char *method,
                       struct mrt_manifest **ret, struct mrt_error *err)
{
	const char *only = NULL;
	for (size_t i = 0; i < list->n; i++) {
		if (only && !target && strcmp(only, list->entries[i].target) != 0)
			return mrt_fail(err, MRT_USAGE,
			                "several targets have backups: write %s/latest "
			                "or %s/latest",
			                only, list->entries[i].target);
		only = list->entries[i].target;
	}
	for (size_t i = list->n; i > 0; i--) {
		const struct mrt_backup_entry *e = &list->entries[i - 1];
		mrt_auto(mrt_manifest) *m = NULL;
		int rc = mrt_manifest_load(ctx, store, e->platform, e->target, e->id, &m, err);
		if (rc < 0)
			return rc;
		if (m->whole && !m->damaged && (!method || strcmp(m->method, method) == 0)) {
			*ret = mrt_steal(m);
			return 0;
		}
	}
	return MRT_NOT_FOUND;
}

int mrt_manifest_find(const struct mrt_context *ctx, struct mrt_store *store, const char *platform,
                      const char *text, const char *method, struct mrt_manifest **ret,
                      struct mrt_error *err)
{
	const char *slash = strchr(text, '/');
	const char *id = slash ? slash + 1 : text;
	bool latest = strcmp(id, "latest") == 0;
	mrt_autofree char *target = NULL;
	int rc = mrt_config_name_check("platform", platform, err);
	if (rc == 0 && slash)
		rc = mrt_text_printf(&target, err, "%.*s", (int)(slash - text), text);
	if (rc == 0 && target)
		rc = mrt_config_name_check("target", target, err);
	if (rc == 0 && !latest && !mrt_backup_id_valid(id))
		rc = mrt_fail(err, MRT_USAGE,
		              "'%.80s' is neither a backup id like "
		              "20261122T020000Z-3fa9c1 nor 'latest'",
		              text);
	struct mrt_backup_list list = { 0 };
	if (rc == 0)
		rc = mrt_repository_list(ctx, store, platform, target, &list, err);
	if (rc < 0)
		return rc;
	rc = MRT_NOT_FOUND;
	if (latest)
		rc = find_latest(ctx, store, &list, target, method, ret, err);
	for (size_t i = 0; !latest && i < list.n; i++)
		if (strcmp(list.entries[i].id, id) == 0)
			rc = mrt_manifest_load(ctx, store, list.entries[i].platform,
			                       list.entries[i].target, id, ret, err);
	mrt_backup_list_release(&list);
	return rc == MRT_NOT_FOUND ? no_backup(text, platform, store, err) : rc;
}

const struct mrt_manifest_object *mrt_manifest_object(const struct mrt_manifest *m, const char *key)
{
	size_t len = strlen(key);
	for (size_t i = 0; i < m->n_objects; i++) {
		const char *k = m->objects[i].key;
		if (strncmp(k, key, len) == 0 &&
		    (k[len] == '\0' || strcmp(k + len, MRT_AGE_SUFFIX) == 0))
			return &m->objects[i];
	}
	return NULL;
}

json_t *mrt_manifest_database(const struct mrt_manifest *m, const char *name)
{
	json_t *item;
	size_t i;
	json_array_foreach (m->databases, i, item)
		if (strcmp(mrt_json_text_or(item, "name", ""), name) == 0)
			return item;
	return NULL;
}

int mrt_manifest_key(const struct mrt_manifest *m, const char *rest, char **ret,
                     struct mrt_error *err)
{
	return mrt_backup_key(m->platform, m->target, m->id, rest, ret, err);
}
