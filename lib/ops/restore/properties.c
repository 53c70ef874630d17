/* properties.c - what belongs to a database but is not inside it: settings, rights,
 * comment.
 *
 * pg_restore applies these only with -C, under the old name; here they are applied to a new one. */
#include "base/text.h"
#include "ops/restore/build.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* Settings whose values are lists of quoted names (GUC_LIST_QUOTE in guc_tables.c). */
static bool is_list(const char *name)
{
	static const char *const lists[] = {
		"local_preload_libraries",  "search_path",      "session_preload_libraries",
		"shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"
	};
	for (size_t i = 0; i < MRT_COUNT(lists); i++)
		if (strcasecmp(lists[i], name) == 0)
			return true;
	return false;
}

/* "$user", public  ->  '$user', 'public' */
static int add_list(struct mrt_pg *pg, const char *value, struct mrt_buf *sql,
                    struct mrt_error *err)
{
	size_t n = 0;
	for (const char *p = value; *p;) {
		mrt_auto_buf item = MRT_BUF_INIT;
		mrt_autofree char *literal = NULL;
		p += strspn(p, ", ");
		if (*p == '"') {
			for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
				p += *p == '"';
				mrt_buf_add_char(&item, *p);
			}
			p += *p == '"';
		} else {
			size_t len = strcspn(p, ", ");
			mrt_buf_add(&item, p, len);
			p += len;
		}
		int rc = mrt_pg_literal(pg, mrt_buf_text(&item), &literal, err);
		if (rc < 0)
			return rc;
		mrt_buf_printf(sql, "%s%s", n++ ? ", " : "", literal);
	}
	if (n == 0)
		mrt_buf_add_text(sql, "''");
	return 0;
}

static int apply_setting(const struct mrt_context *ctx, struct mrt_pg *pg, const char *database,
                         const json_t *s, struct mrt_error *err)
{
	const char *setting = mrt_json_text_or(s, "setting", ""),
	           *role = mrt_json_text_or(s, "role", NULL);
	const char *equals = strchr(setting, '=');
	mrt_autofree char *name = NULL, *quoted_role = NULL, *quoted = NULL, *value = NULL;
	mrt_auto_buf sql = MRT_BUF_INIT;
	if (!equals)
		return mrt_fail(err, MRT_CORRUPT, "the setting '%s' has no value", setting);
	int rc = mrt_text_printf(&name, err, "%.*s", (int)(equals - setting), setting);
	if (rc == 0)
		rc = mrt_pg_name(pg, name, &quoted, err);
	if (rc == 0 && role)
		rc = mrt_pg_name(pg, role, &quoted_role, err);
	if (rc < 0)
		return rc;
	mrt_buf_printf(&sql, "ALTER %s%s%sDATABASE %s SET %s TO ", role ? "ROLE " : "",
	               role ? quoted_role : "", role ? " IN " : "", database, quoted);
	if (is_list(name)) {
		rc = add_list(pg, equals + 1, &sql, err);
	} else {
		rc = mrt_pg_literal(pg, equals + 1, &value, err);
		mrt_buf_add_text(&sql, rc == 0 ? value : "");
	}
	if (rc == 0)
		rc = mrt_buf_check(&sql, err);
	return rc < 0 ? rc : mrt_pg_exec(pg, ctx, err, "%s", sql.data);
}

static int apply_acl(const struct mrt_context *ctx, struct mrt_pg *pg, const char *database,
                     const char *owner, const json_t *acl, struct mrt_error *err)
{
	if (!json_is_array(
	            acl)) /* the default: CONNECT was only taken away for the time of building */
		return mrt_pg_exec(pg, ctx, err, "GRANT CONNECT ON DATABASE %s TO PUBLIC",
		                   database);
	int rc = mrt_pg_exec(pg, ctx, err, "REVOKE ALL ON DATABASE %s FROM PUBLIC", database);
	if (rc == 0 && owner)
		rc = mrt_pg_exec(pg, ctx, err, "REVOKE ALL ON DATABASE %s FROM %s", database,
		                 owner);
	const json_t *a;
	size_t i;
	json_array_foreach (acl, i, a) {
		const char *grantee = mrt_json_text_or(a, "grantee", NULL);
		const char *privilege = mrt_json_text_or(a, "privilege", "");
		mrt_autofree char *quoted = NULL;
		if (strspn(privilege, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") != strlen(privilege))
			return mrt_fail(err, MRT_CORRUPT, "'%s' is not a privilege", privilege);
		if (rc == 0 && grantee)
			rc = mrt_pg_name(pg, grantee, &quoted, err);
		if (rc == 0)
			rc = mrt_pg_exec(pg, ctx, err, "GRANT %s ON DATABASE %s TO %s%s", privilege,
			                 database, grantee ? quoted : "PUBLIC",
			                 json_is_true(json_object_get(a, "grantable"))
			                         ? " WITH GRANT OPTION"
			                         : "");
	}
	return rc;
}

static int apply_numbers(const struct mrt_context *ctx, struct mrt_pg *pg, const char *database,
                         const json_t *p, struct mrt_error *err)
{
	const json_t *limit = json_object_get(p, "connection_limit");
	int rc = 0;
	if (json_is_integer(limit) && json_integer_value(limit) >= 0)
		rc = mrt_pg_exec(pg, ctx, err, "ALTER DATABASE %s CONNECTION LIMIT %" PRId64,
		                 database, (int64_t)json_integer_value(limit));
	if (rc == 0 && json_is_true(json_object_get(p, "is_template")))
		rc = mrt_pg_exec(pg, ctx, err, "ALTER DATABASE %s IS_TEMPLATE true", database);
	return rc;
}

int mrt_restore_properties(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                           const json_t *p, const char *name, struct mrt_error *err)
{
	mrt_autofree char *quoted = NULL, *comment = NULL, *owner = NULL;
	const char *text = mrt_json_text_or(p, "comment", NULL);
	const char *who = mrt_json_text_or(p, "owner", NULL);
	int rc = mrt_pg_name(c->pg, name, &quoted, err);
	if (rc == 0 && who)
		rc = mrt_pg_name(c->pg, who, &owner, err);
	if (rc == 0 && owner && !c->no_owner)
		rc = mrt_pg_exec(c->pg, ctx, err, "ALTER DATABASE %s OWNER TO %s", quoted, owner);
	const json_t *s;
	size_t i;
	json_array_foreach (json_object_get(p, "settings"), i, s)
		if (rc == 0 && (!c->no_owner || !mrt_json_text_or(s, "role", NULL)))
			rc = apply_setting(ctx, c->pg, quoted, s, err);
	if (rc == 0)
		rc = apply_numbers(ctx, c->pg, quoted, p, err);
	if (rc == 0 && text) {
		rc = mrt_pg_literal(c->pg, text, &comment, err);
		if (rc == 0)
			rc = mrt_pg_exec(c->pg, ctx, err, "COMMENT ON DATABASE %s IS %s", quoted,
			                 comment);
	}
	if (rc == 0)
		rc = apply_acl(ctx, c->pg, quoted, c->no_owner ? NULL : owner,
		               c->no_owner ? NULL : json_object_get(p, "acl"), err);
	return rc < 0 ? mrt_prefix(err, rc, "settings of the database") : 0;
}
