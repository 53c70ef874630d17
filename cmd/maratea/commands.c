/* commands.c - the table of commands. */
#include "maratea/commands.h"

const struct mrt_group mrt_groups[] = {
	{ "backup", "backups", "back up, list, verify and restore" },
	{ "key", "keys", "keys for encrypted backups" },
	{ "store", "stores", "look at the place where backups live" },
	{ "db", "dbs", "the platform's database: roles and schema" },
	{ "plan", "plans", "tariffs: what a school may use, and how it is kept" },
	{ "tenant", "tenants", "schools, and whether they are kept apart" },
	{ "usage", "usages", "whether schools have passed limits" },
	{ "user", "users", "the people of a school" },
	{ "domain", "domains", "domains of their own that schools are served at" },
	{ "audit", "audits", "who did what, in chains that cannot be changed unnoticed" },
	{ "sandbox", "sandboxes", "a private PostgreSQL and Redis to try things with" },
	{ "config", "configs", "check and show the configuration" },
	{ NULL, NULL, NULL },
};

const struct mrt_cmd *const mrt_commands[] = {
	&mrt_cmd_backup_run,      &mrt_cmd_backup_list,
	&mrt_cmd_backup_show,     &mrt_cmd_backup_verify,
	&mrt_cmd_backup_restore,  &mrt_cmd_backup_drill,
	&mrt_cmd_backup_prune,    &mrt_cmd_backup_copy,
	&mrt_cmd_key_generate,    &mrt_cmd_db_init,
	&mrt_cmd_db_migrate,      &mrt_cmd_db_status,
	&mrt_cmd_db_diff,         &mrt_cmd_plan_create,
	&mrt_cmd_plan_list,       &mrt_cmd_plan_show,
	&mrt_cmd_plan_update,     &mrt_cmd_tenant_create,
	&mrt_cmd_tenant_apply,    &mrt_cmd_tenant_list,
	&mrt_cmd_tenant_show,     &mrt_cmd_tenant_update,
	&mrt_cmd_tenant_suspend,  &mrt_cmd_tenant_resume,
	&mrt_cmd_tenant_archive,  &mrt_cmd_tenant_check,
	&mrt_cmd_tenant_usage,    &mrt_cmd_usage_check,
	&mrt_cmd_user_add,        &mrt_cmd_user_invite,
	&mrt_cmd_user_list,       &mrt_cmd_user_set_role,
	&mrt_cmd_user_remove,     &mrt_cmd_domain_add,
	&mrt_cmd_domain_list,     &mrt_cmd_domain_verify,
	&mrt_cmd_domain_activate, &mrt_cmd_domain_remove,
	&mrt_cmd_audit_list,      &mrt_cmd_audit_verify,
	&mrt_cmd_store_probe,     &mrt_cmd_store_whoami,
	&mrt_cmd_sandbox_run,     &mrt_cmd_config_check,
	&mrt_cmd_config_show,     NULL,
};
