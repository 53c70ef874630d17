/* log.c - formatting, masking, one lock. */
#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* so many bytes of a secret that is cut off are masked, too: before "...", and before the end */
enum { CUT_MARKED = 4, CUT_SILENTLY = 8 };

struct mrt_log {
	mrt_log_write *write;
	void *context;
	_Atomic int level;
	pthread_mutex_t lock;
	char **secrets;
	size_t n_secrets;
};

const char *mrt_log_level_name(enum mrt_log_level level)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	return names[level];
}

int mrt_log_new(mrt_log_write *write, void *context, enum mrt_log_level level, struct mrt_log **ret,
                struct mrt_error *err)
{
	struct mrt_log *log = calloc(1, sizeof(*log));
	if (!log)
		return mrt_no_memory(err);
	log->write = write;
	log->context = context;
	log->level = (int)level;
	pthread_mutex_init(&log->lock, NULL);
	*ret = log;
	return 0;
}

void mrt_log_free(struct mrt_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->n_secrets; i++) {
		explicit_bzero(log->secrets[i], strlen(log->secrets[i]));
		free(log->secrets[i]);
	}
	free(log->secrets);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

static int remember(struct mrt_log *log, const char *text, struct mrt_error *err)
{
	for (size_t i = 0; i < log->n_secrets; i++)
		if (strcmp(log->secrets[i], text) == 0)
			return 0;
	char **grown = realloc(log->secrets, (log->n_secrets + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	log->secrets = grown;
	int rc = mrt_text_dup(text, &log->secrets[log->n_secrets], err);
	if (rc == 0)
		log->n_secrets++;
	return rc;
}

int mrt_log_secret(struct mrt_log *log, const char *text, struct mrt_error *err)
{
	if (!log || !text || strlen(text) < 4)
		return 0;
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf encoded = MRT_BUF_INIT;
	mrt_percent_encode(&encoded, text, strlen(text), "-_.~");
	int rc = mrt_buf_check(&encoded, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&log->lock);
	rc = remember(log, text, err);
	if (rc == 0)
		rc = remember(log, mrt_buf_text(&encoded), err);
	pthread_mutex_unlock(&log->lock);
	return rc;
}

/* How much of the secret stands here: all of it, or its first bytes where the text was cut off, as
 * that of an error may be. */
static size_t match(const char *secret, const char *p)
{
	size_t n = 0;
	while (secret[n] && p[n] == secret[n])
		n++;
	bool cut = (n >= CUT_MARKED && strcmp(p + n, "...") == 0) || (n >= CUT_SILENTLY && !p[n]);
	return !secret[n] || cut ? n : 0;
}

/* The longest secret that starts here, so that one which contains another hides as a whole. */
static size_t secret_at(const struct mrt_log *log, const char *p)
{
	size_t longest = 0;
	for (size_t i = 0; i < log->n_secrets; i++) {
		size_t n = match(log->secrets[i], p);
		longest = n > longest ? n : longest;
	}
	return longest;
}

static void mask_locked(const struct mrt_log *log, const char *text, struct mrt_buf *ret)
{
	while (*text) {
		size_t n = secret_at(log, text);
		if (n > 0)
			mrt_buf_add(ret, "***", 3);
		else
			mrt_buf_add_char(ret, *text);
		text += n > 0 ? n : 1;
	}
}

void mrt_log_mask(struct mrt_log *log, const char *text, struct mrt_buf *ret)
{
	if (!log) { /* there is none in some tests, and no secret is known */
		mrt_buf_add_text(ret, text);
		return;
	}
	pthread_mutex_lock(&log->lock);
	mask_locked(log, text, ret);
	pthread_mutex_unlock(&log->lock);
}

void mrt_logf(struct mrt_log *log, enum mrt_log_level level, const char *format, ...)
{
	if (!log || (int)level > log->level)
		return;
	mrt_auto_buf masked = MRT_BUF_INIT;
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return; /* no memory for a log line: losing it is all that can be done */
	pthread_mutex_lock(&log->lock);
	mask_locked(log, text, &masked);
	if (!masked.failed)
		log->write(log->context, level, mrt_buf_text(&masked));
	pthread_mutex_unlock(&log->lock);
	free(text);
}

void mrt_error_mask(struct mrt_log *log, const struct mrt_error *why, struct mrt_buf *ret)
{
	mrt_log_mask(log, why->text.unmasked, ret);
}

void mrt_error_mask_hint(struct mrt_log *log, const struct mrt_error *why, struct mrt_buf *ret)
{
	mrt_log_mask(log, why->hint.unmasked, ret);
}

/* A format of NULL stands for nothing. */
__attribute__((format(printf, 2, 0))) static void add_what(struct mrt_buf *to, const char *format,
                                                           va_list args)
{
	char *what = NULL;
	if (!format)
		return;
	if (vasprintf(&what, format, args) < 0) {
		to->failed = MRT_NO_MEMORY;
		return;
	}
	mrt_buf_printf(to, "%s: ", what);
	free(what);
}

int mrt_error_explain(struct mrt_log *log, const struct mrt_error *why, char **ret,
                      struct mrt_error *err, const char *format, ...)
{
	mrt_auto_buf text = MRT_BUF_INIT, masked = MRT_BUF_INIT;
	va_list args;
	va_start(args, format);
	add_what(&text, format, args);
	va_end(args);
	mrt_buf_add_text(&text, why->text.unmasked);
	mrt_log_mask(log, mrt_buf_text(&text), &masked);
	return mrt_buf_check(&text, err) < 0 ? mrt_no_memory(err) : mrt_buf_take(&masked, ret, err);
}

void mrt_log_error(struct mrt_log *log, enum mrt_log_level level, const struct mrt_error *why,
                   bool with_hint, const char *format, ...)
{
	mrt_auto_buf what = MRT_BUF_INIT;
	va_list args;
	va_start(args, format);
	add_what(&what, format, args);
	va_end(args);
	mrt_logf(log, level, "%s%s", mrt_buf_text(&what), why->text.unmasked);
	if (with_hint && why->hint.unmasked[0])
		mrt_logf(log, level, "hint: %s", why->hint.unmasked);
}
