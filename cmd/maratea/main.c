/* main.c - the run: signals, log, configuration, one command, one error, one exit status. */
#include "maratea/cmd.h"
#include "maratea/progress.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* The only mutable global: what the signal handlers can reach. */
static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
}

static void catch_signals(void)
{
	/* no SA_RESTART: a blocked poll() ends at once */
	struct sigaction action = { .sa_handler = on_signal };
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN; /* a closed pipe is a failed write, with a message */
	sigaction(SIGPIPE, &action, NULL);
}

static bool want_color(const char *when, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

struct session {
	struct mrt_parsed parsed;
	struct mrt_screen *screen;
	struct mrt_log *log;
	struct mrt_config *config;
	struct mrt_progress progress;
	struct mrt_context ctx;
	struct mrt_output out;
};

static int start_session(struct session *s, struct mrt_error *err)
{
	const struct mrt_globals *g = &s->parsed.globals;
	bool json = g->log_format && strcmp(g->log_format, "json") == 0;
	int rc = mrt_screen_new(isatty(STDERR_FILENO), json, want_color(g->color, STDERR_FILENO),
	                        &s->screen, err);
	if (rc == 0)
		rc = mrt_log_new(mrt_screen_log, s->screen,
		                 g->quiet     ? MRT_LOG_ERROR
		                 : g->verbose ? MRT_LOG_DEBUG
		                              : MRT_LOG_INFO,
		                 &s->log, err);
	s->ctx = (struct mrt_context) { .log = s->log,
		                        .signal = &stop_signal,
		                        .wall = mrt_clock_wall,
		                        .progress = &s->progress,
		                        .ask = mrt_ask_possible() ? mrt_ask : NULL };
	const char *format = g->output ? g->output : "";
	s->out = (struct mrt_output) { .json = strcmp(format, "json") == 0,
		                       .lines = strcmp(format, "jsonl") == 0,
		                       .names = strcmp(format, "name") == 0,
		                       .color = want_color(g->color, STDOUT_FILENO),
		                       .text = { .ceiling = (size_t)1 << 30 } };
	return rc;
}

static int set_timeout(struct session *s, struct mrt_error *err)
{
	int64_t limit;
	if (!s->parsed.globals.timeout)
		return 0;
	int rc = mrt_duration_parse(s->parsed.globals.timeout, &limit, err);
	s->ctx.deadline = mrt_clock_monotonic() + (rc == 0 ? limit : 0);
	return rc < 0 ? mrt_prefix(err, rc, "--timeout") : 0;
}

static int run_command(struct session *s, struct mrt_error *err)
{
	const struct mrt_cmd *cmd = s->parsed.cmd;
	if ((s->out.lines || s->out.names) && !cmd->lists)
		return mrt_fail(err, MRT_USAGE, "-o %s is for lists; here there are table and json",
		                s->parsed.globals.output);
	int rc = set_timeout(s, err);
	if (rc == 0)
		rc = mrt_parsed_hide(&s->parsed, &s->ctx, err);
	if (rc == 0 && cmd->needs_config) {
		rc = mrt_config_load(&s->ctx, s->parsed.globals.config, s->parsed.flags,
		                     s->parsed.n_flags, &s->config, err);
		mrt_pg_environment_clear(); /* the configuration has it; no thread runs yet */
		if (rc == 0)
			rc = mrt_screen_watch(s->screen, &s->progress, s->parsed.globals.quiet,
			                      err);
	}
	const struct mrt_cmd_env env = {
		.ctx = &s->ctx,
		.config = s->config,
		.out = &s->out,
		.terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
	};
	if (rc == 0)
		rc = cmd->run(&env, s->parsed.args, err);
	mrt_screen_stop(s->screen);
	return rc;
}

static int show_help(struct session *s, bool asked, struct mrt_error *err)
{
	if (s->parsed.globals.version) {
		mrt_buf_add_text(&s->out.text, "maratea " MRT_VERSION "\n");
		return 0;
	}
	if (asked) {
		mrt_help(&s->parsed, &s->out.text);
		return 0;
	}
	mrt_fail(err, MRT_USAGE, "which %s?", s->parsed.group ? "command" : "group and command");
	return mrt_hint(err, "'maratea %s%s--help' shows what there is",
	                s->parsed.group ? s->parsed.group->name : "", s->parsed.group ? " " : "");
}

/* Questions of the shell and of the tests; not for people. */
static int internal(struct session *s, int argc, char **argv, struct mrt_error *err)
{
	if (strcmp(argv[1], "__complete") == 0)
		return mrt_complete(argc - 2, argv + 2, &s->ctx, &s->out);
	mrt_auto_json json = NULL;
	int rc = mrt_commands_json(&json, err);
	return rc < 0 ? rc : mrt_show_json(&s->out, json, err);
}

int main(int argc, char **argv)
{
	struct session s = { 0 };
	struct mrt_error err = { 0 };
	setlocale(LC_CTYPE, "");
	prctl(PR_SET_DUMPABLE, 0); /* no core dumps: they would hold secrets */
	catch_signals();
	bool hidden = argc > 1 &&
	              (strcmp(argv[1], "__complete") == 0 || strcmp(argv[1], "__commands") == 0);
	int rc = hidden ? 0 : mrt_parse(argc, argv, &s.parsed, &err);
	int started = start_session(&s, rc < 0 ? NULL : &err);
	const struct mrt_globals *g = &s.parsed.globals;
	if (rc == 0)
		rc = started;
	if (rc == 0 && hidden)
		rc = internal(&s, argc, argv, &err);
	else if (rc == 0 && (g->help || g->version || !s.parsed.cmd))
		rc = show_help(&s, g->help, &err);
	else if (rc == 0)
		rc = run_command(&s, &err);
	int status = mrt_code_exit_status(rc < 0 ? err.code : MRT_OK);
	if (rc == 0 || err.code == MRT_BAD || err.code == MRT_CORRUPT || s.out.text.len > 0) {
		struct mrt_error broken = { 0 };
		if (mrt_output_flush(&s.out, &broken) < 0 && rc == 0) {
			err = broken;
			rc = err.code;
			status = mrt_code_exit_status(err.code);
		}
	}
	/* who reads no further, as head(1), knows that he does */
	bool unread = rc < 0 && s.out.gone && err.code == MRT_CANCELLED && !stop_signal;
	if (unread)
		status = 128 + SIGPIPE;
	else if (rc < 0 && s.screen && s.log && !mrt_error_is_silent(&err))
		mrt_screen_error(s.screen, s.log, &err);
	if (rc < 0 && err.code == MRT_CANCELLED && stop_signal)
		status = 128 + stop_signal;
	else if (rc > 0)
		status = rc; /* the status of a command that we ran */
	mrt_config_free(s.config);
	mrt_screen_free(s.screen);
	mrt_log_free(s.log);
	mrt_buf_release(&s.out.text);
	mrt_parsed_release(&s.parsed);
	return status;
}
