/* redis_swap.c - one transaction, and what to do when its answer does not come. */
#include "client/redis_swap.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MARK "maratea:restore"
#define CLEAN_TIME (10 * MRT_SECOND) /* for deciding and cleaning up, whatever the run's end */

static struct mrt_run last_run(const struct mrt_run *run)
{
	return (struct mrt_run) { .log = run->log,
		                  .wall = run->wall,
		                  .deadline = mrt_clock_monotonic() + CLEAN_TIME };
}

/* A new connection, after the old one was ended: what it still had on its way must not come after
 * what this one says. */
static int connect_again(const struct mrt_redis_swap *s, const struct mrt_run *run,
                         struct mrt_redis **ret, struct mrt_error *err)
{
	mrt_auto(mrt_redis) *again = NULL;
	char id[24];
	mrt_redis_shut(s->to);
	int rc = mrt_redis_again(s->to, run, &again, err);
	snprintf(id, sizeof(id), "%lld", s->client);
	const char *const kill[] = { "CLIENT", "KILL", "ID", id };
	if (rc == 0 && s->client > 0) /* it may be gone already, or one may not */
		mrt_redis_ask(again, run, 4, kill, NULL, NULL, NULL);
	if (rc == 0)
		*ret = mrt_steal(again);
	return rc;
}

static int queue_swaps(struct mrt_redis *to, const struct mrt_run *run,
                       const struct mrt_redis_copy_options *o, struct mrt_error *err)
{
	static const char *const multi[] = { "MULTI" }, *const del[] = { "DEL", MARK };
	int rc = mrt_redis_ask(to, run, 1, multi, NULL, NULL, err);
	for (size_t i = 0; rc == 0 && i < o->n; i++) {
		char place[24], staging[24];
		snprintf(place, sizeof(place), "%" PRIu64, o->databases[i].number);
		snprintf(staging, sizeof(staging), "%" PRIu64, o->databases[i].staging);
		const char *const words[] = { "SWAPDB", place, staging };
		rc = mrt_redis_ask(to, run, 3, words, NULL, NULL, err);
	}
	if (rc == 0 && o->n > 0)
		rc = mrt_redis_select(to, run, o->databases[0].number, err);
	if (rc == 0 && o->n > 0)
		rc = mrt_redis_ask(to, run, 2, del, NULL, NULL, err);
	return rc;
}

static int queue_functions(struct mrt_redis *to, const struct mrt_run *run, const redisReply *dump,
                           const char *how, struct mrt_error *err)
{
	if (!dump)
		return 0;
	const char *const words[] = { "FUNCTION", "RESTORE", dump->str, how };
	const size_t lengths[] = { 8, 7, dump->len, strlen(how) };
	return mrt_redis_ask(to, run, 4, words, lengths, NULL, err);
}

/* 0: all of it happened. MRT_CHANGED: nothing did, the mark was touched. */
static int exec(struct mrt_redis *to, const struct mrt_run *run, struct mrt_error *err)
{
	static const char *const words[] = { "EXEC" };
	redisReply *reply = NULL;
	int rc = mrt_redis_ask(to, run, 1, words, NULL, &reply, err);
	if (rc < 0)
		return rc;
	if (reply->type != REDIS_REPLY_ARRAY)
		rc = mrt_fail(err, MRT_CHANGED, "%s: somebody touched the key " MARK, to->where);
	for (size_t i = 0; rc == 0 && i < reply->elements; i++)
		if (reply->element[i]->type == REDIS_REPLY_ERROR)
			rc = mrt_fail(err,
			              strstr(reply->element[i]->str, "already exists")
			                      ? MRT_EXISTS
			                      : MRT_REFUSED,
			              "%s: %s", to->where, reply->element[i]->str);
	freeReplyObject(reply);
	return rc;
}

static int put_mark(const struct mrt_redis_swap *s, struct mrt_error *err)
{
	static const char *const set[] = { "SET", MARK, "1" }, *const watch[] = { "WATCH", MARK };
	if (s->options->n == 0)
		return 0;
	int rc = mrt_redis_select(s->to, s->run, s->options->databases[0].staging, err);
	if (rc == 0)
		rc = mrt_redis_ask(s->to, s->run, 3, set, NULL, NULL, err);
	return rc < 0 ? rc : mrt_redis_ask(s->to, s->run, 2, watch, NULL, NULL, err);
}

/* Has the transaction happened? It cannot any more when the answer is no. */
static int decide(const struct mrt_redis_swap *s, struct mrt_redis *again,
                  const struct mrt_run *run, bool *ret_happened, struct mrt_error *err)
{
	static const char *const del[] = { "DEL", MARK };
	redisReply *reply = NULL;
	*ret_happened = false;
	if (s->options->n == 0)
		return 0;
	int rc = mrt_redis_select(again, run, s->options->databases[0].staging, err);
	if (rc == 0)
		rc = mrt_redis_ask(again, run, 2, del, NULL, &reply, err);
	*ret_happened = rc == 0 && reply->integer == 0;
	if (reply)
		freeReplyObject(reply);
	return rc;
}

