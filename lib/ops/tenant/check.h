/* check.h - "tenant check": are schools really kept apart?
 *
 * The catalogue is read for everything that would let one school see another's rows; then, in a
 * transaction that is rolled back, two schools that do not exist try it on each other. What this
 * cannot show: a setting of the session protects against a forgotten WHERE, not against somebody
 * who can run SQL of his own.
 */
#ifndef MRT_OPS_TENANT_CHECK_H
#define MRT_OPS_TENANT_CHECK_H

#include "client/pg.h"
#include "codec/json.h"
#include "ops/config/config.h"

struct mrt_tenant_check_options {
	const char *slug; /* where that school's tables are; NULL: everywhere */
	bool all_tenants; /* besides, as each school that there is: does it see another? */
};
/* *ret, NULL before: {"schemas", "tables", "attempts", "findings": [{"check", "database",
 * "tenant", "object", "text"}], "reviewed": the same, of what tenant.reviewed names}. MRT_BAD, with
 * the answer, when there are findings. */
int mrt_tenant_check(const struct mrt_run *run, const struct mrt_config *config,
                     const struct mrt_tenant_check_options *options, json_t **ret,
                     struct mrt_error *err);

/* Behind the text of query/tables.sql, which see for the parameters, each gives rows of object and
 * text. One that begins with "-- maratea: once a database" is of no single schema.
 * In the order of how bad it is. */
struct mrt_catalogue_check {
	const char *name, *sql;
};
extern const struct mrt_catalogue_check mrt_catalogue_checks[];
extern const size_t mrt_n_catalogue_checks;

/* What a check adds; shared by check.c and check_live.c. */
struct mrt_tenant_checking {
	const struct mrt_run *run;
	const struct mrt_config *config;
	bool all_tenants;
	json_t *findings, *reviewed;
	const char *database,
	        *tenant; /* where it is: NULL: the platform's; NULL: of no single one */
	uint64_t schemas, tables, attempts;
};
int mrt_tenant_finding(struct mrt_tenant_checking *c, const char *check, const char *object,
                       const char *text, struct mrt_error *err);
/* The attempts of two schools in one schema; changes nothing. */
int mrt_tenant_check_live(struct mrt_tenant_checking *c, struct mrt_pg *pg, const char *schema,
                          struct mrt_error *err);

#endif
