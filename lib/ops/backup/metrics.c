/* metrics.c - gauges in Prometheus' text format: into a file, to a Pushgateway; pings. */
#include "ops/backup/metrics.h"
#include "base/file.h"
#include "base/text.h"
#include "client/http.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define TIME_LIMIT (10 * MRT_SECOND)
#define JOB "maratea"
#define FILE_MODE 0644 /* node_exporter is somebody else */
#define WORDS_MAX 2000

static void add_label(struct mrt_buf *buf, const char *value)
{
	for (; *value; value++)
		if (*value == '"' || *value == '\\')
			mrt_buf_printf(buf, "\\%c", *value);
		else
			mrt_buf_add_char(buf, *value == '\n' ? ' ' : *value);
}

/* labels: in a file each line says whose it is; a Pushgateway knows by the group's path. */
static void add_gauge(struct mrt_buf *buf, const char *name, const char *help, const char *platform,
                      const char *target, double value)
{
	mrt_buf_printf(buf, "# HELP maratea_backup_%s %s\n# TYPE maratea_backup_%s gauge\n", name,
	               help, name);
	mrt_buf_printf(buf, "maratea_backup_%s", name);
	if (target) {
		mrt_buf_add_text(buf, "{platform=\"");
		add_label(buf, platform);
		mrt_buf_add_text(buf, "\",target=\"");
		add_label(buf, target);
		mrt_buf_add_text(buf, "\"}");
	}
	mrt_buf_printf(buf, " %.17g\n", value);
}

struct line {
	const char *at;
	size_t len, name; /* name: bytes that say which series, or comment, it is */
};

static bool next_line(const char **p, struct line *ret)
{
	while (**p == '\n')
		(*p)++;
	if (!**p)
		return false;
	size_t len = strcspn(*p, "\n"), name = len;
	const char *at = *p;
	if (*at == '#') { /* "# HELP name", "# TYPE name" */
		size_t words = 0;
		for (name = 0; name < len && !(at[name] == ' ' && ++words == 3);)
			name++;
	} else {
		const char *brace = memchr(at, '{', len), *end = memrchr(at, '}', len);
		name = brace && end > brace ? (size_t)(end + 1 - at) : strcspn(at, " \n");
	}
	*ret = (struct line) { at, len, name };
	*p += len;
	return true;
}

static bool has_series(const char *text, const struct line *line)
{
	struct line other;
	while (next_line(&text, &other))
		if (other.name == line->name && memcmp(other.at, line->at, line->name) == 0)
			return true;
	return false;
}

/* Behind "# HELP " and "# TYPE "; any other line is its own. */
static const char *metric_of(const struct line *l)
{
	bool comment = l->len > 7 &&
	               (strncmp(l->at, "# HELP ", 7) == 0 || strncmp(l->at, "# TYPE ", 7) == 0);
	return comment ? l->at + 7 : l->at;
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	/* by metric, comments first */
	const char *nx = metric_of(x), *ny = metric_of(y);
	size_t lx = strcspn(nx, " {\n"), ly = strcspn(ny, " {\n");
	int order = strncmp(nx, ny, lx < ly ? lx : ly);
	if (order == 0 && lx != ly)
		order = lx < ly ? -1 : 1;
	if (order == 0 && (x->at[0] == '#') != (y->at[0] == '#'))
		order = x->at[0] == '#' ? -1 : 1;
	if (order == 0)
		order = strncmp(x->at, y->at, x->len < y->len ? x->len : y->len);
	if (order == 0 && x->len != y->len)
		order = x->len < y->len ? -1 : 1;
	return order;
}

/* The lines of one metric stand together, as the format wants it. */
static int sort_lines(struct mrt_buf *text, struct mrt_error *err)
{
	size_t n = 0;
	struct line line;
	for (const char *p = mrt_buf_text(text); next_line(&p, &line);)
		n++;
	mrt_autofree struct line *lines = calloc(n + 1, sizeof(*lines));
	mrt_auto_buf sorted = MRT_BUF_INIT;
	if (!lines)
		return mrt_no_memory(err);
	n = 0;
	for (const char *p = mrt_buf_text(text); next_line(&p, &line);)
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), compare);
	for (size_t i = 0; i < n; i++)
		mrt_buf_printf(&sorted, "%.*s\n", (int)lines[i].len, lines[i].at);
	int rc = mrt_buf_check(&sorted, err);
	if (rc < 0)
		return rc;
	struct mrt_buf old = *text;
	*text = sorted;
	sorted = old;
	return 0;
}

