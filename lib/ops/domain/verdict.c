/* verdict.c - names of verdicts and methods. */
#include "ops/domain/verdict.h"

#include <string.h>

static const char *const verdicts[] = {
	[MRT_DOMAIN_UNKNOWN] = "unknown",       [MRT_DOMAIN_GOOD] = "good",
	[MRT_DOMAIN_CHALLENGED] = "challenged", [MRT_DOMAIN_MISSING] = "missing",
	[MRT_DOMAIN_EXPIRED] = "expired",
};
static const char *const methods[] = {
	[MRT_SHOWN_BY_NOTHING] = NULL,
	[MRT_SHOWN_BY_DNS] = "dns",
	[MRT_SHOWN_BY_FILE] = "file",
};

const char *mrt_domain_verdict_name(enum mrt_domain_verdict verdict)
{
	return verdicts[verdict];
}

const char *mrt_domain_method_name(enum mrt_domain_method method)
{
	return methods[method];
}

enum mrt_domain_method mrt_domain_method_of(const char *name)
{
	size_t i = MRT_COUNT(methods) - 1;
	while (i > 0 && !(name && strcmp(methods[i], name) == 0))
		i--;
	return (enum mrt_domain_method)i;
}

enum mrt_domain_verdict mrt_domain_verdict_in(const json_t *domain)
{
	const char *name = mrt_json_text_or(domain, "verdict", "");
	size_t i = MRT_COUNT(verdicts) - 1;
	while (i > 0 && strcmp(verdicts[i], name) != 0)
		i--;
	return (enum mrt_domain_verdict)i;
}

enum mrt_domain_method mrt_domain_method_in(const json_t *domain)
{
	return mrt_domain_method_of(mrt_json_text_or(domain, "method", NULL));
}
