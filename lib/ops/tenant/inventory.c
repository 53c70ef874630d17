/* inventory.c - schools as a file declares them. */
#include "ops/tenant/inventory.h"
#include "base/faults.h"
#include "base/file.h"
#include "base/text.h"
#include "codec/yaml.h"
#include "platform/invitation.h"
#include "platform/slug.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)64 << 20)

enum { SLUG, NAME, PLAN, OWNER_EMAIL, ISOLATION, STATUS, N_KEYS };
static const char *const keys[N_KEYS] = { "slug",        "name",      "plan",
	                                  "owner-email", "isolation", "status" };

struct reading {
	const char *path;
	struct mrt_inventory *to;
};

void mrt_inventory_release(struct mrt_inventory *inventory)
{
	for (size_t i = 0; i < inventory->n; i++) {
		struct mrt_declared_tenant *s = &inventory->tenants[i];
		free(s->slug);
		free(s->name);
		free(s->plan);
		free(s->owner_email);
		free(s->isolation);
		free(s->status);
	}
	free(inventory->tenants);
	free(inventory->name);
	*inventory = (struct mrt_inventory) { 0 };
}

static int fail_at(const struct reading *r, const struct mrt_yaml *where, struct mrt_error *err,
                   const char *what, const char *text)
{
	return mrt_fail(err, MRT_CONFIG, "%s:%zu:%zu: %s%s%.80s%s", r->path, where->line,
	                where->column, what, text ? " '" : "", text ? text : "", text ? "'" : "");
}

static const char *key_name(const void *arg, size_t i)
{
	(void)arg;
	return i < N_KEYS ? keys[i] : NULL;
}

