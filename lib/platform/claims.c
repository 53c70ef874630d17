/* claims.c - claims to domains, as the platform has them. */
#include "platform/claims.h"
#include "base/text.h"
#include "platform/sql.h"
#include "platform/tenants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALID "7 days"
#define TOKEN_BYTES 16

enum column {
	SLUG,
	NAME,
	STATE,
	PRIMARY,
	TOKEN,
	EXPIRES,
	SINCE,
	CHECKED,
	BY,
	OF,
	UNTIL,
	OVER,
	ID,
	STATUS,
	HOLDER,
	HOLDER_SLUG,
	HOLDER_TOKEN,
	METHOD,
	RIVAL,
	RIVAL_TOKEN
};

void mrt_domain_claim_release(struct mrt_domain_claim *c)
{
	char *const texts[] = { c->slug,   c->name,   c->token,       c->id,
		                c->status, c->holder, c->holder_slug, c->holder_token,
		                c->method, c->rival,  c->rival_token };
	json_decref(c->json);
	for (size_t i = 0; i < MRT_COUNT(texts); i++)
		free(texts[i]);
	*c = (struct mrt_domain_claim) { 0 };
}

void mrt_domain_claims_release(struct mrt_domain_claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		mrt_domain_claim_release(&claims->items[i]);
	free(claims->items);
	*claims = (struct mrt_domain_claims) { 0 };
}

static const char *text_at(const PGresult *r, int i, enum column column)
{
	return PQgetisnull(r, i, column) ? NULL : PQgetvalue(r, i, column);
}

static bool is_true(const PGresult *r, int i, enum column column)
{
	return strcmp(PQgetvalue(r, i, column), "t") == 0;
}

