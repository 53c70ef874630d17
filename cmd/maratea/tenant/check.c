/* check.c - "maratea tenant check": are schools kept apart? */
#include "maratea/commands.h"
#include "ops/isolation/catalogue.h"

#include <inttypes.h>

struct args {
	const char *slug;
	bool all, all_tenants;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_FLAG(struct args, all, 0, "all", "everywhere, as without a SLUG"),
	MRT_OPT_FLAG(struct args, all_tenants, 0, "all-tenants",
	             "besides, look as each school that there is"),
	MRT_OPERAND_MAYBE(struct args, slug, "SLUG",
	                  "where this school's tables are (default: all)",
	                  .offers = MRT_OFFER_TENANTS),
	MRT_OPT_END
};

static int show_findings(struct mrt_output *out, const json_t *report, struct mrt_error *err)
{
	static const struct mrt_column columns[] = { { "CHECK", MRT_LEFT },
		                                     { "SCHOOL", MRT_LEFT },
		                                     { "OBJECT", MRT_LEFT },
		                                     { "FINDING", MRT_LEFT } };
	const json_t *findings = json_object_get(report, "findings"), *item;
	size_t i;
	if (json_array_size(findings) == 0) {
		mrt_show_field(out, "schools", "are kept apart");
		mrt_show_field(out, "checked",
		               "%" PRIu64 " tables in %" PRIu64 " schemas, %" PRIu64
		               " attempts to reach another's rows",
		               mrt_json_size_or(report, "tables", 0),
		               mrt_json_size_or(report, "schemas", 0),
		               mrt_json_size_or(report, "attempts", 0));
		return 0;
	}
	mrt_auto(mrt_table) *table = NULL;
	int rc = mrt_table_new(columns, 4, &table, err);
	json_array_foreach (findings, i, item) {
		const char *const cells[] = { mrt_json_text_or(item, "check", ""),
			                      mrt_json_text_or(item, "tenant", ""),
			                      mrt_json_text_or(item, "object", ""),
			                      mrt_json_text_or(item, "text", "") };
		if (rc == 0)
			mrt_table_row(table, cells);
	}
	return rc < 0 ? rc : mrt_table_show(out, table, err);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_tenant_check_options how = { .slug = a->slug,
		                                      .all_tenants = a->all_tenants };
	mrt_auto_json report = NULL;
	struct mrt_error other;
	if (a->all && a->slug)
		return mrt_fail(err, MRT_USAGE, "--all is everywhere, and %s is one school",
		                a->slug);
	int shown = 0, rc = mrt_tenant_check(env->ctx, env->config, &how, &report, err);
	if (report)
		shown = env->out->json ? mrt_show_json(env->out, report, &other)
		                       : show_findings(env->out, report, &other);
	if (rc == 0 && shown < 0 && err)
		*err = other;
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_tenant_check = {
	.group = "tenant",
	.verb = "check",
	.summary = "are schools kept apart? changes nothing",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
