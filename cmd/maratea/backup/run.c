/* run.c - "maratea backup run": back up one target into the store. */
#include "base/text.h"
#include "maratea/commands.h"
#include "ops/backup/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct args {
	const char *target, *label, *method;
	struct mrt_texts databases, recipients;
	const char *jobs, *textfile, *gateway, *ping;
	bool dry_run, plain_role_passwords, allow_warnings, adopt_cluster, accept_shrink;
	const char *checkpoint, *checksums, *max_rate, *max_wal_retained;
	bool allow_damaged, server_compression;
};

static const struct mrt_opt opts[] = {
	MRT_OPERAND_MAYBE(struct args, target, "TARGET",
	                  "postgres, redis or a configured target (default: all)",
	                  .offers = MRT_OFFER_TARGETS),
	MRT_OPT_TEXT(struct args, method, 'm', "method", "METHOD",
	             "logical (default): pg_dump; physical: base backup of the whole server",
	             .choices = "logical|physical", .setting = "backup.method"),
	MRT_OPT_LIST(struct args, databases, 'd', "database", "NAME",
	             "only this database; may be repeated (default: all)"),
	MRT_OPT_TEXT(struct args, jobs, 'j', "jobs", "N", "dump so many databases at once",
	             .setting = "backup.jobs"),
	MRT_OPT_TEXT(struct args, label, 'l', "label", "TEXT", "note kept with the backup"),
	MRT_OPT_LIST(struct args, recipients, 'r', "recipient", "KEY",
	             "encrypt to age1... or to all in @FILE; may be repeated"),
	MRT_OPT_FLAG(struct args, plain_role_passwords, 0, "plain-role-passwords",
	             "store role passwords (SCRAM verifiers) unencrypted"),
	MRT_OPT_FLAG(struct args, allow_warnings, 0, "allow-warnings",
	             "accept what pg_dump says it leaves out"),
	MRT_OPT_TEXT(struct args, checkpoint, 0, "checkpoint", "HOW",
	             "physical: checkpoint at once (fast, default) or spread",
	             .choices = "fast|spread"),
	MRT_OPT_TEXT(struct args, max_rate, 0, "max-rate", "SIZE",
	             "at most so many bytes a second from the server"),
	MRT_OPT_TEXT(struct args, max_wal_retained, 0, "max-wal-retained", "SIZE",
	             "physical: give up when the server keeps more WAL for the backup"),
	MRT_OPT_TEXT(struct args, checksums, 0, "manifest-checksums", "KIND",
	             "physical: crc32c (default) or sha256", .choices = "crc32c|sha256"),
	MRT_OPT_FLAG(struct args, server_compression, 0, "server-compression",
	             "physical: let the server compress, where the network is slow"),
	MRT_OPT_FLAG(struct args, allow_damaged, 0, "allow-damaged",
	             "physical: store it though pages have wrong checksums"),
	MRT_OPT_METRICS(struct args, textfile, gateway),
	MRT_OPT_TEXT(struct args, ping, 0, "ping", "URL",
	             "ping this when the run starts (/start), and ends well or not (/fail)",
	             .setting = "backup.ping"),
	MRT_OPT_FLAG(struct args, adopt_cluster, 0, "adopt-cluster",
	             "these backups now belong to this server"),
	MRT_OPT_FLAG(struct args, accept_shrink, 0, "accept-shrink",
	             "it is good though it has under half of the one before"),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what would be stored; store nothing"),
	MRT_OPT_END
};

static int show_plan(struct mrt_output *out, const json_t *plan, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "DATABASE", MRT_LEFT },
		                                     { "SIZE", MRT_RIGHT },
		                                     { "PLAN", MRT_LEFT } };
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 3, &table, err);
	if (rc < 0)
		return rc;
	const json_t *item, *physical = json_object_get(plan, "physical");
	size_t i;
	json_array_foreach (json_object_get(plan, "databases"), i, item) {
		char size[MRT_SIZE_SIZE];
		mrt_size_format(mrt_json_size_or(item, "size", 0), size);
		const char *const cells[] = { mrt_json_text_or(item, "name", ""), size,
			                      physical ? "in the base backup" : "dump" };
		mrt_table_row(table, cells);
	}
	json_array_foreach (json_object_get(plan, "skipped"), i, item) {
		char text[128];
		snprintf(text, sizeof(text), "skip: %s", mrt_json_text_or(item, "reason", ""));
		const char *const cells[] = { mrt_json_text_or(item, "name", ""), "", text };
		mrt_table_row(table, cells);
	}
	mrt_show_field(out, "store", "%s", mrt_json_text_or(plan, "store", ""));
	if (strcmp(mrt_json_text_or(plan, "method", ""), "rdb") == 0) {
		mrt_show_field(out, "from", "%s", mrt_json_text_or(plan, "program", ""));
		mrt_buf_add_text(&out->text, "nothing was stored (--dry-run)\n");
		return 0;
	}
	if (!physical)
		mrt_show_field(out, "with", "%s", mrt_json_text_or(plan, "program", ""));
	json_array_foreach (json_object_get(physical, "tablespaces"), i, item)
		mrt_show_field(out, "tablespace", "%s in %s", mrt_json_text_or(item, "name", ""),
		               mrt_json_text_or(item, "location", ""));
	rc = mrt_table_show(out, table, err);
	mrt_buf_add_text(&out->text, "nothing was stored (--dry-run)\n");
	return rc;
}