static int describe_claim(const PGresult *r, int i, json_t **ret, struct mrt_error *err)
{
	static const struct {
		const char *name;
		enum column column;
	} texts[] = { { "slug", SLUG },          { "name", NAME },
		      { "state", STATE },        { "token", TOKEN },
		      { "expires_at", EXPIRES }, { "active_since", SINCE },
		      { "checked_at", CHECKED } },
	  challenge_texts[] = { { "by", BY }, { "holder", OF }, { "until", UNTIL } };
	mrt_auto_json json = json_object();
	json_t *challenge = text_at(r, i, BY) ? json_object() : json_null();
	int rc = json && challenge ? 0 : mrt_no_memory(err);
	for (size_t k = 0; rc == 0 && k < MRT_COUNT(texts); k++) {
		rc = mrt_json_set_text(json, texts[k].name, text_at(r, i, texts[k].column), err);
		if (rc == 0 && texts[k].column == STATE)
			rc = mrt_json_set(json, "primary", json_boolean(is_true(r, i, PRIMARY)),
			                  err);
	}
	if (rc == 0)
		rc = mrt_json_set_text(json, "holder",
		                       strcmp(PQgetvalue(r, i, STATE), "active") == 0
		                               ? NULL
		                               : text_at(r, i, HOLDER_SLUG),
		                       err);
	if (rc < 0)
		json_decref(challenge);
	else
		rc = mrt_json_set(json, "challenge", challenge, err);
	for (size_t k = 0; rc == 0 && text_at(r, i, BY) && k < 3; k++)
		rc = mrt_json_set_text(challenge, challenge_texts[k].name,
		                       text_at(r, i, challenge_texts[k].column), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static int read_row(const PGresult *r, int i, struct mrt_domain_claim *ret, struct mrt_error *err)
{
	const struct {
		char **to;
		enum column column;
	} texts[] = { { &ret->slug, SLUG },
		      { &ret->name, NAME },
		      { &ret->token, TOKEN },
		      { &ret->id, ID },
		      { &ret->status, STATUS },
		      { &ret->holder, HOLDER },
		      { &ret->holder_slug, HOLDER_SLUG },
		      { &ret->holder_token, HOLDER_TOKEN },
		      { &ret->method, METHOD },
		      { &ret->rival, RIVAL },
		      { &ret->rival_token, RIVAL_TOKEN } };
	int rc = describe_claim(r, i, &ret->json, err);
	for (size_t k = 0; rc == 0 && k < MRT_COUNT(texts); k++)
		if (text_at(r, i, texts[k].column))
			rc = mrt_text_dup(text_at(r, i, texts[k].column), texts[k].to, err);
	ret->active = strcmp(PQgetvalue(r, i, STATE), "active") == 0;
	ret->expired = strcmp(PQgetvalue(r, i, STATE), "expired") == 0;
	ret->over = is_true(r, i, OVER);
	return rc;
}

int mrt_domain_claims_read(struct mrt_session *s, const char *slug, const char *name,
                           const char *state, const struct mrt_domain_claim *after, int n,
                           struct mrt_domain_claims *ret, struct mrt_error *err)
{
	char limit[16];
	const char *const values[] = { slug,
		                       name,
		                       state,
		                       after ? after->name : "",
		                       after ? after->id : "00000000-0000-0000-0000-000000000000",
		                       limit };
	mrt_cleanup(mrt_domain_claims_release) struct mrt_domain_claims found = { 0 };
	mrt_auto_pgresult r = NULL;
	snprintf(limit, sizeof(limit), "%d", n);
	int rc = mrt_session_query(s, mrt_sql_domains, values, 6, &r, err);
	int rows = rc == 0 ? PQntuples(r) : 0;
	if (rows > 0 && !(found.items = calloc((size_t)rows, sizeof(*found.items))))
		rc = mrt_no_memory(err);
	for (int i = 0; rc == 0 && i < rows; i++) {
		rc = read_row(r, i, &found.items[i], err);
		found.n++;
	}
	if (rc < 0)
		return rc;
	*ret = found;
	found = (struct mrt_domain_claims) { 0 };
	return 0;
}

int mrt_domain_claim_find(struct mrt_session *s, const char *slug, const char *name,
                          struct mrt_domain_claim *ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_domain_claims_release) struct mrt_domain_claims found = { 0 };
	mrt_auto_json tenant = NULL;
	int rc = mrt_tenant_fetch(s, slug, false, &tenant, err);
	if (rc == 0)
		rc = mrt_domain_claims_read(s, slug, name, NULL, NULL, 1, &found, err);
	if (rc == 0 && found.n == 0) {
		mrt_fail(err, MRT_NOT_FOUND, "the school '%s' has no claim to %s", slug, name);
		return mrt_hint(err,
		                "'maratea domain list %s' shows those that it has, 'maratea "
		                "domain add' makes one",
		                slug);
	}
	if (rc == 0) {
		*ret = found.items[0];
		found.items[0] = (struct mrt_domain_claim) { 0 };
	}
	return rc;
}

int mrt_domain_claim_make(struct mrt_session *s, const char *tenant, const char *name,
                          bool *ret_new, struct mrt_error *err)
{
	char token[2 * TOKEN_BYTES + 1];
	const char *const values[] = { tenant, name, token };
	mrt_auto_pgresult r = NULL;
	mrt_random_hex(TOKEN_BYTES, token);
	int rc = mrt_session_query(
	        s,
	        "INSERT INTO domain_claims (tenant_id, name, token, expires_at) VALUES ($1, $2, "
	        "$3, now() + interval '" VALID
	        "') ON CONFLICT (tenant_id, name) DO UPDATE SET token = "
	        "excluded.token, created_at = now(), expires_at = excluded.expires_at WHERE "
	        "domain_claims.expires_at <= now() AND NOT EXISTS (SELECT FROM domains d WHERE "
	        "d.name = $2 AND d.tenant_id = $1) RETURNING 1",
	        values, 3, &r, err);
	*ret_new = rc == 0 && PQntuples(r) > 0;
	return rc;
}

int mrt_domain_ready(const struct mrt_config *config, struct mrt_error *err)
{
	if (config->platform_domain)
		return 0;
	mrt_fail(err, MRT_CONFIG, "platform.domain is not set");
	return mrt_hint(err, "it is where schools are without a domain of their own, such as "
	                     "schools.example.org");
}

int mrt_domain_check(const struct mrt_config *config, const char *text, char ret[MRT_DOMAIN_SIZE],
                     struct mrt_error *err)
{
	const char *own = config->platform_domain;
	int rc = mrt_domain_ready(config, err);
	if (rc == 0)
		rc = mrt_domain_normal(text, ret, err);
	if (rc == 0 && strlen(ret) + sizeof(MRT_CHALLENGE_LABEL) >= MRT_DOMAIN_SIZE)
		return mrt_fail(err, MRT_USAGE,
		                "the domain '%.80s...' is too long for " MRT_CHALLENGE_LABEL
		                " before it",
		                ret);
	if (rc == 0 && mrt_domain_is_under(ret, own))
		return mrt_fail(err, MRT_USAGE, "%s is the platform's: at or under %s", ret, own);
	if (rc == 0 && mrt_domain_is_public_suffix(ret)) {
		mrt_fail(err, MRT_USAGE, "%s is a public suffix: many have names under it", ret);
		return mrt_hint(err, "a school has one such as school.%s", ret);
	}
	return rc;
}

void mrt_domain_claim_url(const struct mrt_config *config, const char *name,
                          char ret[MRT_DOMAIN_URL_SIZE])
{
	char port[16] = "";
	if (config->domains_http_port != 80)
		snprintf(port, sizeof(port), ":%d", (int)config->domains_http_port);
	snprintf(ret, MRT_DOMAIN_URL_SIZE, "http://%s%s" MRT_CHALLENGE_PATH, name, port);
}

int mrt_domain_instruct(const struct mrt_config *config, const struct mrt_domain_claim *claim,
                        json_t *to, struct mrt_error *err)
{
	char name[MRT_DOMAIN_SIZE + 64], url[MRT_DOMAIN_URL_SIZE], target[MRT_DOMAIN_SIZE + 64];
	json_t *record = NULL, *file = NULL;
	snprintf(name, sizeof(name), MRT_CHALLENGE_LABEL ".%s", claim->name);
	mrt_domain_claim_url(config, claim->name, url);
	snprintf(target, sizeof(target), "%s.%s", claim->slug, config->platform_domain);
	int rc = mrt_json_set(to, "record", record = json_object(), err);
	if (rc == 0)
		rc = mrt_json_set_text(record, "name", name, err);
	if (rc == 0)
		rc = mrt_json_set_text(record, "type", "TXT", err);
	if (rc == 0)
		rc = mrt_json_set_text(record, "value", claim->token, err);
	if (rc == 0)
		rc = mrt_json_set(to, "file", file = json_object(), err);
	if (rc == 0)
		rc = mrt_json_set_text(file, "url", url, err);
	if (rc == 0)
		rc = mrt_json_set_text(file, "content", claim->token, err);
	return rc < 0 ? rc : mrt_json_set_text(to, "target", target, err);
}
