/* verify.c - "maratea backup verify". */
#include "base/text.h"
#include "maratea/commands.h"
#include "ops/verify/drill.h"
#include "ops/verify/run.h"

#include <inttypes.h>
#include <string.h>

struct args {
	const char *id, *level, *identity, *textfile, *gateway;
	bool all, restore, no_record;
};

static const struct mrt_opt opts[] = {
	MRT_OPERAND_MAYBE(struct args, id, "ID", "a backup's id, or latest; with --all a target",
	                  .offers = MRT_OFFER_BACKUPS),
	MRT_OPT_TEXT(struct args, level, 0, "level", "LEVEL",
	             "stored: all objects are there; content (default): every byte is compared; "
	             "restore: and restored",
	             .choices = "stored|content|restore"),
	MRT_OPT_FLAG(struct args, restore, 'r', "restore",
	             "restore it into a private server, and compare"),
	MRT_OPT_FLAG(struct args, all, 'a', "all", "all backups, the newest first"),
	MRT_OPT_IDENTITY(struct args, identity),
	MRT_OPT_METRICS(struct args, textfile, gateway),
	MRT_OPT_FLAG(struct args, no_record, 0, "no-record", "do not store the result"),
	MRT_OPT_END
};

static void show_compared(struct mrt_output *out, const json_t *record, enum mrt_verify_level level)
{
	char took[MRT_DURATION_SIZE];
	mrt_duration_format((int64_t)mrt_json_size_or(record, "duration_ms", 0) * MRT_MILLISECOND,
	                    took);
	mrt_show_field(out, "backup", "%s", mrt_json_text_or(record, "id", ""));
	uint64_t files = mrt_json_size_or(record, "files", 0);
	bool unchecked = strcmp(mrt_json_text_or(record, "level", ""), "started") == 0;
	mrt_show_field(out, "verified", "%s",
	               level == MRT_VERIFY_CONTENT ? "content: good"
	               : files > 0 ? "a server recovered from it, every database was read: good"
	                           : "restored into a private server: good");
	if (files > 0 && level == MRT_VERIFY_RESTORE)
		mrt_show_field(out, "pg_amcheck", "%s", unchecked ? "not installed" : "good");
	if (files > 0)
		mrt_show_field(out, "compared",
		               "%" PRIu64 " files and %" PRIu64
		               " WAL segments, every byte of %" PRIu64 " objects",
		               files, mrt_json_size_or(record, "wal_segments", 0),
		               mrt_json_size_or(record, "objects", 0));
	else if (strcmp(mrt_json_text_or(record, "method", ""), "rdb") == 0)
		mrt_show_field(out, "compared",
		               "%" PRIu64 " databases, %" PRIu64
		               " keys, every byte and the checksum",
		               mrt_json_size_or(record, "databases", 0),
		               mrt_json_size_or(record, "keys", 0));
	else
		mrt_show_field(out, "compared",
		               "%" PRIu64 " databases, %" PRIu64 " tables, %" PRIu64
		               " rows, every byte of %" PRIu64 " objects",
		               mrt_json_size_or(record, "databases", 0),
		               mrt_json_size_or(record, "tables", 0),
		               mrt_json_size_or(record, "rows", 0),
		               mrt_json_size_or(record, "objects", 0));
	if (mrt_json_size_or(record, "assertions", 0) > 0)
		mrt_show_field(out, "answered", "%" PRIu64 " assertions hold",
		               mrt_json_size_or(record, "assertions", 0));
	mrt_show_field(out, "took", "%s", took);
}

static void show_verification(struct mrt_output *out, const json_t *record,
                              enum mrt_verify_level level)
{
	if (level != MRT_VERIFY_STORED) {
		show_compared(out, record, level);
		return;
	}
	mrt_show_field(out, "backup", "%s", mrt_json_text_or(record, "id", ""));
	mrt_show_field(out, "verified", "stored: all objects are there, with their sizes");
}

static int show_all(struct mrt_output *out, const json_t *report, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "ID", MRT_LEFT },
		                                     { "VERIFIED", MRT_LEFT },
		                                     { "TOOK", MRT_RIGHT },
		                                     { "RESULT", MRT_LEFT } };
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 4, &table, err);
	const json_t *item;
	size_t i;
	json_array_foreach (json_object_get(report, "backups"), i, item) {
		char took[MRT_DURATION_SIZE] = "";
		const char *failure = mrt_json_text_or(item, "failure", NULL);
		const char *error = mrt_json_text_or(item, "error", NULL);
		if (!error)
			mrt_duration_format((int64_t)mrt_json_size_or(item, "duration_ms", 0) *
			                            MRT_MILLISECOND,
			                    took);
		const char *const cells[] = { mrt_json_text_or(item, "id", ""),
			                      mrt_json_text_or(item, "level", ""), took,
			                      failure ? failure
			                      : error ? error
			                              : "good" };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static int level_of(const struct args *a, enum mrt_verify_level *ret, struct mrt_error *err)
{
	*ret = a->restore ? MRT_VERIFY_RESTORE : MRT_VERIFY_CONTENT;
	if (!a->level)
		return 0;
	if (a->restore)
		return mrt_fail(err, MRT_USAGE, "--restore and --level do not go together");
	*ret = strcmp(a->level, "stored") == 0    ? MRT_VERIFY_STORED
	       : strcmp(a->level, "restore") == 0 ? MRT_VERIFY_RESTORE
	                                          : MRT_VERIFY_CONTENT;
	return 0;
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	struct mrt_verify_options how = { .id = a->id, .no_record = a->no_record };
	mrt_auto_json report = NULL;
	int rc = level_of(a, &how.level, err);
	if (rc == 0 && !a->id && !a->all) {
		mrt_fail(err, MRT_USAGE, "which backup?");
		return mrt_hint(err, "an id, latest, or --all");
	}
	if (rc < 0)
		return rc;
	rc = a->all ? mrt_backup_verify_all(env->ctx, env->config, a->id, &how, &report, err)
	            : mrt_backup_verify(env->ctx, env->config, &how, &report, err);
	if (!report || (rc < 0 && !a->all && !env->out->json))
		return rc;
	struct mrt_error other;
	int shown = 0;
	if (env->out->json)
		shown = mrt_show_json(env->out, report, rc < 0 ? &other : err);
	else if (a->all)
		shown = show_all(env->out, report, rc < 0 ? &other : err);
	else
		show_verification(env->out, report, how.level);
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_backup_verify = {
	.group = "backup",
	.verb = "verify",
	.summary = "prove that a backup is good",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
