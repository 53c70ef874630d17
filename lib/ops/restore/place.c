/* place.c - where a database is to go, and whether it may. */
#include "ops/restore/place.h"
#include "base/file.h"
#include "base/text.h"
#include "platform/identity.h"
#include "repository/access.h"

#include <inttypes.h>
#include <string.h>

static const char *database_name(const void *arg, size_t i)
{
	const struct mrt_manifest *m = arg;
	const json_t *d = json_array_get(m->databases, i);
	return d ? mrt_json_text_or(d, "name", "") : NULL;
}

int mrt_restore_choose_database(struct mrt_restoring *r, struct mrt_error *err)
{
	const char *wanted = r->options->database;
	if (!wanted && json_array_size(r->manifest->databases) == 1)
		wanted = database_name(r->manifest, 0);
	mrt_auto_buf names = MRT_BUF_INIT;
	for (size_t i = 0; i < json_array_size(r->manifest->databases) && i < 20; i++)
		mrt_buf_printf(&names, "%s%s", i ? ", " : "", database_name(r->manifest, i));
	if (!wanted) {
		mrt_fail(err, MRT_USAGE, "which database? The backup %s has: %s", r->manifest->id,
		         mrt_buf_text(&names));
		return mrt_hint(err, "name it with --database");
	}
	r->database = mrt_manifest_database(r->manifest, wanted);
	if (r->database)
		return 0;
	const char *near = mrt_nearest(wanted, database_name, r->manifest);
	mrt_fail(err, MRT_NOT_FOUND, "the backup %s has no database '%s'%s%s%s", r->manifest->id,
	         wanted, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return mrt_hint(err, "it has: %s", mrt_buf_text(&names));
}

/* The server: --to URL, else the configured one. The database: --to-database, the URL's, or with
 * --swap the same name. */
int mrt_restore_choose_place(struct mrt_restoring *r, const struct mrt_config *config,
                             struct mrt_error *err)
{
	const struct mrt_restore_options *o = r->options;
	/* the configured password is for the configured server only */
	int rc = o->to ? mrt_pg_access_url(r->ctx, config, o->to, NULL, &r->c.access, err)
	               : mrt_pg_access_url(r->ctx, config, config->postgres_url,
	                                   config->postgres_password, &r->c.access, err);
	if (rc < 0 || o->globals)
		return rc;
	const char *own = mrt_json_text_or(r->database, "name", "");
	r->name = o->to_database;
	if (!r->name && o->to)
		r->name = mrt_pg_params_get(r->c.access.params, "dbname");
	/* one database in the place of another is never what a URL happens to say */
	if (o->swap && !o->to_database && r->name && strcmp(r->name, own) != 0) {
		mrt_fail(err, MRT_USAGE, "the backup is of the database %s, and --to names %s", own,
		         r->name);
		return mrt_hint(err, "--to-database says in whose place it is to go");
	}
	if (!r->name && o->swap)
		r->name = own;
	if (!r->name) {
		mrt_fail(err, MRT_USAGE, "where to? Name a new database");
		return mrt_hint(
		        err, "--to-database NEW restores into the configured server, --to URL into "
		             "another, --swap in place of the old one");
	}
	return strlen(r->name) <= 63 ? 0
	                             : mrt_fail(err, MRT_USAGE,
	                                        "'%s' is longer than 63 bytes, the "
	                                        "longest name PostgreSQL has",
	                                        r->name);
}

/* Nothing of a user's in it: no relation, type, function, schema, extension, large object. */
static const char emptiness[] =
        "SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384) + "
        "(SELECT count(*) FROM pg_proc WHERE oid >= 16384) + "
        "(SELECT count(*) FROM pg_type WHERE oid >= 16384) + "
        "(SELECT count(*) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_') + "
        "(SELECT count(*) FROM pg_extension WHERE oid >= 16384) + "
        "(SELECT count(*) FROM pg_largeobject_metadata)";

static int look_at_place(struct mrt_restoring *r, struct mrt_error *err)
{
	const char *const values[] = { r->name };
	mrt_auto_pgresult result = NULL;
	mrt_autofree char *objects = NULL;
	int rc = mrt_pg_query(r->c.pg, r->ctx,
	                      "SELECT (SELECT count(*) FROM pg_database WHERE datname = $1), "
	                      "(rolsuper OR rolcreatedb)::text FROM pg_roles WHERE rolname = "
	                      "current_user",
	                      values, 1, &result, err);
	if (rc < 0)
		return rc;
	r->may_create = strcmp(PQgetvalue(result, 0, 1), "true") == 0;
	if (strcmp(PQgetvalue(result, 0, 0), "0") == 0)
		return 0;
	mrt_auto(mrt_pg) *pg = NULL;
	rc = mrt_pg_connect(r->ctx, &r->c.access.options, r->c.access.params, r->name, &pg, err);
	if (rc == 0)
		rc = mrt_platform_check_database(pg, r->ctx, r->c.config, err);
	if (rc == 0)
		rc = mrt_pg_value(pg, r->ctx, emptiness, &objects, err);
	if (rc == 0)
		rc = mrt_pg_properties(pg, r->ctx, &r->old, err);
	r->state = rc == 0 && strcmp(objects, "0") == 0 ? MRT_PLACE_EMPTY : MRT_PLACE_TAKEN;
	return rc;
}

int mrt_restore_check_place(struct mrt_restoring *r, struct mrt_error *err)
{
	int rc = look_at_place(r, err);
	if (rc < 0)
		return rc;
	if (r->options->swap)
		return mrt_swap_check(r->ctx, &r->c, r->name, &r->kept, err);
	if (r->state == MRT_PLACE_TAKEN) {
		mrt_fail(err, MRT_EXISTS, "the database %s exists and is not empty", r->name);
		return mrt_hint(err,
		                "--to-database takes another name; --swap puts the restored one in "
		                "its place and keeps the old one");
	}
	if (!r->may_create && r->state == MRT_PLACE_FREE) {
		mrt_fail(err, MRT_REFUSED, "the role %s may not create databases",
		         PQuser(r->c.pg->conn));
		return mrt_hint(err,
		                "ALTER ROLE ... CREATEDB, or create an empty database %s for it "
		                "first",
		                r->name);
	}
	return 0;
}

/* One transaction holds a lock per object: more than the lock table has room for cannot work. */
int mrt_restore_fits_transaction(struct mrt_restoring *r, struct mrt_error *err)
{
	mrt_autofree char *room = NULL;
	uint64_t objects = json_array_size(json_object_get(r->database, "tables")) * 4 +
	                   mrt_json_size_or(r->database, "large_objects", 0);
	int rc = mrt_pg_value(r->c.pg, r->ctx,
	                      "SELECT current_setting('max_locks_per_transaction')::bigint * ("
	                      "current_setting('max_connections')::bigint + "
	                      "current_setting('max_prepared_transactions')::bigint)",
	                      &room, err);
	if (rc < 0 || objects < strtoull(room, NULL, 10))
		return rc;
	mrt_fail(err, MRT_UNSUPPORTED,
	         "about %" PRIu64 " objects do not fit one transaction (the server "
	         "has room for %s locks), and the role may not create databases",
	         objects, room);
	return mrt_hint(err, "raise max_locks_per_transaction, or ALTER ROLE ... CREATEDB");
}

int mrt_restore_check_scratch(struct mrt_restoring *r, struct mrt_error *err)
{
	const struct mrt_restore_options *o = r->options;
	r->c.jobs = o->jobs > 0 ? o->jobs : 1;
	r->c.scratch = o->scratch;
	if (r->c.jobs == 1)
		return 0;
	if (!o->scratch)
		return mrt_fail(err, MRT_USAGE,
		                "--jobs %d needs --scratch DIR: pg_restore cannot work in "
		                "parallel from a pipe",
		                r->c.jobs);
	const struct mrt_manifest_object *object =
	        mrt_manifest_object(r->manifest, mrt_json_text_or(r->database, "object", ""));
	int rc = mrt_dir_free_space(o->scratch, &r->scratch_free, err);
	if (rc < 0 || !object || r->scratch_free >= object->size)
		return rc < 0 ? mrt_fail_because(err, MRT_CONFIG, err, "--scratch") : 0;
	char have[MRT_SIZE_SIZE], want[MRT_SIZE_SIZE];
	mrt_size_format(r->scratch_free, have);
	mrt_size_format(object->size, want);
	return mrt_fail(err, MRT_NO_SPACE, "--scratch %s has %s free; the archive has %s",
	                o->scratch, have, want);
}
