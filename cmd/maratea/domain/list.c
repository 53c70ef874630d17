/* list.c - "maratea domain list". */
#include "codec/domain.h"
#include "maratea/commands.h"
#include "maratea/domain/show.h"
#include "maratea/listing.h"
#include "ops/domain/commands.h"

#include <stdio.h>

#define STATES "pending|expired|active"

struct args {
	const char *slug, *state;
};

static const struct mrt_opt opts[] = { MRT_OPT_TEXT(struct args, state, 0, "state", "STATE",
	                                            "only those that are", .choices = STATES),
	                               MRT_OPERAND_MAYBE(struct args, slug, "SLUG",
	                                                 "only those of this school",
	                                                 .offers = MRT_OFFER_TENANTS),
	                               MRT_OPT_END };

static void row(struct mrt_table *table, const json_t *d)
{
	char state[64], name[MRT_DOMAIN_DISPLAY_SIZE];
	const char *since = mrt_domain_text(d, "active_since");
	mrt_domain_display(mrt_domain_text(d, "name"), name);
	snprintf(state, sizeof(state), "%s%s%s", mrt_domain_text(d, "state"),
	         json_is_true(json_object_get(d, "primary")) ? ", primary" : "",
	         json_is_object(json_object_get(d, "challenge")) ? ", challenged" : "");
	const char *const cells[] = { name, mrt_domain_text(d, "slug"), state, since,
		                      *since ? "" : mrt_domain_text(d, "expires_at") };
	mrt_table_row(table, cells);
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	static const struct mrt_column columns[] = {
		{ "DOMAIN", MRT_LEFT },       { "SCHOOL", MRT_LEFT },        { "STATE", MRT_LEFT },
		{ "ACTIVE SINCE", MRT_LEFT }, { "CLAIMED UNTIL", MRT_LEFT },
	};
	const struct args *a = args;
	const struct mrt_domain_filter filter = { .slug = a->slug, .state = a->state };
	mrt_cleanup(mrt_listing_release) struct mrt_listing listing = {
		.out = env->out,
		.list = "domains",
		.name = "name",
		.nothing = a->slug || a->state ? "no domains like that"
		                               : "no domains; 'maratea domain add' claims one",
		.columns = columns,
		.n_columns = 5,
		.row = row,
	};
	int rc = mrt_domain_list(env->ctx, env->config, &filter, mrt_listing_add, &listing, err);
	return rc < 0 ? rc : mrt_listing_end(&listing, err);
}

const struct mrt_cmd mrt_cmd_domain_list = {
	.group = "domain",
	.verb = "list",
	.summary = "list the domains that are active or claimed",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.lists = true,
	.run = run,
};
