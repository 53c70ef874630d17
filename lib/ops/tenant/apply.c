/* apply.c - "tenant apply": schools become what a file declares. */
#include "ops/tenant/apply.h"
#include "base/text.h"
#include "ops/tenant/apply_plan.h"
#include "ops/tenant/apply_shared.h"
#include "ops/tenant/creating.h"
#include "ops/tenant/update.h"
#include "platform/migrations.h"
#include "platform/tenants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BATCH 500
#define PRUNE_LEAST 5
#define PRUNE_PERCENT 5

struct applying {
	const struct mrt_apply_options *options;
	struct mrt_session s;
	struct mrt_inventory inventory;
	struct mrt_apply_plan plan;
	json_t *report;
	struct mrt_apply_action *batch[BATCH];
	size_t n_batch, failed;
	struct mrt_error first; /* that failed */
	const char *first_slug;
};

static void applying_release(struct applying *a)
{
	mrt_apply_plan_release(&a->plan);
	mrt_inventory_release(&a->inventory);
	mrt_session_release(&a->s);
	json_decref(a->report);
}

/* Nothing more can be done; another school's attempt would come to the same. A school's own
 * database may be out of reach while the platform's is not. */
static bool is_final(const struct applying *a, int rc)
{
	return mrt_code_is_final(rc) || rc == MRT_NO_SPACE || rc == MRT_IO ||
	       (rc == MRT_UNREACHABLE && PQstatus(a->s.pg->conn) != CONNECTION_OK);
}

/* err is of what rc says. What ends everything is given back. */
static int set_state(struct applying *a, const struct mrt_apply_action *action, int rc,
                     const struct mrt_error *why, struct mrt_error *err)
{
	if (rc < 0) {
		if (a->failed++ == 0) {
			a->first = *why;
			a->first_slug = action->slug;
		}
		int set = mrt_json_set_error(action->json, "error", a->s.ctx->log, why, err);
		if (set < 0)
			return set;
	}
	int set = mrt_json_set_text(action->json, "state", rc < 0 ? "failed" : "done", err);
	if (set < 0 || !is_final(a, rc))
		return set;
	if (err)
		*err = *why;
	return rc;
}

static int invited(const char *slug, const char *email, const char *invitation, void *context,
                   struct mrt_error *err)
{
	const struct applying *a = context;
	const struct mrt_apply_options *o = a->options;
	int rc = o->invited ? o->invited(slug, email, invitation, o->context, err) : 0;
	return rc < 0 || !o->keep ? rc : o->keep(o->context, err);
}

static int create(struct applying *a, const struct mrt_apply_action *action, struct mrt_error *err)
{
	const struct mrt_declared_tenant *tenant = action->tenant;
	const struct mrt_tenant_create_options options = { .name = tenant->name,
		                                           .plan = tenant->plan,
		                                           .owner_email = tenant->owner_email,
		                                           .isolation = tenant->isolation,
		                                           .inventory = a->inventory.name,
		                                           .status = mrt_declared_is_active(tenant)
		                                                             ? NULL
		                                                             : tenant->status,
		                                           .invited = invited,
		                                           .context = a };
	mrt_auto_json made = NULL;
	return mrt_tenant_create_in(&a->s, action->slug, &options, &made, err);
}

static int do_one(struct applying *a, const struct mrt_apply_action *action, struct mrt_error *err)
{
	mrt_auto_json now = NULL;
	return action->kind == MRT_APPLY_CREATE
	               ? create(a, action, err)
	               : mrt_tenant_update_in(&a->s, action->slug, &action->change, &now, err);
}

static int try_one(struct applying *a, const struct mrt_apply_action *action, struct mrt_error *err)
{
	struct mrt_error why = { 0 };
	int rc = mrt_context_check(a->s.ctx, err);
	if (rc < 0)
		return rc;
	rc = do_one(a, action, &why);
	return set_state(a, action, rc, &why, err);
}

/* All of them at once; where one cannot be made, each by itself, so that it is known which. */
static int flush(struct applying *a, struct mrt_error *err)
{
	const struct mrt_declared_tenant *tenants[BATCH];
	struct mrt_error why = { 0 };
	size_t n = a->n_batch;
	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		tenants[i] = a->batch[i]->tenant;
	const struct mrt_apply_batch batch = {
		a->inventory.name,   tenants,          n,
		a->options->invited, a->options->keep, a->options->context
	};
	a->n_batch = 0;
	int rc = mrt_context_check(a->s.ctx, err);
	if (rc < 0)
		return rc;
	rc = mrt_apply_shared(&a->s, &batch, &why);
	if (is_final(a, rc)) {
		if (err)
			*err = why;
		return rc;
	}
	int done = 0;
	for (size_t i = 0; done == 0 && i < n; i++)
		done = rc == 0 ? set_state(a, a->batch[i], 0, NULL, err)
		               : try_one(a, a->batch[i], err);
	return done;
}

