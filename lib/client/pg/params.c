/* params.c - connection parameters: from URL and environment, for us and for child programs. */
#include "base/text.h"
#include "client/pg/connection.h"

#include <stdio.h>
#include <string.h>

void mrt_pg_params_free(struct mrt_pg_params *params)
{
	if (!params)
		return;
	for (size_t i = 0; i < params->n; i++) {
		explicit_bzero(params->values[i], strlen(params->values[i]));
		free(params->keys[i]);
		free(params->values[i]);
	}
	free(params);
}

const char *mrt_pg_params_get(const struct mrt_pg_params *params, const char *key)
{
	for (size_t i = 0; i < params->n; i++)
		if (strcmp(params->keys[i], key) == 0)
			return params->values[i];
	return NULL;
}

int mrt_pg_params_set(struct mrt_pg_params *params, const char *key, const char *value,
                      struct mrt_error *err)
{
	char *copy = NULL;
	int rc = mrt_text_dup(value, &copy, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < params->n; i++)
		if (strcmp(params->keys[i], key) == 0) {
			explicit_bzero(params->values[i], strlen(params->values[i]));
			free(params->values[i]);
			params->values[i] = copy;
			return 0;
		}
	if (params->n + 1 >= MRT_PG_PARAMS_MAX) {
		free(copy);
		return mrt_fail(err, MRT_CONFIG, "too many connection parameters");
	}
	rc = mrt_text_dup(key, &params->keys[params->n], err);
	if (rc < 0) {
		free(copy);
		return rc;
	}
	params->values[params->n++] = copy;
	return 0;
}

int mrt_pg_params_copy(const struct mrt_pg_params *params, struct mrt_pg_params **ret,
                       struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return mrt_no_memory(err);
	for (size_t i = 0; i < params->n; i++) {
		int rc = mrt_pg_params_set(copy, params->keys[i], params->values[i], err);
		if (rc < 0)
			return rc;
	}
	copy->peer = params->peer;
	*ret = mrt_steal(copy);
	return 0;
}

static int take_given(struct mrt_pg_params *params, const char *url, struct mrt_error *err)
{
	char *why = NULL;
	PQconninfoOption *given = PQconninfoParse(url, &why);
	if (!given) {
		/* libpq's words repeat the text, which may hold the password */
		PQfreemem(why);
		return mrt_fail(err, MRT_CONFIG,
		                "the PostgreSQL URL cannot be understood; write "
		                "postgresql://user@host:5432/database");
	}
	int rc = 0;
	for (const PQconninfoOption *o = given; rc == 0 && o->keyword; o++)
		if (o->val && *o->val)
			rc = mrt_pg_params_set(params, o->keyword, o->val, err);
	PQconninfoFree(given);
	return rc;
}

