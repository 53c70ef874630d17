/* url.c - the secrets inside URLs. */
#include "codec/url.h"
#include "base/secret.h"
#include "base/text.h"

#include <string.h>

#define PART_MIN 8 /* shorter ones are words such as "ping" */

struct span {
	const char *from;
	size_t len;
};

/* The password before the host; of http also a user name that stands alone. */
static struct span in_authority(const char *url)
{
	const char *scheme = strstr(url, "://");
	if (!scheme)
		return (struct span) { 0 };
	const char *begin = scheme + 3, *end = begin + strcspn(begin, "/?");
	const char *at = memrchr(begin, '@', (size_t)(end - begin));
	if (!at)
		return (struct span) { 0 };
	const char *colon = memchr(begin, ':', (size_t)(at - begin));
	if (colon)
		return (struct span) { colon + 1, (size_t)(at - colon - 1) };
	bool token = strncmp(url, "http", 4) == 0;
	return (struct span) { begin, token ? (size_t)(at - begin) : 0 };
}

/* The value of the next "password=" at or after *p, which moves behind it: ?password=..., or that
 * of a keyword/value string, which may be quoted. */
static struct span next_keyword(const char *url, const char **p)
{
	bool is_url = strstr(url, "://") != NULL;
	while ((*p = strstr(*p, "password"))) {
		const char *value = *p + strlen("password");
		value += strspn(value, " ");
		*p = value;
		if (*value != '=')
			continue;
		value += 1 + strspn(value + 1, " ");
		bool quoted = *value == '\'';
		value += quoted;
		size_t len = strcspn(value, quoted ? "'" : is_url ? "&" : " ");
		*p = value + len;
		return (struct span) { value, len };
	}
	return (struct span) { 0 };
}

static int hide_span(struct mrt_log *log, struct span span, struct mrt_error *err)
{
	mrt_auto_secret raw = NULL;
	mrt_auto_secret plain = NULL;
	int rc = mrt_text_printf(&raw, err, "%.*s", (int)span.len, span.from);
	if (rc == 0)
		rc = mrt_text_dup(raw, &plain, err);
	if (rc < 0)
		return rc;
	mrt_percent_decode(plain, false);
	rc = mrt_log_secret(log, raw, err);
	return rc < 0 ? rc : mrt_log_secret(log, plain, err);
}

int mrt_url_hide(struct mrt_log *log, const char *url, struct mrt_error *err)
{
	struct span span = in_authority(url);
	int rc = span.len > 0 ? hide_span(log, span, err) : 0;
	const char *p = url;
	while (rc == 0 && (span = next_keyword(url, &p)).from)
		rc = hide_span(log, span, err);
	return rc;
}

int mrt_url_hide_path(struct mrt_log *log, const char *url, struct mrt_error *err)
{
	const char *p = strstr(url, "://");
	p = p ? p + 3 + strcspn(p + 3, "/?#") : url + strlen(url);
	int rc = 0;
	while (rc == 0 && *p) {
		p += strspn(p, "/?#&=");
		struct span part = { p, strcspn(p, "/?#&=") };
		if (part.len >= PART_MIN)
			rc = hide_span(log, part, err);
		p += part.len;
	}
	return rc;
}

bool mrt_url_has_password(const char *url)
{
	const char *p = url;
	return in_authority(url).len > 0 || next_keyword(url, &p).len > 0;
}
