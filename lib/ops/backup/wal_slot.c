/* wal_slot.c - may we, can it, and the slot that keeps its WAL. */
#include "ops/backup/wal_slot.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Recovery refuses to begin where one of these is too small for what the WAL holds. */
#define SETTINGS                                                                   \
	"'max_connections', 'max_prepared_transactions', 'max_worker_processes', " \
	"'max_wal_senders', 'max_locks_per_transaction', 'wal_segment_size', "     \
	"'shared_preload_libraries'"

void mrt_physical_facts_release(struct mrt_physical_facts *f)
{
	free(f->superuser);
	json_decref(f->settings);
	json_decref(f->tablespaces);
	*f = (struct mrt_physical_facts) { 0 };
}

static int check_limits(const PGresult *r, const char *where, struct mrt_error *err)
{
	if (strcmp(PQgetvalue(r, 0, 0), "true") != 0) {
		mrt_fail(err, MRT_REFUSED,
		         "PostgreSQL at %s: the role %s may not replicate, which a physical backup "
		         "needs",
		         where, PQgetvalue(r, 0, 1));
		return mrt_hint(err, "ALTER ROLE %s REPLICATION", PQgetvalue(r, 0, 2));
	}
	if (strcmp(PQgetvalue(r, 0, 3), "minimal") == 0) {
		mrt_fail(err, MRT_REFUSED,
		         "PostgreSQL at %s: wal_level is minimal, so that it writes too little WAL "
		         "for a physical backup",
		         where);
		return mrt_hint(err,
		                "ALTER SYSTEM SET wal_level = replica, and restart the server");
	}
	const struct {
		int column;
		const char *what, *name;
		int64_t needed;
	} limits[] = { { 4, "WAL senders", "max_wal_senders", 2 },
		       { 5, "replication slots", "max_replication_slots", 1 } };
	for (size_t i = 0; i < 2; i++) {
		int64_t left = 0;
		int rc = mrt_number_parse(PQgetvalue(r, 0, limits[i].column), INT32_MIN, INT32_MAX,
		                          &left, err);
		if (rc < 0)
			return rc;
		if (left >= limits[i].needed)
			continue;
		mrt_fail(err, MRT_REFUSED,
		         "PostgreSQL at %s: all its %s are in use but %" PRId64
		         "; a physical backup needs %" PRId64,
		         where, limits[i].what, left < 0 ? 0 : left, limits[i].needed);
		return mrt_hint(err,
		                "raise %s (it is %s) and restart the server, or end who uses them",
		                limits[i].name, PQgetvalue(r, 0, limits[i].column + 2));
	}
	return 0;
}

/* Rows of two texts: as an object {a: b}, or as a list of {name: a, location: b}. */
static int pairs(struct mrt_pg *pg, const struct mrt_context *ctx, const char *sql, bool list,
                 json_t **ret, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	mrt_auto_json json = list ? json_array() : json_object();
	int rc = json ? mrt_pg_query(pg, ctx, sql, NULL, 0, &r, err) : mrt_no_memory(err);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		if (!list) {
			rc = mrt_json_set_text(json, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), err);
			continue;
		}
		json_t *item = json_object();
		rc = mrt_json_append(json, item, err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "name", PQgetvalue(r, i, 0), err);
		if (rc == 0)
			rc = mrt_json_set_text(item, "location", PQgetvalue(r, i, 1), err);
	}
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

