/* settings.h - settings, and where each came from.
 *
 * Precedence: flags, MARATEA_* variables, the file, then the ecosystem's variables (DATABASE_URL,
 * S3_*, AWS_*), which only fill what is still empty, then defaults. maratea.yaml(5) is the manual;
 * schema.c is the one table that parser, environment, `config show` and the manual's test read.
 */
#ifndef MRT_CONFIG_SETTINGS_H
#define MRT_CONFIG_SETTINGS_H

#include "base/context.h"
#include "client/pg/connection.h"
#include "client/s3/credentials.h"

/* What a restored database must answer. */
struct mrt_assertion {
	char *target, *database; /* NULL: see ops/verify/assertions.h */
	char *sql, *expect;
};

struct mrt_config_flag {
	const char *name,
	        *value; /* "store.url", from a command-line option; value NULL: not given */
};

struct mrt_config {
	/* texts are NULL when unset */
	char *platform_name, *platform_domain, *platform_id;
	char *postgres_url, *postgres_password, *postgres_bin_dir;
	char *postgres_migrate_url, *postgres_migrate_password;
	char *redis_url, *redis_ca_file;
	char *store_url, *store_driver, *store_endpoint, *store_region, *store_style,
	        *store_ca_file;
	char *store_access_key, *store_secret_key, *store_session_token, *store_profile;
	char *store_insecure_tls; /* "true", "false" */
	uint64_t store_libs3_max_object;
	char *store_object_lock_mode; /* "GOVERNANCE", "COMPLIANCE" */
	int64_t store_object_lock_days;
	int64_t store_concurrency;
	uint64_t store_part_size, store_volume_size;
	int64_t store_give_up_after;
	char *backup_postgres_url, *backup_postgres_password, *backup_compression;
	char *backup_lock_database;
	char *backup_recipients; /* a list: mrt_config_item() */
	char *backup_metrics_textfile, *backup_pushgateway, *backup_ping;
	char *backup_identity; /* a file's path, or the key itself */
	char *backup_method;
	int64_t backup_jobs;
	int64_t retention_last, retention_hourly, retention_daily, retention_weekly,
	        retention_monthly, retention_yearly;
	char *retention_time_zone, *retention_keep_tags;
	uint64_t backup_memory;
	char *tenant_reviewed;       /* a list */
	char *domains_addresses;     /* a list */
	char *domains_allow_private; /* "true", "servers", "false" */
	int64_t domains_http_port;
	char *dns_resolver;
	int64_t dns_authoritative_port;
	int64_t limits_connect, limits_dns, limits_stall, limits_retry_first, limits_retry_longest;
	int64_t limits_lock_wait, limits_lock_ping, limits_alive, limits_clock_skew;
	int64_t limits_server_start, limits_recovery, limits_swap, limits_lock_lease;

	/* what PG* variables and libpq's defaults fill a URL up with */
	struct mrt_pg_params *postgres_ambient;

	/* asked where no other source has credentials */
	struct mrt_aws_sources aws;
	char *aws_container_uri; /* made of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI */

	/* what the file names besides: see mrt_config_view() */
	char **targets, **stores;
	size_t n_targets, n_stores;
	struct mrt_assertion *assertions;
	size_t n_assertions;
	char *target, *store; /* what this is a view of, or NULL */
	bool store_chosen;    /* --store: this store and no other */
	bool store_explicit;  /* a view of it was asked for, whatever --store says */

	char *given;                   /* --config, or NULL */
	struct mrt_config_flag *flags; /* as they were given */
	size_t n_flags;
	char *path;                       /* of the file, NULL: none */
	struct mrt_setting_state *states; /* one per setting, in the schema's order */
	char **notes;                     /* ambient variables that were overruled */
	size_t n_notes;
};

#define MRT_MAIN_STORE "store"                 /* the name of store.url's */
#define MRT_IDENTITY_PREFIX "AGE-SECRET-KEY-1" /* of a private key of age */

/* path: --config, or NULL to look in the documented places. flags: their texts must outlive the
 * configuration; "store.url" may be the name of one of the file's stores, or MRT_MAIN_STORE. Where
 * store.url is not set, the first of those is the store. Secrets go to the run's log. Errors:
 * MRT_CONFIG with file:line:column. */
int mrt_config_load(const struct mrt_context *ctx, const char *path,
                    const struct mrt_config_flag *flags, size_t n_flags, struct mrt_config **ret,
                    struct mrt_error *err);
/* The same with the settings of a target (postgres.*, redis.*, backup.method) or of a store
 * (store.*) that the file names; NULL: as they are. MRT_USAGE: there is no such name. */
int mrt_config_view(const struct mrt_context *ctx, const struct mrt_config *config,
                    const char *target, const char *store, struct mrt_config **ret,
                    struct mrt_error *err);
void mrt_config_free(struct mrt_config *config);
MRT_DEFINE_AUTO(mrt_config)

static inline struct mrt_dns_options mrt_config_dns(const struct mrt_config *config)
{
	return (struct mrt_dns_options) { .resolver = config->dns_resolver,
		                          .timeout = config->limits_dns };
}
/* ${env:NAME}, ${file:PATH} and $${ in a value; base_dir: what relative paths are relative to;
 * NULL: the working directory. */
int mrt_config_expand(const char *text, const char *base_dir, char **ret, struct mrt_error *err);
/* The next item of a list, and *list moves behind it; *ret is NULL at the end. */
int mrt_config_item(const char **list, char **ret, struct mrt_error *err);
/* The level of "zstd:N". */
int mrt_config_level(const struct mrt_config *config, int *ret, struct mrt_error *err);

/* The settings one by one, for `config show` and the manual's test. */
enum mrt_setting_kind {
	MRT_TEXT,
	MRT_SECRET,
	MRT_URL,
	MRT_SIZE,
	MRT_DURATION,
	MRT_NUMBER,
	MRT_LIST
};
struct mrt_setting {
	const char *name; /* "store.part-size" */
	enum mrt_setting_kind kind;
	size_t offset;         /* of the field in struct mrt_config */
	const char *otherwise; /* the default's text, or NULL */
	const char *ambient;   /* space-separated variables of the ecosystem, or NULL */
	int64_t min, max;      /* of numbers and sizes */
};
struct mrt_setting_state {
	char *text;   /* NULL: unset */
	char *source; /* "maratea.yaml:3:8", "$MARATEA_STORE", "default", "option --url" */
	bool closed;  /* of a view: only its own section sets it */
};
extern const struct mrt_setting mrt_settings[];
extern const size_t mrt_n_settings;
/* The variable of a setting: "MARATEA_STORE_PART_SIZE". */
int mrt_setting_variable(const struct mrt_setting *setting, char **ret, struct mrt_error *err);

#endif
