/* backup_verify.c - "maratea backup verify". */
#include "base/text.h"
#include "maratea/commands.h"
#include "ops/backup/backup.h"

#include <inttypes.h>
#include <string.h>

struct args {
	const char *id, *identity, *textfile, *gateway;
	bool restore, no_record;
};

static const struct mrt_opt opts[] = {
	MRT_OPERAND(struct args, id, "ID", "a backup's id, or latest", .complete = "backup"),
	MRT_OPT_FLAG(struct args, restore, 'r', "restore",
	             "restore it into a private server, and compare"),
	MRT_OPT_IDENTITY(struct args, identity),
	MRT_OPT_METRICS(struct args, textfile, gateway),
	MRT_OPT_FLAG(struct args, no_record, 0, "no-record", "do not store the result"),
	MRT_OPT_END
};

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_verify_options how = { .id = a->id,
		                                .restore = a->restore,
		                                .no_record = a->no_record };
	mrt_auto_json record = NULL;
	int rc = mrt_backup_verify(env->run, env->config, &how, &record, err);
	if (record && env->out->json) {
		int shown = mrt_show_json(env->out, record, rc < 0 ? NULL : err);
		return rc < 0 ? rc : shown;
	}
	if (rc < 0)
		return rc;
	char took[MRT_DURATION_SIZE];
	mrt_duration_format((int64_t)mrt_json_size_or(record, "duration_ms", 0) * MRT_MILLISECOND,
	                    took);
	mrt_show_field(env->out, "backup", "%s", mrt_json_text_or(record, "id", ""));
	uint64_t files = mrt_json_size_or(record, "files", 0);
	bool unchecked = strcmp(mrt_json_text_or(record, "level", ""), "started") == 0;
	mrt_show_field(env->out, "verified", "%s",
	               !a->restore ? "content: good"
	               : files > 0 ? "a server recovered from it, every database was read: good"
	                           : "restored into a private server: good");
	if (files > 0 && a->restore)
		mrt_show_field(env->out, "pg_amcheck", "%s", unchecked ? "not installed" : "good");
	if (files > 0)
		mrt_show_field(env->out, "compared",
		               "%" PRIu64 " files and %" PRIu64
		               " WAL segments, every byte of %" PRIu64 " objects",
		               files, mrt_json_size_or(record, "wal_segments", 0),
		               mrt_json_size_or(record, "objects", 0));
	else
		mrt_show_field(env->out, "compared",
		               "%" PRIu64 " databases, %" PRIu64 " tables, %" PRIu64
		               " rows, every byte of %" PRIu64 " objects",
		               mrt_json_size_or(record, "databases", 0),
		               mrt_json_size_or(record, "tables", 0),
		               mrt_json_size_or(record, "rows", 0),
		               mrt_json_size_or(record, "objects", 0));
	mrt_show_field(env->out, "took", "%s", took);
	return 0;
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
