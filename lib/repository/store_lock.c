/* store_lock.c - generations of a lock in the store. */
#include "repository/store_lock.h"
#include "base/file.h"
#include "base/text.h"
#include "codec/json.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES 5
#define KEPT 8 /* generations that stay behind the current one */

struct mrt_store_lock {
	const struct mrt_context *ctx;
	struct mrt_store *store;
	char *prefix; /* "<platform>/<target>/lock/" */
	char *who, *process;
	char nonce[33];
	int64_t lease;
	int64_t since, renewed; /* wall seconds; monotonic ns */
	uint64_t generation;    /* ours; 0: none */
};

/* The highest generation there is. */
struct top {
	size_t prefix;
	uint64_t generation;
	int64_t modified;
};

static int see_generation(void *context, const struct mrt_object *object, struct mrt_error *err)
{
	struct top *top = context;
	int64_t n = 0;
	char digits[32];
	(void)err;
	snprintf(digits, sizeof(digits), "%.31s", object->key + top->prefix);
	char *dot = strchr(digits, '.');
	if (!dot || strcmp(dot, ".json") != 0)
		return 0;
	*dot = '\0';
	if (mrt_number_parse(digits, 1, INT64_MAX - 1, &n, NULL) == 0 &&
	    (uint64_t)n >= top->generation) {
		top->generation = (uint64_t)n;
		top->modified = object->modified;
	}
	return 0;
}

static int find_top(struct mrt_store_lock *l, const struct mrt_context *ctx, struct top *ret,
                    struct mrt_error *err)
{
	*ret = (struct top) { .prefix = strlen(l->prefix) };
	int rc = mrt_store_each(l->store, ctx, l->prefix, see_generation, ret, err);
	return rc < 0 ? mrt_prefix(err, rc, "look at the lock") : 0;
}

static int key_of(const struct mrt_store_lock *l, uint64_t generation, char **ret,
                  struct mrt_error *err)
{
	return mrt_text_printf(ret, err, "%s%012" PRIu64 ".json", l->prefix, generation);
}

/* What a process is called that can be found again: of this boot, in this pid namespace. */
static int name_process(char **ret, struct mrt_error *err)
{
	mrt_auto_buf boot = MRT_BUF_INIT;
	char space[64] = "";
	ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
	space[n > 0 ? n : 0] = '\0';
	mrt_file_read("/proc/sys/kernel/random/boot_id", &boot, NULL);
	return mrt_text_printf(ret, err, "%.36s %s %d", mrt_buf_text(&boot), space, (int)getpid());
}

/* Known to be gone: of this boot and pid namespace, and there is no such process. */
static bool is_gone(const struct mrt_store_lock *l, const char *process)
{
	const char *theirs = strrchr(process, ' '), *ours = strrchr(l->process, ' ');
	size_t same = (size_t)(ours - l->process);
	int64_t pid = 0;
	if (!theirs || (size_t)(theirs - process) != same || same < 40 ||
	    strncmp(process, l->process, same) != 0 ||
	    mrt_number_parse(theirs + 1, 1, INT32_MAX, &pid, NULL) < 0)
		return false;
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH; /* EPERM: somebody else's, and alive */
}

static int put(struct mrt_store_lock *l, const struct mrt_context *ctx, uint64_t generation,
               bool released, struct mrt_error *err)
{
	mrt_auto_json json = json_object();
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_autofree char *key = NULL;
	char host[256] = "", since[MRT_TIME_SIZE];
	gethostname(host, sizeof(host) - 1);
	mrt_time_format(l->since, MRT_TIME_RFC3339, since);
	const char *const members[][2] = { { "who", l->who },
		                           { "host", host },
		                           { "process", l->process },
		                           { "since", since },
		                           { "nonce", l->nonce } };
	int rc = json ? key_of(l, generation, &key, err) : mrt_no_memory(err);
	for (size_t i = 0; rc == 0 && i < MRT_COUNT(members); i++)
		rc = mrt_json_set_text(json, members[i][0], members[i][1], err);
	if (rc == 0)
		rc = mrt_json_set(json, "released", json_boolean(released), err);
	if (rc == 0)
		rc = mrt_json_print(json, &text, err);
	return rc < 0 ? rc : mrt_store_put_bytes(l->store, ctx, key, text.data, text.len, err);
}

