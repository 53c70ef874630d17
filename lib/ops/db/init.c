/* init.c - "db init": roles, schemas, and whose database this is. */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/open.h"
#include "ops/db/commands.h"
#include "platform/audit.h"
#include "platform/migrations.h"
#include "platform/sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PASSWORD_BYTES 24
#define LOCK_KEYS "1835102817, 1768843636" /* "mara", "init" */
#define NO_POWERS " NOSUPERUSER NOCREATEDB NOCREATEROLE"

static const struct role {
	const char *name, *attributes;
	bool login;
} roles[] = {
	{ MRT_OWNER, "NOLOGIN INHERIT BYPASSRLS NOREPLICATION NOSUPERUSER CREATEDB NOCREATEROLE",
	  false },
	{ "maratea_migrate", "LOGIN NOINHERIT NOBYPASSRLS NOREPLICATION" NO_POWERS, true },
	{ "maratea_backup", "LOGIN INHERIT BYPASSRLS REPLICATION" NO_POWERS, true },
	{ "maratea_app", "LOGIN INHERIT NOBYPASSRLS NOREPLICATION" NO_POWERS, true },
	{ "maratea_ops", "LOGIN INHERIT NOBYPASSRLS NOREPLICATION" NO_POWERS, true },
};
#define N_ROLES (MRT_COUNT(roles))

/* Every one of these may be said again. maratea_migrate reaches its roles by SET ROLE only. */
static const char *const grants[] = {
	"GRANT " MRT_OWNER ", maratea_app TO maratea_migrate",
	"GRANT pg_read_all_data TO maratea_backup",
	"CREATE SCHEMA IF NOT EXISTS " MRT_PLATFORM_SCHEMA " AUTHORIZATION " MRT_OWNER,
	"CREATE SCHEMA IF NOT EXISTS " MRT_SHARED_SCHEMA " AUTHORIZATION " MRT_OWNER,
	"GRANT USAGE ON SCHEMA " MRT_PLATFORM_SCHEMA ", " MRT_SHARED_SCHEMA
	" TO maratea_app, maratea_ops, maratea_migrate",
	"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO " MRT_OWNER
	"', current_database()); "
	/* a temporary table stands before all others of its name, and outlives the transaction */
	"EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$",
	"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
	"CREATE TABLE IF NOT EXISTS " MRT_PLATFORM_SCHEMA
	".platform (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), id uuid NOT NULL, "
	"database_name text NOT NULL DEFAULT current_database(), "
	"created_at timestamptz NOT NULL DEFAULT now())",
	"ALTER TABLE " MRT_PLATFORM_SCHEMA ".platform OWNER TO " MRT_OWNER,
	"GRANT SELECT ON " MRT_PLATFORM_SCHEMA
	".platform TO maratea_app, maratea_ops, maratea_migrate",
};

struct init {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_db_init_options *options;
	struct mrt_pg *pg;
	struct mrt_store *store; /* NULL: none is configured */
	char *id;
	json_t *roles;
};

static void init_release(struct init *i)
{
	mrt_pg_free(i->pg);
	mrt_store_free(i->store);
	json_decref(i->roles);
	free(i->id);
}

static int check_admin(const struct init *i, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(i->pg, i->ctx,
	                      "SELECT rolsuper::text, rolname, (SELECT "
	                      "pg_encoding_to_char(encoding) FROM pg_database WHERE datname = "
	                      "current_database()) FROM pg_roles WHERE rolname = current_user",
	                      NULL, 0, &r, err);
	if (rc < 0)
		return rc;
	if (i->pg->version < 150000)
		return mrt_fail(err, MRT_UNSUPPORTED, "%s is PostgreSQL %d; 15 is needed",
		                i->pg->where, i->pg->version / 10000);
	if (strcmp(PQgetvalue(r, 0, 2), "UTF8") != 0) {
		mrt_fail(err, MRT_UNSUPPORTED,
		         "%s: the database's encoding is %s; names of people need UTF8",
		         i->pg->where, PQgetvalue(r, 0, 2));
		return mrt_hint(err, "CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'");
	}
	if (strcmp(PQgetvalue(r, 0, 0), "true") == 0)
		return 0;
	mrt_fail(err, MRT_UNSUPPORTED,
	         "the role %s cannot create roles that bypass row security: without them "
	         "migrations would see no rows, and no backup would be complete",
	         PQgetvalue(r, 0, 1));
	return mrt_hint(err, "it takes a superuser");
}

