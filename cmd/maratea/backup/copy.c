/* copy.c - "maratea backup copy": a backup into another of the configured stores. */
#include "base/text.h"
#include "maratea/commands.h"
#include "ops/backup/copy.h"

struct args {
	const char *id, *to;
};

static const struct mrt_opt opts[] = {
	MRT_OPERAND(struct args, id, "ID", "a backup's id, or latest", .offers = MRT_OFFER_BACKUPS),
	MRT_OPERAND(struct args, to, "STORE", "a name of the configuration's stores",
	            .offers = MRT_OFFER_STORES),
	MRT_OPT_END
};

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json report = NULL;
	int rc = mrt_backup_copy(env->ctx, env->config, a->id, a->to, &report, err);
	if (rc < 0)
		return rc;
	if (env->out->json)
		return mrt_show_json(env->out, report, err);
	char copied[MRT_SIZE_SIZE], there[MRT_SIZE_SIZE];
	mrt_size_format(mrt_json_size_or(report, "copied", 0), copied);
	mrt_size_format(mrt_json_size_or(report, "there_before", 0), there);
	mrt_show_field(env->out, "backup", "%s of %s", mrt_json_text_or(report, "id", ""),
	               mrt_json_text_or(report, "target", ""));
	mrt_show_field(env->out, "copied to", "%s", mrt_json_text_or(report, "to", ""));
	mrt_show_field(env->out, "compared", "%s copied%s%s: all as the manifest says", copied,
	               mrt_json_size_or(report, "there_before", 0) > 0 ? ", there before: " : "",
	               mrt_json_size_or(report, "there_before", 0) > 0 ? there : "");
	return 0;
}

const struct mrt_cmd mrt_cmd_backup_copy = {
	.group = "backup",
	.verb = "copy",
	.summary = "copy a backup into another store",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