/* May a holder be taken over? Otherwise MRT_LOCKED. */
static int judge_lock(struct mrt_store_lock *l, const struct mrt_store_lock_options *o,
                      const struct top *top, struct mrt_error *err)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	mrt_auto_json json = NULL;
	mrt_autofree char *key = NULL;
	int rc = key_of(l, top->generation, &key, err);
	if (rc == 0)
		rc = mrt_store_get_bytes(l->store, l->ctx, key, &text, err);
	if (rc < 0)
		return mrt_prefix(err, rc, "read the lock");
	int64_t now = l->ctx->wall() + o->clock_skew;
	int64_t age = now - top->modified * MRT_SECOND;
	if (mrt_json_parse(mrt_buf_text(&text), text.len, &json, err) < 0) {
		/* nobody can tell who holds it: it runs out like any other */
		if (age > o->lease)
			return 0;
		return mrt_fail(err, MRT_LOCKED, "the lock %s cannot be read", key);
	}
	const char *who = mrt_json_text_or(json, "who", "somebody");
	if (json_is_true(json_object_get(json, "released")))
		return 0;
	bool dead = (o->overrule && strncmp(who, o->overrule, strlen(o->overrule)) == 0) ||
	            is_gone(l, mrt_json_text_or(json, "process", ""));
	if (dead || age > o->lease) {
		mrt_warn(l->ctx,
		         "%s on %s, at work since %s, ended without a word: its lock is taken over",
		         who, mrt_json_text_or(json, "host", "?"),
		         mrt_json_text_or(json, "since", "?"));
		return 0;
	}
	char left[MRT_DURATION_SIZE];
	mrt_duration_format(o->lease - age, left);
	mrt_fail(err, MRT_LOCKED, "%s is at work on %s, since %s", who,
	         mrt_json_text_or(json, "host", "?"), mrt_json_text_or(json, "since", "?"));
	return mrt_hint(err, "if it died, its lock runs out in %s", left);
}

static void drop_old(struct mrt_store_lock *l)
{
	/* a taking and a releasing in, two out: chains stay short */
	for (uint64_t i = KEPT; i < KEPT + 2 && l->generation > i; i++) {
		mrt_autofree char *key = NULL;
		if (key_of(l, l->generation - i, &key, NULL) == 0)
			mrt_store_delete(l->store, l->ctx, key, NULL);
	}
}

int mrt_store_lock_take(const struct mrt_context *ctx, struct mrt_store *store,
                        const struct mrt_store_lock_options *o, struct mrt_store_lock **ret,
                        struct mrt_error *err)
{
	mrt_auto(mrt_store_lock) *l = calloc(1, sizeof(*l));
	if (!l)
		return mrt_no_memory(err);
	mrt_random_hex(16, l->nonce);
	l->ctx = ctx;
	l->store = store;
	l->lease = o->lease;
	l->since = ctx->wall() / MRT_SECOND;
	int rc = mrt_text_printf(&l->prefix, err, "%s/%s/lock/", o->platform, o->target);
	if (rc == 0)
		rc = mrt_text_dup(o->who, &l->who, err);
	if (rc == 0)
		rc = name_process(&l->process, err);
	for (unsigned i = 0; rc == 0 && i < TRIES && l->generation == 0; i++) {
		struct top top;
		rc = find_top(l, ctx, &top, err);
		if (rc == 0 && top.generation > 0)
			rc = judge_lock(l, o, &top, err);
		if (rc == 0)
			rc = put(l, ctx, top.generation + 1, false, err);
		if (rc == 0)
			l->generation = top.generation + 1;
		else if (rc == MRT_EXISTS || rc == MRT_NOT_FOUND)
			rc = 0; /* somebody was quicker, or several were: see who */
	}
	if (rc == 0 && l->generation == 0)
		rc = mrt_fail(err, MRT_LOCKED, "others want the lock, too");
	l->renewed = mrt_clock_monotonic();
	if (rc == 0) /* ours counts only if nothing newer came meanwhile */
		rc = mrt_store_lock_check(l, ctx, err);
	if (rc < 0)
		return rc;
	drop_old(l);
	*ret = mrt_steal(l);
	return 0;
}

int mrt_store_lock_check(struct mrt_store_lock *l, const struct mrt_context *ctx,
                         struct mrt_error *err)
{
	struct top top;
	int rc = find_top(l, ctx, &top, err);
	if (rc == 0 && top.generation != l->generation) {
		l->generation = 0;
		rc = mrt_fail(err, MRT_LOCKED,
		              "the lock of the store is lost: another took it over");
	}
	return rc;
}

int mrt_store_lock_renew(struct mrt_store_lock *l, const struct mrt_context *ctx,
                         struct mrt_error *err)
{
	int64_t now = mrt_clock_monotonic();
	if (now - l->renewed < l->lease / 3)
		return 0;
	int rc = mrt_store_lock_check(l, ctx, err);
	if (rc == 0)
		rc = put(l, ctx, l->generation + 1, false, err);
	if (rc == MRT_EXISTS) {
		l->generation = 0;
		return mrt_fail(err, MRT_LOCKED,
		                "the lock of the store is lost: another took it over");
	}
	if (rc < 0)
		return rc;
	l->generation++;
	l->renewed = now;
	drop_old(l);
	return 0;
}

void mrt_store_lock_free(struct mrt_store_lock *l)
{
	if (!l)
		return;
	if (l->generation > 0) {
		const struct mrt_context last = { .log = l->ctx->log,
			                          .wall = l->ctx->wall,
			                          .deadline =
			                                  mrt_clock_monotonic() + 2 * MRT_SECOND };
		struct mrt_error err;
		if (put(l, &last, l->generation + 1, true, &err) < 0)
			mrt_warn_because(l->ctx, &err,
			                 "the lock of the store stays until it runs out");
	}
	free(l->prefix);
	free(l->who);
	free(l->process);
	free(l);
}