/* The server's roles are those of all its databases: a new password would lock out who uses the old
 * one. */
static int check_no_password(const struct init *i, const char *role, const char *path,
                             struct mrt_error *err)
{
	const char *const values[] = { role };
	mrt_auto_pgresult r = NULL;
	int rc =
	        mrt_pg_query(i->pg, i->ctx,
	                     "SELECT FROM pg_authid WHERE rolname = $1 AND rolpassword IS NOT NULL",
	                     values, 1, &r, err);
	if (rc < 0 || PQntuples(r) == 0)
		return rc;
	mrt_fail(err, MRT_EXISTS, "the role %s has a password, and %s is not there", role, path);
	return mrt_hint(err,
	                "put the password there; without --passwords all passwords stay as they "
	                "are; ALTER ROLE %s PASSWORD NULL lets a new one be made",
	                role);
}

/* The password in DIR/<role>, made where there is none. */
static int password_of(const struct init *i, const char *role, char **ret, const char **ret_how,
                       struct mrt_error *err)
{
	mrt_autofree char *path = NULL;
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = { .ceiling = 1 << 20 };
	int rc = mrt_text_printf(&path, err, "%s/%s", i->options->passwords, role);
	if (rc == 0)
		rc = mrt_file_read(path, &text, err);
	*ret_how = rc == MRT_NOT_FOUND ? "made" : "read";
	if (rc == MRT_NOT_FOUND)
		rc = check_no_password(i, role, path, err) < 0 ? MRT_EXISTS : MRT_NOT_FOUND;
	if (rc == MRT_NOT_FOUND && i->options->dry_run)
		return 0;
	if (rc == MRT_NOT_FOUND) {
		char hex[2 * PASSWORD_BYTES + 1];
		mrt_random_hex(PASSWORD_BYTES, hex);
		mrt_buf_add_text(&text, hex);
		rc = mrt_file_create(path, hex, strlen(hex), 0600, err);
		explicit_bzero(hex, sizeof(hex));
	}
	if (rc == 0)
		rc = mrt_text_printf(ret, err, "%.*s", (int)strcspn(mrt_buf_text(&text), "\r\n"),
		                     mrt_buf_text(&text));
	if (rc == 0 && !**ret)
		rc = mrt_fail(err, MRT_CONFIG, "%s is empty", path);
	return rc < 0 ? rc : mrt_log_secret(i->ctx->log, *ret, err);
}

/* The server gets the verifier, never the password. */
static int set_password(const struct init *i, const char *role, const char **ret_how,
                        struct mrt_error *err)
{
	mrt_auto_secret password = NULL;
	int rc = password_of(i, role, &password, ret_how, err);
	if (rc < 0 || i->options->dry_run)
		return rc;
	char *verifier = PQencryptPasswordConn(i->pg->conn, password, role, "scram-sha-256");
	if (!verifier)
		return mrt_fail(err, MRT_FAILED, "PostgreSQL: %s", PQerrorMessage(i->pg->conn));
	rc = mrt_pg_exec(i->pg, i->ctx, err, "ALTER ROLE %s PASSWORD '%s'", role, verifier);
	PQfreemem(verifier);
	return rc;
}

