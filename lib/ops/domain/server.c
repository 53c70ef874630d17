/* server.c - servers that somebody else has chosen, asked. */
#include "ops/domain/server.h"
#include "codec/address.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_WITHIN (3 * MRT_SECOND)
#define ADDRESSES_EACH 2

void mrt_domain_reply_release(struct mrt_domain_reply *reply)
{
	mrt_dns_answer_release(&reply->answer);
}

/* Of servers that know it best: somebody else's, who may be slow. */
static struct mrt_dns_options patience(const struct mrt_config *config)
{
	struct mrt_dns_options options = mrt_config_dns(config);
	if (options.timeout > ANSWER_WITHIN)
		options.timeout = ANSWER_WITHIN;
	return options;
}

int mrt_domain_resolve(const struct mrt_context *ctx, const struct mrt_config *config,
                       const char *name, struct mrt_addresses *ret, struct mrt_error *err)
{
	const struct mrt_dns_options options = mrt_config_dns(config);
	char absolute[MRT_DNS_NAME_SIZE + 1];
	snprintf(absolute, sizeof(absolute), "%s.", name);
	return mrt_dns_resolve(ctx, &options, absolute, ret, err);
}

int mrt_domain_ask_server(const struct mrt_context *ctx, const struct mrt_config *config,
                          const char *server, const char *name, enum mrt_dns_type type,
                          struct mrt_domain_reply *ret, struct mrt_error *err)
{
	const struct mrt_dns_options options = patience(config);
	const bool private = strcmp(config->domains_allow_private, "false") != 0;
	struct mrt_addresses addresses;
	int rc = mrt_domain_resolve(ctx, config, server, &addresses, err);
	ret->private = false;
	ret->address[0] = '\0';
	if (rc < 0)
		return rc;
	rc = MRT_UNREACHABLE;
	size_t n = 0;
	for (size_t i = 0; rc == MRT_UNREACHABLE && i < addresses.n && n < ADDRESSES_EACH; i++) {
		char at[MRT_ADDRESS_SIZE + 16];
		const char *address = addresses.text[i];
		bool refused = !private && !mrt_address_is_public(address);
		ret->private = ret->private || refused;
		memcpy(ret->address, address, MRT_ADDRESS_SIZE);
		if (refused)
			continue;
		n++;
		snprintf(at, sizeof(at), strchr(address, ':') ? "[%s]:%d" : "%s:%d", address,
		         (int)config->dns_authoritative_port);
		rc = mrt_dns_ask(ctx, &options, at, name, type, &ret->answer, err);
	}
	return rc;
}
