/* drill.c - "maratea backup drill": could we recover, and what would be lost? */
#include "maratea/commands.h"
#include "ops/verify/drill.h"

#include <inttypes.h>

struct args {
	const char *target, *rpo, *rto, *identity, *textfile, *gateway;
	bool no_record;
};

static const struct mrt_opt opts[] = {
	MRT_OPERAND_MAYBE(struct args, target, "TARGET", "the newest backup of this target",
	                  .offers = MRT_OFFER_TARGETS),
	MRT_OPT_TEXT(struct args, rpo, 0, "rpo", "TIME", "fail when the backup is older"),
	MRT_OPT_TEXT(struct args, rto, 0, "rto", "TIME", "fail when the recovery takes longer"),
	MRT_OPT_IDENTITY(struct args, identity),
	MRT_OPT_METRICS(struct args, textfile, gateway),
	MRT_OPT_FLAG(struct args, no_record, 0, "no-record", "do not store the result"),
	MRT_OPT_END
};

static int time_of(const char *option, const char *text, int64_t *ret, struct mrt_error *err)
{
	int rc = text ? mrt_duration_parse(text, ret, err) : 0;
	return rc < 0 ? mrt_prefix(err, mrt_recode(err, MRT_USAGE), "option --%s", option) : 0;
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	struct mrt_drill_options how = { .target = a->target, .no_record = a->no_record };
	mrt_auto_json record = NULL;
	int rc = time_of("rpo", a->rpo, &how.rpo_limit, err);
	if (rc == 0)
		rc = time_of("rto", a->rto, &how.rto_limit, err);
	if (rc == 0)
		rc = mrt_backup_drill(env->ctx, env->config, &how, &record, err);
	if (!record)
		return rc;
	if (env->out->json) {
		struct mrt_error other;
		int shown = mrt_show_json(env->out, record, rc < 0 ? &other : err);
		return rc < 0 ? rc : shown;
	}
	if (!json_is_true(json_object_get(record, "passed")))
		return rc;
	char rpo[MRT_DURATION_SIZE], rto[MRT_DURATION_SIZE];
	mrt_duration_format((int64_t)mrt_json_size_or(record, "rpo_s", 0) * MRT_SECOND, rpo);
	mrt_duration_format((int64_t)mrt_json_size_or(record, "duration_ms", 0) * MRT_MILLISECOND,
	                    rto);
	mrt_show_field(env->out, "backup", "%s of %s, %s", mrt_json_text_or(record, "id", ""),
	               mrt_json_text_or(record, "target", ""),
	               mrt_json_text_or(record, "method", ""));
	mrt_show_field(env->out, "recovered", "into a private server, and compared: good");
	mrt_show_field(env->out, "recovery point", "%s: what is younger would be lost", rpo);
	mrt_show_field(env->out, "recovery time", "%s on this machine, comparison included", rto);
	return rc;
}

const struct mrt_cmd mrt_cmd_backup_drill = {
	.group = "backup",
	.verb = "drill",
	.summary = "recover the newest backup to see that it can be done",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
