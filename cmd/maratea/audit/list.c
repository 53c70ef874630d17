/* list.c - "maratea audit list" and "maratea audit verify". */
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/audit/commands.h"
#include "repository/audit_heads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX 50

struct args {
	const char *slug, *since, *actor, *action;
	int64_t limit;
};
struct verify_args {
	const char *slug, *backup;
};

static const struct mrt_opt list_opts[] = {
	MRT_OPT_TEXT(struct args, since, 0, "since", "TIME",
	             "only from then on: 24h, 7d, 2026-11-25, 2026-11-25T14:00:00Z"),
	MRT_OPT_TEXT(struct args, actor, 0, "actor", "TEXT", "only by those whose name has it"),
	MRT_OPT_TEXT(struct args, action, 0, "action", "TEXT",
	             "only what begins so: user.add, or tenant for all that was done to schools"),
	MRT_OPT_NUMBER(struct args, limit, 0, "limit", "N", "only the newest N", 1, 100000),
	MRT_OPERAND_MAYBE(
	        struct args, slug, "SLUG",
	        "what was done to this school (default: all that was done in the platform)",
	        .offers = MRT_OFFER_TENANTS),
	MRT_OPT_END
};
static const struct mrt_opt verify_opts[] = {
	MRT_OPT_TEXT(struct verify_args, backup, 0, "backup", "ID",
	             "compare with what this backup remembers, or latest, all, none (default: all, "
	             "where a store is configured)",
	             .offers = MRT_OFFER_BACKUPS),
	MRT_OPERAND_MAYBE(struct verify_args, slug, "SLUG",
	                  "only this school's chains (default: all)", .offers = MRT_OFFER_TENANTS),
	MRT_OPT_END
};

static void row(struct mrt_table *table, const json_t *event)
{
	char seq[24];
	snprintf(seq, sizeof(seq), "%" PRIu64, mrt_json_size_or(event, "seq", 0));
	const json_t *payload = json_object_get(event, "payload");
	mrt_autofree char *text = json_is_null(payload) ? NULL : json_dumps(payload, JSON_COMPACT);
	const char *const cells[] = {
		mrt_json_text_or(event, "at", ""),     mrt_json_text_or(event, "slug", ""),
		mrt_json_text_or(event, "chain", ""),  seq,
		mrt_json_text_or(event, "action", ""), mrt_json_text_or(event, "actor", ""),
		mrt_json_text_or(event, "origin", ""), text ? text : "erased"
	};
	mrt_table_row(table, cells);
}

