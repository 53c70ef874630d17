/* prune.c - "maratea backup prune": remove what the retention does not keep. */
#include "base/text.h"
#include "maratea/commands.h"
#include "ops/retention/prune.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct args {
	const char *target, *grace;
	const char *last, *hourly, *daily, *weekly, *monthly, *yearly;
	struct mrt_texts tags;
	bool dry_run, force_last, accept_shrink, no_store_lock, yes;
};

#define KEEP(field, name_, what)                                              \
	MRT_OPT_TEXT(struct args, field, 0, "keep-" name_, "N", "keep " what, \
	             .setting = "backup.retention." name_)

static const struct mrt_opt opts[] = {
	MRT_OPERAND_MAYBE(struct args, target, "TARGET", "only this target's backups",
	                  .offers = MRT_OFFER_TARGETS),
	KEEP(last, "last", "the N newest"),
	KEEP(hourly, "hourly", "the newest of each of the last N hours that have one"),
	KEEP(daily, "daily", "the same of days"),
	KEEP(weekly, "weekly", "the same of weeks"),
	KEEP(monthly, "monthly", "the same of months"),
	KEEP(yearly, "yearly", "the same of years"),
	MRT_OPT_LIST(struct args, tags, 't', "keep-tag", "PATTERN",
	             "keep those whose label matches; may be repeated"),
	MRT_OPT_TEXT(struct args, grace, 0, "grace", "TIME",
	             "how old what is unfinished must be (default: 24h)"),
	MRT_OPT_FLAG(struct args, accept_shrink, 0, "accept-shrink",
	             "go on though the newest backup is under half of the one before"),
	MRT_OPT_FLAG(struct args, force_last, 0, "force-last",
	             "even the newest whole and the newest verified backup may go"),
	MRT_OPT_FLAG(struct args, no_store_lock, 0, "no-store-lock",
	             "where the store cannot lock: nobody else is at work"),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what would go; remove nothing"),
	MRT_OPT_FLAG(struct args, yes, 'y', "yes", "do not ask"),
	MRT_OPT_END
};

struct asking {
	const struct mrt_cmd_env *env;
	bool yes;
	size_t shown; /* entries of the plan */
};

static int show_plan(struct mrt_output *out, const json_t *backups, size_t from,
                     struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "ID", MRT_LEFT },      { "TARGET", MRT_LEFT },  { "METHOD", MRT_LEFT },
		{ "AGE", MRT_RIGHT },    { "STORED", MRT_RIGHT }, { "PLAN", MRT_LEFT },
		{ "BECAUSE", MRT_LEFT },
	};
	mrt_auto(mrt_table) *table = NULL;
	const char *store = mrt_json_text_or(json_array_get(backups, from), "store", NULL);
	int rc = mrt_table_new(columns, 7, &table, err);
	if (rc == 0 && store)
		mrt_show_field(out, "store", "%s", store);
	const json_t *item, *rule;
	size_t i, k;
	json_array_foreach (backups, i, item) {
		mrt_auto_buf rules = MRT_BUF_INIT;
		char age[MRT_DURATION_SIZE], size[MRT_SIZE_SIZE];
		if (rc < 0 || i < from)
			continue;
		mrt_duration_format((int64_t)mrt_json_size_or(item, "age_s", 0) * MRT_SECOND, age);
		mrt_size_format(mrt_json_size_or(item, "stored_size", 0), size);
		json_array_foreach (json_object_get(item, "rules"), k, rule)
			mrt_buf_printf(&rules, "%s%s", k > 0 ? ", " : "", json_string_value(rule));
		const char *const cells[] = { mrt_json_text_or(item, "id", ""),
			                      mrt_json_text_or(item, "target", ""),
			                      mrt_json_text_or(item, "method", "?"),
			                      age,
			                      size,
			                      mrt_json_text_or(item, "action", ""),
			                      rules.len > 0 ? mrt_buf_text(&rules)
			                                    : "no rule keeps it" };
		mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

/* The plan is there to be read before the question is. */
static void on_plan(void *context, const json_t *backups)
{
	struct asking *a = context;
	struct mrt_error err;
	if (a->env->out->json)
		return;
	if (show_plan(a->env->out, backups, a->shown, &err) == 0 && a->env->terminal && !a->yes)
		mrt_output_flush(a->env->out, &err);
	a->shown = json_array_size(backups);
}

static int confirm(void *context, const char *question, struct mrt_error *err)
{
	const struct asking *a = context;
	return mrt_confirm(a->env, a->yes, question, err);
}

static void show_sums(struct mrt_output *out, const json_t *r, bool dry_run)
{
	char size[MRT_SIZE_SIZE];
	size_t remove = 0, i;
	const json_t *item;
	json_array_foreach (json_object_get(r, "backups"), i, item)
		remove += strcmp(mrt_json_text_or(item, "action", ""), "remove") == 0;
	mrt_size_format(mrt_json_size_or(r, "freed", 0), size);
	if (dry_run)
		mrt_show_field(out, "would keep", "%" PRIu64 ", and remove %zu",
		               mrt_json_size_or(r, "kept", 0), remove);
	else
		mrt_show_field(out, "kept", "%" PRIu64 ", removed %" PRIu64 " (%s)",
		               mrt_json_size_or(r, "kept", 0), mrt_json_size_or(r, "removed", 0),
		               size);
	if (mrt_json_size_or(r, "held", 0) > 0)
		mrt_show_field(out, "held", "%" PRIu64 " by a lock of the store: they stay",
		               mrt_json_size_or(r, "held", 0));
	uint64_t folders = mrt_json_size_or(r, "unfinished_folders", 0),
	         uploads = mrt_json_size_or(r, "unfinished_uploads", 0),
	         foreign = mrt_json_size_or(r, "foreign", 0);
	if (folders + uploads > 0)
		mrt_show_field(out, "unfinished",
		               "%" PRIu64 " folders (%" PRIu64 " objects), %" PRIu64 " uploads%s",
		               folders, mrt_json_size_or(r, "unfinished_objects", 0), uploads,
		               dry_run ? "" : ": removed");
	if (foreign > 0)
		mrt_show_field(out, "foreign", "%" PRIu64 " objects are not ours, and stay",
		               foreign);
	if (dry_run)
		mrt_buf_add_text(&out->text, "nothing was removed (--dry-run)\n");
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	struct asking asking = { .env = env, .yes = a->yes };
	int64_t grace = 24 * 3600 * MRT_SECOND;
	int rc = a->grace ? mrt_duration_parse(a->grace, &grace, err) : 0;
	if (rc < 0)
		return mrt_prefix(err, mrt_recode(err, MRT_USAGE), "option --grace");
	const struct mrt_prune_options how = {
		.target = a->target,
		.tags = a->tags.items,
		.n_tags = a->tags.n,
		.grace = grace,
		.dry_run = a->dry_run,
		.force_last = a->force_last,
		.accept_shrink = a->accept_shrink,
		.no_store_lock = a->no_store_lock,
		.plan = on_plan,
		.confirm = confirm,
		.context = &asking,
	};
	mrt_auto_json report = NULL;
	rc = mrt_backup_prune(env->ctx, env->config, &how, &report, err);
	if (!report)
		return rc;
	if (env->out->json) {
		int shown = mrt_show_json(env->out, report, rc < 0 ? NULL : err);
		return rc < 0 ? rc : shown;
	}
	show_sums(env->out, report, a->dry_run);
	return rc;
}

const struct mrt_cmd mrt_cmd_backup_prune = {
	.group = "backup",
	.verb = "prune",
	.summary = "remove the backups that the retention does not keep",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
