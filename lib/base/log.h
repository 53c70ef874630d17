/* log.h - messages for people and machines, with secrets masked wherever they would appear.
 *
 * The library never prints: it hands finished lines to the sink that main injected. Lines may come
 * from several threads; the sink is called under the log's own lock.
 */
#ifndef MRT_BASE_LOG_H
#define MRT_BASE_LOG_H

#include "base/buf.h"

enum mrt_log_level { MRT_LOG_ERROR, MRT_LOG_WARNING, MRT_LOG_INFO, MRT_LOG_DEBUG };

struct mrt_log;
typedef void mrt_log_write(void *context, enum mrt_log_level level, const char *text);

const char *mrt_log_level_name(enum mrt_log_level level);

/* Lines above level are dropped before they are formatted. */
int mrt_log_new(mrt_log_write *write, void *context, enum mrt_log_level level, struct mrt_log **ret,
                struct mrt_error *err);
void mrt_log_free(struct mrt_log *log);
MRT_DEFINE_AUTO(mrt_log)

/* From now on text appears as "***", and so does its percent-encoded form. Texts under 4 bytes are
 * not masked: they would blank out half of every message. */
int mrt_log_secret(struct mrt_log *log, const char *text, struct mrt_error *err);
/* Appends text with every secret masked. */
void mrt_log_mask(struct mrt_log *log, const char *text, struct mrt_buf *ret);

/* The words of an error, masked: the one way out for them. The hint is several lines or "". */
void mrt_error_mask(struct mrt_log *log, const struct mrt_error *why, struct mrt_buf *ret);
void mrt_error_mask_hint(struct mrt_log *log, const struct mrt_error *why, struct mrt_buf *ret);
/* "format: what why says", masked, as a new text; format NULL: what it says alone. */
int mrt_error_explain(struct mrt_log *log, const struct mrt_error *why, char **ret,
                      struct mrt_error *err, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

/* The same as a line of the log; the hint's lines follow where with_hint says so. */
void mrt_log_error(struct mrt_log *log, enum mrt_log_level level, const struct mrt_error *why,
                   bool with_hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
void mrt_logf(struct mrt_log *log, enum mrt_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
