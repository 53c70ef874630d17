/* remove.c - "maratea domain remove". */
#include "maratea/commands.h"
#include "maratea/domain/show.h"
#include "ops/domain/commands.h"

#include <string.h>

struct args {
	const char *slug, *name;
};

static const struct mrt_opt opts[] = { MRT_DOMAIN_SLUG(struct args), MRT_DOMAIN_NAME(struct args),
	                               MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_json domain = NULL;
	int rc = mrt_domain_remove(env->ctx, env->config, a->slug, a->name, &domain, err);
	if (rc < 0 || env->out->json)
		return rc < 0 ? rc : mrt_show_json(env->out, domain, err);
	mrt_show_field(env->out, "domain", "%s", mrt_domain_text(domain, "name"));
	mrt_show_field(env->out, "school", "%s", mrt_domain_text(domain, "slug"));
	if (strcmp(mrt_domain_text(domain, "state"), "removed") == 0)
		mrt_show_field(env->out, "state", "removed before; its own tables say so now");
	else
		mrt_show_field(env->out, "state", "removed; it was %s%s",
		               mrt_domain_text(domain, "state"),
		               json_is_true(json_object_get(domain, "primary"))
		                       ? ", and the primary one: the school has none now"
		                       : "");
	return 0;
}

const struct mrt_cmd mrt_cmd_domain_remove = {
	.group = "domain",
	.verb = "remove",
	.summary = "take a domain, or a claim to it, away from a school",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
