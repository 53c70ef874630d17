/* list.c - "domain list". */
#include "ops/domain/commands.h"
#include "platform/claims.h"
#include "platform/tenants.h"

#include <string.h>

#define PAGE 500

struct listing {
	const struct mrt_domain_filter *filter;
	struct mrt_domain_claims page;
	struct mrt_domain_claim last;
};

static void listing_release(struct listing *l)
{
	mrt_domain_claims_release(&l->page);
	mrt_domain_claim_release(&l->last);
}

static int read_page(struct mrt_session *s, void *context, struct mrt_error *err)
{
	struct listing *l = context;
	return mrt_domain_claims_read(s, l->filter->slug, NULL, l->filter->state,
	                              l->last.name ? &l->last : NULL, PAGE, &l->page, err);
}

static int find_tenant(struct mrt_session *s, void *context, struct mrt_error *err)
{
	mrt_auto_json tenant = NULL;
	return mrt_tenant_fetch(s, context, false, &tenant, err);
}

static int check_state(const char *state, struct mrt_error *err)
{
	return !state || strcmp(state, "pending") == 0 || strcmp(state, "expired") == 0 ||
	                       strcmp(state, "active") == 0
	               ? 0
	               : mrt_fail(err, MRT_USAGE,
	                          "--state: '%.80s' is not one of pending, expired, active", state);
}

int mrt_domain_list(const struct mrt_context *ctx, const struct mrt_config *config,
                    const struct mrt_domain_filter *filter,
                    int (*each)(const json_t *domain, void *context, struct mrt_error *err),
                    void *context, struct mrt_error *err)
{
	mrt_cleanup(mrt_session_release) struct mrt_session s = { 0 };
	mrt_cleanup(listing_release) struct listing l = { .filter = filter };
	bool more = true;
	int rc = check_state(filter->state, err);
	if (rc == 0)
		rc = mrt_session_open(ctx, config, false, &s, err);
	if (rc == 0 && filter->slug)
		rc = mrt_session_look(&s, find_tenant, (void *)filter->slug, err);
	while (rc == 0 && more) {
		rc = mrt_session_look(&s, read_page, &l, err);
		more = rc == 0 && l.page.n == PAGE;
		for (size_t i = 0; rc == 0 && i < l.page.n; i++)
			rc = each(l.page.items[i].json, context, err);
		if (rc == 0 && more) {
			mrt_domain_claim_release(&l.last);
			l.last = l.page.items[l.page.n - 1];
			l.page.items[l.page.n - 1] = (struct mrt_domain_claim) { 0 };
		}
		mrt_domain_claims_release(&l.page);
	}
	return rc;
}
