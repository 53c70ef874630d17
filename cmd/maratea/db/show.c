/* show.c - schemas, and the migrations that they have. */
#include "maratea/db/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX 50

static void count(const json_t *schema, uint64_t *pending, const char **worst)
{
	const json_t *item;
	size_t i;
	*pending = 0;
	json_array_foreach (json_object_get(schema, "migrations"), i, item) {
		const char *state = mrt_json_text_or(item, "state", "");
		*pending += strcmp(state, "pending") == 0;
		if (strcmp(state, "edited") == 0 || strcmp(state, "unknown") == 0)
			*worst = state;
	}
}

/* For people: those that there is something to say of, and how many there are besides. */
static bool is_quiet(const json_t *schema, size_t i)
{
	uint64_t pending;
	const char *worst = NULL;
	count(schema, &pending, &worst);
	return i >= 2 && pending == 0 && !worst && !mrt_json_text_or(schema, "error", NULL) &&
	       mrt_json_size_or(schema, "applied", 0) == 0 &&
	       !json_is_true(json_object_get(schema, "provisioning"));
}

static int show_schemas(struct mrt_output *out, const json_t *report, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "SCHEMA", MRT_LEFT }, { "OF", MRT_LEFT },       { "VERSION", MRT_RIGHT },
		{ "NEW", MRT_RIGHT },   { "PENDING", MRT_RIGHT }, { "STATE", MRT_LEFT },
	};
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 6, &table, err);
	const json_t *item, *m;
	size_t i, k, quiet = 0, shown = 0, hidden = 0;
	json_array_foreach (json_object_get(report, "schemas"), i, item) {
		if (is_quiet(item, i)) {
			quiet++;
			continue;
		}
		if (shown++ >= LINES_MAX) {
			hidden++;
			continue;
		}
		const char *error = mrt_json_text_or(item, "error", NULL), *worst = NULL;
		char version[24] = "-", applied[24], waiting[24];
		uint64_t pending;
		count(item, &pending, &worst);
		json_array_foreach (json_object_get(item, "migrations"), k, m)
			if (strcmp(mrt_json_text_or(m, "state", ""), "pending") != 0)
				snprintf(version, sizeof(version), "%04" PRIu64,
				         mrt_json_size_or(m, "number", 0));
		snprintf(applied, sizeof(applied), "%" PRIu64,
		         mrt_json_size_or(item, "applied", 0));
		snprintf(waiting, sizeof(waiting), "%" PRIu64, pending);
		const char *tenant = mrt_json_text_or(item, "tenant", NULL);
		const char *const cells[] = { mrt_json_text_or(item, "schema", ""),
			                      tenant   ? tenant
			                      : i == 0 ? "the platform"
			                               : "schools that share",
			                      version,
			                      applied,
			                      waiting,
			                      error ? error
			                      : json_is_true(json_object_get(item, "provisioning"))
			                              ? "being made"
			                      : worst       ? worst
			                      : pending > 0 ? "behind"
			                                    : "up to date" };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	if (rc == 0)
		rc = mrt_table_show(out, table, err);
	if (hidden > 0)
		mrt_buf_printf(&out->text, "... and %zu more; -o json has them all\n", hidden);
	if (quiet > 0)
		mrt_buf_printf(&out->text, "and %zu of schools, up to date\n", quiet);
	return rc;
}

int mrt_db_show_schemas(const struct mrt_cmd_env *env, const json_t *report, int rc,
                        struct mrt_error *err)
{
	struct mrt_error other;
	int shown = 0;
	if (report)
		shown = env->out->json ? mrt_show_json(env->out, report, &other)
		                       : show_schemas(env->out, report, &other);
	if (rc == 0 && shown < 0 && err)
		*err = other;
	return rc < 0 ? rc : shown;
}
