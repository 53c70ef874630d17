/* url.h - the secrets inside URLs.
 *
 * A URL is scheme://[user[:password]@]host[:port][/path][?query] (RFC 3986), or, of PostgreSQL,
 * also a keyword/value string (libpq's manual, "Connection Strings").
 */
#ifndef MRT_CODEC_URL_H
#define MRT_CODEC_URL_H

#include "base/log.h"

/* Registers the password of a URL with the log, as it is written and as it is meant; of http and
 * https the user name, too, which may be a token. */
int mrt_url_hide(struct mrt_log *log, const char *url, struct mrt_error *err);
/* Of a URL that is a secret as a whole (a ping's, a webhook's): the parts of its path and query
 * that are at least 8 bytes long, since a peer may repeat one of them. */
int mrt_url_hide_path(struct mrt_log *log, const char *url, struct mrt_error *err);
/* Does it hold something that mrt_url_hide() would register? */
bool mrt_url_has_password(const char *url);

#endif