static int run_list(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "AT", MRT_LEFT },     { "SCHOOL", MRT_LEFT }, { "CHAIN", MRT_LEFT },
		{ "SEQ", MRT_RIGHT },   { "ACTION", MRT_LEFT }, { "ACTOR", MRT_LEFT },
		{ "ORIGIN", MRT_LEFT }, { "DETAIL", MRT_LEFT },
	};
	const struct args *a = args;
	const struct mrt_audit_filter filter = { .since = a->since,
		                                 .actor = a->actor,
		                                 .action = a->action,
		                                 .limit = (uint64_t)a->limit };
	bool some = a->since || a->actor || a->action;
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "events",
		.name = "id",
		.nothing = !some     ? "nothing was done yet"
		           : a->slug ? "nothing like that was done"
		                     : "nothing like that was done to the platform; what was done "
		                       "inside a school: 'maratea audit list SLUG'",
		.columns = columns,
		.n_columns = 8,
		.row = row,
	};
	int rc = mrt_audit_list(env->ctx, env->config, a->slug, &filter, mrt_listing_add, &listing,
	                        err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

static void show_compared(struct mrt_output *out, const json_t *report)
{
	const json_t *backups = json_object_get(report, "backups"),
	             *not = json_object_get(report, "not_compared"), *item;
	size_t n = json_array_size(backups), i;
	if (n == 0)
		mrt_show_field(out, "compared", "with no backup");
	else if (n == 1)
		mrt_show_field(out, "compared", "with the backup %s",
		               json_string_value(json_array_get(backups, 0)));
	else
		mrt_show_field(out, "compared", "with %zu backups, the newest %s", n,
		               json_string_value(json_array_get(backups, 0)));
	if (n == 0)
		return;
	json_array_foreach (not, i, item)
		if (i < 10)
			mrt_show_field(out, i == 0 ? "in none" : "", "%s", json_string_value(item));
	if (i > 10)
		mrt_show_field(out, "", "... and %zu more; -o json has them all", i - 10);
}

static int show_event(struct mrt_output *out, const json_t *report, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "SCHOOL", MRT_LEFT },
		                                     { "TENANT", MRT_LEFT },
		                                     { "SCHEMA", MRT_LEFT },
		                                     { "FAULT", MRT_LEFT } };
	const json_t *faults = json_object_get(report, "faults"), *item;
	size_t i;
	uint64_t erased = mrt_json_size_or(report, "erased", 0);
	mrt_show_field(out, "followed", "%" PRIu64 " chains, %" PRIu64 " rows",
	               mrt_json_size_or(report, "chains", 0), mrt_json_size_or(report, "rows", 0));
	if (erased > 0)
		mrt_show_field(out, "erased", "the payload of %" PRIu64 " rows", erased);
	show_compared(out, report);
	if (json_array_size(faults) == 0) {
		mrt_show_field(out, "chains", "are whole");
		return 0;
	}
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 4, &table, err);
	json_array_foreach (faults, i, item) {
		const char *const cells[] = { mrt_json_text_or(item, "slug", "the platform"),
			                      mrt_json_text_or(item, "tenant", ""),
			                      mrt_json_text_or(item, "schema", ""),
			                      mrt_json_text_or(item, "text", "") };
		if (rc == 0 && i < LINES_MAX)
			mrt_table_row(table, cells);
	}
	if (rc == 0)
		rc = mrt_table_show(out, table, err);
	if (i > LINES_MAX)
		mrt_buf_printf(&out->text, "... and %zu more; -o json has them all\n",
		               i - LINES_MAX);
	return rc;
}

struct memory {
	const struct mrt_cmd_env *env;
	const char *id; /* NULL: all */
	struct mrt_audit_heads heads;
};

static void memory_release(struct memory *m)
{
	mrt_audit_heads_release(&m->heads);
}

static int find(void *context, const char *platform, size_t *ret_n, struct mrt_error *err)
{
	struct memory *m = context;
	int rc = mrt_audit_heads_open(m->env->ctx, m->env->config, m->id, platform, &m->heads, err);
	*ret_n = m->heads.n;
	return rc;
}

static const char *id(void *context, size_t i)
{
	const struct memory *m = context;
	return mrt_audit_heads_id(&m->heads, i);
}

static const char *heads(void *context, size_t i, const char *database, const char *schema)
{
	const struct memory *m = context;
	return mrt_audit_heads_text(&m->heads, i, database, schema);
}

static int run_verify(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct verify_args *a = args;
	const char *which = a->backup ? a->backup : env->config->store_url ? "all" : "none";
	mrt_cleanup(memory_release) struct memory memory = {
		.env = env, .id = strcmp(which, "all") == 0 ? NULL : which
	};
	const struct mrt_audit_memory remembers = { find, id, heads, &memory };
	bool none = strcmp(which, "none") == 0;
	mrt_auto_json report = NULL;
	struct mrt_error other;
	int shown = 0, rc = mrt_audit_verify(env->ctx, env->config, a->slug,
	                                     none ? NULL : &remembers, &report, err);
	if (report)
		shown = env->out->json ? mrt_show_json(env->out, report, &other)
		                       : show_event(env->out, report, &other);
	if (rc == 0 && shown < 0 && err)
		*err = other;
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_audit_list = {
	.group = "audit",
	.verb = "list",
	.summary = "who did what",
	.opts = list_opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run_list,
};
const struct mrt_cmd mrt_cmd_audit_verify = {
	.group = "audit",
	.verb = "verify",
	.summary = "is what was done still what is told?",
	.opts = verify_opts,
	.args_size = sizeof(struct verify_args),
	.needs_config = true,
	.run = run_verify,
};
