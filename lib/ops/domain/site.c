/* site.c - the file that shows a claim. */
#include "ops/domain/site.h"
#include "base/text.h"
#include "client/http.h"
#include "codec/address.h"
#include "platform/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIRECTS_MAX 3
#define WITHIN (15 * MRT_SECOND)
#define FILE_MAX 256

struct visit {
	const struct mrt_context *ctx;
	const struct mrt_config *config;
	const struct mrt_addresses *addresses; /* that may be asked */
	char file[FILE_MAX + 1];
	size_t len;
	long status;
	char *next; /* where it redirects to */
};

static void visit_release(struct visit *v)
{
	free(v->next);
}

static int fetch(struct visit *v, const char *url, struct mrt_error *err)
{
	const struct mrt_http_options options = {
		.dns = mrt_config_dns(v->config),
		.connect_timeout = 5 * MRT_SECOND,
		.stall_timeout = 5 * MRT_SECOND,
		.only = v->addresses,
	};
	const struct mrt_http_request request = {
		.method = "GET", .url = url, .into = v->file, .into_size = FILE_MAX
	};
	mrt_auto(mrt_http) *http = NULL;
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	response.body.ceiling = response.headers.ceiling = 64 << 10;
	int rc = mrt_http_new(&options, &http, err);
	if (rc == 0)
		rc = mrt_http_request(http, v->ctx, &request, &response, err);
	if (rc < 0)
		return rc;
	v->status = response.status;
	v->len = response.status >= 200 && response.status < 300 ? response.len : 0;
	v->file[v->len] = '\0';
	return v->status >= 300 && v->status < 400
	               ? mrt_http_redirect(&response, url, &v->next, err)
	               : 0;
}

/* Blanks and line ends around it do not count. */
static bool is_token(const char *text, const char *token)
{
	size_t n = strlen(token);
	text += strspn(text, " \t\r\n");
	return strncmp(text, token, n) == 0 && !text[n + strspn(text + n, " \t\r\n")];
}

static int visit(struct visit *v, const char *first, const char *token, bool *ret_shown,
                 char **ret_text, struct mrt_error *err)
{
	mrt_autofree char *url = NULL;
	int rc = mrt_text_dup(first, &url, err);
	for (int i = 0; rc == 0; i++) {
		rc = fetch(v, url, err);
		if (rc < 0 || !v->next)
			break;
		free(url);
		url = mrt_steal(v->next);
		if (i == REDIRECTS_MAX)
			rc = mrt_fail(err, MRT_REFUSED, "one redirect leads to another");
	}
	if (rc < 0)
		return rc;
	*ret_shown = v->status == 200 && strlen(v->file) == v->len && is_token(v->file, token);
	if (v->status != 200)
		return mrt_text_printf(ret_text, err, "answers %ld to %s", v->status, url);
	return mrt_text_printf(ret_text, err,
	                       *ret_shown ? "has it at %s" : "has something else at %s", url);
}

int mrt_domain_ask_site(const struct mrt_context *ctx, const struct mrt_config *config,
                        const char *name, const char *token, const struct mrt_addresses *addresses,
                        bool *ret_shown, char **ret_text, struct mrt_error *err)
{
	const bool private = strcmp(config->domains_allow_private, "true") == 0;
	struct mrt_addresses allowed = { .n = 0 };
	struct mrt_context brief = *ctx;
	struct mrt_error why;
	char url[MRT_DOMAIN_URL_SIZE];
	for (size_t i = 0; i < addresses->n; i++)
		if (private || mrt_address_is_public(addresses->text[i]))
			memcpy(allowed.text[allowed.n++], addresses->text[i], MRT_ADDRESS_SIZE);
	if (allowed.n == 0)
		return mrt_text_dup("is at a private address, and is not asked", ret_text, err);
	mrt_domain_claim_url(config, name, url);
	int64_t end = mrt_clock_monotonic() + WITHIN;
	if (!brief.deadline || brief.deadline > end)
		brief.deadline = end;
	mrt_cleanup(visit_release) struct visit v = { .ctx = &brief,
		                                      .config = config,
		                                      .addresses = &allowed };
	int rc = visit(&v, url, token, ret_shown, ret_text, &why);
	int ended = rc == MRT_NO_MEMORY ? mrt_no_memory(err) : mrt_context_check(ctx, err);
	if (ended < 0)
		return ended;
	if (rc == MRT_DEADLINE)
		return mrt_text_dup("took longer than 15 s", ret_text, err);
	return rc < 0 ? mrt_error_explain(ctx->log, &why, ret_text, err,
	                                  rc == MRT_UNREACHABLE ? "could not be asked"
	                                                        : "does not have it")
	              : 0;
}
