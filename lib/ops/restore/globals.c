/* globals.c - roles, memberships and tablespaces from pg_dumpall's script.
 *
 * The script is psql input, not plain SQL (\restrict, comments), so it is split into statements and
 * each is judged: missing roles are created, existing ones are left alone unless --replace-roles
 * says otherwise, memberships are granted, tablespaces need a mapping.
 */
#include "base/text.h"
#include "ops/restore/build.h"

#include <string.h>

struct script {
	const struct mrt_context *ctx;
	const struct mrt_restore_context *c;
	const struct mrt_globals_options *options;
	PGresult *roles, *spaces; /* that exist */
	bool tablespaces; /* the second pass: CREATE TABLESPACE cannot be in a transaction */
	json_t *plan;
};

/* The end of the statement at p: past the ';' that is in no quote. Only what pg_dumpall writes. */
static const char *statement_end(const char *p)
{
	char quote = 0;
	bool escapes = false;
	for (; *p; p++) {
		if (quote && escapes && *p == '\\' && p[1])
			p++;
		else if (quote && *p == quote)
			quote = 0;
		else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			escapes = *p == '\'' && p[-1] == 'E';
		} else if (!quote && *p == ';')
			return p + 1;
	}
	return p;
}

/* An identifier, quoted or not, at *p; moves past it. */
static void take_name(const char **p, struct mrt_buf *name)
{
	mrt_buf_clear(name);
	*p += strspn(*p, " ");
	if (**p != '"') {
		size_t n = strcspn(*p, " ;");
		mrt_buf_add(name, *p, n);
		*p += n;
		return;
	}
	for (++*p; **p && (**p != '"' || (*p)[1] == '"'); ++*p) {
		*p += **p == '"';
		mrt_buf_add_char(name, **p);
	}
	*p += **p == '"';
}

static bool listed(const PGresult *r, const char *name)
{
	for (int i = 0; i < PQntuples(r); i++)
		if (strcmp(PQgetvalue(r, i, 0), name) == 0)
			return true;
	return false;
}

static int note_statement(struct script *s, const char *action, const char *what, const char *name,
                          struct mrt_error *err)
{
	json_t *item = json_object();
	int rc = mrt_json_append(s->plan, item, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "action", action, err);
	if (rc == 0)
		rc = mrt_json_set_text(item, "kind", what, err);
	return rc < 0 ? rc : mrt_json_set_text(item, "name", name, err);
}

static int execute(struct script *s, const char *sql, struct mrt_error *err)
{
	return s->options->plan_only ? 0 : mrt_pg_exec(s->c->pg, s->ctx, err, "%s", sql);
}

static const char *mapped(const struct mrt_globals_options *o, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < o->n_tablespaces; i++)
		if (strncmp(o->tablespaces[i], name, n) == 0 && o->tablespaces[i][n] == '=')
			return o->tablespaces[i] + n + 1;
	return NULL;
}

static int do_tablespace(struct script *s, const char *rest, struct mrt_error *err)
{
	mrt_auto_buf name = MRT_BUF_INIT, owner = MRT_BUF_INIT;
	take_name(&rest, &name);
	const char *to = mapped(s->options, mrt_buf_text(&name));
	if (listed(s->spaces, mrt_buf_text(&name)))
		return note_statement(s, "keep", "tablespace", mrt_buf_text(&name), err);
	if (!to)
		return note_statement(s, "skip: no --tablespace OLD=NEW", "tablespace",
		                      mrt_buf_text(&name), err);
	int rc = note_statement(s, "create", "tablespace", mrt_buf_text(&name), err);
	mrt_autofree char *quoted = NULL, *who = NULL, *location = NULL, *sql = NULL;
	rest += strspn(rest, " ");
	if (strncmp(rest, "OWNER ", 6) == 0) {
		rest += 6;
		take_name(&rest, &owner);
	}
	if (rc == 0)
		rc = mrt_pg_name(s->c->pg, mrt_buf_text(&name), &quoted, err);
	if (rc == 0)
		rc = mrt_pg_name(s->c->pg, mrt_buf_text(&owner), &who, err);
	if (rc == 0)
		rc = mrt_pg_literal(s->c->pg, to, &location, err);
	if (rc == 0)
		rc = mrt_text_printf(&sql, err, "CREATE TABLESPACE %s OWNER %s LOCATION %s", quoted,
		                     who, location);
	return rc < 0 ? rc : execute(s, sql, err);
}

