/* credentials.c - S3 credentials: one whole set from one source, tried in order: the
 * configuration, S3_ACCESS_KEY + S3_SECRET_KEY, AWS_ACCESS_KEY_ID + AWS_SECRET_ACCESS_KEY, the
 * profile files of the AWS command line; and, when they are needed, web identity, container,
 * instance. */
#include "config/credentials.h"
#include "base/file.h"
#include "base/text.h"
#include "config/state.h"

#include <stdio.h>
#include <string.h>

#define ACCESS mrt_config_index("store.access-key")
#define SECRET mrt_config_index("store.secret-key")
#define TOKEN mrt_config_index("store.session-token")
#define REGION mrt_config_index("store.region")

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static int incomplete(const char *have, const char *lack, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CONFIG,
	                "%s is set, but %s is not: credentials come as a whole set from one source",
	                have, lack);
}

/* The value of a key in a section of an INI file's text; false when it is not there. */
static bool ini_value(const char *text, const char *section, const char *key, char *ret,
                      size_t size)
{
	bool inside = false;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t n = strcspn(line, "\r\n");
		const char *p = line + strspn(line, " \t");
		if (*p == '[') {
			size_t len = strlen(section);
			inside = strncmp(p + 1, section, len) == 0 && p[1 + len] == ']';
			continue;
		}
		size_t len = strlen(key);
		if (!inside || strncmp(p, key, len) != 0)
			continue;
		p += len + strspn(p + len, " \t");
		if (*p != '=')
			continue;
		p += 1 + strspn(p + 1, " \t");
		const char *end = line + n;
		while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		snprintf(ret, size, "%.*s", end > p ? (int)(end - p) : 0, p);
		return true;
	}
	return false;
}

static int read_profile_file(const char *override, const char *name, struct mrt_buf *buf,
                             char **ret_path, struct mrt_error *err)
{
	const char *path = variable(override), *home = variable("HOME");
	if (!path && !home)
		return MRT_NOT_FOUND;
	int rc = path ? mrt_text_dup(path, ret_path, err)
	              : mrt_text_printf(ret_path, err, "%s/.aws/%s", home, name);
	return rc < 0 ? rc : mrt_file_read(*ret_path, buf, err);
}

static int from_profile(const struct mrt_context *ctx, struct mrt_config *config,
                        struct mrt_error *err)
{
	const char *named = config->states[mrt_config_index("store.profile")].text;
	named = named ? named : variable("AWS_PROFILE");
	const char *profile = named ? named : "default";
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = MRT_BUF_INIT;
	mrt_autofree char *path = NULL, *source = NULL;
	char access[256] = "", secret[256] = "", token[4096] = "";
	int rc = read_profile_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", &text, &path, err);
	if (rc == 0) {
		ini_value(text.data ? text.data : "", profile, "aws_access_key_id", access,
		          sizeof(access));
		ini_value(text.data ? text.data : "", profile, "aws_secret_access_key", secret,
		          sizeof(secret));
		ini_value(text.data ? text.data : "", profile, "aws_session_token", token,
		          sizeof(token));
	}
	if (!access[0] && !secret[0])
		return named ? mrt_fail(err, MRT_CONFIG, "no credentials of profile '%s' in %s",
		                        profile, path ? path : "~/.aws/credentials")
		             : 0;
	if (!access[0] || !secret[0])
		return incomplete(access[0] ? "aws_access_key_id" : "aws_secret_access_key",
		                  access[0] ? "aws_secret_access_key" : "aws_access_key_id", err);
	rc = mrt_text_printf(&source, err, "profile %s", profile);
	if (rc == 0)
		rc = mrt_config_set(ctx, config, ACCESS, access, source, err);
	if (rc == 0)
		rc = mrt_config_set(ctx, config, SECRET, secret, source, err);
	if (rc == 0 && token[0])
		rc = mrt_config_set(ctx, config, TOKEN, token, source, err);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(token, sizeof(token));
	return rc;
}

