/* drill.c - "backup drill" and "backup verify --all": verifications of what there is. */
#include "ops/verify/drill.h"
#include "base/text.h"
#include "ops/verify/run.h"
#include "repository/manifest.h"

#include <inttypes.h>
#include <string.h>

struct sums {
	uint64_t good, bad, not_verified;
	struct mrt_error first; /* of the bad, else of those that could not be verified */
};

static int verify_one(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *id, const struct mrt_verify_options *options, json_t *list,
                      struct sums *sums, struct mrt_error *err)
{
	struct mrt_verify_options one = *options;
	struct mrt_error why = { 0 };
	json_t *record = NULL;
	one.id = id;
	int code = mrt_backup_verify(ctx, config, &one, &record, &why);
	bool judged = code == MRT_BAD || code == MRT_CORRUPT;
	if (code == MRT_CANCELLED || code == MRT_DEADLINE || code == MRT_NO_MEMORY) {
		json_decref(record);
		if (err)
			*err = why;
		return code;
	}
	if (code < 0) {
		mrt_warn_because(ctx, &why, NULL);
		if (judged ? sums->bad == 0 : sums->bad + sums->not_verified == 0)
			sums->first = why;
	}
	sums->good += code == 0;
	sums->bad += judged;
	sums->not_verified += code < 0 && !judged;
	if (record)
		return mrt_json_append(list, record, err);
	json_t *item = json_object();
	int rc = mrt_json_append(list, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "id", id, err);
	return rc < 0 ? rc : mrt_json_set_error(item, "error", ctx->log, &why, err);
}

int mrt_backup_verify_all(const struct mrt_context *ctx, const struct mrt_config *config,
                          const char *target, const struct mrt_verify_options *options,
                          json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	mrt_cleanup(mrt_backup_list_release) struct mrt_backup_list all = { 0 };
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	struct sums sums = { 0 };
	int rc = json ? mrt_json_set(json, "backups", list, err) : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_config_name_check("platform", config->platform_name, err);
	if (rc == 0 && target)
		rc = mrt_config_name_check("target", target, err);
	if (rc == 0)
		rc = mrt_repository_open_reader(config, &store, err);
	if (rc == 0)
		rc = mrt_repository_list(ctx, store, config->platform_name, target, &all, err);
	mrt_store_free(mrt_steal(store)); /* each verification needs the memory */
	if (rc == 0 && all.n == 0)
		rc = mrt_fail(
		        err, MRT_NOT_FOUND, "there is no backup of platform '%s'%s%s to verify",
		        config->platform_name, target ? ", target " : "", target ? target : "");
	for (size_t i = all.n; rc == 0 && i > 0; i--)
		rc = verify_one(ctx, config, all.entries[i - 1].id, options, list, &sums, err);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = { { "good", sums.good },
		        { "bad", sums.bad },
		        { "not_verified", sums.not_verified } };
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(numbers); i++)
		rc = mrt_json_set_size(json, numbers[i].name, numbers[i].value, err);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	if (sums.bad > 0)
		return mrt_fail_because(err, MRT_BAD, &sums.first,
		                        "%" PRIu64 " of %zu backups are bad, the first", sums.bad,
		                        all.n);
	if (sums.not_verified > 0)
		return mrt_fail_because(err, sums.first.code, &sums.first,
		                        "%" PRIu64
		                        " of %zu backups could not be verified, the first",
		                        sums.not_verified, all.n);
	return 0;
}

static int check_limit(const char *what, int64_t limit, uint64_t seconds, struct mrt_error *err)
{
	char is[MRT_DURATION_SIZE], wanted[MRT_DURATION_SIZE];
	if (limit == 0 || (int64_t)seconds * MRT_SECOND <= limit)
		return 0;
	mrt_duration_format((int64_t)seconds * MRT_SECOND, is);
	mrt_duration_format(limit, wanted);
	return mrt_fail(err, MRT_BAD, "the %s is %s, more than %s", what, is, wanted);
}

int mrt_backup_drill(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_drill_options *options, json_t **ret, struct mrt_error *err)
{
	mrt_auto(mrt_store) *store = NULL;
	mrt_auto(mrt_manifest) *m = NULL;
	mrt_autofree char *name = NULL;
	mrt_auto_json record = NULL;
	int rc = options->target ? mrt_text_printf(&name, err, "%s/latest", options->target)
	                         : mrt_text_dup("latest", &name, err);
	if (rc == 0)
		rc = mrt_repository_open_reader(config, &store, err);
	if (rc == 0)
		rc = mrt_manifest_find(ctx, store, config->platform_name, name, NULL, &m, err);
	mrt_store_free(mrt_steal(store));
	if (rc < 0)
		return rc;
	/* what would be lost if all were lost now */
	int64_t age = ctx->wall() / MRT_SECOND - m->started;
	uint64_t rpo = age > 0 ? (uint64_t)age : 0;
	const struct mrt_verify_options how = { .id = m->id,
		                                .level = MRT_VERIFY_RESTORE,
		                                .no_record = options->no_record };
	int code = mrt_backup_verify(ctx, config, &how, &record, err);
	if (!record)
		return code;
	uint64_t rto = (mrt_json_size_or(record, "duration_ms", 0) + 999) / 1000;
	struct mrt_error other;
	rc = mrt_json_set_size(record, "rpo_s", rpo, &other);
	if (rc == 0)
		rc = mrt_json_set_size(record, "rto_s", rto, &other);
	if (rc == 0)
		rc = mrt_json_set_text(record, "target", m->target, &other);
	if (rc == 0)
		rc = mrt_json_set_text(record, "method", m->method, &other);
	if (rc < 0 && code == 0) {
		if (err)
			*err = other;
		return rc;
	}
	*ret = mrt_steal(record);
	if (code < 0)
		return code;
	rc = check_limit("recovery point", options->rpo_limit, rpo, err);
	return rc < 0 ? rc : check_limit("recovery time", options->rto_limit, rto, err);
}