static int do_role(struct script *s, const char *sql, const char *rest, bool creates,
                   struct mrt_error *err)
{
	mrt_auto_buf name = MRT_BUF_INIT;
	take_name(&rest, &name);
	rest += strspn(rest, " ");
	if (strncmp(rest, "IN DATABASE", 11) == 0)
		return 0; /* comes with the database */
	bool there = listed(s->roles, mrt_buf_text(&name));
	int rc = 0;
	if (creates)
		rc = note_statement(s,
		                    !there                      ? "create"
		                    : s->options->replace_roles ? "alter"
		                                                : "keep",
		                    "role", mrt_buf_text(&name), err);
	if (rc < 0 || (there && (creates || !s->options->replace_roles)))
		return rc;
	return execute(s, sql, err);
}

static int do_statement(struct script *s, const char *sql, struct mrt_error *err)
{
	static const struct {
		const char *begin;
		int kind;
	} kinds[] = { { "CREATE ROLE ", 1 },
		      { "ALTER ROLE ", 2 },
		      { "COMMENT ON ROLE ", 2 },
		      { "CREATE TABLESPACE ", 3 },
		      { "GRANT ", 4 } };
	int kind = 0;
	const char *rest = sql;
	for (size_t i = 0; !kind && i < MRT_COUNT(kinds); i++)
		if (strncmp(sql, kinds[i].begin, strlen(kinds[i].begin)) == 0) {
			kind = kinds[i].kind;
			rest = sql + strlen(kinds[i].begin);
		}
	if ((kind == 3) != s->tablespaces)
		return 0;
	if (kind == 3)
		return do_tablespace(s, rest, err);
	if (kind == 1 || kind == 2)
		return do_role(s, sql, rest, kind == 1, err);
	if (kind == 4 && strncmp(rest, "ALL ON TABLESPACE", 17) != 0 &&
	    strncmp(rest, "CREATE ON TABLESPACE", 20) != 0 && !strstr(sql, " ON PARAMETER ")) {
		mrt_autofree char *shown = NULL;
		int rc = mrt_text_printf(&shown, err, "%.*s", (int)(strcspn(sql, ";")), sql);
		if (rc == 0)
			rc = note_statement(s, "grant", "membership", shown, err);
		return rc < 0 ? rc : execute(s, sql, err);
	}
	return 0; /* SET, and what has no place on another server */
}

static int do_script(struct script *s, const char *text, struct mrt_error *err)
{
	while (*text) {
		text += strspn(text, " \n");
		if (strncmp(text, "--", 2) == 0 || *text == '\\') {
			text += strcspn(text, "\n");
			continue;
		}
		const char *end = statement_end(text);
		mrt_autofree char *sql = NULL;
		int rc = mrt_text_printf(&sql, err, "%.*s", (int)(end - text), text);
		if (rc == 0 && *text)
			rc = do_statement(s, sql, err);
		if (rc < 0)
			return rc;
		text = end;
	}
	return 0;
}

int mrt_restore_globals(const struct mrt_context *ctx, const struct mrt_restore_context *c,
                        const struct mrt_globals_options *options, json_t **ret,
                        struct mrt_error *err)
{
	const struct mrt_manifest_object *object =
	        mrt_manifest_object(c->manifest, "globals.sql.zst");
	mrt_auto(mrt_source) *source = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_auto_pgresult roles = NULL;
	mrt_auto_pgresult spaces = NULL;
	mrt_auto_json plan = json_array();
	if (!object)
		return mrt_fail(err, MRT_CORRUPT, "the backup has no globals.sql.zst");
	if (!plan)
		return mrt_no_memory(err);
	int rc = mrt_content_source(ctx, c->store, c->manifest, object, &source, err);
	if (rc == 0)
		rc = mrt_stream_slurp(ctx, source, &text, err);
	if (rc == 0)
		rc = mrt_pg_query(c->pg, ctx, "SELECT rolname FROM pg_roles", NULL, 0, &roles, err);
	if (rc == 0)
		rc = mrt_pg_query(c->pg, ctx, "SELECT spcname FROM pg_tablespace", NULL, 0, &spaces,
		                  err);
	struct script s = { .ctx = ctx,
		            .c = c,
		            .options = options,
		            .roles = roles,
		            .spaces = spaces,
		            .plan = plan };
	/* roles and memberships: all of them or none */
	if (rc == 0)
		rc = execute(&s, "BEGIN", err);
	if (rc == 0)
		rc = do_script(&s, mrt_buf_text(&text), err);
	if (rc == 0)
		rc = execute(&s, "COMMIT", err);
	s.tablespaces = true;
	if (rc == 0)
		rc = do_script(&s, mrt_buf_text(&text), err);
	if (rc == 0)
		*ret = mrt_steal(plan);
	return rc;
}
