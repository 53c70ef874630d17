/* create.c - "maratea tenant create": a school in one command. */
#include "maratea/commands.h"
#include "ops/tenant/create.h"

struct args {
	const char *slug, *name, *plan, *owner_email, *isolation, *domain;
	bool dry_run;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_TEXT(struct args, name, 0, "name", "TEXT", "what the school is called"),
	MRT_OPT_TEXT(struct args, plan, 0, "plan", "NAME", "its tariff", .offers = MRT_OFFER_PLANS),
	MRT_OPT_TEXT(struct args, owner_email, 0, "owner-email", "EMAIL",
	             "whom it belongs to; gets an invitation"),
	MRT_OPT_TEXT(struct args, isolation, 0, "isolation", "MODE",
	             "shared, schema or database (default: the plan's)",
	             .choices = "shared|schema|database"),
	MRT_OPT_TEXT(struct args, domain, 0, "domain", "NAME",
	             "a domain of its own that it claims"),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what would be done; do nothing"),
	MRT_OPERAND(struct args, slug, "SLUG", "its name in addresses"),
	MRT_OPT_END
};

static void show_creation(struct mrt_output *out, const json_t *r)
{
	const json_t *owner = json_object_get(r, "owner"), *step;
	const char *database = mrt_json_text_or(r, "database", NULL),
	           *schema = mrt_json_text_or(r, "schema", NULL),
	           *domain = mrt_json_text_or(json_object_get(r, "domain"), "name", NULL),
	           *invitation = mrt_json_text_or(owner, "invitation", NULL);
	size_t i;
	bool dry_run = json_is_true(json_object_get(r, "dry_run"));
	mrt_show_field(out, "school", "%s", mrt_json_text_or(r, "slug", ""));
	if (!dry_run)
		mrt_show_field(out, "id", "%s", mrt_json_text_or(r, "id", ""));
	mrt_show_field(out, "plan", "%s", mrt_json_text_or(r, "plan", ""));
	mrt_show_field(out, "isolation", "%s", mrt_json_text_or(r, "isolation", ""));
	if (schema)
		mrt_show_field(out, "tables in", "%s%s%s", database ? database : "",
		               database ? ", schema " : "schema ", schema);
	json_array_foreach (json_object_get(r, "steps"), i, step)
		mrt_show_field(out, i == 0 ? "steps" : "", "%s: %s",
		               mrt_json_text_or(step, "step", ""),
		               mrt_json_text_or(step, "state", ""));
	mrt_show_field(out, "owner", "%s", mrt_json_text_or(owner, "email", ""));
	if (invitation)
		mrt_show_field(out, "invitation", "%s", invitation);
	if (domain)
		mrt_show_field(out, "domain", "%s", domain);
	if (domain && !dry_run)
		mrt_domain_print_wanted(out, json_object_get(r, "domain"));
	if (dry_run)
		mrt_buf_add_text(&out->text, "nothing was changed (--dry-run)\n");
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	const struct mrt_tenant_create_options how = {
		.name = a->name,
		.plan = a->plan,
		.owner_email = a->owner_email,
		.isolation = a->isolation,
		.domain = a->domain,
		.dry_run = a->dry_run,
	};
	mrt_auto_json report = NULL;
	if (!a->name || !a->plan || !a->owner_email) {
		mrt_fail(err, MRT_USAGE, "it needs%s%s%s", a->name ? "" : " --name",
		         a->plan ? "" : " --plan", a->owner_email ? "" : " --owner-email");
		return mrt_hint(err, "'maratea tenant create --help' tells what they are");
	}
	int rc = mrt_tenant_create(env->ctx, env->config, a->slug, &how, &report, err);
	if (rc == 0 && env->out->json)
		return mrt_show_json(env->out, report, err);
	if (rc == 0)
		show_creation(env->out, report);
	return rc;
}

const struct mrt_cmd mrt_cmd_tenant_create = {
	.group = "tenant",
	.verb = "create",
	.summary = "make a school, or finish one that was begun",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