static int set_role(const struct init *i, const struct role *role, struct mrt_error *err)
{
	const char *const values[] = { role->name };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(i->pg, i->ctx, "SELECT FROM pg_roles WHERE rolname = $1", values, 1,
	                      &r, err);
	bool there = rc == 0 && PQntuples(r) > 0;
	bool password = role->login && i->options->passwords;
	if (rc == 0 && !there)
		rc = mrt_pg_exec(i->pg, i->ctx, err, "CREATE ROLE %s", role->name);
	if (rc == 0)
		rc = mrt_pg_exec(i->pg, i->ctx, err, "ALTER ROLE %s %s", role->name,
		                 role->attributes);
	const char *how = role->login ? "kept" : NULL;
	if (rc == 0 && password)
		rc = set_password(i, role->name, &how, err);
	json_t *item = json_object();
	if (rc < 0) {
		json_decref(item);
		return rc;
	}
	rc = mrt_json_append(i->roles, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "name", role->name, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "action", there ? "keep" : "create", err);
	return rc < 0 ? rc : mrt_json_set_text(item, "password", how, err);
}

/* What else our roles were made members of gives them more than is theirs. */
static int take_memberships(const struct init *i, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(i->pg, i->ctx, mrt_sql_memberships, NULL, 0, &r, err);
	for (int k = 0; rc == 0 && k < PQntuples(r); k++) {
		rc = mrt_pg_exec(i->pg, i->ctx, err, "REVOKE %s FROM %s", PQgetvalue(r, k, 0),
		                 PQgetvalue(r, k, 1));
		if (rc == 0)
			mrt_warn(i->ctx, "%s was a member of %s: %s", PQgetvalue(r, k, 1),
			         PQgetvalue(r, k, 0),
			         i->options->dry_run ? "it would be no more" : "it is no more");
	}
	return rc;
}

/* In the platform's chain, where there is one: a platform that is new has its first row by 'db
 * migrate'. before: the database that it was. */
static int note_role(struct init *i, const char *before, struct mrt_error *err)
{
	mrt_auto_json payload = json_object();
	mrt_autofree char *database = NULL;
	mrt_auto_pgresult r = NULL;
	struct mrt_audit_who who;
	struct mrt_audit_event event = { .begins = true, .action = "db.init", .payload = payload };
	int rc = payload ? mrt_pg_query(i->pg, i->ctx,
	                                "SELECT current_database() WHERE "
	                                "to_regclass('" MRT_PLATFORM_SCHEMA
	                                ".audit_log') IS NOT NULL",
	                                NULL, 0, &r, err)
	                 : mrt_no_memory(err);
	if (rc < 0 || PQntuples(r) == 0)
		return rc;
	mrt_audit_who(&who);
	snprintf(event.tenant, sizeof(event.tenant), "%s", i->id);
	rc = mrt_text_dup(PQgetvalue(r, 0, 0), &database, err);
	if (rc == 0)
		rc = mrt_json_set_text(payload, "database", database, err);
	if (rc == 0 && strcmp(before, database) != 0)
		rc = mrt_json_set_text(payload, "copy_of", before, err);
	if (rc == 0)
		rc = mrt_json_set(payload, "roles", json_deep_copy(i->roles), err);
	if (rc == 0)
		rc = mrt_pg_exec(i->pg, i->ctx, err,
		                 "SET LOCAL search_path = " MRT_PLATFORM_SCHEMA);
	return rc < 0 ? rc : mrt_audit_append(i->pg, i->ctx, &who, &event, err);
}

/* Two that change the same schools' databases are none. */
static int check_original(struct init *i, const char *before, struct mrt_error *err)
{
	const char *const values[] = { before };
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(i->pg, i->ctx,
	                      "SELECT FROM pg_database WHERE datname = $1 AND datname <> "
	                      "current_database()",
	                      values, 1, &r, err);
	if (rc < 0 || PQntuples(r) == 0)
		return rc;
	mrt_fail(err, MRT_CHANGED,
	         "%s is a copy of the platform's database %s, which is there still", i->pg->where,
	         before);
	return mrt_hint(err,
	                "both would change the same schools' databases: drop or rename %s, if this "
	                "is the platform from now on",
	                before);
}