static int take_ambient(struct mrt_pg_params *params, const struct mrt_pg_params *ambient,
                        struct mrt_error *err)
{
	bool host_given = mrt_pg_params_get(params, "host") != NULL;
	for (size_t i = 0; i < ambient->n; i++) {
		const char *key = ambient->keys[i];
		if (mrt_pg_params_get(params, key) || (host_given && strcmp(key, "hostaddr") == 0))
			continue;
		if (strcmp(key, "service") == 0)
			return mrt_fail(err, MRT_CONFIG,
			                "the service '%s' that PGSERVICE names is not defined, or "
			                "its definition cannot be used",
			                ambient->values[i]);
		int rc = mrt_pg_params_set(params, key, ambient->values[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_built_in(struct mrt_pg_params *params, struct mrt_error *err)
{
	PQconninfoOption *options = PQconndefaults();
	if (!options)
		return mrt_no_memory(err);
	int rc = 0;
	for (const PQconninfoOption *o = options; rc == 0 && o->keyword; o++)
		if (o->compiled && *o->compiled && !mrt_pg_params_get(params, o->keyword))
			rc = mrt_pg_params_set(params, o->keyword, o->compiled, err);
	PQconninfoFree(options);
	return rc;
}

int mrt_pg_params_make(const char *url, const char *password, const struct mrt_pg_params *ambient,
                       struct mrt_pg_params **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = calloc(1, sizeof(*params));
	if (!params)
		return mrt_no_memory(err);
	int rc = url && *url ? take_given(params, url, err) : 0;
	if (rc == 0 && password && *password && !mrt_pg_params_get(params, "password"))
		rc = mrt_pg_params_set(params, "password", password, err);
	if (rc == 0 && mrt_pg_params_get(params, "service"))
		rc = mrt_fail(err, MRT_CONFIG,
		              "a PostgreSQL URL with service= is not supported; write host, "
		              "port and user, or set PGSERVICE");
	if (rc == 0)
		rc = ambient ? take_ambient(params, ambient, err) : take_built_in(params, err);
	if (rc == 0 && !mrt_pg_params_get(params, "user"))
		rc = mrt_fail(err, MRT_CONFIG, "no PostgreSQL user: name one in the URL or PGUSER");
	if (rc == 0 && mrt_pg_params_get(params, "sslpassword"))
		rc = mrt_fail(err, MRT_CONFIG,
		              "sslpassword cannot be handed to pg_dump in secret; "
		              "use a key without a passphrase, mode 0600");
	static const char *const added[][2] = { { "keepalives_idle", "30" },
		                                { "keepalives_interval", "10" },
		                                { "keepalives_count", "3" },
		                                { "tcp_user_timeout", "60000" } };
	for (size_t i = 0; rc == 0 && i < 4; i++)
		if (!mrt_pg_params_get(params, added[i][0]))
			rc = mrt_pg_params_set(params, added[i][0], added[i][1], err);
	if (rc == 0)
		*ret = mrt_steal(params);
	return rc;
}

/* The i-th of a comma list, into part; false past its end. A missing list is one empty item. */
static bool list_item(const char *list, size_t i, char *part, size_t size)
{
	const char *p = list ? list : "";
	for (; i > 0; i--) {
		p += strcspn(p, ",");
		if (!*p++)
			return false;
	}
	snprintf(part, size, "%.*s", (int)strcspn(p, ","), p);
	return true;
}

int mrt_pg_params_resolve(struct mrt_pg_params *params, const struct mrt_context *ctx,
                          const struct mrt_dns_options *dns, struct mrt_error *err)
{
	if (mrt_pg_params_get(params, "hostaddr"))
		return 0;
	mrt_auto_buf hosts = MRT_BUF_INIT, addresses = MRT_BUF_INIT, ports = MRT_BUF_INIT;
	const char *host_list = mrt_pg_params_get(params, "host");
	const char *port_list = mrt_pg_params_get(params, "port");
	char host[256], port[16];
	bool any = false, network = false;
	struct mrt_error why = { 0 };
	for (size_t i = 0; list_item(host_list, i, host, sizeof(host)); i++) {
		struct mrt_addresses found = { .n = 1 };
		bool socket = host[0] == '\0' || host[0] == '/' || host[0] == '@';
		int rc = socket ? 0 : mrt_dns_resolve(ctx, dns, host, &found, &why);
		if (rc < 0 && rc != MRT_UNREACHABLE) {
			if (err)
				*err = why;
			return rc;
		}
		if (!list_item(port_list, i, port, sizeof(port)))
			list_item(port_list, 0, port, sizeof(port));
		network = network || !socket;
		for (size_t k = 0; rc == 0 && k < found.n; k++) {
			const char *comma = any ? "," : "";
			mrt_buf_printf(&hosts, "%s%s", comma, host);
			mrt_buf_printf(&addresses, "%s%s", comma, found.text[k]);
			mrt_buf_printf(&ports, "%s%s", comma, port);
			any = true;
		}
	}
	if (!network)
		return 0;
	if (!any) {
		if (err)
			*err = why;
		return why.code;
	}
	int rc = mrt_buf_check(&hosts, err);
	if (rc == 0)
		rc = mrt_pg_params_set(params, "host", mrt_buf_text(&hosts), err);
	if (rc == 0)
		rc = mrt_pg_params_set(params, "hostaddr", mrt_buf_text(&addresses), err);
	return rc < 0 ? rc : mrt_pg_params_set(params, "port", mrt_buf_text(&ports), err);
}

int mrt_pg_params_where(const struct mrt_pg_params *params, struct mrt_buf *buf)
{
	char host[256], port[16], last[256] = "";
	bool any = false;
	for (size_t i = 0; list_item(mrt_pg_params_get(params, "host"), i, host, sizeof(host));
	     i++) {
		if (!list_item(mrt_pg_params_get(params, "port"), i, port, sizeof(port)))
			list_item(mrt_pg_params_get(params, "port"), 0, port, sizeof(port));
		if (any && strcmp(host, last) == 0)
			continue; /* the addresses of one name */
		mrt_buf_printf(buf, "%s%s:%s", any ? "," : "", host[0] ? host : "local socket",
		               port);
		snprintf(last, sizeof(last), "%s", host);
		any = true;
	}
	return 0;
}

/* conninfo quoting: 'value' with \ and ' escaped by \ */
static void add_quoted(struct mrt_buf *buf, const char *key, const char *value)
{
	mrt_buf_printf(buf, "%s%s='", buf->len > 0 ? " " : "", key);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			mrt_buf_add_char(buf, '\\');
		mrt_buf_add_char(buf, *value);
	}
	mrt_buf_add_char(buf, '\'');
}

int mrt_pg_params_conninfo(const struct mrt_pg_params *params, const char *database,
                           const char *application, char **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = MRT_BUF_INIT;
	PQconninfoOption *options = PQconndefaults();
	if (!options)
		return mrt_no_memory(err);
	for (const PQconninfoOption *o = options; o->keyword; o++) {
		const char *value = mrt_pg_params_get(params, o->keyword);
		if (strcmp(o->keyword, "dbname") == 0 && database)
			value = database;
		if (strcmp(o->keyword, "application_name") == 0)
			value = application;
		/* an empty value keeps libpq from asking the variable; these would be looked for,
		 * or are no versions when they are empty: mrt_pg_environment_clear() has them */
		bool variable = o->envvar && strcmp(o->keyword, "service") != 0 &&
		                strcmp(o->keyword, "min_protocol_version") != 0 &&
		                strcmp(o->keyword, "max_protocol_version") != 0;
		if (!value && o->compiled)
			value = o->compiled;
		if (value || variable)
			add_quoted(&text, o->keyword, value ? value : "");
	}
	PQconninfoFree(options);
	return mrt_buf_take(&text, ret, err);
}

int mrt_pg_params_child(const struct mrt_pg_params *params, const char *database,
                        char **ret_conninfo, char **ret_passfile, struct mrt_error *err)
{
	mrt_auto_buf conninfo = MRT_BUF_INIT;
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf passfile = MRT_BUF_INIT;
	const char *password = mrt_pg_params_get(params, "password");
	const char *name = database ? database : mrt_pg_params_get(params, "dbname");
	for (size_t i = 0; i < params->n; i++) {
		const char *key = params->keys[i];
		/* a passfile in the conninfo would beat the PGPASSFILE that holds the password */
		if (strcmp(key, "password") != 0 && strcmp(key, "dbname") != 0 &&
		    !(password && strcmp(key, "passfile") == 0))
			add_quoted(&conninfo, key, params->values[i]);
	}
	add_quoted(&conninfo, "dbname", name ? name : mrt_pg_params_get(params, "user"));
	if (password) {
		mrt_buf_add_text(&passfile, "*:*:*:*:");
		for (; *password; password++) {
			if (*password == ':' || *password == '\\')
				mrt_buf_add_char(&passfile, '\\');
			mrt_buf_add_char(&passfile, *password);
		}
		mrt_buf_add_char(&passfile, '\n');
	}
	mrt_autofree char *text = NULL;
	int rc = mrt_buf_take(&conninfo, &text, err);
	if (rc == 0)
		rc = mrt_buf_take(&passfile, ret_passfile, err);
	if (rc == 0)
		*ret_conninfo = mrt_steal(text);
	return rc;
}
