/* progress.c - standard error: log lines and the progress line, never mixed up. */
#include "maratea/progress.h"
#include "base/text.h"
#include "codec/json.h"
#include "maratea/output.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define REDRAW (100 * MRT_MILLISECOND)
#define PERIOD (30 * MRT_SECOND) /* of log lines where no terminal is */

struct mrt_screen {
	pthread_mutex_t lock;
	pthread_cond_t stop;
	pthread_t thread;
	bool terminal, json, color, watching, stopping, drawn, quiet;
	struct mrt_progress *progress;
};

int mrt_screen_new(bool terminal, bool json, bool color, struct mrt_screen **ret,
                   struct mrt_error *err)
{
	struct mrt_screen *s = calloc(1, sizeof(*s));
	if (!s)
		return mrt_no_memory(err);
	s->terminal = terminal && !json;
	s->json = json;
	s->color = color;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->stop, NULL);
	*ret = s;
	return 0;
}

static void print(const struct mrt_buf *buf)
{
	/* standard error may be gone; there is nobody left to tell */
	ssize_t n = write(STDERR_FILENO, mrt_buf_text(buf), buf->len);
	(void)n;
}

static void erase(struct mrt_screen *s, struct mrt_buf *buf)
{
	if (s->drawn)
		mrt_buf_add_text(buf, "\r\033[K");
	s->drawn = false;
}

static void add_line(const struct mrt_screen *s, struct mrt_buf *buf, const char *level,
                     const char *text)
{
	if (s->json) {
		char time[MRT_TIME_SIZE];
		mrt_auto_json line = json_object();
		mrt_time_format(mrt_clock_wall() / MRT_SECOND, MRT_TIME_RFC3339, time);
		mrt_json_set_text(line, "time", time, NULL);
		mrt_json_set_text(line, "level", level, NULL);
		mrt_json_set_text(line, "message", text, NULL);
		char *dump = json_dumps(line, JSON_COMPACT);
		mrt_buf_printf(buf, "%s\n", dump ? dump : "{}");
		free(dump);
		return;
	}
	bool warn = s->color && (strcmp(level, "error") == 0 || strcmp(level, "warning") == 0);
	mrt_buf_printf(buf, "%smaratea: %s:%s ", warn ? "\033[1m" : "", level,
	               warn ? "\033[0m" : "");
	/* one line, however many the peer's words had; but a list is one of lines */
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		mrt_auto_buf one = MRT_BUF_INIT;
		p += p == text ? 0 : strspn(p, " \t"); /* libpq indents what follows */
		mrt_buf_add(&one, p, strcspn(p, "\n"));
		mrt_buf_add_text(buf, p == text ? "" : strncmp(p, "- ", 2) == 0 ? "\n  " : "; ");
		mrt_printable(buf, mrt_buf_text(&one));
	}
	mrt_buf_add_char(buf, '\n');
}

void mrt_screen_log(void *context, enum mrt_log_level level, const char *text)
{
	struct mrt_screen *s = context;
	mrt_auto_buf buf = MRT_BUF_INIT;
	pthread_mutex_lock(&s->lock);
	erase(s, &buf);
	add_line(s, &buf, mrt_log_level_name(level), text);
	print(&buf);
	pthread_mutex_unlock(&s->lock);
}

static void draw(struct mrt_screen *s)
{
	mrt_auto_buf buf = MRT_BUF_INIT, line = MRT_BUF_INIT;
	mrt_progress_describe(s->progress, mrt_clock_monotonic(), &line);
	erase(s, &buf);
	if (line.len > 0) {
		if (s->terminal) {
			mrt_buf_printf(&buf, "\r%.78s", mrt_buf_text(&line));
			s->drawn = true;
		} else {
			add_line(s, &buf, "info", mrt_buf_text(&line));
		}
	}
	print(&buf);
}

static void *watch(void *arg)
{
	struct mrt_screen *s = arg;
	int64_t pause = s->terminal ? REDRAW : PERIOD;
	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		int64_t ns = until.tv_nsec + pause % MRT_SECOND;
		until.tv_sec += pause / MRT_SECOND + ns / MRT_SECOND;
		until.tv_nsec = ns % MRT_SECOND;
		pthread_cond_timedwait(&s->stop, &s->lock, &until);
		if (!s->stopping)
			draw(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int mrt_screen_watch(struct mrt_screen *s, struct mrt_progress *progress, bool quiet,
                     struct mrt_error *err)
{
	s->progress = progress;
	if (quiet)
		return 0;
	int failed = pthread_create(&s->thread, NULL, watch, s);
	if (failed)
		return mrt_fail_errno(err, failed, "start a thread");
	s->watching = true;
	return 0;
}

void mrt_screen_stop(struct mrt_screen *s)
{
	if (!s->watching)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->stop);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->watching = false;
	mrt_auto_buf buf = MRT_BUF_INIT;
	erase(s, &buf);
	print(&buf);
}

static void add_hint(struct mrt_buf *buf, const char *text)
{
	mrt_buf_add_text(buf, "hint: ");
	mrt_printable(buf, text);
	mrt_buf_add_char(buf, '\n');
}

void mrt_screen_error(struct mrt_screen *s, struct mrt_log *log, const struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT, hint = MRT_BUF_INIT, buf = MRT_BUF_INIT;
	mrt_error_mask(log, err, &text);
	mrt_error_mask_hint(log, err, &hint);
	erase(s, &buf);
	add_line(s, &buf, "error", mrt_buf_text(&text));
	for (const char *p = mrt_buf_text(&hint); *p; p += strcspn(p, "\n"), p += *p == '\n') {
		mrt_auto_buf one = MRT_BUF_INIT;
		mrt_buf_add(&one, p, strcspn(p, "\n"));
		if (s->json)
			add_line(s, &buf, "hint", mrt_buf_text(&one));
		else
			add_hint(&buf, mrt_buf_text(&one));
	}
	print(&buf);
}

void mrt_screen_free(struct mrt_screen *s)
{
	if (!s)
		return;
	mrt_screen_stop(s);
	pthread_cond_destroy(&s->stop);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
