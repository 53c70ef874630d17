/* restore.c - "maratea backup restore". */
#include "base/text.h"
#include "maratea/commands.h"
#include "ops/restore/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct args {
	const char *id, *database, *to, *to_database, *scratch, *to_dir, *to_redis, *owner,
	        *identity;
	int64_t jobs;
	struct mrt_texts tablespaces;
	bool swap, globals, replace_roles, no_owner, no_tablespaces, force_downgrade, replace;
	bool dry_run, yes;
};

static const struct mrt_opt opts[] = {
	MRT_OPERAND(struct args, id, "ID", "a backup's id, or latest", .offers = MRT_OFFER_BACKUPS),
	MRT_OPT_TEXT(struct args, database, 'd', "database", "NAME", "the database of the backup"),
	MRT_OPT_TEXT(struct args, to_database, 0, "to-database", "NEW",
	             "into this new or empty database"),
	MRT_OPT_TEXT(struct args, to, 0, "to", "URL|FILE",
	             "into another server (and the URL's database); of Redis: into this file",
	             .url = true),
	MRT_OPT_TEXT(struct args, to_redis, 0, "to-redis", "URL",
	             "of Redis: into this server that runs (redis.url: the configured one)",
	             .url = true),
	MRT_OPT_FLAG(struct args, replace, 0, "replace",
	             "with --to-redis: give up what its databases hold"),
	MRT_OPT_TEXT(struct args, to_dir, 0, "to-dir", "DIR",
	             "a physical backup: into this absent or empty directory",
	             .offers = MRT_OFFER_DIRECTORIES),
	MRT_OPT_TEXT(struct args, owner, 0, "owner", "USER",
	             "whose the files in DIR are to be (root's default: postgres)"),
	MRT_OPT_IDENTITY(struct args, identity),
	MRT_OPT_FLAG(struct args, swap, 0, "swap",
	             "in place of the old one, kept as NAME_before_ID"),
	MRT_OPT_FLAG(struct args, globals, 0, "globals",
	             "roles and memberships instead of a database"),
	MRT_OPT_FLAG(struct args, replace_roles, 0, "replace-roles", "alter roles that exist, too"),
	MRT_OPT_LIST(struct args, tablespaces, 0, "tablespace", "OLD=NEW",
	             "the tablespace in directory OLD goes to NEW; may be repeated"),
	MRT_OPT_FLAG(struct args, no_owner, 0, "no-owner", "without owners and grants"),
	MRT_OPT_FLAG(struct args, no_tablespaces, 0, "no-tablespaces",
	             "everything in the default tablespace"),
	MRT_OPT_FLAG(struct args, force_downgrade, 0, "force-downgrade",
	             "into an older server than the backup's"),
	MRT_OPT_NUMBER(struct args, jobs, 'j', "jobs", "N", "pg_restore jobs; needs --scratch", 1,
	               64),
	MRT_OPT_TEXT(struct args, scratch, 0, "scratch", "DIR", "where --jobs keeps the archive",
	             .offers = MRT_OFFER_DIRECTORIES),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what would happen; change nothing"),
	MRT_OPT_FLAG(struct args, yes, 'y', "yes", "do not ask"),
	MRT_OPT_END
};

struct asking {
	const struct mrt_cmd_env *env;
	bool yes;
};

static int confirm(void *context, const char *question, struct mrt_error *err)
{
	const struct asking *a = context;
	return mrt_confirm(a->env, a->yes, question, err);
}