static int show_done(struct mrt_output *out, const json_t *manifest)
{
	uint64_t size = 0, stored = 0, rows = 0;
	const json_t *item, *table;
	size_t i, k;
	json_array_foreach (json_object_get(manifest, "objects"), i, item) {
		size += mrt_json_size_or(item, "size", 0);
		stored += mrt_json_size_or(item, "stored_size", 0);
	}
	json_array_foreach (json_object_get(manifest, "databases"), i, item)
		json_array_foreach (json_object_get(item, "tables"), k, table)
			rows += mrt_json_size_or(table, "rows", 0);
	char size_text[MRT_SIZE_SIZE], stored_text[MRT_SIZE_SIZE];
	mrt_size_format(size, size_text);
	mrt_size_format(stored, stored_text);
	mrt_show_field(out, "backup", "%s", mrt_json_text_or(manifest, "id", ""));
	const json_t *physical = json_object_get(manifest, "physical");
	const json_t *redis = json_object_get(manifest, "redis");
	size_t databases = json_array_size(json_object_get(manifest, "databases"));
	if (redis) {
		mrt_show_field(out, "databases", "%zu, %" PRIu64 " keys", databases,
		               mrt_json_size_or(redis, "keys", 0));
	} else if (physical) {
		mrt_show_field(out, "databases", "%zu, %" PRIu64 " files", databases,
		               mrt_json_size_or(physical, "files", 0));
		mrt_show_field(out, "wal", "%s to %s, timeline %" PRIu64,
		               mrt_json_text_or(physical, "start_lsn", ""),
		               mrt_json_text_or(physical, "end_lsn", ""),
		               mrt_json_size_or(physical, "timeline", 0));
	} else {
		mrt_show_field(out, "databases", "%zu, %" PRIu64 " rows", databases, rows);
	}
	mrt_show_field(out, "size", "%s, stored as %s", size_text, stored_text);
	mrt_backup_print_skipped(out, manifest);
	json_array_foreach (json_object_get(manifest, "warnings"), i, item)
		mrt_show_field(out, "warning", "%s", json_string_value(item));
	if (!redis && !json_is_true(json_object_get(manifest, "role_passwords")))
		mrt_show_field(out, "note",
		               "role passwords are not in it (they need --recipient, or "
		               "--plain-role-passwords)");
	return 0;
}

static void show_stores(struct mrt_output *out, const json_t *report, bool dry_run)
{
	const json_t *item;
	size_t i;
	json_array_foreach (json_object_get(report, "stores"), i, item) {
		bool stored = json_is_true(json_object_get(item, "stored"));
		mrt_show_field(out, stored || dry_run ? "store" : "not stored", "%s, %s",
		               mrt_json_text_or(item, "name", ""),
		               mrt_json_text_or(item, "url", ""));
	}
}

static int show_one(struct mrt_output *out, const json_t *report, bool dry_run,
                    struct mrt_error *err)
{
	int rc = dry_run ? show_plan(out, report, err) : show_done(out, report);
	if (rc == 0)
		show_stores(out, report, dry_run);
	return rc;
}

static int show_backups(struct mrt_output *out, const json_t *report, bool dry_run,
                        struct mrt_error *err)
{
	const json_t *list = json_object_get(report, "targets"), *item;
	size_t i;
	int rc = 0;
	if (!list)
		return show_one(out, report, dry_run, err);
	json_array_foreach (list, i, item) {
		const json_t *backup = json_object_get(item, "backup");
		mrt_buf_printf(&out->text, "%s%s: %s\n", i ? "\n" : "",
		               mrt_json_text_or(item, "target", ""),
		               mrt_json_text_or(item, "status", ""));
		if (rc == 0 && backup)
			rc = show_one(out, backup, dry_run, err);
	}
	return rc;
}

static int size_of(const char *option, const char *text, uint64_t *ret, struct mrt_error *err)
{
	if (!text)
		return 0;
	int rc = mrt_size_parse(text, ret, err);
	if (rc == 0 && *ret == 0)
		rc = mrt_fail(err, MRT_USAGE, "it cannot be 0");
	return rc < 0 ? mrt_prefix(err, mrt_recode(err, MRT_USAGE), "option --%s", option) : 0;
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	uint64_t max_rate = 0, max_wal = 0;
	int rc = size_of("max-rate", a->max_rate, &max_rate, err);
	if (rc == 0)
		rc = size_of("max-wal-retained", a->max_wal_retained, &max_wal, err);
	if (rc < 0)
		return rc;
	const struct mrt_backup_options how = {
		.target = a->target,
		.databases = a->databases.items,
		.n_databases = a->databases.n,
		.label = a->label,
		.recipients = a->recipients.items,
		.n_recipients = a->recipients.n,
		.dry_run = a->dry_run,
		.plain_role_passwords = a->plain_role_passwords,
		.allow_warnings = a->allow_warnings,
		.adopt_cluster = a->adopt_cluster,
		.accept_shrink = a->accept_shrink,
		.spread = a->checkpoint && strcmp(a->checkpoint, "spread") == 0,
		.allow_damaged = a->allow_damaged,
		.server_compression = a->server_compression,
		.max_rate = max_rate,
		.max_wal_retained = max_wal,
		.manifest_checksums = a->checksums,
	};
	mrt_auto_json report = NULL;
	rc = mrt_backup_run(env->ctx, env->config, &how, &report, err);
	if (rc < 0 && a->target)
		mrt_prefix(err, rc, "back up %s", a->target);
	struct mrt_error other;
	int shown = 0;
	if (report && env->out->json)
		shown = mrt_show_json(env->out, report, &other);
	else if (report)
		shown = show_backups(env->out, report, a->dry_run, &other);
	if (rc == 0 && shown < 0 && err)
		*err = other;
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_backup_run = {
	.group = "backup",
	.verb = "run",
	.summary = "back up one target, or all of them, into the store",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
