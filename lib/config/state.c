/* state.c - what each setting is at the moment, and where it came from. */
#include "config/state.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/url.h"

#include <ctype.h>
#include <string.h>

size_t mrt_config_index(const char *name)
{
	size_t i = 0;
	while (i < mrt_n_settings && strcmp(mrt_settings[i].name, name) != 0)
		i++;
	return i;
}

int mrt_setting_variable(const struct mrt_setting *setting, char **ret, struct mrt_error *err)
{
	int rc = mrt_text_printf(ret, err, "MARATEA_%s", setting->name);
	for (char *p = rc == 0 ? *ret : NULL; p && *p; p++)
		*p = *p == '.' || *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return rc;
}

int mrt_config_note(struct mrt_config *config, const char *variable, const char *because,
                    struct mrt_error *err)
{
	char **grown = realloc(config->notes, (config->n_notes + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	config->notes = grown;
	int rc = mrt_text_printf(&grown[config->n_notes], err, "$%s is not used: %s", variable,
	                         because);
	config->n_notes += rc == 0;
	return rc;
}

int mrt_config_set(const struct mrt_context *ctx, struct mrt_config *config, size_t index,
                   const char *text, const char *source, struct mrt_error *err)
{
	struct mrt_setting_state *state = &config->states[index];
	char *copy = NULL, *from = NULL;
	int rc = mrt_text_dup(text, &copy, err);
	if (rc == 0)
		rc = mrt_text_dup(source, &from, err);
	if (rc == 0 && mrt_settings[index].kind == MRT_SECRET &&
	    index != mrt_config_index("store.access-key"))
		rc = mrt_log_secret(ctx->log, text, err);
	if (rc == 0 && mrt_settings[index].kind == MRT_SECRET)
		rc = mrt_url_hide_path(ctx->log, text, err);
	/* mostly a path, but it may be the key itself */
	if (rc == 0 && index == mrt_config_index("backup.identity") &&
	    strncmp(text, MRT_IDENTITY_PREFIX, strlen(MRT_IDENTITY_PREFIX)) == 0)
		rc = mrt_log_secret(ctx->log, text, err);
	if (rc == 0 && mrt_settings[index].kind == MRT_URL)
		rc = mrt_url_hide(ctx->log, text, err);
	if (rc < 0) {
		mrt_secret_free(copy);
		free(from);
		return rc;
	}
	mrt_secret_free(state->text);
	free(state->source);
	state->text = copy;
	state->source = from;
	return 0;
}

static void texts_free(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void mrt_config_free(struct mrt_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; config->states && i < mrt_n_settings; i++) {
		mrt_secret_free(config->states[i].text);
		free(config->states[i].source);
	}
	for (size_t i = 0; i < config->n_notes; i++)
		free(config->notes[i]);
	free(config->notes);
	texts_free(config->targets, config->n_targets);
	texts_free(config->stores, config->n_stores);
	for (size_t i = 0; i < config->n_assertions; i++) {
		free(config->assertions[i].target);
		free(config->assertions[i].database);
		free(config->assertions[i].sql);
		free(config->assertions[i].expect);
	}
	free(config->assertions);
	free(config->flags);
	free(config->given);
	free(config->target);
	free(config->store);
	free(config->aws_container_uri);
	mrt_pg_params_free(config->postgres_ambient);
	free(config->states);
	free(config->path);
	free(config);
}
