/* wal_slot.h - what a physical backup asks of the server: may we, can it, and the slot that
 * keeps its WAL. */
#ifndef MRT_OPS_BACKUP_WAL_SLOT_H
#define MRT_OPS_BACKUP_WAL_SLOT_H

#include "client/pg/connection.h"
#include "codec/json.h"

/* What the server says of itself before a physical backup, in any ordinary connection. */
struct mrt_physical_facts {
	bool page_checksums, in_recovery;
	char *superuser;     /* name of the bootstrap superuser: who verifies a restored server */
	json_t *settings;    /* those a server started from the backup may need */
	json_t *tablespaces; /* list of {name, location}, without the two built-in ones */
};
/* MRT_REFUSED, with the remedy as hint: no REPLICATION, wal_level, no wal sender or slot left. */
int mrt_physical_facts_read(struct mrt_pg *pg, const struct mrt_context *ctx,
                            struct mrt_physical_facts *ret, struct mrt_error *err);
void mrt_physical_facts_release(struct mrt_physical_facts *facts);

/* A temporary slot on a replication connection of its own: as long as it lives the server keeps all
 * WAL from now on. */
struct mrt_physical_slot;
int mrt_physical_slot_open(const struct mrt_context *ctx, const struct mrt_pg_options *options,
                           const struct mrt_pg_params *params, const char *database,
                           const char *backup_id, struct mrt_physical_slot **ret,
                           struct mrt_error *err);
void mrt_physical_slot_free(struct mrt_physical_slot *slot);
MRT_DEFINE_AUTO(mrt_physical_slot)
/* Is it alive, and how many bytes of WAL are kept for it? A lost slot is an error. */
int mrt_physical_slot_look(struct mrt_physical_slot *slot, const struct mrt_context *ctx,
                           uint64_t *ret_retained, struct mrt_error *err);

#endif
