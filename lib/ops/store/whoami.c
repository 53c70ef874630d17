/* whoami.c - "store whoami": which identity the store sees, found where, and what was tried. */
#include "ops/store/whoami.h"
#include "base/text.h"

#include <string.h>

static const char *state_of(const struct mrt_config *config, const char *name)
{
	for (size_t i = 0; i < mrt_n_settings; i++)
		if (strcmp(mrt_settings[i].name, name) == 0)
			return config->states[i].source;
	return NULL;
}

static int tried(json_t *list, const char *source, const char *why, struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(list, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "source", source, err);
	return rc < 0 ? rc : mrt_json_set_text(item, "result", why, err);
}

/* The sources in their order, up to the one that is used. */
static int list_static(const struct mrt_config *config, json_t *list, struct mrt_error *err)
{
	static const char *const names[] = { "store.access-key", "$S3_ACCESS_KEY",
		                             "$AWS_ACCESS_KEY_ID", "profile" };
	const char *used = config->store_access_key ? state_of(config, "store.access-key") : NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(names); i++) {
		bool is_it = used && strncmp(used, names[i], strlen(names[i])) == 0;
		if (used && !is_it && i == 0 && *used != '$' && strncmp(used, "profile", 7) != 0)
			is_it = true; /* the file, an option, a variable of ours */
		rc = tried(list, names[i], is_it ? "used" : "not set", err);
		if (is_it)
			return rc;
	}
	return rc;
}

static int list_temporary(const struct mrt_aws_sources *aws, const char *used, json_t *list,
                          struct mrt_error *err)
{
	const struct {
		const char *name, *missing;
		bool there;
	} sources[] = {
		{ "web identity", "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are not both set",
		  aws->role_arn && aws->token_file },
		{ "container", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set",
		  aws->container_uri },
		{ "instance", "AWS_EC2_METADATA_DISABLED is set", aws->imds_endpoint },
	};
	for (size_t i = 0; i < MRT_COUNT(sources); i++) {
		int rc = tried(list, sources[i].name, sources[i].there ? used : sources[i].missing,
		               err);
		if (rc < 0 || sources[i].there)
			return rc;
	}
	return 0;
}

int mrt_store_whoami(const struct mrt_context *ctx, const struct mrt_config *config, json_t **ret,
                     struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	json_t *list = json_array();
	const char *url = config->store_url;
	int rc = json ? mrt_json_set(json, "tried", list, err) : mrt_no_memory(err);
	if (rc == 0 && !url)
		rc = mrt_fail(err, MRT_CONFIG, "store.url is not set");
	if (rc == 0 && strncmp(url, "s3:", 3) != 0)
		rc = mrt_fail(err, MRT_USAGE, "%s is a directory: it knows no identities", url);
	if (rc == 0)
		rc = mrt_json_set_text(json, "store", url, err);
	if (rc == 0)
		rc = list_static(config, list, err);
	if (rc < 0)
		return rc;
	if (config->store_access_key) {
		rc = mrt_json_set_text(json, "access_key", config->store_access_key, err);
		if (rc == 0)
			rc = mrt_json_set_text(json, "source", state_of(config, "store.access-key"),
			                       err);
		if (rc == 0)
			rc = mrt_json_set(json, "expires", json_null(), err);
		if (rc == 0)
			*ret = mrt_steal(json);
		return rc;
	}
	const struct mrt_http_options http = { .dns = mrt_config_dns(config),
		                               .ca_file = config->store_ca_file,
		                               .connect_timeout = config->limits_connect,
		                               .stall_timeout = config->limits_stall };
	struct mrt_aws_credentials *c = NULL;
	struct mrt_error why = { 0 };
	int code = mrt_aws_credentials_get(
	        ctx, &config->aws, config->store_region ? config->store_region : "us-east-1", &http,
	        &c, &why);
	if (code < 0 && code != MRT_CONFIG) {
		if (err)
			*err = why;
		return code;
	}
	char expires[MRT_TIME_SIZE] = "";
	if (c && c->expires > 0)
		mrt_time_format(c->expires, MRT_TIME_RFC3339, expires);
	mrt_autofree char *outcome = NULL;
	rc = code < 0 ? mrt_error_explain(ctx->log, &why, &outcome, err, NULL)
	              : mrt_text_dup("used", &outcome, err);
	if (rc == 0)
		rc = list_temporary(&config->aws, outcome, list, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "access_key", c ? c->access_key : NULL, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "source", c ? c->source : NULL, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "expires", *expires ? expires : NULL, err);
	mrt_aws_credentials_unref(c);
	if (rc < 0)
		return rc;
	*ret = mrt_steal(json);
	return code < 0 ? mrt_fail_because(err, MRT_CONFIG, &why, NULL) : 0;
}
