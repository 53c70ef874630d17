/* secret_args.c - URLs on the command line: how a password gets there without being seen. */
#include "base/secret.h"
#include "codec/url.h"
#include "maratea/cmd.h"

static int hide_value(struct mrt_parsed *parsed, const struct mrt_opt *o,
                      const struct mrt_context *ctx, struct mrt_error *err)
{
	const char **field = (const char **)((char *)parsed->args + o->offset);
	mrt_auto_secret text = NULL;
	if (!*field)
		return 0;
	int rc = mrt_config_expand(*field, NULL, &text, err);
	if (rc < 0)
		return mrt_prefix(err, mrt_recode(err, MRT_USAGE), "--%s", o->name);
	rc = mrt_url_hide(ctx->log, text, err);
	if (rc < 0)
		return rc;
	if (mrt_url_has_password(*field))
		mrt_warn(ctx,
		         "every user of this machine can see the password in --%s; write --%s "
		         "'${env:NAME}' or '${file:PATH}' instead",
		         o->name, o->name);
	mrt_assert(parsed->n_expanded < MRT_COUNT(parsed->expanded));
	parsed->expanded[parsed->n_expanded++] = text;
	*field = mrt_steal(text);
	return 0;
}

int mrt_parsed_hide(struct mrt_parsed *parsed, const struct mrt_context *ctx, struct mrt_error *err)
{
	for (const struct mrt_opt *o = parsed->cmd->opts; o->kind; o++) {
		int rc = o->url ? hide_value(parsed, o, ctx, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}
