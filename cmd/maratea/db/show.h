/* show.h - schemas, and the migrations that they have. */
#ifndef MRT_MARATEA_DB_SHOW_H
#define MRT_MARATEA_DB_SHOW_H

#include "maratea/cmd.h"

/* Shows the answer of mrt_db_migrate() or _status(), which may be NULL; rc and err are theirs, and
 * come before a failure to show it. */
int mrt_db_show_schemas(const struct mrt_cmd_env *env, const json_t *report, int rc,
                        struct mrt_error *err);

#endif
