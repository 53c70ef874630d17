/* commands.h - one const entry per command; each lives in its own file. */
#ifndef MRT_CMD_COMMANDS_H
#define MRT_CMD_COMMANDS_H

#include "maratea/cmd.h"

extern const struct mrt_cmd mrt_cmd_backup_run, mrt_cmd_backup_list, mrt_cmd_backup_show,
        mrt_cmd_backup_verify, mrt_cmd_backup_restore, mrt_cmd_backup_prune, mrt_cmd_backup_drill,
        mrt_cmd_backup_copy, mrt_cmd_key_generate, mrt_cmd_store_probe, mrt_cmd_store_whoami,
        mrt_cmd_db_init, mrt_cmd_db_migrate, mrt_cmd_db_status, mrt_cmd_db_diff,
        mrt_cmd_plan_create, mrt_cmd_plan_list, mrt_cmd_plan_show, mrt_cmd_plan_update,
        mrt_cmd_tenant_apply, mrt_cmd_tenant_create, mrt_cmd_tenant_list, mrt_cmd_tenant_show,
        mrt_cmd_tenant_update, mrt_cmd_tenant_suspend, mrt_cmd_tenant_resume,
        mrt_cmd_tenant_archive, mrt_cmd_tenant_check, mrt_cmd_tenant_usage, mrt_cmd_usage_check,
        mrt_cmd_user_add, mrt_cmd_user_invite, mrt_cmd_user_list, mrt_cmd_user_set_role,
        mrt_cmd_user_remove, mrt_cmd_domain_add, mrt_cmd_domain_list, mrt_cmd_domain_verify,
        mrt_cmd_domain_activate, mrt_cmd_domain_remove, mrt_cmd_audit_list, mrt_cmd_audit_verify,
        mrt_cmd_sandbox_run, mrt_cmd_config_check, mrt_cmd_config_show;

/* What several commands show. */
int mrt_plan_print(struct mrt_output *out, const json_t *plan, struct mrt_error *err);
/* What a school has to publish for a name: of an object as mrt_domain_add() gives it. */
void mrt_domain_print_wanted(struct mrt_output *out, const json_t *domain);
/* What a backup left out, and why. */
void mrt_backup_print_skipped(struct mrt_output *out, const json_t *manifest);
int mrt_tenant_print(struct mrt_output *out, const json_t *tenant, struct mrt_error *err);

#endif