/* The id that is there already, or the configured one, or a new one. */
static int choose_id(struct init *i, struct mrt_error *err)
{
	mrt_autofree char *there = NULL;
	const char *wanted = i->config->platform_id;
	int rc = mrt_pg_value(i->pg, i->ctx, "SELECT id FROM " MRT_PLATFORM_SCHEMA ".platform",
	                      &there, err);
	if (rc < 0)
		return rc;
	if (*there && wanted && strcasecmp(there, wanted) != 0)
		return mrt_fail(
		        err, MRT_CHANGED,
		        "the database is platform %s; the configuration (platform.id) is of %s",
		        there, wanted);
	if (*there) {
		mrt_autofree char *before = NULL;
		rc = mrt_text_dup(there, &i->id, err);
		if (rc == 0)
			rc = mrt_pg_value(i->pg, i->ctx,
			                  "SELECT database_name FROM " MRT_PLATFORM_SCHEMA
			                  ".platform",
			                  &before, err);
		if (rc == 0)
			rc = check_original(i, before, err);
		if (rc == 0)
			rc = mrt_pg_exec(i->pg, i->ctx, err,
			                 "UPDATE " MRT_PLATFORM_SCHEMA
			                 ".platform SET database_name = current_database()");
		return rc < 0 ? rc : note_role(i, before, err);
	}
	const char *const values[] = { wanted };
	mrt_auto_pgresult r = NULL;
	rc = mrt_pg_query(i->pg, i->ctx,
	                  "INSERT INTO " MRT_PLATFORM_SCHEMA
	                  ".platform (id) VALUES (coalesce($1::uuid, gen_random_uuid())) RETURNING "
	                  "id",
	                  values, 1, &r, err);
	return rc < 0 ? rc : mrt_text_dup(PQgetvalue(r, 0, 0), &i->id, err);
}

static int compare_store(struct init *i, bool *ret_missing, struct mrt_error *err)
{
	mrt_autofree char *id = NULL;
	*ret_missing = false;
	int rc = i->store ? mrt_platform_of_store(i->store, i->ctx, i->config, &id, err) : 0;
	if (rc < 0 || !i->store)
		return rc;
	*ret_missing = !*id;
	return !*id || strcasecmp(id, i->id) == 0
	               ? 0
	               : mrt_fail(err, MRT_CHANGED,
	                          "the store holds platform %s; the database is platform %s", id,
	                          i->id);
}

static int put_store(struct init *i, struct mrt_error *err)
{
	mrt_autofree char *key = NULL, *text = NULL;
	bool missing;
	int rc = mrt_text_printf(&key, err, "%s/platform.json", i->config->platform_name);
	if (rc == 0)
		rc = mrt_text_printf(&text, err, "{\n  \"id\": \"%s\"\n}\n", i->id);
	if (rc == 0)
		rc = mrt_store_put_bytes(i->store, i->ctx, key, text, strlen(text), err);
	return rc == MRT_EXISTS ? compare_store(i, &missing, err) : rc;
}

static int make_directory(const struct init *i, struct mrt_error *err)
{
	const char *path = i->options->passwords;
	struct stat st;
	if (!path)
		return 0;
	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode)
		               ? 0
		               : mrt_fail(err, MRT_CONFIG, "--passwords: %s is no directory", path);
	return i->options->dry_run ? 0 : mrt_dir_make(path, 0700, err);
}

static int ask_before_init(const struct init *i, struct mrt_error *err)
{
	mrt_autofree char *question = NULL;
	if (i->options->dry_run || !i->options->confirm)
		return 0;
	int rc = mrt_text_printf(&question, err, "making roles and schemas of maratea at %s",
	                         i->pg->where);
	return rc < 0 ? rc : i->options->confirm(i->options->context, question, err);
}