/* Empties the databases where we built. */
static void empty(const struct mrt_redis_swap *s, struct mrt_redis *to, const struct mrt_run *run)
{
	static const char *const flush[] = { "FLUSHDB", "ASYNC" };
	const struct mrt_redis_copy_options *o = s->options;
	for (size_t i = 0; i < o->n; i++) {
		struct mrt_error why;
		if (!o->databases[i].begun)
			continue;
		int rc = mrt_redis_select(to, run, o->databases[i].staging, &why);
		if (rc == 0)
			rc = mrt_redis_ask(to, run, 2, flush, NULL, NULL, &why);
		if (rc < 0)
			mrt_warn(s->run, "keys may stay in database %" PRIu64 " of %s: %s",
			         o->databases[i].staging, to->where, why.text);
	}
}

static bool begun(const struct mrt_redis_swap *s)
{
	bool any = false;
	for (size_t i = 0; i < s->options->n; i++)
		any = any || s->options->databases[i].begun;
	return any;
}

void mrt_redis_swap_give_up(struct mrt_redis_swap *s)
{
	const struct mrt_run last = last_run(s->run);
	mrt_auto(mrt_redis) *again = NULL;
	struct mrt_error why;
	if (!begun(s))
		return;
	if (connect_again(s, &last, &again, &why) == 0)
		empty(s, again, &last);
	else
		mrt_warn(s->run, "keys stay in database %" PRIu64 " (and maybe others) of %s: %s",
		         s->options->databases[0].staging, s->to->where, why.text);
}

static int keep(const struct mrt_redis_swap *s, int rc, const char *what, struct mrt_error *err)
{
	mrt_warn(s->run, "what the databases held before stays in database %" PRIu64 " of %s%s",
	         s->options->databases[0].staging, s->to->where,
	         s->options->n > 1 ? " and others" : "");
	return mrt_context(err, rc, "%s", what);
}

/* After a failure over the transaction: back to how it was, or it is said that it is not. code: of
 * err, which stays. */
static int undo(struct mrt_redis_swap *s, int code, struct mrt_error *err)
{
	const struct mrt_run last = last_run(s->run);
	mrt_auto(mrt_redis) *again = NULL;
	struct mrt_error why;
	bool happened = false;
	int rc = connect_again(s, &last, &again, &why);
	if (rc == 0)
		rc = decide(s, again, &last, &happened, &why);
	if (rc < 0)
		return keep(s, code,
		            "it is not known whether the databases were swapped (they were not "
		            "where the key " MARK " is)",
		            err);
	if (happened) {
		rc = queue_swaps(again, &last, s->options, &why);
		if (rc == 0)
			rc = queue_functions(again, &last, s->functions_before, "FLUSH", &why);
		if (rc == 0)
			rc = exec(again, &last, &why);
	}
	if (rc < 0)
		return keep(s, code, "the databases are in their place, but", err);
	empty(s, again, &last);
	return code;
}

/* Somebody may have written into an empty database while its content was built. What was in its
 * place is where it was built now. */
static int check_unused(const struct mrt_redis_swap *s, struct mrt_error *err)
{
	static const char *const info[] = { "INFO", NULL };
	mrt_auto_buf text = MRT_BUF_INIT;
	const struct mrt_redis_copy_options *o = s->options;
	int rc = o->may_not_empty ? 0 : mrt_redis_command(s->to, s->run, info, &text, err);
	for (size_t i = 0; rc == 0 && !o->may_not_empty && i < o->n; i++) {
		uint64_t keys, expires;
		char staging[24];
		snprintf(staging, sizeof(staging), "%" PRIu64, o->databases[i].staging);
		mrt_redis_keyspace(mrt_buf_text(&text), staging, &keys, &expires);
		if (keys > 0)
			rc = mrt_fail(err, MRT_CHANGED,
			              "somebody wrote %" PRIu64 " keys into database %" PRIu64
			              " of %s meanwhile",
			              keys, o->databases[i].number, s->to->where);
	}
	return rc;
}

static int swap_in(struct mrt_redis_swap *s, struct mrt_error *err)
{
	const char *how = s->options->may_not_empty ? "REPLACE" : "APPEND";
	int rc = put_mark(s, err);
	if (rc == 0)
		rc = queue_swaps(s->to, s->run, s->options, err);
	if (rc == 0)
		rc = queue_functions(s->to, s->run, s->functions, how, err);
	if (rc == 0)
		rc = exec(s->to, s->run, err);
	if (rc == 0)
		rc = check_unused(s, err);
	if (rc < 0)
		return undo(s, rc, err);
	const struct mrt_run last = last_run(s->run);
	empty(s, s->to, &last);
	return 0;
}

int mrt_redis_swap_in(struct mrt_redis_swap *s, struct mrt_error *err)
{
	static const char *const dump[] = { "FUNCTION", "DUMP" };
	redisReply *before = NULL;
	int rc = s->functions ? mrt_redis_ask(s->to, s->run, 2, dump, NULL, &before, err) : 0;
	s->functions_before = before;
	if (rc == 0)
		rc = swap_in(s, err);
	else
		mrt_redis_swap_give_up(s);
	if (before)
		freeReplyObject(before);
	return rc;
}