int mrt_physical_facts_read(struct mrt_pg *pg, const struct mrt_context *ctx,
                            struct mrt_physical_facts *ret, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	struct mrt_physical_facts f = { 0 };
	if (pg->version < 150000)
		return mrt_fail(err, MRT_UNSUPPORTED,
		                "a physical backup needs PostgreSQL 15 or newer; this is %d",
		                pg->version / 10000);
	int rc = mrt_pg_query(
	        pg, ctx,
	        "SELECT (rolreplication OR rolsuper)::text, rolname, quote_ident(rolname), "
	        "current_setting('wal_level'), "
	        "current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_activity "
	        "WHERE backend_type = 'walsender'), "
	        "current_setting('max_replication_slots')::int - (SELECT count(*) FROM "
	        "pg_replication_slots), "
	        "current_setting('max_wal_senders'), current_setting('max_replication_slots'), "
	        "current_setting('data_checksums'), pg_is_in_recovery()::text, "
	        "(SELECT rolname FROM pg_roles WHERE oid = 10) "
	        "FROM pg_roles WHERE rolname = current_user",
	        NULL, 0, &r, err);
	if (rc == 0 && PQntuples(r) != 1)
		rc = mrt_fail(err, MRT_FAILED, "PostgreSQL at %s does not know its own role",
		              pg->where);
	if (rc == 0)
		rc = check_limits(r, pg->where, err);
	if (rc == 0)
		rc = mrt_text_dup(PQgetvalue(r, 0, 10), &f.superuser, err);
	if (rc == 0)
		rc = pairs(pg, ctx,
		           "SELECT name, setting FROM pg_settings WHERE name IN (" SETTINGS
		           ") ORDER BY name",
		           false, &f.settings, err);
	if (rc == 0)
		rc = pairs(pg, ctx,
		           "SELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace WHERE "
		           "pg_tablespace_location(oid) <> '' ORDER BY spcname",
		           true, &f.tablespaces, err);
	if (rc < 0) {
		mrt_physical_facts_release(&f);
		return rc;
	}
	f.page_checksums = strcmp(PQgetvalue(r, 0, 8), "on") == 0;
	f.in_recovery = strcmp(PQgetvalue(r, 0, 9), "true") == 0;
	*ret = f;
	return 0;
}

struct mrt_physical_slot {
	struct mrt_pg *pg;
	char name[64]; /* lower-case letters, digits, "_" */
};

void mrt_physical_slot_free(struct mrt_physical_slot *slot)
{
	if (!slot)
		return;
	mrt_pg_free(slot->pg); /* a temporary slot goes with its session */
	free(slot);
}

int mrt_physical_slot_open(const struct mrt_context *ctx, const struct mrt_pg_options *options,
                           const struct mrt_pg_params *params, const char *database,
                           const char *backup_id, struct mrt_physical_slot **ret,
                           struct mrt_error *err)
{
	mrt_auto(mrt_physical_slot) *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return mrt_no_memory(err);
	snprintf(slot->name, sizeof(slot->name), "maratea_%s", backup_id);
	for (char *p = slot->name; *p; p++)
		*p = *p == '-' ? '_' : (char)tolower((unsigned char)*p);
	int rc = mrt_pg_connect(ctx, options, params, database, &slot->pg, err);
	if (rc == 0)
		rc = mrt_pg_exec(slot->pg, ctx, err,
		                 "CREATE_REPLICATION_SLOT %s TEMPORARY PHYSICAL (RESERVE_WAL)",
		                 slot->name);
	if (rc < 0)
		return mrt_prefix(err, rc, "the slot that keeps WAL for the backup");
	*ret = mrt_steal(slot);
	return 0;
}

int mrt_physical_slot_look(struct mrt_physical_slot *slot, const struct mrt_context *ctx,
                           uint64_t *ret_retained, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	mrt_auto_buf sql = MRT_BUF_INIT;
	int64_t retained;
	mrt_buf_printf(&sql,
	               "SELECT coalesce(wal_status, 'lost'), greatest(0, coalesce(pg_wal_lsn_diff("
	               "CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), "
	               "pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END, restart_lsn), "
	               "0))::bigint FROM pg_replication_slots WHERE slot_name = '%s' AND "
	               "active_pid = pg_backend_pid()",
	               slot->name);
	int rc = mrt_buf_check(&sql, err);
	if (rc == 0)
		rc = mrt_pg_query(slot->pg, ctx, sql.data, NULL, 0, &r, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "the slot that keeps WAL for the backup is lost");
	if (PQntuples(r) != 1 || strcmp(PQgetvalue(r, 0, 0), "lost") == 0) {
		mrt_fail(err, MRT_FAILED, "the slot that keeps WAL for the backup is lost");
		return mrt_hint(err,
		                "max_slot_wal_keep_size of the server is too small for what is "
		                "written during a backup");
	}
	rc = mrt_number_parse(PQgetvalue(r, 0, 1), 0, INT64_MAX, &retained, err);
	if (rc == 0)
		*ret_retained = (uint64_t)retained;
	return rc;
}
