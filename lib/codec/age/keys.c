/* keys.c - recipients and identities: Bech32 texts, and files that list them. */
#include "codec/age/keys.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/age/bech32.h"
#include "codec/age/pairs.h"

#include <stdio.h>
#include <string.h>

#define PUBLIC "age"
#define SECRET "age-secret-key-"

static void pairs_free(struct mrt_age_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		explicit_bzero(pairs[i].secret, MRT_AGE_KEY);
		free(pairs[i].recipient);
	}
	free(pairs);
}

static int pairs_add(struct mrt_age_pair **pairs, size_t *n, struct mrt_age_pair *pair,
                     struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	for (size_t i = 0; i < *n; i++)
		if (memcmp((*pairs)[i].public, pair->public, MRT_AGE_KEY) == 0)
			return 0;
	/* not realloc: it could leave secrets behind */
	struct mrt_age_pair *grown = calloc(*n + 1, sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	if (*n > 0)
		memcpy(grown, *pairs, *n * sizeof(*grown));
	mrt_bech32_encode(PUBLIC, pair->public, MRT_AGE_KEY, &text);
	int rc = mrt_buf_take(&text, &pair->recipient, err);
	if (rc < 0) {
		explicit_bzero(grown, *n * sizeof(*grown));
		free(grown);
		return rc;
	}
	grown[*n] = *pair;
	if (*pairs)
		explicit_bzero(*pairs, *n * sizeof(*grown));
	free(*pairs);
	*pairs = grown;
	(*n)++;
	return 0;
}

int mrt_age_recipients_new(struct mrt_age_recipients **ret, struct mrt_error *err)
{
	struct mrt_age_recipients *r = calloc(1, sizeof(*r));
	if (!r)
		return mrt_no_memory(err);
	*ret = r;
	return 0;
}

void mrt_age_recipients_free(struct mrt_age_recipients *r)
{
	if (!r)
		return;
	pairs_free(r->pairs, r->n);
	free(r);
}

int mrt_age_recipients_add(struct mrt_age_recipients *r, const char *text, struct mrt_error *err)
{
	struct mrt_age_pair pair = { 0 };
	if (strncasecmp(text, SECRET, strlen(SECRET)) == 0)
		return mrt_fail(err, MRT_CONFIG,
		                "that is a private key, not a recipient: it has "
		                "no business on this machine");
	if (strncmp(text, "ssh-", 4) == 0)
		return mrt_fail(err, MRT_CONFIG, "SSH keys are not supported as recipients");
	int rc = mrt_bech32_decode(text, PUBLIC, pair.public, MRT_AGE_KEY, err);
	if (rc == 0 && text[0] != PUBLIC[0])
		rc = mrt_fail(err, MRT_CORRUPT, "it must be in lower case");
	if (rc == MRT_CORRUPT)
		return mrt_fail_because(err, MRT_CONFIG, err, "'%.80s' is no age recipient", text);
	return rc < 0 ? rc : pairs_add(&r->pairs, &r->n, &pair, err);
}

/* One call a line that is neither empty nor a comment. */
static int each_line(const char *text, const char *name,
                     int (*each)(void *, const char *, struct mrt_error *), void *context,
                     struct mrt_error *err)
{
	size_t number = 0, found = 0;
	for (const char *p = text; *p; p += *p == '\n') {
		mrt_auto_secret line = NULL;
		size_t len = strcspn(p, "\n");
		number++;
		int rc = mrt_text_printf(&line, err, "%.*s",
		                         (int)(len > 0 && p[len - 1] == '\r' ? len - 1 : len), p);
		if (rc == 0 && *line && *line != '#') {
			found++;
			rc = each(context, line, err);
		}
		if (rc < 0)
			return mrt_prefix(err, rc, "%s:%zu", name, number);
		p += len;
	}
	return found > 0 ? 0 : mrt_fail(err, MRT_CONFIG, "%s: there is no key in it", name);
}

static int add_recipient(void *context, const char *line, struct mrt_error *err)
{
	return mrt_age_recipients_add(context, line, err);
}

int mrt_age_recipients_read(struct mrt_age_recipients *r, const char *text, const char *name,
                            struct mrt_error *err)
{
	return each_line(text, name, add_recipient, r, err);
}

const char *mrt_age_recipient(const struct mrt_age_recipients *r, size_t i)
{
	return r && i < r->n ? r->pairs[i].recipient : NULL;
}

int mrt_age_identities_new(struct mrt_age_identities **ret, struct mrt_error *err)
{
	struct mrt_age_identities *identities = calloc(1, sizeof(*identities));
	if (!identities)
		return mrt_no_memory(err);
	*ret = identities;
	return 0;
}

void mrt_age_identities_free(struct mrt_age_identities *identities)
{
	if (!identities)
		return;
	pairs_free(identities->pairs, identities->n);
	mrt_secret_free(identities->passphrase);
	free(identities);
}

static int add_identity(void *context, const char *line, struct mrt_error *err)
{
	struct mrt_age_identities *identities = context;
	struct mrt_age_pair pair = { 0 };
	if (strncmp(line, "age1", 4) == 0)
		return mrt_fail(err, MRT_CONFIG,
		                "that is a recipient; what decrypts is its "
		                "private key, AGE-SECRET-KEY-1...");
	int rc = mrt_bech32_decode(line, SECRET, pair.secret, MRT_AGE_KEY, err);
	if (rc == 0 && line[0] != 'A')
		rc = mrt_fail(err, MRT_CORRUPT, "it must be in upper case");
	if (rc == MRT_CORRUPT)
		return mrt_fail_because(err, MRT_CONFIG, err, "this line is no age identity");
	if (rc == 0)
		rc = mrt_age_public(pair.secret, pair.public, err);
	if (rc == 0)
		rc = pairs_add(&identities->pairs, &identities->n, &pair, err);
	explicit_bzero(pair.secret, sizeof(pair.secret));
	return rc;
}

int mrt_age_identities_read(struct mrt_age_identities *identities, const char *text,
                            const char *name, struct mrt_error *err)
{
	return each_line(text, name, add_identity, identities, err);
}

int mrt_age_identities_passphrase(struct mrt_age_identities *identities, const char *passphrase,
                                  struct mrt_error *err)
{
	mrt_secret_free(mrt_steal(identities->passphrase));
	return mrt_text_dup(passphrase, &identities->passphrase, err);
}

const char *mrt_age_identity(const struct mrt_age_identities *identities, size_t i)
{
	return identities && i < identities->n ? identities->pairs[i].recipient : NULL;
}

int mrt_age_key_new(char **ret_secret, char **ret_recipient, struct mrt_error *err)
{
	unsigned char secret[MRT_AGE_KEY], public[MRT_AGE_KEY];
	mrt_auto_buf text = MRT_BUF_INIT, recipient = MRT_BUF_INIT;
	mrt_auto_secret identity = NULL;
	mrt_random(secret, sizeof(secret));
	int rc = mrt_age_public(secret, public, err);
	mrt_buf_reserve(&text, 256); /* no copies are left behind by growing */
	mrt_bech32_encode(SECRET, secret, sizeof(secret), &text);
	explicit_bzero(secret, sizeof(secret));
	if (rc == 0)
		rc = mrt_buf_take(&text, &identity, err);
	for (char *p = identity; p && *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	if (rc == 0)
		mrt_bech32_encode(PUBLIC, public, sizeof(public), &recipient);
	if (rc == 0)
		rc = mrt_buf_take(&recipient, ret_recipient, err);
	if (rc == 0)
		*ret_secret = mrt_steal(identity);
	mrt_buf_wipe(&text);
	return rc;
}
