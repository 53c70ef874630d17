/* open.c - settings into connections. */
#include "config/open.h"

#include <string.h>

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

int mrt_config_name_check(const char *what, const char *name, struct mrt_error *err)
{
	size_t n = strlen(name);
	if (n > 0 && n <= 64 && strspn(name, PLAIN) == n)
		return 0;
	return mrt_fail(err, MRT_USAGE,
	                "%s '%.80s': only letters, digits, '_' and '-', 1 to 64 of them", what,
	                name);
}

int mrt_config_open_store(const struct mrt_config *config, unsigned buffers, struct mrt_store **ret,
                          struct mrt_error *err)
{
	const struct mrt_store_options options = {
		.url = config->store_url,
		.driver = config->store_driver,
		.endpoint = config->store_endpoint,
		.region = config->store_region,
		.access_key = config->store_access_key,
		.secret_key = config->store_secret_key,
		.session_token = config->store_session_token,
		.aws = &config->aws,
		.style = config->store_style,
		.libs3_max_object = config->store_libs3_max_object,
		.libs3_memory = config->backup_memory / 2,
		.insecure_tls = config->store_insecure_tls &&
		                strcmp(config->store_insecure_tls, "true") == 0,
		.object_lock_mode = config->store_object_lock_mode,
		.object_lock_days = config->store_object_lock_days,
		.concurrency = (unsigned)config->store_concurrency,
		.part_size = (size_t)config->store_part_size,
		.buffers = buffers,
		.give_up_after = config->store_give_up_after,
		.retry_first = config->limits_retry_first,
		.retry_longest = config->limits_retry_longest,
		.http = { .dns = mrt_config_dns(config),
		          .ca_file = config->store_ca_file,
		          .connect_timeout = config->limits_connect,
		          .stall_timeout = config->limits_stall },
	};
	return mrt_store_open(&options, ret, err);
}

int mrt_config_open_pg(const struct mrt_context *ctx, const struct mrt_config *config,
                       const struct mrt_config_pg *how, struct mrt_pg **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	const struct mrt_pg_options options = { .dns = mrt_config_dns(config),
		                                .connect_timeout = config->limits_connect,
		                                .application = how->application,
		                                .password_from = how->password_from };
	int rc =
	        mrt_pg_params_make(how->url, how->password, config->postgres_ambient, &params, err);
	if (rc == 0)
		rc = mrt_log_secret(ctx->log, mrt_pg_params_get(params, "password"), err);
	return rc < 0 ? rc : mrt_pg_connect(ctx, &options, params, how->database, ret, err);
}
