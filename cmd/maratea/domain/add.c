/* add.c - "maratea domain add". */
#include "maratea/commands.h"
#include "maratea/domain/show.h"
#include "ops/domain/commands.h"

struct args {
	const char *slug, *name;
};

static const struct mrt_opt opts[] = {
	MRT_DOMAIN_SLUG(struct args),
	MRT_OPERAND(struct args, name, "NAME", "such as learn.example.org"), MRT_OPT_END
};

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	int rc = mrt_domain_add(env->ctx, env->config, a->slug, a->name, &domain, err);
	if (rc < 0 || env->out->json)
		return rc < 0 ? rc : mrt_show_json(env->out, domain, err);
	mrt_domain_show_state(env->out, domain);
	mrt_show_field(env->out, "token", "%s", mrt_domain_text(domain, "token"));
	if (*mrt_domain_text(domain, "active_since"))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	else
		mrt_domain_print_wanted(env->out, domain);
	return 0;
}

const struct mrt_cmd mrt_cmd_domain_add = {
	.group = "domain",
	.verb = "add",
	.summary = "claim a domain for a school, and say what it has to publish",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