int mrt_metrics_merge(const char *text, const char *more, struct mrt_buf *ret,
                      struct mrt_error *err)
{
	struct line line;
	for (const char *p = text; next_line(&p, &line);)
		if (!has_series(more, &line))
			mrt_buf_printf(ret, "%.*s\n", (int)line.len, line.at);
	for (const char *p = more; next_line(&p, &line);)
		mrt_buf_printf(ret, "%.*s\n", (int)line.len, line.at);
	int rc = mrt_buf_check(ret, err);
	return rc < 0 ? rc : sort_lines(ret, err);
}

static int to_file(const char *path, const struct mrt_buf *text, struct mrt_error *err)
{
	mrt_auto_buf old = MRT_BUF_INIT, merged = MRT_BUF_INIT;
	size_t n = strlen(path);
	if (n < 6 || strcmp(path + n - 5, ".prom") != 0)
		return mrt_fail(err, MRT_CONFIG, "%s: the collector only reads files named *.prom",
		                path);
	/* runs that end together write one after the other; the name does not end in .prom */
	mrt_autofree char *lock = NULL;
	int rc = mrt_text_printf(&lock, err, "%s.lock", path);
	if (rc < 0)
		return rc;
	mrt_autofd held = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (held < 0 || flock(held, LOCK_EX) < 0)
		return mrt_fail_errno(err, errno, "lock %s", lock);
	rc = mrt_file_read(path, &old, err);
	if (rc < 0 && rc != MRT_NOT_FOUND)
		return rc;
	rc = mrt_metrics_merge(mrt_buf_text(&old), mrt_buf_text(text), &merged, err);
	/* the temporary name does not end in .prom */
	return rc < 0 ? rc : mrt_file_write(path, merged.data, merged.len, FILE_MODE, err);
}

static int post(const struct mrt_context *ctx, const struct mrt_config *config, const char *url,
                const char *type, const char *body, size_t len, struct mrt_error *err)
{
	const struct mrt_http_options options = { .dns = mrt_config_dns(config),
		                                  .connect_timeout = TIME_LIMIT,
		                                  .stall_timeout = TIME_LIMIT };
	const struct mrt_context limited = { .log = ctx->log,
		                             .wall = ctx->wall,
		                             .deadline = mrt_clock_monotonic() + TIME_LIMIT };
	mrt_auto(mrt_http) *http = NULL;
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	const char *headers[] = { type };
	const struct mrt_http_request request = { .method = "POST",
		                                  .url = url,
		                                  .headers = headers,
		                                  .n_headers = 1,
		                                  .body = body,
		                                  .body_len = len };
	int rc = mrt_http_new(&options, &http, err);
	/* a cancelled run has its say, too: within the limit */
	if (rc == 0)
		rc = mrt_http_request(http, &limited, &request, &response, err);
	if (rc == 0 && (response.status < 200 || response.status > 299))
		rc = mrt_fail(err, MRT_REFUSED, "it answered %ld %.200s", response.status,
		              mrt_buf_text(&response.body));
	return rc;
}

static void add_path(struct mrt_buf *url, const char *label, const char *value)
{
	mrt_buf_printf(url, "/%s/", label);
	mrt_percent_encode(url, value, strlen(value), "-_.");
}

static int to_pushgateway(const struct mrt_context *ctx, const struct mrt_config *config,
                          const char *target, const struct mrt_buf *text, struct mrt_error *err)
{
	mrt_auto_buf url = MRT_BUF_INIT;
	const char *base = config->backup_pushgateway;
	size_t n = strlen(base);
	mrt_buf_add(&url, base, n > 0 && base[n - 1] == '/' ? n - 1 : n);
	mrt_buf_add_text(&url, "/metrics/job/" JOB);
	add_path(&url, "platform", config->platform_name);
	add_path(&url, "target", target);
	int rc = mrt_buf_check(&url, err);
	/* POST leaves the metrics that this text does not name: the last success */
	return rc < 0 ? rc
	              : post(ctx, config, url.data, "Content-Type: text/plain; version=0.0.4",
	                     text->data, text->len, err);
}

