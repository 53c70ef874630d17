/* sql.h - longer SQL, from the files in sql/query. */
#ifndef MRT_OPS_TENANT_SQL_H
#define MRT_OPS_TENANT_SQL_H

extern const char mrt_sql_tables[];      /* what the checks begin with */
extern const char mrt_sql_canary[];      /* a row in every table of schools */
extern const char mrt_sql_description[]; /* a schema, a line a thing */
extern const char mrt_sql_domains[];     /* claims, and what became of them */
extern const char mrt_sql_memberships[]; /* of our roles, beyond what they need */
extern const char mrt_sql_new_school[];  /* a school's own first rows */
extern const char mrt_sql_new_schools[]; /* many in shared tables, in one statement */

#endif
