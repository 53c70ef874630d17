/* access.c - how backups reach the server. */
#include "repository/access.h"

int mrt_pg_access_url(const struct mrt_context *ctx, const struct mrt_config *config,
                      const char *url, const char *password, struct mrt_pg_access *ret,
                      struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	int rc = mrt_pg_params_make(url, password, config->postgres_ambient, &params, err);
	if (rc == 0)
		rc = mrt_log_secret(ctx->log, mrt_pg_params_get(params, "password"), err);
	if (rc == 0)
		*ret = (struct mrt_pg_access) {
			.params = mrt_steal(params),
			.options = { .dns = mrt_config_dns(config),
			             .connect_timeout = config->limits_connect },
		};
	return rc;
}

int mrt_pg_access_private(const struct mrt_config *config, const struct mrt_pg_server *server,
                          struct mrt_pg_access *ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = NULL;
	int rc = mrt_pg_server_params(server, &params, err);
	if (rc == 0)
		*ret = (struct mrt_pg_access) {
			.params = mrt_steal(params),
			.options = { .connect_timeout = config->limits_connect },
		};
	return rc;
}

int mrt_pg_access_backup(const struct mrt_context *ctx, const struct mrt_config *config,
                         struct mrt_pg_access *ret, struct mrt_error *err)
{
	bool own = config->backup_postgres_url != NULL;
	return mrt_pg_access_url(
	        ctx, config, own ? config->backup_postgres_url : config->postgres_url,
	        own && config->backup_postgres_password ? config->backup_postgres_password
	                                                : config->postgres_password,
	        ret, err);
}