static int unknown_key(const struct reading *r, const struct mrt_yaml *key, struct mrt_error *err)
{
	const char *near = mrt_nearest(key->text, key_name, NULL);
	int rc = fail_at(r, key, err, "unknown key", key->text);
	return near ? mrt_hint(err, "did you mean '%s'?", near) : rc;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
	return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

static int check_status(const char *status, struct mrt_error *err)
{
	return is_one_of(status, "active", "suspended", "archived")
	               ? 0
	               : mrt_fail(err, MRT_CONFIG,
	                          "status '%.80s' is not active, suspended or archived", status);
}

/* One member, where it stands. */
static int check_member(struct reading *r, size_t key, const struct mrt_yaml *value,
                        struct mrt_error *err)
{
	const char *text = value->text;
	int rc = key == SLUG          ? mrt_slug_check(text, err)
	         : key == NAME        ? mrt_words_check("the name", text, MRT_WORDS_MAX, err)
	         : key == OWNER_EMAIL ? mrt_email_check(text, err)
	         : key == ISOLATION   ? mrt_isolation_check("isolation", text, err)
	         : key == STATUS      ? check_status(text, err)
	                              : 0;
	if (rc < 0)
		mrt_prefix(err, rc, "%s:%zu:%zu", r->path, value->line, value->column);
	if (rc == MRT_USAGE)
		err->code = MRT_CONFIG;
	return rc == MRT_USAGE ? MRT_CONFIG : rc;
}

static int read_member(struct reading *r, struct mrt_declared_tenant *s, const struct mrt_yaml *key,
                       const struct mrt_yaml *value, struct mrt_error *err)
{
	char **const fields[N_KEYS] = { &s->slug,        &s->name,      &s->plan,
		                        &s->owner_email, &s->isolation, &s->status };
	size_t k = 0;
	while (k < N_KEYS && strcmp(key->text, keys[k]) != 0)
		k++;
	if (k == N_KEYS)
		return unknown_key(r, key, err);
	if (k == PLAN)
		s->plan_line = value->line;
	if (value->kind != MRT_YAML_SCALAR || !*value->text || mrt_yaml_is_null(value))
		return fail_at(r, value, err, "needs a text:", key->text);
	int rc = mrt_text_dup(value->text, fields[k], err);
	return rc < 0 ? rc : check_member(r, k, value, err);
}

static int read_tenant(struct reading *r, const struct mrt_yaml *map, struct mrt_faults *faults)
{
	struct mrt_error err;
	if (map->kind != MRT_YAML_MAP)
		return mrt_faults_add(faults,
		                      fail_at(r, map, &err,
		                              "a school is a map: slug, name, plan, owner-email",
		                              NULL),
		                      &err);
	struct mrt_declared_tenant *s = &r->to->tenants[r->to->n++];
	int rc = 0;
	s->line = map->line;
	for (size_t i = 0; rc == 0 && i + 1 < map->n_items; i += 2)
		rc = mrt_faults_add(
		        faults, read_member(r, s, map->items[i], map->items[i + 1], &err), &err);
	for (size_t k = SLUG; rc == 0 && k <= PLAN; k++)
		if (!mrt_yaml_get(map, keys[k]))
			rc = mrt_faults_add(
			        faults, fail_at(r, map, &err, "this school has no", keys[k]), &err);
	return rc;
}

static int by_slug(const void *a, const void *b)
{
	const struct mrt_declared_tenant *x = a, *y = b;
	return strcmp(x->slug, y->slug);
}

bool mrt_declared_is_active(const struct mrt_declared_tenant *tenant)
{
	return !tenant->status || strcmp(tenant->status, "active") == 0;
}

static int read_root(struct reading *r, const struct mrt_yaml *root, struct mrt_error *err)
{
	const struct mrt_yaml *name = mrt_yaml_get(root, "inventory"),
	                      *list = mrt_yaml_get(root, "tenants");
	if (root->kind != MRT_YAML_MAP)
		return fail_at(r, root, err, "expected 'inventory' and 'tenants'", NULL);
	for (size_t i = 0; i < root->n_items; i += 2)
		if (!is_one_of(root->items[i]->text, "inventory", "tenants", "tenants"))
			return fail_at(r, root->items[i], err, "unknown key", root->items[i]->text);
	if (!name || name->kind != MRT_YAML_SCALAR || mrt_yaml_is_null(name) ||
	    mrt_label_check("inventory", name->text, err) < 0)
		return fail_at(r, name ? name : root, err,
		               "needs a name of a-z, 0-9 and \"-\" for whose schools these are:",
		               "inventory");
	if (!list || list->kind != MRT_YAML_LIST)
		return fail_at(r, list ? list : root, err, "needs a list of schools:", "tenants");
	r->to->ended = root->ended;
	r->to->tenants = calloc(list->n_items + 1, sizeof(*r->to->tenants));
	if (!r->to->tenants)
		return mrt_no_memory(err);
	mrt_auto_faults faults = { .n = 0 };
	int rc = mrt_text_dup(name->text, &r->to->name, err);
	for (size_t i = 0; rc == 0 && i < list->n_items; i++)
		rc = read_tenant(r, list->items[i], &faults);
	if (rc < 0)
		return mrt_no_memory(err);
	rc = mrt_faults_end(&faults, err);
	if (rc < 0)
		return rc;
	qsort(r->to->tenants, r->to->n, sizeof(*r->to->tenants), by_slug);
	for (size_t i = 1; i < r->to->n; i++)
		if (strcmp(r->to->tenants[i - 1].slug, r->to->tenants[i].slug) == 0)
			return mrt_fail(err, MRT_CONFIG,
			                "%s: lines %zu and %zu are of one slug, '%s'", r->path,
			                r->to->tenants[i - 1].line, r->to->tenants[i].line,
			                r->to->tenants[i].slug);
	return 0;
}

int mrt_inventory_read(const char *path, struct mrt_inventory *ret, struct mrt_error *err)
{
	mrt_auto_buf text = { .ceiling = FILE_MAX };
	mrt_auto(mrt_yaml) *yaml = NULL;
	struct mrt_inventory inventory = { 0 };
	if (strcmp(path, "-") == 0)
		path = "/dev/stdin";
	struct reading r = { .path = path, .to = &inventory };
	int rc = mrt_file_read(path, &text, err);
	if (rc == 0)
		rc = mrt_yaml_parse(path, mrt_buf_text(&text), text.len, &yaml, err);
	if (rc == 0)
		rc = read_root(&r, yaml, err);
	if (rc < 0)
		mrt_inventory_release(&inventory);
	else
		*ret = inventory;
	return rc;
}