static void write_metrics(const struct mrt_context *ctx, const struct mrt_config *config,
                          const char *target,
                          void (*add)(struct mrt_buf *buf, const void *context,
                                      const char *platform, const char *target),
                          const void *context)
{
	struct mrt_error err;
	if (config->backup_metrics_textfile) {
		mrt_auto_buf text = MRT_BUF_INIT;
		add(&text, context, config->platform_name, target);
		if (mrt_buf_check(&text, &err) < 0 ||
		    to_file(config->backup_metrics_textfile, &text, &err) < 0)
			mrt_warn_because(ctx, &err, "the metrics could not be written");
	}
	if (config->backup_pushgateway) {
		mrt_auto_buf text = MRT_BUF_INIT;
		add(&text, context, NULL, NULL);
		if (mrt_buf_check(&text, &err) < 0 ||
		    to_pushgateway(ctx, config, target, &text, &err) < 0)
			mrt_warn_because(ctx, &err, "the metrics could not be pushed");
	}
}

static void add_outcome(struct mrt_buf *buf, const void *context, const char *platform,
                        const char *target)
{
	const struct mrt_backup_outcome *o = context;
	add_gauge(buf, "last_run_timestamp_seconds", "When the last run ended, good or bad.",
	          platform, target, (double)o->ended);
	add_gauge(buf, "exit_status", "Exit status of the last run; 0 is good.", platform, target,
	          o->exit_status);
	add_gauge(buf, "duration_seconds", "How long the last run took.", platform, target,
	          o->duration);
	if (o->exit_status != 0)
		return;
	add_gauge(buf, "last_success_timestamp_seconds", "When the last good run ended.", platform,
	          target, (double)o->ended);
	add_gauge(buf, "size_bytes", "Size of the last backup before compression.", platform,
	          target, (double)o->size);
	add_gauge(buf, "stored_bytes", "Size of the last backup in the store.", platform, target,
	          (double)o->stored);
}

void mrt_backup_metrics(const struct mrt_context *ctx, const struct mrt_config *config,
                        const struct mrt_backup_outcome *outcome)
{
	write_metrics(ctx, config, outcome->target, add_outcome, outcome);
}

struct verified {
	int64_t started, backup_time;
	double recovery_time;
};

static void add_verified(struct mrt_buf *buf, const void *context, const char *platform,
                         const char *target)
{
	const struct verified *v = context;
	add_gauge(buf, "last_verified_timestamp_seconds", "When a backup was last found good.",
	          platform, target, (double)v->started);
	add_gauge(buf, "verified_backup_timestamp_seconds",
	          "When the backup began that was last found good.", platform, target,
	          (double)v->backup_time);
	add_gauge(buf, "recovery_seconds", "How long the last verification took.", platform, target,
	          v->recovery_time);
}

void mrt_backup_metrics_verified(const struct mrt_context *ctx, const struct mrt_config *config,
                                 const char *target, int64_t started, double recovery_time,
                                 int64_t backup_time)
{
	const struct verified v = { started, backup_time, recovery_time };
	write_metrics(ctx, config, target, add_verified, &v);
}

void mrt_ping(const struct mrt_context *ctx, const struct mrt_config *config,
              struct mrt_pinger *pinger, enum mrt_ping what, const struct mrt_error *why)
{
	static const char *const suffixes[] = { "/start", "", "/fail" };
	mrt_auto_buf url = MRT_BUF_INIT, body = MRT_BUF_INIT;
	struct mrt_error err;
	if (!config->backup_ping)
		return;
	if (!pinger->id[0])
		mrt_uuid_make(pinger->id);
	size_t n = strlen(config->backup_ping);
	mrt_buf_printf(&url, "%.*s%s?rid=%s",
	               (int)(n > 0 && config->backup_ping[n - 1] == '/' ? n - 1 : n),
	               config->backup_ping, suffixes[what], pinger->id);
	if (why)
		mrt_error_mask(ctx->log, why, &body); /* it leaves the house */
	if (mrt_buf_check(&url, &err) < 0 || mrt_buf_check(&body, &err) < 0 ||
	    post(ctx, config, url.data, "Content-Type: text/plain; charset=utf-8",
	         mrt_buf_text(&body), body.len < WORDS_MAX ? body.len : WORDS_MAX, &err) < 0)
		mrt_warn_because(ctx, &err, "the ping did not arrive");
}
