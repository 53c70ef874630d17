/* cluster.c - whose server a repository belongs to. */
#include "repository/cluster.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct entries {
	char newest[128]; /* system identifier */
	char newest_id[64];
	bool ours;
	const char *identifier;
	size_t prefix;
};

/* <identifier>.json, or <identifier>.<backup id>.json when it was adopted again later */
static int see_entry(void *context, const struct mrt_object *object, struct mrt_error *err)
{
	(void)err;
	struct entries *e = context;
	const char *name = object->key + e->prefix;
	size_t n = strspn(name, "0123456789");
	char id[64] = "";
	if (n == 0 || n >= sizeof(e->newest) || name[n] != '.')
		return 0;
	if (strcmp(name + n, ".json") != 0)
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(name + n + 1, "."), name + n + 1);
	else
		mrt_time_format(object->modified, MRT_TIME_BASIC, id);
	if (strncmp(name, e->identifier, n) == 0 && e->identifier[n] == '\0')
		e->ours = true;
	if (strcmp(id, e->newest_id) >= 0) {
		snprintf(e->newest, sizeof(e->newest), "%.*s", (int)n, name);
		snprintf(e->newest_id, sizeof(e->newest_id), "%s", id);
	}
	return 0;
}

int mrt_cluster_claim(const struct mrt_context *ctx, struct mrt_store *store, const char *platform,
                      const char *target, const char *identifier, const char *id, bool adopt,
                      struct mrt_error *err)
{
	if (!*identifier) {
		mrt_warn(ctx, "the server's system identifier is not known; whether these backups "
		              "are of the same server is not checked");
		return 0;
	}
	mrt_autofree char *prefix = NULL, *key = NULL, *text = NULL;
	int rc = mrt_text_printf(&prefix, err, "%s/%s/cluster/", platform, target);
	if (rc < 0)
		return rc;
	struct entries e = { .identifier = identifier, .prefix = strlen(prefix) };
	rc = mrt_store_each(store, ctx, prefix, see_entry, &e, err);
	if (rc < 0 || (*e.newest && strcmp(e.newest, identifier) == 0))
		return rc;
	if (*e.newest && !adopt) {
		mrt_fail(err, MRT_CHANGED,
		         "%s holds backups of another server (system identifier %s; "
		         "this one is %s)",
		         store->name, e.newest, identifier);
		return mrt_hint(err,
		                "give this server a platform.name or store.url of its own; after "
		                "a restore to a new server: --adopt-cluster");
	}
	rc = e.ours ? mrt_text_printf(&key, err, "%s%s.%s.json", prefix, identifier, id)
	            : mrt_text_printf(&key, err, "%s%s.json", prefix, identifier);
	if (rc == 0)
		rc = mrt_text_printf(&text, err,
		                     "{\n  \"system_identifier\": \"%s\",\n  \"first_backup\":"
		                     " \"%s\"\n}\n",
		                     identifier, id);
	if (rc == 0)
		rc = mrt_store_put_bytes(store, ctx, key, text, strlen(text), err);
	return rc;
}
