/* list.c - "maratea backup list". */
#include "base/text.h"
#include "maratea/commands.h"
#include "repository/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct args {
	const char *target;
	bool all_platforms;
};

static const struct mrt_opt opts[] = { MRT_OPERAND_MAYBE(struct args, target, "TARGET",
	                                                 "only this target's: postgres",
	                                                 .offers = MRT_OFFER_TARGETS),
	                               MRT_OPT_FLAG(struct args, all_platforms, 0, "all-platforms",
	                                            "those of every platform in this store"),
	                               MRT_OPT_END };

static void add_row(struct mrt_table *table, const json_t *b, bool all_platforms)
{
	char age[MRT_DURATION_SIZE], took[MRT_DURATION_SIZE], size[MRT_SIZE_SIZE];
	char stored[MRT_SIZE_SIZE], verified[64] = "", note[1200];
	mrt_duration_format((int64_t)mrt_json_size_or(b, "age_s", 0) * MRT_SECOND, age);
	mrt_duration_format((int64_t)mrt_json_size_or(b, "duration_s", 0) * MRT_SECOND, took);
	mrt_size_format(mrt_json_size_or(b, "size", 0), size);
	mrt_size_format(mrt_json_size_or(b, "stored_size", 0), stored);
	const json_t *record = json_object_get(b, "verified");
	if (json_is_object(record))
		snprintf(verified, sizeof(verified), "%s, %s%.10s",
		         mrt_json_text_or(record, "level", "?"),
		         json_is_true(json_object_get(record, "passed")) ? "" : "FAILED ",
		         mrt_json_text_or(record, "time", ""));
	const char *broken = mrt_json_text_or(b, "error", NULL);
	size_t warnings = json_array_size(json_object_get(b, "warnings"));
	snprintf(note, sizeof(note), "%s%s", broken ? "UNREADABLE: " : "",
	         broken ? broken : mrt_json_text_or(b, "label", ""));
	if (warnings > 0 && !broken)
		snprintf(note + strlen(note), sizeof(note) - strlen(note), "%s(%zu warning%s)",
		         *note ? " " : "", warnings, warnings == 1 ? "" : "s");
	const char *cells[11] = { mrt_json_text_or(b, "platform", ""),
		                  mrt_json_text_or(b, "id", ""),
		                  age,
		                  mrt_json_text_or(b, "target", ""),
		                  mrt_json_text_or(b, "method", ""),
		                  size,
		                  stored,
		                  took,
		                  verified,
		                  note };
	if (broken)
		cells[2] = cells[5] = cells[6] = cells[7] = "";
	else if (!json_is_true(json_object_get(b, "whole")))
		cells[4] = "logical, part";
	else if (json_is_true(json_object_get(b, "damaged")))
		cells[4] = "physical, DAMAGED";
	mrt_table_row(table, all_platforms ? cells : cells + 1);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "PLATFORM", MRT_LEFT }, { "ID", MRT_LEFT },     { "AGE", MRT_RIGHT },
		{ "TARGET", MRT_LEFT },   { "METHOD", MRT_LEFT }, { "SIZE", MRT_RIGHT },
		{ "STORED", MRT_RIGHT },  { "TOOK", MRT_RIGHT },  { "VERIFIED", MRT_LEFT },
		{ "LABEL", MRT_LEFT },
	};
	const struct args *a = args;
	mrt_auto_json report = NULL;
	int rc = mrt_backup_list(env->ctx, env->config, a->target, a->all_platforms, &report, err);
	if (rc < 0)
		return rc;
	if (env->out->json)
		return mrt_show_json(env->out, report, err);
	const json_t *list = json_object_get(report, "backups"), *item;
	if (json_array_size(list) == 0) {
		mrt_buf_printf(&env->out->text, "no backups of %s%s in %s\n",
		               a->all_platforms ? "any platform" : "platform ",
		               a->all_platforms ? "" : env->config->platform_name,
		               env->config->store_url);
		return 0;
	}
	bool all = a->all_platforms;
	mrt_auto(mrt_table) *table = NULL;
	rc = mrt_table_new(all ? columns : columns + 1, all ? 10 : 9, &table, err);
	size_t i;
	json_array_foreach (list, i, item)
		if (rc == 0)
			add_row(table, item, all);
	uint64_t incomplete = mrt_json_size_or(report, "incomplete", 0);
	if (incomplete > 0)
		mrt_info(env->ctx, "%" PRIu64 " unfinished backup%s left out", incomplete,
		         incomplete == 1 ? "" : "s");
	return rc < 0 ? rc : mrt_table_show(env->out, table, err);
}

const struct mrt_cmd mrt_cmd_backup_list = {
	.group = "backup",
	.verb = "list",
	.summary = "list the backups in the store",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
