/* audit_note.c - what was done to the platform as a whole. */
#include "platform/audit_note.h"
#include "platform/session.h"

#include <stdio.h>

#define LAST_WORDS (3 * MRT_SECOND)

static int nothing_else(struct mrt_session *s, void *context, struct mrt_error *err)
{
	(void)s, (void)context, (void)err;
	return 0;
}

void mrt_audit_note(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *action, json_t *payload)
{
	/* who is interrupted still says how it ended, if that can be said quickly */
	struct mrt_context own = *ctx;
	own.signal = NULL;
	own.abort = NULL;
	if (mrt_context_check(ctx, NULL) < 0)
		own.deadline = mrt_clock_monotonic() + LAST_WORDS;
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_auto_json owned = payload;
	struct mrt_audit_event event = { .begins = true, .action = action, .payload = owned };
	struct mrt_error err;
	if (!config->postgres_migrate_url)
		return;
	int rc = owned ? mrt_session_open(&own, config, true, &s, &err) : mrt_no_memory(&err);
	if (rc == 0) {
		snprintf(event.tenant, sizeof(event.tenant), "%s", s.platform);
		rc = mrt_session_change(&s, nothing_else, NULL, &event, &err);
	}
	if (rc < 0)
		mrt_warn_because(ctx, &err, "%s is not in the audit log", action);
}
