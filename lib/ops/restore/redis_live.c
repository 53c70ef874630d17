/* redis_live.c - which databases, whether they may be replaced, and the private server that
 * the keys come from. */
#include "ops/restore/redis_live.h"
#include "base/text.h"
#include "client/redis/copy.h"
#include "ops/restore/redis_scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct live {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	struct mrt_store *store;
	const struct mrt_manifest *manifest;
	const struct mrt_restore_options *options;
	struct mrt_redis *redis;
	struct mrt_redis_copy_options copy;
};

static void live_release(struct live *l)
{
	mrt_redis_free(l->redis);
	free(l->copy.databases);
}

static int connect_target(struct live *l, struct mrt_error *err)
{
	const char *url = l->options->to_redis;
	const struct mrt_redis_options options = { .dns = mrt_config_dns(l->config),
		                                   .ca_file = l->config->redis_ca_file,
		                                   .connect_timeout = l->config->limits_connect,
		                                   .stall_timeout = l->config->limits_stall };
	if (strcmp(url, "redis.url") == 0)
		url = l->config->redis_url;
	if (!url)
		return mrt_fail(err, MRT_CONFIG, "redis.url is not set");
	if (!strstr(url, "://"))
		return mrt_fail(err, MRT_USAGE,
		                "--to-redis '%.80s' is no URL (nor redis.url, the configured one)",
		                url);
	return mrt_redis_connect(l->ctx, url, &options, &l->redis, err);
}

/* All databases of the backup, or the one that a URL on the command line names. */
static int choose_databases(struct live *l, struct mrt_error *err)
{
	const json_t *d, *list = l->manifest->databases;
	/* the configured URL names one for the platform's own use: that says nothing here */
	bool configured = strcmp(l->options->to_redis, "redis.url") == 0;
	int64_t wanted = configured ? -1 : mrt_redis_database(l->redis);
	size_t i;
	struct mrt_redis_copy_database *all = calloc(json_array_size(list) + 1, sizeof(*all));
	if (!all)
		return mrt_no_memory(err);
	l->copy.databases = all;
	json_array_foreach (list, i, d) {
		int64_t number = 0;
		int rc = mrt_number_parse(mrt_json_text_or(d, "name", ""), 0, INT32_MAX, &number,
		                          err);
		if (rc < 0)
			return mrt_prefix(err, MRT_CORRUPT, "the manifest's databases");
		if (wanted >= 0 && wanted != number)
			continue;
		all[l->copy.n++] = (struct mrt_redis_copy_database) {
			.number = (uint64_t)number,
			.keys = mrt_json_size_or(d, "keys", 0),
			.expires = mrt_json_size_or(d, "expires", 0),
		};
	}
	if (wanted >= 0 && l->copy.n == 0)
		return mrt_fail(err, MRT_NOT_FOUND, "the backup %s has no database %" PRId64,
		                l->manifest->id, wanted);
	const json_t *redis = json_object_get(l->manifest->json, "redis");
	/* they are the whole server's */
	l->copy.functions = wanted < 0 && mrt_json_size_or(redis, "functions", 0) > 0;
	l->copy.may_not_empty = l->options->replace;
	return 0;
}

static int check_occupied(const struct live *l, struct mrt_error *err)
{
	const struct mrt_redis_copy_database *taken = NULL;
	uint64_t keys = 0;
	for (size_t i = 0; i < l->copy.n; i++) {
		keys += l->copy.databases[i].before;
		if (l->copy.databases[i].before > 0 && !taken)
			taken = &l->copy.databases[i];
	}
	if (!taken)
		return 0;
	if (!l->options->replace) {
		mrt_fail(err, MRT_EXISTS, "database %" PRIu64 " of %s has %" PRIu64 " keys",
		         taken->number, mrt_redis_where(l->redis), taken->before);
		return mrt_hint(err, "--replace gives them up for those of the backup");
	}
	char question[200];
	snprintf(question, sizeof(question),
	         "replacing %" PRIu64 " keys in %zu databases of %.100s", keys, l->copy.n,
	         mrt_redis_where(l->redis));
	return l->options->dry_run || !l->options->confirm
	               ? 0
	               : l->options->confirm(l->options->context, question, err);
}

