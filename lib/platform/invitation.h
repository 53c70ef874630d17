/* invitation.h - e-mail addresses, and the links that let people in. */
#ifndef MRT_PLATFORM_INVITATION_H
#define MRT_PLATFORM_INVITATION_H

#include "platform/session.h"

/* MRT_USAGE. */
int mrt_email_check(const char *email, struct mrt_error *err);
/* What is behind a token that is told once: the link, or where platform.domain is not set the
 * token; and the hex of its digest. */
int mrt_invitation_make(const struct mrt_session *s, const char *slug, char **ret_invitation,
                        char ret_digest[65], struct mrt_error *err);

#endif
