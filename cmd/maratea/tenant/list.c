/* list.c - "maratea tenant list" and "maratea tenant show". */
#include "maratea/commands.h"
#include "maratea/listing.h"
#include "ops/tenant/list.h"

#include <inttypes.h>

struct list_args {
	const char *status, *plan, *domain;
};
struct show_args {
	const char *slug;
};

static const struct mrt_opt list_opts[] = {
	MRT_OPT_TEXT(struct list_args, status, 0, "status", "STATUS", "only those that are",
	             .choices = "provisioning|active|suspended|archived"),
	MRT_OPT_TEXT(struct list_args, plan, 0, "plan", "NAME", "only those on this plan",
	             .offers = MRT_OFFER_PLANS),
	MRT_OPT_TEXT(struct list_args, domain, 0, "domain", "NAME",
	             "only the one that is active at this domain", .offers = MRT_OFFER_DOMAINS),
	MRT_OPT_END
};
static const struct mrt_opt show_opts[] = {
	MRT_OPERAND(struct show_args, slug, "SLUG", "the school's", .offers = MRT_OFFER_TENANTS),
	MRT_OPT_END
};

static void row(struct mrt_table *table, const json_t *t)
{
	const char *const cells[] = {
		mrt_json_text_or(t, "slug", ""),      mrt_json_text_or(t, "name", ""),
		mrt_json_text_or(t, "status", ""),    mrt_json_text_or(t, "plan", ""),
		mrt_json_text_or(t, "isolation", ""), mrt_json_text_or(t, "created_at", "")
	};
	mrt_table_row(table, cells);
}

static int run_list(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "SLUG", MRT_LEFT }, { "NAME", MRT_LEFT },      { "STATUS", MRT_LEFT },
		{ "PLAN", MRT_LEFT }, { "ISOLATION", MRT_LEFT }, { "CREATED", MRT_LEFT },
	};
	const struct list_args *a = args;
	const struct mrt_tenant_filter filter = { .status = a->status,
		                                  .plan = a->plan,
		                                  .domain = a->domain };
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "tenants",
		.name = "slug",
		.nothing = a->status || a->plan || a->domain
		                   ? "no schools like that"
		                   : "no schools; 'maratea tenant create' makes one",
		.columns = columns,
		.n_columns = 6,
		.row = row,
	};
	int rc = mrt_tenant_list(env->ctx, env->config, &filter, mrt_listing_add, &listing, err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

int mrt_tenant_print(struct mrt_output *out, const json_t *t, struct mrt_error *err)
{
	const char *reason = mrt_json_text_or(t, "reason", NULL),
	           *database = mrt_json_text_or(t, "database", NULL);
	const json_t *domain;
	size_t i;
	if (out->json)
		return mrt_show_json(out, t, err);
	mrt_show_field(out, "school", "%s", mrt_json_text_or(t, "slug", ""));
	mrt_show_field(out, "name", "%s", mrt_json_text_or(t, "name", ""));
	mrt_show_field(out, "id", "%s", mrt_json_text_or(t, "id", ""));
	mrt_show_field(out, "status", "%s%s%s", mrt_json_text_or(t, "status", ""),
	               reason ? ": " : "", reason ? reason : "");
	mrt_show_field(out, "plan", "%s", mrt_json_text_or(t, "plan", ""));
	mrt_show_field(out, "isolation", "%s", mrt_json_text_or(t, "isolation", ""));
	mrt_show_field(out, "tables in", "%s%s%s", database ? database : "",
	               database ? ", schema " : "schema ", mrt_json_text_or(t, "schema", ""));
	json_array_foreach (json_object_get(t, "domains"), i, domain)
		mrt_show_field(out, i == 0 ? "domains" : "", "%s", json_string_value(domain));
	mrt_show_field(out, "created", "%s", mrt_json_text_or(t, "created_at", ""));
	mrt_show_field(out, "updated", "%s, version %" PRIu64,
	               mrt_json_text_or(t, "updated_at", ""), mrt_json_size_or(t, "version", 0));
	return 0;
}

static int run_show(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct show_args *a = args;
	mrt_auto_json tenant = NULL;
	int rc = mrt_tenant_show(env->ctx, env->config, a->slug, &tenant, err);
	return rc < 0 ? rc : mrt_tenant_print(env->out, tenant, err);
}

const struct mrt_cmd mrt_cmd_tenant_list = {
	.group = "tenant",
	.verb = "list",
	.summary = "list the schools",
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.needs_config = true,
	.lists = true,
	.run = run_list,
};
const struct mrt_cmd mrt_cmd_tenant_show = {
	.group = "tenant",
	.verb = "show",
	.summary = "show a school",
	.opts = show_opts,
	.args_size = sizeof(struct show_args),
	.needs_config = true,
	.run = run_show,
};
