/* add.c - "domain add". */
#include "ops/domain/commands.h"
#include "platform/claims.h"
#include "platform/tenants.h"

#include <stdio.h>

struct adding {
	const char *slug, *name;
	bool new;
	json_t *payload;
	struct mrt_domain_claim claim;
	struct mrt_audit_event event;
};

static void adding_release(struct adding *a)
{
	json_decref(a->payload);
	mrt_domain_claim_release(&a->claim);
}

static int add(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct adding *a = context;
	mrt_auto_json tenant = NULL;
	int rc = mrt_tenant_fetch(s, a->slug, true, &tenant, err);
	if (rc == 0)
		rc = mrt_tenant_is_usable(a->slug, mrt_json_text_or(tenant, "status", ""), true,
		                          err);
	snprintf(a->event.tenant, sizeof(a->event.tenant), "%s",
	         mrt_json_text_or(tenant, "id", ""));
	if (rc == 0)
		rc = mrt_domain_claim_make(s, a->event.tenant, a->name, &a->new, err);
	if (!a->new)
		a->event.action = NULL;
	return rc < 0 ? rc : mrt_domain_claim_find(s, a->slug, a->name, &a->claim, err);
}

int mrt_domain_add(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   const char *name, json_t **ret, struct mrt_error *err)
{
	char normal[MRT_DOMAIN_SIZE];
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(adding_release) struct adding a = { .slug = slug, .name = normal };
	int rc = mrt_domain_check(config, name, normal, err);
	a.event.action = "domain.add";
	a.event.payload = a.payload = json_object();
	if (rc == 0)
		rc = mrt_json_set_text(a.payload, "name", normal, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, true, &s, err);
	if (rc == 0)
		rc = mrt_session_change(&s, add, &a, &a.event, err);
	if (rc == 0)
		rc = mrt_domain_instruct(config, &a.claim, a.claim.json, err);
	if (rc == 0)
		rc = mrt_json_set(a.claim.json, "changed", json_boolean(a.new), err);
	if (rc == 0)
		*ret = mrt_steal(a.claim.json);
	return rc;
}
