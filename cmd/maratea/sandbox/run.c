/* run.c - "maratea sandbox run -- COMMAND". */
#include "maratea/commands.h"
#include "ops/sandbox/run.h"

struct args {
	struct mrt_texts command;
};

static const struct mrt_opt opts[] = { MRT_OPERAND_REST(struct args, command, "COMMAND",
	                                                "what to run, with its arguments"),
	                               MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_autofree const char **argv = calloc(a->command.n + 1, sizeof(*argv));
	int status = 0;
	if (!argv)
		return mrt_no_memory(err);
	for (size_t i = 0; i < a->command.n; i++)
		argv[i] = a->command.items[i];
	int rc = mrt_sandbox_run(env->ctx, env->config, argv, &status, err);
	return rc < 0 ? rc : status; /* the command's own status is ours */
}

const struct mrt_cmd mrt_cmd_sandbox_run = {
	.group = "sandbox",
	.verb = "run",
	.summary = "run a command with a private PostgreSQL, Redis and store",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
