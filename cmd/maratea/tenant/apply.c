/* apply.c - "maratea tenant apply": schools as a file declares them. */
#include "base/file.h"
#include "base/secret.h"
#include "maratea/commands.h"
#include "ops/tenant/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define LINES_MAX 50 /* for people; -o json has all */

struct args {
	const char *file, *invitations;
	bool prune, dry_run, yes;
	int64_t max_prune;
};

static const struct mrt_opt opts[] = {
	MRT_OPT_TEXT(struct args, file, 'f', "file", "FILE", "what the schools are to be",
	             .offers = MRT_OFFER_FILES),
	MRT_OPT_TEXT(struct args, invitations, 0, "invitations", "FILE",
	             "where the new owners' invitations go; else none is kept",
	             .offers = MRT_OFFER_FILES),
	MRT_OPT_FLAG(struct args, prune, 0, "prune",
	             "archive those that this inventory made and the file no longer has"),
	MRT_OPT_NUMBER(struct args, max_prune, 0, "max-prune", "N",
	               "archive so many at the most (default: 5, or 5 % if that is more)", 1,
	               INT32_MAX),
	MRT_OPT_FLAG(struct args, dry_run, 0, "dry-run", "say what would be done; do nothing"),
	MRT_OPT_FLAG(struct args, yes, 'y', "yes", "do not ask before schools are archived"),
	MRT_OPT_END
};

struct applying {
	const struct mrt_cmd_env *env;
	const struct args *args;
	int fd; /* of the invitations; -1: none */
};

static void applying_release(struct applying *a)
{
	if (a->fd >= 0)
		close(a->fd);
}

static int open_invitations(struct applying *a, struct mrt_error *err)
{
	const char *path = a->args->invitations;
	struct stat st;
	char last = '\n';
	if (!path || a->args->dry_run)
		return 0;
	a->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->fd < 0 || fstat(a->fd, &st) < 0)
		return mrt_fail_errno(err, errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_mode & 077 || st.st_uid != geteuid()) {
		mrt_fail(err, MRT_CONFIG,
		         st.st_mode & 077 ? "%s may be read by others than its owner"
		                          : "%s is another user's",
		         path);
		return mrt_hint(err, "whoever has an invitation is that school's owner: chmod 600");
	}
	/* what somebody else left without its end is not to swallow the next line */
	int reader = st.st_size > 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (reader >= 0) {
		if (pread(reader, &last, 1, st.st_size - 1) != 1)
			last = '\0';
		close(reader);
	}
	return last == '\n' ? 0 : mrt_fd_write(a->fd, path, "\n", 1, err);
}

/* A line that did not get to its end is taken back: the next one would be part of it. */
static int write_line(int fd, const char *path, const struct mrt_buf *line, struct mrt_error *err)
{
	struct stat before;
	bool file = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
	int rc = mrt_fd_write(fd, path, line->data, line->len, err);
	if (rc < 0 && file && ftruncate(fd, before.st_size) < 0)
		mrt_prefix(err, rc, "%s ends in half a line", path);
	return rc;
}