static int region_of_profile(const struct mrt_context *ctx, struct mrt_config *config,
                             struct mrt_error *err)
{
	const char *named = config->states[mrt_config_index("store.profile")].text;
	named = named ? named : variable("AWS_PROFILE");
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_autofree char *path = NULL;
	char section[256] = "default", region[64];
	if (named && strcmp(named, "default") != 0)
		snprintf(section, sizeof(section), "profile %s", named);
	if (read_profile_file("AWS_CONFIG_FILE", "config", &text, &path, err) < 0 ||
	    !ini_value(mrt_buf_text(&text), section, "region", region, sizeof(region)))
		return 0;
	return mrt_config_set(ctx, config, REGION, region, path, err);
}

#define ECS "http://169.254.170.2"
#define IMDS "http://169.254.169.254"

/* Who can be asked for temporary credentials; they are asked when a request needs them. */
static int temporary_sources(struct mrt_config *config, struct mrt_error *err)
{
	struct mrt_aws_sources *aws = &config->aws;
	const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
	           *disabled = variable("AWS_EC2_METADATA_DISABLED"),
	           *imds = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	*aws = (struct mrt_aws_sources) {
		.role_arn = variable("AWS_ROLE_ARN"),
		.token_file = variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
		.session_name = variable("AWS_ROLE_SESSION_NAME"),
		.sts_endpoint = variable("AWS_ENDPOINT_URL_STS"),
		.container_uri = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
		.container_token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
		.container_token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
		.imds_endpoint = imds ? imds : IMDS,
	};
	if (disabled && strcasecmp(disabled, "true") == 0)
		aws->imds_endpoint = NULL;
	if (!relative)
		return 0;
	int rc = mrt_text_printf(&config->aws_container_uri, err, ECS "%s", relative);
	aws->container_uri = config->aws_container_uri;
	return rc;
}

int mrt_config_credentials(const struct mrt_context *ctx, struct mrt_config *config,
                           struct mrt_error *err)
{
	static const struct {
		const char *access, *secret, *token;
	} sets[] = { { "S3_ACCESS_KEY", "S3_SECRET_KEY", NULL },
		     { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" } };
	const char *url = config->states[mrt_config_index("store.url")].text;
	if (!url || strncmp(url, "s3:", 3) != 0)
		return 0;
	int rc = config->states[REGION].text ? 0 : region_of_profile(ctx, config, err);
	const char *access = config->states[ACCESS].text, *secret = config->states[SECRET].text;
	if (rc == 0 && !access != !secret)
		return incomplete(access ? "store.access-key" : "store.secret-key",
		                  access ? "store.secret-key" : "store.access-key", err);
	bool found = access != NULL;
	/* a profile that somebody named wins over variables that happen to be around */
	bool profile = config->states[mrt_config_index("store.profile")].text != NULL;
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		const char *a = variable(sets[i].access), *s = variable(sets[i].secret);
		if ((!a && !s) || (config->store && i == 0)) /* S3_* are of the platform's own */
			continue;
		if (found || profile) {
			rc = mrt_config_note(config, sets[i].access,
			                     found ? "other credentials came first"
			                           : "store.profile is set",
			                     err);
			continue;
		}
		if (!a || !s)
			return incomplete(a ? sets[i].access : sets[i].secret,
			                  a ? sets[i].secret : sets[i].access, err);
		const char *t = sets[i].token ? variable(sets[i].token) : NULL;
		mrt_autofree char *source = NULL;
		rc = mrt_text_printf(&source, err, "$%s", sets[i].access);
		if (rc == 0)
			rc = mrt_config_set(ctx, config, ACCESS, a, source, err);
		if (rc == 0)
			rc = mrt_config_set(ctx, config, SECRET, s, source, err);
		if (rc == 0 && t)
			rc = mrt_config_set(ctx, config, TOKEN, t, source, err);
		found = true;
	}
	if (rc == 0 && !found)
		rc = from_profile(ctx, config, err);
	return rc < 0 || config->states[ACCESS].text ? rc : temporary_sources(config, err);
}
