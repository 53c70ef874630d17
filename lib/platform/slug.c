/* slug.c - names that are DNS labels. */
#include "platform/slug.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyz0123456789-"

static const char *const reserved[] = {
	"abuse",      "account",  "accounts", "acme",      "admin",      "administrator", "api",
	"app",        "apps",     "assets",   "auth",      "autoconfig", "autodiscover",  "backup",
	"billing",    "blog",     "cdn",      "console",   "dashboard",  "demo",          "dev",
	"docs",       "email",    "files",    "ftp",       "grafana",    "health",        "help",
	"hostmaster", "imap",     "internal", "localhost", "login",      "logout",        "mail",
	"maratea",    "media",    "metrics",  "mx",        "news",       "noc",           "ns",
	"ns1",        "ns2",      "oauth",    "pop",       "pop3",       "postmaster",    "prod",
	"production", "register", "root",     "security",  "shop",       "signin",        "signup",
	"smtp",       "sso",      "staging",  "static",    "stats",      "status",        "store",
	"support",    "system",   "test",     "webmail",   "webmaster",  "wpad",          "www",
};

/* What the text would be as a label, "" when nothing of it is left. */
static void suggest(const char *text, char ret[MRT_SLUG_MAX + 1])
{
	size_t n = 0;
	for (const char *p = text; *p && n < MRT_SLUG_MAX; p++) {
		char c = (char)tolower((unsigned char)*p);
		if (c != '-' && strchr(PLAIN, c))
			ret[n++] = c;
		else if (n > 0 && ret[n - 1] != '-')
			ret[n++] = '-';
	}
	while (n > 0 && ret[n - 1] == '-')
		n--;
	ret[n] = '\0';
}

int mrt_label_check(const char *what, const char *text, struct mrt_error *err)
{
	char better[MRT_SLUG_MAX + 1];
	size_t n = strlen(text);
	const char *why = n == 0                     ? "is empty"
	                  : n > MRT_SLUG_MAX         ? "is longer than 63 characters"
	                  : strspn(text, PLAIN) != n ? "has more in it than a-z, 0-9 and \"-\""
	                  : text[0] == '-'           ? "begins with \"-\""
	                  : text[n - 1] == '-'       ? "ends with \"-\""
	                  : n > 3 && strncmp(text + 2, "--", 2) == 0
	                          ? "has \"--\" where internationalised names have it"
	                          : NULL;
	if (!why)
		return 0;
	suggest(text, better);
	mrt_fail(err, MRT_USAGE, "the %s '%.80s%s' %s", what, text, n > 80 ? "..." : "", why);
	return *better ? mrt_hint(err, "'%s' would do", better) : MRT_USAGE;
}

int mrt_isolation_check(const char *what, const char *text, struct mrt_error *err)
{
	static const char *const modes[] = { "shared", "schema", "database" };
	bool known = !text;
	for (size_t i = 0; !known && i < MRT_COUNT(modes); i++)
		known = strcmp(text, modes[i]) == 0;
	return known ? 0
	             : mrt_fail(err, MRT_USAGE, "%s '%.80s' is not shared, schema or database",
	                        what, text);
}

int mrt_words_check(const char *what, const char *text, size_t max, struct mrt_error *err)
{
	bool seen = false;
	if (strlen(text) > max)
		return mrt_fail(err, MRT_USAGE, "%s is longer than %zu bytes", what, max);
	for (size_t n; *text; text += n) {
		n = mrt_utf8_length(text);
		if (n == 0)
			return mrt_fail(err, MRT_USAGE, "%s is not UTF-8", what);
		if (mrt_is_control(text))
			return mrt_fail(err, MRT_USAGE, "%s has a control character in it", what);
		seen = seen || *text != ' ';
	}
	return seen ? 0 : mrt_fail(err, MRT_USAGE, "%s is empty", what);
}

int mrt_slug_check(const char *slug, struct mrt_error *err)
{
	int rc = mrt_label_check("slug", slug, err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(reserved); i++)
		if (strcmp(slug, reserved[i]) == 0)
			rc = mrt_fail(
			        err, MRT_USAGE,
			        "the slug '%s' is reserved: a platform needs that name itself",
			        slug);
	return rc;
}