static int invited(const char *slug, const char *email, const char *invitation, void *context,
                   struct mrt_error *err)
{
	const struct applying *a = context;
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf line = MRT_BUF_INIT;
	mrt_auto_json json = json_object();
	const char *const members[][2] = { { "slug", slug },
		                           { "email", email },
		                           { "invitation", invitation } };
	int rc = json ? 0 : mrt_no_memory(err);
	if (a->fd < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = mrt_json_set_text(json, members[i][0], members[i][1], err);
	mrt_auto_secret text = rc == 0 ? json_dumps(json, JSON_COMPACT) : NULL;
	if (rc == 0 && !text)
		rc = mrt_no_memory(err);
	if (rc < 0)
		return rc;
	mrt_buf_printf(&line, "%s\n", text);
	rc = mrt_buf_check(&line, err);
	return rc < 0 ? rc : write_line(a->fd, a->args->invitations, &line, err);
}

static void show_action(struct mrt_buf *text, const json_t *action)
{
	const char *name = mrt_json_text_or(action, "action", ""), *key,
	           *error = mrt_json_text_or(action, "error", NULL);
	json_t *pair;
	bool more = false;
	mrt_buf_printf(text, "%-7s  %s", name, mrt_json_text_or(action, "slug", ""));
	json_object_foreach (json_object_get(action, "changes"), key, pair) {
		const char *from = json_string_value(json_array_get(pair, 0)),
		           *to = json_string_value(json_array_get(pair, 1));
		mrt_buf_printf(text, "%s%s ", more ? ", " : "  ", key);
		if (from)
			mrt_printable(text, from);
		mrt_buf_add_text(text, from ? " -> " : "");
		mrt_printable(text, to ? to : "");
		more = true;
	}
	if (error) {
		mrt_buf_add_text(text, ": ");
		mrt_printable(text, error);
	}
	mrt_buf_add_char(text, '\n');
}

static bool archives(const json_t *action)
{
	const json_t *to =
	        json_array_get(json_object_get(json_object_get(action, "changes"), "status"), 1);
	return strcmp(mrt_json_text_or(action, "action", ""), "create") != 0 && to &&
	       strcmp(json_string_value(to), "archived") == 0;
}

/* What puts schools away: first, and all of it. Gives how many. */
static size_t show_archived(struct mrt_buf *text, const json_t *report)
{
	const json_t *action;
	size_t i, n = 0;
	json_array_foreach (json_object_get(report, "actions"), i, action)
		if (archives(action)) {
			show_action(text, action);
			n++;
		}
	return n;
}

/* Those in that state, or, NULL, all but those. */
static void show_actions(struct mrt_buf *text, const json_t *report, const char *state)
{
	const json_t *action;
	size_t i, n = 0;
	json_array_foreach (json_object_get(report, "actions"), i, action) {
		if (state ? strcmp(mrt_json_text_or(action, "state", ""), state) != 0
		          : archives(action))
			continue;
		if (n++ < LINES_MAX)
			show_action(text, action);
	}
	if (n > LINES_MAX)
		mrt_buf_printf(text, "... and %zu more; -o json has them all\n", n - LINES_MAX);
}

static int approve(const json_t *report, void *context, struct mrt_error *err)
{
	const struct applying *a = context;
	const struct mrt_cmd_env *env = a->env;
	mrt_auto_buf archived = MRT_BUF_INIT;
	char question[80];
	size_t n = show_archived(&archived, report);
	int rc = mrt_buf_check(&archived, err);
	if (rc == 0 && !env->out->json) {
		mrt_buf_add(&env->out->text, archived.data, archived.len);
		show_actions(&env->out->text, report, NULL);
		rc = mrt_output_flush(env->out, err);
	} else if (rc == 0 && n > 0 && env->terminal && !a->args->yes) {
		rc = mrt_fd_write(STDERR_FILENO, "the terminal", archived.data, archived.len, err);
	}
	if (rc < 0 || n == 0 || a->args->dry_run)
		return rc;
	snprintf(question, sizeof(question), "archiving %zu school%s", n, n == 1 ? "" : "s");
	return mrt_confirm(env, a->args->yes, question, err);
}

/* On disk, whatever happens to this machine when the schools are there. */
static int keep_invitation(void *context, struct mrt_error *err)
{
	const struct applying *a = context;
	if (a->fd < 0 || fdatasync(a->fd) == 0 || errno == EINVAL || errno == EROFS)
		return 0; /* EINVAL: no file, but a pipe or a device */
	return mrt_fail_errno(err, errno, "sync %s", a->args->invitations);
}

/* What was shown beforehand is not shown again. */
static void show_changes(struct mrt_output *out, const json_t *report, bool prune, bool dry_run)
{
	uint64_t unchanged = mrt_json_size_or(report, "unchanged", 0),
	         left = mrt_json_size_or(report, "left", 0);
	size_t i, n = json_array_size(json_object_get(report, "actions")), done = 0;
	const json_t *action;
	bool failed = false;
	json_array_foreach (json_object_get(report, "actions"), i, action)
		done += strcmp(mrt_json_text_or(action, "state", ""), "done") == 0;
	json_array_foreach (json_object_get(report, "actions"), i, action)
		failed = failed || strcmp(mrt_json_text_or(action, "state", ""), "failed") == 0;
	if (failed) {
		mrt_buf_add_text(&out->text, "failed:\n");
		show_actions(&out->text, report, "failed");
	}
	if (dry_run)
		mrt_buf_printf(&out->text, "%zu to do, %" PRIu64 " unchanged\n", n, unchanged);
	else
		mrt_buf_printf(&out->text, "%zu of %zu done, %" PRIu64 " unchanged\n", done, n,
		               unchanged);
	if (left > 0)
		mrt_buf_printf(&out->text,
		               "%" PRIu64 " of the inventory no longer in the file: %s\n", left,
		               prune ? "not made yet, and only what is made can be archived"
		                     : "--prune archives them");
	if (dry_run)
		mrt_buf_add_text(&out->text, "nothing was changed (--dry-run)\n");
}

static void warn_of_lost(const struct mrt_cmd_env *env, const json_t *report, bool dry_run)
{
	const json_t *action;
	size_t i, n = 0;
	json_array_foreach (json_object_get(report, "actions"), i, action)
		n += strcmp(mrt_json_text_or(action, "action", ""), "create") == 0 &&
		     (dry_run || strcmp(mrt_json_text_or(action, "state", ""), "done") == 0);
	if (n > 0)
		mrt_warn(env->ctx,
		         "%zu owner%s invitation%s%s kept: --invitations keeps them, "
		         "'maratea user invite' makes one anew",
		         n, n == 1 ? "'s" : "s'", n == 1 ? "" : "s",
		         dry_run  ? " would not be"
		         : n == 1 ? " was not"
		                  : " were not");
}

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_cleanup(applying_release) struct applying applying = { env, a, -1 };
	const struct mrt_apply_options how = { .file = a->file,
		                               .prune = a->prune,
		                               .max_prune = a->max_prune ? a->max_prune : -1,
		                               .dry_run = a->dry_run,
		                               .approve = approve,
		                               .invited = invited,
		                               .keep = keep_invitation,
		                               .context = &applying };
	mrt_auto_json report = NULL;
	struct mrt_error other;
	int shown = 0;
	if (!a->file)
		return mrt_fail(err, MRT_USAGE, "-f FILE is needed");
	int rc = open_invitations(&applying, err);
	if (rc == 0)
		rc = mrt_tenant_apply(env->ctx, env->config, &how, &report, err);
	if (report && !a->invitations)
		warn_of_lost(env, report, a->dry_run);
	if (report && env->out->json)
		shown = mrt_show_json(env->out, report, &other);
	else if (report)
		show_changes(env->out, report, a->prune, a->dry_run);
	if (rc == 0 && shown < 0 && err)
		*err = other;
	return rc < 0 ? rc : shown;
}

const struct mrt_cmd mrt_cmd_tenant_apply = {
	.group = "tenant",
	.verb = "apply",
	.summary = "make the schools what a file declares",
	.opts = opts,
	.args_size = sizeof(struct args),
	.needs_config = true,
	.run = run,
};
