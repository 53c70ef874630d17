/* invitation.c - e-mail addresses, and the links that let people in. */
#include "platform/invitation.h"
#include "base/text.h"
#include "codec/digest.h"
#include "platform/slug.h"

#include <string.h>

#define TOKEN_BYTES 16

int mrt_email_check(const char *email, struct mrt_error *err)
{
	const char *at = strrchr(email, '@');
	size_t n = strlen(email);
	bool bad = n > 254 || !at || at == email || !at[1] || at - email > 64 ||
	           strpbrk(email, " \t\r\n<>,;\"") || strchr(at + 1, '.') == at + 1 ||
	           email[n - 1] == '.' || strstr(at, "..");
	bad = bad || mrt_words_check("", email, 254, NULL) < 0;
	return !bad ? 0
	            : mrt_fail(err, MRT_USAGE, "'%.80s%s' is no e-mail address", email,
	                       n > 80 ? "..." : "");
}

int mrt_invitation_make(const struct mrt_session *s, const char *slug, char **ret_invitation,
                        char ret_digest[MRT_SHA256_HEX], struct mrt_error *err)
{
	unsigned char digest[MRT_SHA256_SIZE];
	char token[2 * TOKEN_BYTES + 1];
	const char *domain = s->config->platform_domain;
	mrt_random_hex(TOKEN_BYTES, token);
	int rc = mrt_sha256(token, strlen(token), digest, err);
	if (rc == 0)
		rc = domain ? mrt_text_printf(ret_invitation, err, "https://%s.%s/invitation/%s",
		                              slug, domain, token)
		            : mrt_text_dup(token, ret_invitation, err);
	mrt_hex(digest, sizeof(digest), ret_digest);
	explicit_bzero(token, sizeof(token));
	return rc;
}
