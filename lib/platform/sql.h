/* sql.h - longer SQL, from the files in sql/query. */
#ifndef MRT_PLATFORM_SQL_H
#define MRT_PLATFORM_SQL_H

#include <stddef.h>

extern const char mrt_sql_tables[];      /* what the checks begin with */
extern const char mrt_sql_canary[];      /* a row in every table of schools */
extern const char mrt_sql_description[]; /* a schema, a line a thing */
extern const char mrt_sql_domains[];     /* claims, and what became of them */
extern const char mrt_sql_memberships[]; /* of our roles, beyond what they need */
extern const char mrt_sql_new_tenant[];  /* a school's own first rows */
extern const char mrt_sql_new_tenants[]; /* many in shared tables, in one statement */

/* Behind the text of query/tables.sql, which see for the parameters, each gives rows of object and
 * text. One that begins with "-- maratea: once a database" is of no single schema.
 * In the order of how bad it is. */
struct mrt_catalogue_check {
	const char *name, *sql;
};
extern const struct mrt_catalogue_check mrt_catalogue_checks[];
extern const size_t mrt_n_catalogue_checks;

#endif
