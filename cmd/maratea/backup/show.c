/* show.c - "maratea backup show": one backup's manifest, readable. */
#include "base/text.h"
#include "maratea/commands.h"
#include "repository/list.h"

#include <inttypes.h>
#include <stdio.h>

struct args {
	const char *id;
};

#define SKIPPED_MAX 10

void mrt_backup_print_skipped(struct mrt_output *out, const json_t *manifest)
{
	const json_t *item;
	size_t i, n = 0;
	json_array_foreach (json_object_get(manifest, "skipped"), i, item)
		if (n++ < SKIPPED_MAX)
			mrt_show_field(out, "skipped", "%s: %s", mrt_json_text_or(item, "name", ""),
			               mrt_json_text_or(item, "reason", ""));
	if (n > SKIPPED_MAX)
		mrt_show_field(out, "", "... and %zu more; -o json has them all", n - SKIPPED_MAX);
}

static const struct mrt_opt opts[] = {
	MRT_OPERAND(struct args, id, "ID", "a backup's id, or latest", .offers = MRT_OFFER_BACKUPS),
	MRT_OPT_END
};

static int show_databases(struct mrt_output *out, const json_t *m, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "DATABASE", MRT_LEFT }, { "OWNER", MRT_LEFT }, { "SIZE", MRT_RIGHT },
		{ "TABLES", MRT_RIGHT },  { "ROWS", MRT_RIGHT }, { "LARGE OBJECTS", MRT_RIGHT },
		{ "OBJECT", MRT_LEFT },
	};
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 7, &table, err);
	const json_t *d, *t;
	size_t i, k;
	json_array_foreach (json_object_get(m, "databases"), i, d) {
		uint64_t rows = 0;
		char size[MRT_SIZE_SIZE], numbers[3][24];
		json_array_foreach (json_object_get(d, "tables"), k, t)
			rows += mrt_json_size_or(t, "rows", 0);
		mrt_size_format(mrt_json_size_or(d, "size", 0), size);
		snprintf(numbers[0], 24, "%zu", json_array_size(json_object_get(d, "tables")));
		snprintf(numbers[1], 24, "%" PRIu64, rows);
		snprintf(numbers[2], 24, "%" PRIu64, mrt_json_size_or(d, "large_objects", 0));
		const char *const cells[] = { mrt_json_text_or(d, "name", ""),
			                      mrt_json_text_or(d, "owner", ""),
			                      size,
			                      numbers[0],
			                      numbers[1],
			                      numbers[2],
			                      mrt_json_text_or(d, "object", "") };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static int show_physical(struct mrt_output *out, const json_t *m, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "DATABASE", MRT_LEFT },
		                                     { "SIZE", MRT_RIGHT } };
	const json_t *physical = json_object_get(m, "physical"), *item;
	mrt_auto(mrt_table) *table = NULL;
	char size[MRT_SIZE_SIZE];
	size_t i;
	mrt_show_field(out, "wal", "%s to %s, timeline %" PRIu64 ", %" PRIu64 " segments",
	               mrt_json_text_or(physical, "start_lsn", ""),
	               mrt_json_text_or(physical, "end_lsn", ""),
	               mrt_json_size_or(physical, "timeline", 0),
	               mrt_json_size_or(physical, "wal_segments", 0));
	mrt_show_field(
	        out, "pages", "checksums %s%s", mrt_json_text_or(physical, "page_checksums", "?"),
	        json_is_true(json_object_get(physical, "damaged")) ? ": DAMAGED PAGES ARE IN IT"
	                                                           : "");
	json_array_foreach (json_object_get(physical, "tablespaces"), i, item) {
		mrt_size_format(mrt_json_size_or(item, "size", 0), size);
		mrt_show_field(out, "tablespace", "%s, %s", mrt_json_text_or(item, "location", ""),
		               size);
	}
	mrt_buf_add_char(&out->text, '\n');
	int rc = mrt_table_new(columns, 2, &table, err);
	json_array_foreach (json_object_get(m, "databases"), i, item) {
		mrt_size_format(mrt_json_size_or(item, "size", 0), size);
		const char *const cells[] = { mrt_json_text_or(item, "name", ""), size };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static int show_redis(struct mrt_output *out, const json_t *m, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "DATABASE", MRT_RIGHT },
		                                     { "KEYS", MRT_RIGHT },
		                                     { "EXPIRE", MRT_RIGHT } };
	const json_t *redis = json_object_get(m, "redis"), *server = json_object_get(m, "server"),
	             *item;
	mrt_auto(mrt_table) *table = NULL;
	size_t i;
	mrt_show_field(out, "server", "Redis %s, %s", mrt_json_text_or(server, "version", "?"),
	               mrt_json_text_or(server, "role", "?"));
	mrt_show_field(out, "checksum", "%s", mrt_json_text_or(redis, "crc", "?"));
	json_array_foreach (json_object_get(redis, "modules"), i, item)
		mrt_show_field(out, "module", "%s", json_string_value(item));
	const json_t *object = json_array_get(json_object_get(m, "objects"), 0);
	json_array_foreach (json_object_get(object, "recipients"), i, item)
		mrt_show_field(out, "encrypted to", "%s", json_string_value(item));
	json_array_foreach (json_object_get(m, "warnings"), i, item)
		mrt_show_field(out, "warning", "%s", json_string_value(item));
	mrt_buf_add_char(&out->text, '\n');
	int rc = mrt_table_new(columns, 3, &table, err);
	json_array_foreach (json_object_get(m, "databases"), i, item) {
		char keys[24], expires[24];
		snprintf(keys, sizeof(keys), "%" PRIu64, mrt_json_size_or(item, "keys", 0));
		snprintf(expires, sizeof(expires), "%" PRIu64,
		         mrt_json_size_or(item, "expires", 0));
		const char *const cells[] = { mrt_json_text_or(item, "name", ""), keys, expires };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	struct mrt_output *out = env->out;
	mrt_auto_json m = NULL;
	int rc = mrt_backup_show(env->ctx, env->config, a->id, &m, err);
	if (rc < 0)
		return rc;
	if (out->json)
		return mrt_show_json(out, m, err);
	static const char *const names[] = { "id",     "platform",    "target",
		                             "method", "label",       "started",
		                             "ended",  "compression", "maratea" };
	for (size_t i = 0; i < MRT_COUNT(names); i++)
		if (mrt_json_text_or(m, names[i], NULL))
			mrt_show_field(out, names[i], "%s", mrt_json_text_or(m, names[i], ""));
	const json_t *server = json_object_get(m, "server"), *item;
	const json_t *redis = json_object_get(m, "redis");
	if (redis)
		return show_redis(out, m, err);
	mrt_show_field(out, "server", "PostgreSQL %s, system identifier %s",
	               mrt_json_text_or(server, "version", "?"),
	               *mrt_json_text_or(server, "system_identifier", "")
	                       ? mrt_json_text_or(server, "system_identifier", "")
	                       : "not known");
	mrt_show_field(out, "whole", "%s",
	               json_is_true(json_object_get(m, "whole")) ? "yes"
	                                                         : "no: some databases only");
	mrt_show_field(out, "passwords", "%s",
	               json_is_true(json_object_get(m, "role_passwords"))
	                       ? "role passwords are in it"
	                       : "role passwords are not in it");
	size_t i;
	const json_t *object = json_array_get(json_object_get(m, "objects"), 0);
	json_array_foreach (json_object_get(object, "recipients"), i, item)
		mrt_show_field(out, "encrypted to", "%s", json_string_value(item));
	mrt_backup_print_skipped(out, m);
	json_array_foreach (json_object_get(m, "warnings"), i, item)
		mrt_show_field(out, "warning", "%s", json_string_value(item));
	if (json_object_get(m, "physical"))
		return show_physical(out, m, err);
	mrt_buf_add_char(&out->text, '\n');
	return show_databases(out, m, err);
}

const struct mrt_cmd mrt_cmd_backup_show = {
	.group = "backup",
	.verb = "show",
	.summary = "show one backup's manifest",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