static int lock(struct init *i, struct mrt_error *err)
{
	mrt_autofree char *taken = NULL;
	int rc = mrt_pg_value(i->pg, i->ctx,
	                      "SELECT pg_try_advisory_xact_lock(" LOCK_KEYS ")::text", &taken, err);
	return rc < 0 || strcmp(taken, "true") == 0
	               ? rc
	               : mrt_fail(err, MRT_LOCKED, "another 'maratea db init' is at work on %s",
	                          i->pg->where);
}

/* What was made by somebody else is not ours to work in. */
static int check_owners(struct init *i, struct mrt_error *err)
{
	mrt_auto_pgresult r = NULL;
	int rc = mrt_pg_query(i->pg, i->ctx,
	                      "SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE "
	                      "nspname IN ('" MRT_PLATFORM_SCHEMA "', '" MRT_SHARED_SCHEMA
	                      "') AND nspowner <> '" MRT_OWNER "'::regrole ORDER BY 1",
	                      NULL, 0, &r, err);
	if (rc < 0 || PQntuples(r) == 0)
		return rc;
	mrt_fail(err, MRT_EXISTS, "the schema %s at %s belongs to %s, and not to " MRT_OWNER,
	         PQgetvalue(r, 0, 0), i->pg->where, PQgetvalue(r, 0, 1));
	return mrt_hint(err, "if it is a platform's: ALTER SCHEMA %s OWNER TO " MRT_OWNER,
	                PQgetvalue(r, 0, 0));
}

/* All of it is one transaction, the look at the store included. */
static int set_up(struct init *i, struct mrt_error *err)
{
	bool missing = false;
	int rc = mrt_pg_exec(i->pg, i->ctx, err, "BEGIN");
	if (rc == 0)
		rc = lock(i, err);
	for (size_t k = 0; rc == 0 && k < N_ROLES; k++)
		rc = set_role(i, &roles[k], err);
	if (rc == 0)
		rc = take_memberships(i, err);
	for (size_t k = 0; rc == 0 && k < MRT_COUNT(grants); k++)
		rc = mrt_pg_exec(i->pg, i->ctx, err, "%s", grants[k]);
	if (rc == 0)
		rc = check_owners(i, err);
	if (rc == 0)
		rc = choose_id(i, err);
	if (rc == 0)
		rc = compare_store(i, &missing, err);
	if (rc == 0)
		rc = mrt_pg_exec(i->pg, i->ctx, err, i->options->dry_run ? "ROLLBACK" : "COMMIT");
	if (rc == 0 && missing && !i->options->dry_run)
		rc = put_store(i, err);
	return rc;
}

int mrt_db_init(const struct mrt_context *ctx, const struct mrt_config *config,
                const struct mrt_db_init_options *options, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(init_release) struct init i = {
		.ctx = ctx, .config = config, .options = options, .roles = json_array()
	};
	const struct mrt_config_pg how = { .url = options->admin_url,
		                           .password_from = "a password in $MARATEA_ADMIN_URL",
		                           .application = "maratea db init" };
	mrt_auto_json json = json_object();
	int rc = i.roles && json ? mrt_config_name_check("platform", config->platform_name, err)
	                         : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_config_open_pg(ctx, config, &how, &i.pg, err);
	if (rc == 0 && config->store_url)
		rc = mrt_config_open_store(config, 2, &i.store, err);
	if (rc == 0)
		rc = check_admin(&i, err);
	if (rc == 0)
		rc = ask_before_init(&i, err);
	if (rc == 0)
		rc = make_directory(&i, err);
	if (rc == 0)
		rc = set_up(&i, err);
	if (rc == 0 && !config->store_url)
		mrt_warn(ctx, "no store is configured: the platform's id is in the database only");
	if (rc == 0)
		rc = mrt_json_set_text(json, "platform_id", i.id, err);
	if (rc == 0)
		rc = mrt_json_set(json, "dry_run", json_boolean(options->dry_run), err);
	if (rc == 0)
		rc = mrt_json_set(json, "roles", json_incref(i.roles), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}
