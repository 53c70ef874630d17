/* confirm.c - asking before what cannot be undone. */
#include "maratea/cmd.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int mrt_confirm(const struct mrt_cmd_env *env, bool yes, const char *question,
                struct mrt_error *err)
{
	if (yes)
		return 0;
	if (!env->terminal) {
		mrt_fail(err, MRT_USAGE,
		         "%s needs a confirmation, and there is no terminal to ask at", question);
		return mrt_hint(err, "--yes confirms beforehand");
	}
	char answer[16] = "";
	short events = 0;
	fprintf(stderr, "%s? Type yes to go on: ", question);
	/* a terminal gives whole lines; who is told to stop does not wait for one */
	int rc = mrt_context_poll(env->ctx, STDIN_FILENO, POLLIN, -1, &events, err);
	if (rc < 0) {
		fputc('\n', stderr);
		return rc;
	}
	ssize_t n = read(STDIN_FILENO, answer, sizeof(answer) - 1);
	return n > 0 && strcmp(answer, "yes\n") == 0
	               ? 0
	               : mrt_fail(err, MRT_USAGE, "%s: not confirmed", question);
}