static int report_live(const struct live *l, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	uint64_t keys = 0, replaced = 0;
	int rc = json ? mrt_json_set_text(json, "id", l->manifest->id, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "to_redis", mrt_redis_where(l->redis), err);
	if (rc == 0)
		rc = mrt_json_set(json, "databases", list, err);
	for (size_t i = 0; rc == 0 && i < l->copy.n; i++) {
		const struct mrt_redis_copy_database *d = &l->copy.databases[i];
		uint64_t has = l->options->dry_run ? d->keys : d->copied;
		json_t *item = json_object();
		char name[24];
		snprintf(name, sizeof(name), "%" PRIu64, d->number);
		rc = mrt_json_append(list, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", name, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "keys", has, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "expired", d->keys - has, err);
		if (rc == 0)
			rc = mrt_json_set_size(item, "replaced", d->before, err);
		keys += has;
		replaced += d->before;
	}
	if (rc == 0)
		rc = mrt_json_set_size(json, "keys", keys, err);
	if (rc == 0)
		rc = mrt_json_set_size(json, "replaced", replaced, err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int no_permission(const struct live *l, int rc, struct mrt_error *err)
{
	if (rc == MRT_REFUSED && mrt_error_has_peer_code(err, "NOPERM"))
		mrt_hint(err,
		         "the user of %s needs: ACL SETUSER NAME ~* +ping +info +select +restore "
		         "+set +del +watch +swapdb +flushdb +multi +exec +client +function",
		         mrt_redis_where(l->redis));
	return rc;
}

/* Loading may take long: the server may have ended the first connection meanwhile, and somebody may
 * use what was empty. */
static int look_again(struct live *l, struct mrt_error *err)
{
	uint64_t before = 0, after = 0;
	for (size_t i = 0; i < l->copy.n; i++)
		before += l->copy.databases[i].before;
	mrt_redis_free(mrt_steal(l->redis));
	int rc = connect_target(l, err);
	if (rc == 0)
		rc = mrt_redis_copy_look(l->redis, l->ctx, &l->copy, err);
	for (size_t i = 0; i < l->copy.n; i++)
		after += l->copy.databases[i].before;
	if (rc == 0 && !l->options->replace && after > before)
		rc = mrt_fail(err, MRT_CHANGED, "somebody wrote %" PRIu64 " keys into %s meanwhile",
		              after - before, mrt_redis_where(l->redis));
	return rc;
}

static int restore_live(struct live *l, json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_redis_scratch) *scratch = NULL;
	int rc = connect_target(l, err);
	if (rc == 0)
		rc = choose_databases(l, err);
	if (rc == 0)
		rc = no_permission(l, mrt_redis_copy_look(l->redis, l->ctx, &l->copy, err), err);
	if (rc == 0)
		rc = check_occupied(l, err);
	if (rc < 0 || l->options->dry_run)
		return rc < 0 ? rc : report_live(l, ret, err);
	mrt_progress_begin(l->ctx->progress, "restoring", l->manifest->stored_size);
	rc = mrt_redis_scratch_open(l->ctx, l->config, l->store, l->manifest, &scratch, err);
	if (rc == 0)
		rc = look_again(l, err);
	if (rc == 0)
		rc = no_permission(l,
		                   mrt_redis_copy(mrt_redis_scratch_redis(scratch), l->redis,
		                                  l->ctx, &l->copy, err),
		                   err);
	mrt_progress_end(l->ctx->progress);
	return rc < 0 ? rc : report_live(l, ret, err);
}

int mrt_restore_redis_live(const struct mrt_context *ctx, const struct mrt_config *config,
                           struct mrt_store *store, const struct mrt_manifest *manifest,
                           const struct mrt_restore_options *options, json_t **ret,
                           struct mrt_error *err)
{
	mrt_cleanup(live_release) struct live live = { .ctx = ctx,
		                                       .config = config,
		                                       .store = store,
		                                       .manifest = manifest,
		                                       .options = options };
	return restore_live(&live, ret, err);
}
