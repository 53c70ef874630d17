/* findings.c - what a check of the isolation found, and what somebody looked at already. */
#include "ops/isolation/findings.h"

#include <string.h>

/* "OBJECT" is one of the platform's database, "SLUG:OBJECT" one of that school's, "*:OBJECT" one of
 * every database. */
static bool names(const struct mrt_tenant_checking *c, const char *item, const char *object)
{
	size_t len = strcspn(item, ":");
	if (item[len] != ':' || item[len + 1] == ':')
		return !c->database && strcmp(item, object) == 0;
	if (strcmp(item + len + 1, object) != 0)
		return false;
	return (len == 1 && *item == '*') ||
	       (c->tenant && strlen(c->tenant) == len && strncmp(item, c->tenant, len) == 0);
}

/* Where somebody looked at the object, and it may be as it is. */
static int is_reviewed(const struct mrt_tenant_checking *c, const char *check, const char *object,
                       bool *ret, struct mrt_error *err)
{
	static const char *const may[] = { "view", "function", "index", "trigger", "foreign" };
	const char *list = c->config->tenant_reviewed;
	bool can = false;
	*ret = false;
	for (size_t i = 0; i < MRT_COUNT(may); i++)
		can = can || strcmp(check, may[i]) == 0;
	while (can && !*ret) {
		mrt_autofree char *item = NULL;
		int rc = mrt_config_item(&list, &item, err);
		if (rc < 0 || !item)
			return rc;
		*ret = names(c, item, object);
	}
	return 0;
}

static bool same(const json_t *item, const char *name, const char *text)
{
	const char *have = mrt_json_text_or(item, name, NULL);
	return have && text ? strcmp(have, text) == 0 : have == text;
}

/* Roles are the server's, everything else is in a database. */
static bool is_known(const struct mrt_tenant_checking *c, const json_t *list, const char *check,
                     const char *object, const char *text)
{
	const json_t *item;
	size_t i;
	json_array_foreach (list, i, item)
		if (same(item, "object", object) && same(item, "text", text) &&
		    (strcmp(check, "roles") == 0 || same(item, "database", c->database)))
			return true;
	return false;
}

int mrt_tenant_finding(struct mrt_tenant_checking *c, const char *check, const char *object,
                       const char *text, struct mrt_error *err)
{
	bool reviewed;
	int rc = is_reviewed(c, check, object, &reviewed, err);
	json_t *list = reviewed ? c->reviewed : c->findings;
	if (rc < 0 || is_known(c, list, check, object, text))
		return rc;
	const char *const texts[][2] = { { "check", check },
		                         { "database", c->database },
		                         { "tenant", c->tenant },
		                         { "object", object },
		                         { "text", text } };
	json_t *item = json_object();
	rc = mrt_json_append(list, item, err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(texts); i++)
		rc = mrt_json_set_text(item, texts[i][0], texts[i][1], err);
	return rc;
}
