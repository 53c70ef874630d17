/* progress.h - what main shows on standard error: log lines, and while work goes on, how far. */
#ifndef MRT_CMD_PROGRESS_H
#define MRT_CMD_PROGRESS_H

#include "base/context.h"

struct mrt_screen;
/* terminal: draw a line (at most 10 times a second); otherwise a log line every 30 s. */
int mrt_screen_new(bool terminal, bool json, bool color, struct mrt_screen **ret,
                   struct mrt_error *err);
void mrt_screen_free(struct mrt_screen *screen);
/* The log's sink; context is the screen. */
void mrt_screen_log(void *context, enum mrt_log_level level, const char *text);
/* Watches progress from a thread of its own until mrt_screen_stop(). */
int mrt_screen_watch(struct mrt_screen *screen, struct mrt_progress *progress, bool quiet,
                     struct mrt_error *err);
void mrt_screen_stop(struct mrt_screen *screen);
/* The one error of the program. */
void mrt_screen_error(struct mrt_screen *screen, struct mrt_log *log, const struct mrt_error *err);

#endif
