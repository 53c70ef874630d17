/* pg_catalog.h - what the backup needs to know from a server's catalogues. */
#ifndef MRT_REPOSITORY_PG_CATALOG_H
#define MRT_REPOSITORY_PG_CATALOG_H

#include "client/pg/connection.h"
#include "codec/json.h"
#include "codec/pg/archive.h"

/* Where and how to connect: from the configuration. */
struct mrt_pg_access {
	struct mrt_pg_params *params;
	struct mrt_pg_options options;
};

struct mrt_pg_cluster {
	int version, major;      /* 150020, 15 */
	char *version_text;      /* "15.20" */
	char *system_identifier; /* "" when the role may not know */
	bool superuser, in_recovery;
};
int mrt_pg_cluster_read(struct mrt_pg *pg, const struct mrt_context *ctx,
                        struct mrt_pg_cluster *ret, struct mrt_error *err);
void mrt_pg_cluster_release(struct mrt_pg_cluster *cluster);

/* The databases of a server: to be dumped, or left out and why (reason NULL: to be dumped). */
struct mrt_pg_database {
	char *name;
	const char *reason;
	uint64_t size;
};
struct mrt_pg_databases {
	struct mrt_pg_database *items;
	size_t n;
};
int mrt_pg_databases_read(struct mrt_pg *pg, const struct mrt_context *ctx,
                          struct mrt_pg_databases *ret, struct mrt_error *err);
void mrt_pg_databases_release(struct mrt_pg_databases *databases);

/* In a connection to one database, in a REPEATABLE READ transaction: its settings, owner, rights,
 * extensions, roles, ... as a JSON object (the shape is in maratea-repository(7)). */
int mrt_pg_properties(struct mrt_pg *pg, const struct mrt_context *ctx, json_t **ret,
                      struct mrt_error *err);
/* Sorted by schema and name: every table that pg_dump must bring the rows of. */
struct mrt_pg_table {
	char *schema, *name;
	bool of_extension;
};
struct mrt_pg_tables {
	struct mrt_pg_table *items;
	size_t n;
};
int mrt_pg_tables_read(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_pg_tables *ret,
                       struct mrt_error *err);
void mrt_pg_tables_release(struct mrt_pg_tables *tables);
/* What the role cannot read here: MRT_REFUSED with the list, and the GRANT that cures it as hint.
 */
int mrt_pg_preflight(struct mrt_pg *pg, const struct mrt_context *ctx, struct mrt_error *err);
/* The archive's tables against the catalogue's: MRT_FAILED names the first that is on one side
 * only. Adds the list "tables" (schema, name, rows, of_extension) to database. */
int mrt_pg_tables_compare(const struct mrt_pg_tables *tables,
                          const struct mrt_pgarchive_info *archive, json_t *database,
                          struct mrt_error *err);

#endif
