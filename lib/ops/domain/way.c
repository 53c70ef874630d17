/* way.c - where a name leads. */
#include "ops/domain/way.h"
#include "codec/address.h"
#include "codec/domain.h"
#include "ops/domain/server.h"

#include <stdio.h>
#include <string.h>

struct finding {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const char *name, *first;
	struct mrt_domain_way *way;
	bool via_platform; /* an alias on the way is the platform's */
};

static void add_addresses(struct mrt_addresses *to, const struct mrt_dns_answer *from)
{
	for (size_t i = 0; i < from->n && to->n < MRT_ADDRESSES_MAX; i++)
		snprintf(to->text[to->n++], MRT_ADDRESS_SIZE, "%s", from->items[i]);
}

static void note_links(struct finding *f, const struct mrt_dns_answer *answer)
{
	for (size_t i = 0; i < answer->n_links; i++)
		f->via_platform = f->via_platform ||
		                  mrt_domain_is_under(answer->links[i], f->config->platform_domain);
}

/* One that answered before is asked before those that did not. */
static void put_first(struct mrt_dns_servers *servers, const char *name)
{
	for (size_t i = 1; i < servers->n; i++) {
		char swapped[MRT_DNS_NAME_SIZE];
		if (strcmp(servers->names[i], name) != 0)
			continue;
		memcpy(swapped, servers->names[0], sizeof(swapped));
		memcpy(servers->names[0], servers->names[i], sizeof(swapped));
		memcpy(servers->names[i], swapped, sizeof(swapped));
	}
}

/* Where the name leads: what the first server says that serves it. */
static int find_addresses(struct finding *f, struct mrt_addresses *ret, bool *ret_known,
                          struct mrt_error *err)
{
	static const enum mrt_dns_type types[] = { MRT_DNS_A, MRT_DNS_AAAA };
	const struct mrt_dns_options options = mrt_config_dns(f->config);
	struct mrt_dns_servers servers = { .n = 0 };
	int rc = mrt_dns_find_servers(f->ctx, &options, f->name, &servers, err);
	bool served = false, whole = true;
	put_first(&servers, f->first);
	for (size_t i = 0; !mrt_code_is_final(rc) && !served && i < servers.n; i++)
		for (size_t k = 0; !mrt_code_is_final(rc) && k < 2; k++) {
			mrt_cleanup(mrt_domain_reply_release) struct mrt_domain_reply r = { 0 };
			rc = mrt_domain_ask_server(f->ctx, f->config, servers.names[i], f->name,
			                           types[k], &r, err);
			if (rc < 0 || !r.answer.authoritative) {
				whole = whole && !served; /* one family is not known */
				continue;
			}
			served = true;
			add_addresses(ret, &r.answer);
			note_links(f, &r.answer);
			if (*r.answer.alias)
				memcpy(f->way->alias, r.answer.alias, sizeof(f->way->alias));
		}
	*ret_known = served && whole;
	if (!mrt_code_is_final(rc) && ret->n == 0 && *f->way->alias) {
		rc = mrt_domain_resolve(f->ctx, f->config, f->way->alias, ret, err);
		*ret_known = *ret_known && rc == 0;
	}
	return mrt_code_is_final(rc) ? rc : 0;
}

static bool is_one_of(const char *address, const struct mrt_addresses *of)
{
	for (size_t i = 0; i < of->n; i++)
		if (mrt_address_equal(address, of->text[i]))
			return true;
	return false;
}

static int is_configured(const struct mrt_config *config, const char *address, bool *ret,
                         struct mrt_error *err)
{
	const char *list = config->domains_addresses;
	for (;;) {
		mrt_autofree char *one = NULL;
		int rc = mrt_config_item(&list, &one, err);
		if (rc < 0 || !one)
			return rc;
		*ret = *ret || mrt_address_equal(one, address);
	}
}

int mrt_domain_find_way(const struct mrt_context *ctx, const struct mrt_config *config,
                        const char *name, const char *slug, const char *first,
                        struct mrt_domain_way *ret, struct mrt_error *err)
{
	struct mrt_domain_way way = { .known = false };
	struct finding f = {
		.ctx = ctx, .config = config, .name = name, .first = first, .way = &way
	};
	char own[MRT_DNS_NAME_SIZE];
	struct mrt_addresses ours = { .n = 0 };
	bool known = false;
	snprintf(own, sizeof(own), "%s.%s", slug, config->platform_domain);
	int rc = find_addresses(&f, &way.addresses, &known, err);
	if (rc < 0)
		return rc;
	rc = mrt_domain_resolve(ctx, config, own, &ours, err);
	/* of so many addresses there may be more than were told */
	bool whole = rc == 0 && ours.n < MRT_ADDRESSES_MAX;
	rc = mrt_code_is_final(rc) ? rc : 0;
	way.here = f.via_platform;
	for (size_t i = 0; rc == 0 && i < way.addresses.n; i++) {
		way.here = way.here || is_one_of(way.addresses.text[i], &ours);
		rc = is_configured(config, way.addresses.text[i], &way.here, err);
	}
	way.known = way.here || (known && (way.addresses.n == 0 || whole));
	if (rc == 0)
		*ret = way;
	return rc;
}
