/* activate.c - "maratea domain activate". */
#include "maratea/commands.h"
#include "maratea/domain/show.h"
#include "ops/domain/commands.h"

struct args {
	const char *slug, *name;
	bool primary;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_FLAG(struct args, primary, 0, "primary",
	             "of several, the one that services put into the school's links"),
	MRT_DOMAIN_SLUG(struct args), MRT_DOMAIN_NAME(struct args), MRT_OPT_END
};

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	struct mrt_error second;
	int rc = mrt_domain_activate(env->ctx, env->config, a->slug, a->name, a->primary, &domain,
	                             err);
	if (!domain)
		return rc;
	if (env->out->json) {
		int shown = mrt_show_json(env->out, domain, &second);
		if (rc == 0 && shown < 0 && err)
			*err = second;
		return rc < 0 ? rc : shown;
	}
	mrt_domain_show(env->out, domain);
	if (rc == 0 && !json_is_true(json_object_get(domain, "changed")))
		mrt_buf_add_text(&env->out->text, "it was so already\n");
	return rc;
}

const struct mrt_cmd mrt_cmd_domain_activate = {
	.group = "domain",
	.verb = "activate",
	.summary = "serve a school at a domain that shows its token",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
