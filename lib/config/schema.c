/* schema.c - the one table of settings. */
#include "config/settings.h"

#include <stddef.h>

#define AT(field) offsetof(struct mrt_config, field)
#define TEXT(name, field, otherwise, ambient)                       \
	{                                                           \
		name, MRT_TEXT, AT(field), otherwise, ambient, 0, 0 \
	}
#define SECRET(name, field, ambient)                             \
	{                                                        \
		name, MRT_SECRET, AT(field), NULL, ambient, 0, 0 \
	}
#define URL(name, field, ambient)                             \
	{                                                     \
		name, MRT_URL, AT(field), NULL, ambient, 0, 0 \
	}
#define NUMBER(name, field, otherwise, min, max)                       \
	{                                                              \
		name, MRT_NUMBER, AT(field), otherwise, NULL, min, max \
	}
#define SIZE(name, field, otherwise, min, max)                       \
	{                                                            \
		name, MRT_SIZE, AT(field), otherwise, NULL, min, max \
	}
#define LIST(name, field)                                   \
	{                                                   \
		name, MRT_LIST, AT(field), NULL, NULL, 0, 0 \
	}
#define TIME(name, field, otherwise)                                 \
	{                                                            \
		name, MRT_DURATION, AT(field), otherwise, NULL, 0, 0 \
	}

#define MIB (INT64_C(1) << 20)
#define TIB (INT64_C(1) << 40)

const struct mrt_setting mrt_settings[] = {
	TEXT("platform.name", platform_name, "default", NULL),
	TEXT("platform.domain", platform_domain, NULL, NULL),
	TEXT("platform.id", platform_id, NULL, NULL),
	URL("postgres.url", postgres_url, "DATABASE_URL"),
	SECRET("postgres.password", postgres_password, NULL),
	TEXT("postgres.bin-dir", postgres_bin_dir, NULL, NULL),
	URL("postgres.migrate-url", postgres_migrate_url, NULL),
	SECRET("postgres.migrate-password", postgres_migrate_password, NULL),
	URL("redis.url", redis_url, "REDIS_URL"),
	TEXT("redis.ca-file", redis_ca_file, NULL, NULL),
	URL("store.url", store_url, NULL), /* s3://$S3_BUCKET: see load.c */
	TEXT("store.driver", store_driver, NULL, NULL),
	URL("store.endpoint", store_endpoint, "S3_ENDPOINT AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL"),
	TEXT("store.region", store_region, NULL, "S3_REGION AWS_REGION AWS_DEFAULT_REGION"),
	TEXT("store.style", store_style, "auto", NULL),
	TEXT("store.ca-file", store_ca_file, NULL, "AWS_CA_BUNDLE CURL_CA_BUNDLE SSL_CERT_FILE"),
	SECRET("store.access-key", store_access_key, NULL), /* as a whole set: see credentials.c */
	SECRET("store.secret-key", store_secret_key, NULL),
	SECRET("store.session-token", store_session_token, NULL),
	TEXT("store.profile", store_profile, NULL, NULL),
	TEXT("store.insecure-tls", store_insecure_tls, "false", NULL),
	SIZE("store.libs3-max-object", store_libs3_max_object, "64MiB", MIB, 5 * 1024 * MIB),
	TEXT("store.object-lock.mode", store_object_lock_mode, NULL, NULL),
	NUMBER("store.object-lock.days", store_object_lock_days, "0", 0, 36500),
	NUMBER("store.concurrency", store_concurrency, "4", 1, 16),
	SIZE("store.part-size", store_part_size, "8MiB", 5 * MIB, 512 * MIB),
	SIZE("store.volume-size", store_volume_size, "64GiB", 16 * MIB, 4 * TIB),
	TIME("store.give-up-after", store_give_up_after, "15m"),
	URL("backup.postgres-url", backup_postgres_url, NULL),
	SECRET("backup.postgres-password", backup_postgres_password, NULL),
	TEXT("backup.method", backup_method, "logical", NULL),
	TEXT("backup.compression", backup_compression, "zstd:3", NULL),
	LIST("backup.recipients", backup_recipients),
	TEXT("backup.identity", backup_identity, NULL, NULL), /* $MARATEA_IDENTITY: see load.c */
	TEXT("backup.metrics-textfile", backup_metrics_textfile, NULL, NULL),
	URL("backup.pushgateway", backup_pushgateway, NULL),
	SECRET("backup.ping", backup_ping, NULL),
	TEXT("backup.lock-database", backup_lock_database, "postgres", NULL),
	NUMBER("backup.jobs", backup_jobs, "1", 1, 32),
	NUMBER("backup.retention.last", retention_last, "0", 0, INT32_MAX),
	NUMBER("backup.retention.hourly", retention_hourly, "0", 0, INT32_MAX),
	NUMBER("backup.retention.daily", retention_daily, "0", 0, INT32_MAX),
	NUMBER("backup.retention.weekly", retention_weekly, "0", 0, INT32_MAX),
	NUMBER("backup.retention.monthly", retention_monthly, "0", 0, INT32_MAX),
	NUMBER("backup.retention.yearly", retention_yearly, "0", 0, INT32_MAX),
	TEXT("backup.retention.time-zone", retention_time_zone, "UTC", NULL),
	LIST("backup.retention.keep-tags", retention_keep_tags),
	SIZE("backup.memory", backup_memory, "128MiB", 32 * MIB, TIB),
	LIST("tenant.reviewed", tenant_reviewed),
	LIST("domains.addresses", domains_addresses),
	TEXT("domains.allow-private", domains_allow_private, "false", NULL),
	NUMBER("domains.http-port", domains_http_port, "80", 1, 65535),
	TEXT("dns.resolver", dns_resolver, NULL, NULL),
	NUMBER("dns.authoritative-port", dns_authoritative_port, "53", 1, 65535),
	TIME("limits.connect", limits_connect, "10s"),
	TIME("limits.dns", limits_dns, "10s"),
	TIME("limits.stall", limits_stall, "60s"),
	TIME("limits.retry-first", limits_retry_first, "200ms"),
	TIME("limits.retry-longest", limits_retry_longest, "20s"),
	TIME("limits.lock-wait", limits_lock_wait, "10m"),
	TIME("limits.lock-ping", limits_lock_ping, "30s"),
	TIME("limits.lock-lease", limits_lock_lease, "30m"),
	TIME("limits.alive", limits_alive, "10m"),
	TIME("limits.clock-skew", limits_clock_skew, "60s"),
	TIME("limits.server-start", limits_server_start, "60s"),
	TIME("limits.recovery", limits_recovery, "1h"),
	TIME("limits.swap", limits_swap, "30s"),
};
const size_t mrt_n_settings = MRT_COUNT(mrt_settings);