static int show_globals(struct mrt_output *out, const json_t *report, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "KIND", MRT_LEFT },
		                                     { "ACTION", MRT_LEFT },
		                                     { "NAME", MRT_LEFT } };
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 3, &table, err);
	const json_t *item;
	size_t i;
	json_array_foreach (json_object_get(report, "globals"), i, item) {
		const char *const cells[] = { mrt_json_text_or(item, "kind", ""),
			                      mrt_json_text_or(item, "action", ""),
			                      mrt_json_text_or(item, "name", "") };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static void show_database(struct mrt_output *out, const json_t *r, bool dry_run)
{
	char need[MRT_SIZE_SIZE], have[MRT_SIZE_SIZE];
	mrt_show_field(out, "backup", "%s, database %s", mrt_json_text_or(r, "id", ""),
	               mrt_json_text_or(r, "database", ""));
	mrt_show_field(out, dry_run ? "would go to" : "restored to", "%s on %s",
	               mrt_json_text_or(r, "to", ""), mrt_json_text_or(r, "server", ""));
	if (mrt_json_text_or(r, "kept", NULL))
		mrt_show_field(out, "the old one",
		               "%s kept as %s; writes since the backup are only there",
		               dry_run ? "would be" : "is", mrt_json_text_or(r, "kept", ""));
	mrt_show_field(out, "compared", "%" PRIu64 " tables, %" PRIu64 " rows%s",
	               mrt_json_size_or(r, "tables", 0), mrt_json_size_or(r, "rows", 0),
	               dry_run ? " (after the restore)" : ": all there");
	if (!dry_run)
		return;
	mrt_size_format(mrt_json_size_or(r, "space_needed", 0), need);
	mrt_size_format(mrt_json_size_or(r, "space_free", 0), have);
	if (json_is_integer(json_object_get(r, "space_free")))
		mrt_show_field(out, "space", "about %s needed, %s free%s", need, have,
		               mrt_json_size_or(r, "space_free", 0) >=
		                               mrt_json_size_or(r, "space_needed", 0)
		                       ? ""
		                       : ": NOT ENOUGH");
	else
		mrt_show_field(out, "space",
		               "about %s needed; the server's disk cannot be seen from here", need);
	mrt_buf_add_text(&out->text, "nothing was changed (--dry-run)\n");
}

static void show_directory(struct mrt_output *out, const json_t *r, bool dry_run)
{
	char need[MRT_SIZE_SIZE], have[MRT_SIZE_SIZE];
	const char *dir = mrt_json_text_or(r, "to_dir", "");
	const json_t *item;
	size_t i;
	mrt_show_field(out, "backup", "%s, PostgreSQL %" PRIu64 ", to %s",
	               mrt_json_text_or(r, "id", ""), mrt_json_size_or(r, "server_major", 0),
	               mrt_json_text_or(r, "end_lsn", ""));
	mrt_show_field(out, dry_run ? "would go to" : "restored to", "%s", dir);
	json_array_foreach (json_object_get(r, "tablespaces"), i, item)
		mrt_show_field(out, "tablespace", "%s -> %s", mrt_json_text_or(item, "from", ""),
		               mrt_json_text_or(item, "to", ""));
	if (mrt_json_text_or(r, "owner", NULL))
		mrt_show_field(out, "owner", "%s", mrt_json_text_or(r, "owner", ""));
	if (dry_run) {
		mrt_size_format(mrt_json_size_or(r, "space_needed", 0), need);
		mrt_size_format(mrt_json_size_or(r, "space_free", 0), have);
		mrt_show_field(out, "space", "%s needed, %s free", need, have);
		mrt_buf_add_text(&out->text, "nothing was written (--dry-run)\n");
		return;
	}
	mrt_show_field(out, "compared", "%" PRIu64 " files with backup_manifest: all there",
	               mrt_json_size_or(r, "files", 0));
	mrt_show_field(out, "switched off",
	               "archive_mode, primary_conninfo, restore_command, logical replication "
	               "(ALTER SYSTEM RESET switches on)");
	mrt_show_field(out, "start it with", "pg_ctl -D %s start", dir);
}

static void show_file(struct mrt_output *out, const json_t *r, bool dry_run)
{
	char size[MRT_SIZE_SIZE];
	mrt_size_format(mrt_json_size_or(r, "size", 0), size);
	mrt_show_field(out, "backup", "%s", mrt_json_text_or(r, "id", ""));
	mrt_show_field(out, dry_run ? "would go to" : "restored to", "%s, %s",
	               mrt_json_text_or(r, "to_file", ""), size);
	mrt_show_field(out, "compared", "%" PRIu64 " keys%s", mrt_json_size_or(r, "keys", 0),
	               dry_run ? " (after the restore)" : ": all there");
	if (dry_run)
		mrt_buf_add_text(&out->text, "nothing was written (--dry-run)\n");
}

static void show_redis(struct mrt_output *out, const json_t *r, bool dry_run)
{
	const json_t *item;
	size_t i;
	mrt_show_field(out, "backup", "%s", mrt_json_text_or(r, "id", ""));
	mrt_show_field(out, dry_run ? "would go to" : "restored to", "%s",
	               mrt_json_text_or(r, "to_redis", ""));
	json_array_foreach (json_object_get(r, "databases"), i, item) {
		uint64_t expired = mrt_json_size_or(item, "expired", 0);
		uint64_t replaced = mrt_json_size_or(item, "replaced", 0);
		char gone[64] = "", old[64] = "";
		if (expired > 0)
			snprintf(gone, sizeof(gone), ", %" PRIu64 " have expired", expired);
		if (replaced > 0)
			snprintf(old, sizeof(old), ", in place of %" PRIu64, replaced);
		mrt_show_field(out, "database", "%s: %" PRIu64 " keys%s%s",
		               mrt_json_text_or(item, "name", ""),
		               mrt_json_size_or(item, "keys", 0), gone, old);
	}
	if (dry_run)
		mrt_buf_add_text(&out->text, "nothing was changed (--dry-run)\n");
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	struct asking asking = { env, a->yes };
	const struct mrt_restore_options how = {
		.id = a->id,
		.database = a->database,
		.to = a->to,
		.to_database = a->to_database,
		.scratch = a->scratch,
		.jobs = (int)a->jobs,
		.swap = a->swap,
		.globals = a->globals,
		.replace_roles = a->replace_roles,
		.no_owner = a->no_owner,
		.no_tablespaces = a->no_tablespaces,
		.force_downgrade = a->force_downgrade,
		.dry_run = a->dry_run,
		.tablespaces = a->tablespaces.items,
		.n_tablespaces = a->tablespaces.n,
		.to_dir = a->to_dir,
		.owner = a->owner,
		.to_redis = a->to_redis,
		.replace = a->replace,
		.confirm = confirm,
		.context = &asking,
	};
	mrt_auto_json report = NULL;
	int rc = mrt_backup_restore(env->ctx, env->config, &how, &report, err);
	if (rc < 0)
		return rc;
	if (env->out->json)
		return mrt_show_json(env->out, report, err);
	if (mrt_json_text_or(report, "to_file", NULL)) {
		show_file(env->out, report, a->dry_run);
		return 0;
	}
	if (a->to_redis) {
		show_redis(env->out, report, a->dry_run);
		return 0;
	}
	if (a->to_dir) {
		show_directory(env->out, report, a->dry_run);
		return 0;
	}
	if (a->globals)
		return show_globals(env->out, report, err);
	show_database(env->out, report, a->dry_run);
	return 0;
}

const struct mrt_cmd mrt_cmd_backup_restore = {
	.group = "backup",
	.verb = "restore",
	.summary = "restore a database, a server's directory, or a Redis from a backup",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
