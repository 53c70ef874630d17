/* confirm.c - asking before what cannot be undone. */
#include "maratea/cmd.h"

#include <stdio.h>
#include <string.h>

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
	fprintf(stderr, "%s? Type yes to go on: ", question);
	if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "yes\n") != 0)
		return mrt_fail(err, MRT_USAGE, "%s: not confirmed", question);
	return 0;
}