static int do_all(struct applying *a, struct mrt_error *err)
{
	int rc = mrt_migrate_lock(a->s.pg, a->s.ctx, true, err);
	if (rc == 0) /* again: from here on nobody migrates it */
		rc = mrt_migrate_is_current(a->s.pg, a->s.ctx, "tenant", MRT_SHARED_SCHEMA, err);
	for (size_t i = 0; rc == 0 && i < a->plan.n; i++) {
		struct mrt_apply_action *action = &a->plan.actions[i];
		if (!action->shared) {
			rc = try_one(a, action, err);
			continue;
		}
		a->batch[a->n_batch++] = action;
		if (a->n_batch == BATCH)
			rc = flush(a, err);
	}
	if (rc == 0)
		rc = flush(a, err);
	if (rc < 0 || a->failed == 0)
		return rc;
	rc = mrt_fail_because(err, MRT_FAILED, &a->first,
	                      "%zu of %zu changes failed, the first of '%s'", a->failed, a->plan.n,
	                      a->first_slug);
	return mrt_hint(err, "'maratea tenant apply' with the same file goes on from there");
}

static int check_prune(const struct applying *a, struct mrt_error *err)
{
	size_t n = 0, most = a->plan.live * PRUNE_PERCENT / 100;
	int64_t given = a->options->max_prune;
	for (size_t i = 0; i < a->plan.n; i++) {
		const char *to = a->plan.actions[i].change.status;
		n += a->plan.actions[i].kind != MRT_APPLY_CREATE && to &&
		     strcmp(to, "archived") == 0;
	}
	if (most < PRUNE_LEAST)
		most = PRUNE_LEAST;
	if (given >= 0)
		most = (size_t)given;
	if (n <= most && (n == 0 || a->inventory.n > 0 || given >= 0))
		return 0;
	mrt_fail(err, MRT_CHANGED,
	         "%zu of the %zu schools of the inventory %s would be archived by %s; so many at "
	         "once are not",
	         n, a->plan.live, a->inventory.name, a->options->file);
	return mrt_hint(err, "if that is meant: --max-prune %zu", n);
}

static int describe_actions(struct applying *a, struct mrt_error *err)
{
	a->report = json_object();
	int rc = a->report ? mrt_json_set_text(a->report, "inventory", a->inventory.name, err)
	                   : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set(a->report, "dry_run", json_boolean(a->options->dry_run), err);
	if (rc == 0)
		rc = mrt_json_set_size(a->report, "unchanged", a->plan.unchanged, err);
	if (rc == 0)
		rc = mrt_json_set_size(a->report, "left", a->plan.left, err);
	return rc < 0 ? rc : mrt_json_set(a->report, "actions", json_incref(a->plan.list), err);
}

static int plan(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct applying *a = context;
	return mrt_apply_plan(s, &a->inventory, a->options->file, a->options->prune, &a->plan, err);
}

static int check_file(const struct applying *a, struct mrt_error *err)
{
	if (!a->options->prune || a->inventory.ended)
		return 0;
	mrt_fail(err, MRT_CONFIG, "%s does not end in a line \"...\"", a->options->file);
	return mrt_hint(err, "--prune archives what is not in the file: that line says that the "
	                     "file was not cut short");
}

/* No slug has a "/" in it. */
static int lock(struct applying *a, struct mrt_error *err)
{
	mrt_autofree char *key = NULL;
	int rc = mrt_text_printf(&key, err, "inventory/%s", a->inventory.name);
	if (rc == 0)
		rc = mrt_tenant_lock(&a->s, key, err);
	if (rc == MRT_LOCKED)
		mrt_fail(err, rc, "another 'maratea tenant apply' is at work on the inventory %s",
		         a->inventory.name);
	return rc;
}

int mrt_tenant_apply(const struct mrt_context *ctx, const struct mrt_config *config,
                     const struct mrt_apply_options *options, json_t **ret, struct mrt_error *err)
{
	mrt_cleanup(applying_release) struct applying a = { .options = options };
	int rc = mrt_inventory_read(options->file, &a.inventory, err);
	if (rc == 0)
		rc = check_file(&a, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &a.s, err);
	if (rc == 0)
		rc = lock(&a, err);
	if (rc == 0)
		rc = mrt_migrate_is_current(a.s.pg, ctx, "tenant", MRT_SHARED_SCHEMA, err);
	if (rc == 0)
		rc = mrt_session_look(&a.s, plan, &a, err);
	if (rc == 0)
		rc = describe_actions(&a, err);
	/* who only looks sees all of what is refused */
	if (rc == 0 && !options->dry_run)
		rc = check_prune(&a, err);
	if (rc == 0 && options->approve)
		rc = options->approve(a.report, options->context, err);
	if (rc < 0)
		return rc;
	rc = options->dry_run ? check_prune(&a, err) : do_all(&a, err);
	*ret = mrt_steal(a.report);
	return rc;
}
