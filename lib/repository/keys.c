/* keys.c - recipients and identities from the configuration. */
#include "repository/keys.h"
#include "base/file.h"
#include "base/secret.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

static int add(struct mrt_age_recipients *recipients, const char *text, struct mrt_error *err)
{
	if (*text != '@')
		return mrt_age_recipients_add(recipients, text, err);
	mrt_auto_buf content = { .ceiling = FILE_MAX };
	int rc = mrt_file_read(text + 1, &content, err);
	if (rc < 0)
		return mrt_fail_because(err, MRT_CONFIG, err, "recipients");
	return mrt_age_recipients_read(recipients, mrt_buf_text(&content), text + 1, err);
}

int mrt_keys_recipients(const struct mrt_config *config, const char *const *given, size_t n,
                        struct mrt_age_recipients **ret, struct mrt_error *err)
{
	mrt_auto(mrt_age_recipients) *recipients = NULL;
	const char *list = config->backup_recipients;
	if (n == 0 && !list)
		return 0;
	int rc = mrt_age_recipients_new(&recipients, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add(recipients, given[i], err);
	while (rc == 0 && n == 0) {
		mrt_autofree char *item = NULL;
		rc = mrt_config_item(&list, &item, err);
		if (rc == 0 && !item)
			break;
		if (rc == 0)
			rc = add(recipients, item, err);
		if (rc < 0)
			mrt_prefix(err, rc, "backup.recipients");
	}
	/* a list of nothing is a mistake, never "encrypt to nobody" */
	if (rc == 0 && !mrt_age_recipient(recipients, 0))
		rc = mrt_fail(err, MRT_CONFIG, "backup.recipients names no recipient");
	if (rc == 0)
		*ret = mrt_steal(recipients);
	return rc;
}

/* A key file that is itself an age file, wrapped with a passphrase. */
static int unlock(const struct mrt_context *ctx, const char *name, struct mrt_buf *content,
                  struct mrt_error *err)
{
	mrt_auto(mrt_age_identities) *opener = NULL;
	mrt_auto(mrt_source) *source = NULL;
	mrt_auto_secret passphrase = NULL;
	struct mrt_buf plain = { .ceiling = FILE_MAX };
	char question[256];
	struct mrt_buf_source from;
	if (!ctx->ask) {
		mrt_fail(err, MRT_CONFIG,
		         "%s is encrypted with a passphrase, and there is no terminal to ask at",
		         name);
		return mrt_hint(err, "give it decrypted: age -d %s", name);
	}
	snprintf(question, sizeof(question), "Passphrase of %.200s: ", name);
	int rc = ctx->ask(question, &passphrase, err);
	if (rc == 0)
		rc = mrt_age_identities_new(&opener, err);
	if (rc == 0)
		rc = mrt_age_identities_passphrase(opener, passphrase, err);
	mrt_buf_reserve(&plain, content->len); /* no copies are left behind by growing */
	if (rc == 0)
		rc = mrt_age_source(mrt_source_of_buf(&from, content->data, content->len), opener,
		                    &source, err);
	if (rc == 0)
		rc = mrt_stream_slurp(ctx, source, &plain, err);
	if (rc < 0) {
		mrt_buf_wipe(&plain);
		return rc == MRT_CANCELLED ? rc
		                           : mrt_fail_because(err, MRT_CONFIG, err, "%s", name);
	}
	mrt_buf_wipe(content);
	*content = plain;
	return 0;
}

int mrt_keys_identities(const struct mrt_context *ctx, const struct mrt_config *config,
                        struct mrt_age_identities **ret, struct mrt_error *err)
{
	mrt_auto(mrt_age_identities) *identities = NULL;
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf content = { .ceiling = FILE_MAX };
	const char *from = config->backup_identity;
	int rc = mrt_age_identities_new(&identities, err);
	if (rc == 0 && from && strncmp(from, MRT_IDENTITY_PREFIX, strlen(MRT_IDENTITY_PREFIX)) == 0)
		rc = mrt_age_identities_read(identities, from, "backup.identity", err);
	else if (rc == 0 && from) {
		rc = mrt_file_read(from, &content, err);
		if (rc < 0)
			return mrt_fail_because(err, MRT_CONFIG, err, "identity");
		if (mrt_age_magic(mrt_buf_text(&content), content.len))
			rc = unlock(ctx, from, &content, err);
		if (rc == 0)
			rc = mrt_age_identities_read(identities, mrt_buf_text(&content), from, err);
	}
	if (rc == 0)
		*ret = mrt_steal(identities);
	return rc;
}

int mrt_keys_check(const struct mrt_manifest_object *object,
                   const struct mrt_age_identities *identities, struct mrt_error *err)
{
	mrt_auto_buf names = MRT_BUF_INIT;
	const json_t *item;
	size_t i;
	const char *one;
	json_array_foreach (object->recipients, i, item) {
		mrt_buf_printf(&names, "%s%s", i > 0 ? ", " : "", json_string_value(item));
		for (size_t k = 0; (one = mrt_age_identity(identities, k)); k++)
			if (strcmp(one, json_string_value(item)) == 0)
				return 0;
	}
	if (i == 0)
		return 0;
	one = mrt_age_identity(identities, 0);
	if (!one)
		mrt_fail(err, MRT_CONFIG, "%s is encrypted to %s, and no identity is given",
		         object->key, mrt_buf_text(&names));
	else
		mrt_fail(err, MRT_CONFIG,
		         "%s is encrypted to %s; the identity given is that of %s%s", object->key,
		         mrt_buf_text(&names), one,
		         mrt_age_identity(identities, 1) ? " and others" : "");
	return mrt_hint(err, "give the private key of a recipient with --identity FILE or "
	                     "$MARATEA_IDENTITY");
}

int mrt_keys_for(const struct mrt_context *ctx, const struct mrt_config *config,
                 struct mrt_manifest *manifest, struct mrt_age_identities **ret,
                 struct mrt_error *err)
{
	bool encrypted = false;
	for (size_t i = 0; i < manifest->n_objects; i++)
		encrypted = encrypted || manifest->objects[i].recipients;
	if (!encrypted)
		return 0;
	mrt_auto(mrt_age_identities) *identities = NULL;
	int rc = mrt_keys_identities(ctx, config, &identities, err);
	for (size_t i = 0; rc == 0 && i < manifest->n_objects; i++)
		rc = mrt_keys_check(&manifest->objects[i], identities, err);
	if (rc < 0)
		return rc;
	manifest->identities = identities;
	*ret = mrt_steal(identities);
	return 0;
}

int mrt_keys_json(const struct mrt_age_recipients *recipients, json_t **ret, struct mrt_error *err)
{
	mrt_auto_json list = json_array();
	int rc = list ? 0 : mrt_no_memory(err);
	const char *text;
	for (size_t i = 0; rc == 0 && (text = mrt_age_recipient(recipients, i)); i++)
		rc = mrt_json_append(list, json_string(text), err);
	if (rc == 0)
		*ret = mrt_steal(list);
	return rc;
}
