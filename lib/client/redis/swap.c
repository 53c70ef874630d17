/* swap.c - one transaction, and what to do when its answer does not come. */
#include "client/redis/swap.h"
#include "base/text.h"
#include "client/redis/connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MARK MRT_REDIS_MARK
#define CLEAN_TIME (10 * MRT_SECOND) /* for deciding and cleaning up, whatever the run's end */

static struct mrt_context last_run(const struct mrt_context *ctx)
{
	return (struct mrt_context) { .log = ctx->log,
		                      .wall = ctx->wall,
		                      .deadline = mrt_clock_monotonic() + CLEAN_TIME };
}

/* A new connection, after the old one was ended: what it still had on its way must not come after
 * what this one says. */
static int connect_again(const struct mrt_redis_swap *s, const struct mrt_context *ctx,
                         struct mrt_redis **ret, struct mrt_error *err)
{
	mrt_auto(mrt_redis) *again = NULL;
	char id[24];
	mrt_redis_shut(s->to);
	int rc = mrt_redis_again(s->to, ctx, &again, err);
	snprintf(id, sizeof(id), "%lld", s->client);
	const char *const kill[] = { "CLIENT", "KILL", "ID", id };
	if (rc == 0 && s->client > 0) /* it may be gone already, or one may not */
		mrt_redis_ask(again, ctx, 4, kill, NULL, NULL, NULL);
	if (rc == 0)
		*ret = mrt_steal(again);
	return rc;
}

static uint64_t staging_of(const struct mrt_redis_swap *s, size_t i)
{
	return s->options->databases[i].staging;
}

static uint64_t place_of(const struct mrt_redis_swap *s, size_t i)
{
	return s->options->databases[i].number;
}

/* Is our mark in that database? It is selected then. */
static int has_mark(const struct mrt_redis_swap *s, struct mrt_redis *r,
                    const struct mrt_context *ctx, uint64_t database, bool *ret,
                    struct mrt_error *err)
{
	static const char *const get[] = { "GET", MARK };
	redisReply *reply = NULL;
	int rc = mrt_redis_select(r, ctx, database, err);
	if (rc == 0)
		rc = mrt_redis_ask(r, ctx, 2, get, NULL, &reply, err);
	*ret = rc == 0 && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, s->nonce) == 0;
	if (reply)
		freeReplyObject(reply);
	return rc;
}

static int count_keys(struct mrt_redis *r, const struct mrt_context *ctx, uint64_t *ret,
                      struct mrt_error *err)
{
	static const char *const size[] = { "DBSIZE" };
	redisReply *reply = NULL;
	int rc = mrt_redis_ask(r, ctx, 1, size, NULL, &reply, err);
	if (rc < 0)
		return rc;
	*ret = (uint64_t)reply->integer;
	freeReplyObject(reply);
	return 0;
}

int mrt_redis_swap_claim(struct mrt_redis_swap *s, size_t i, struct mrt_error *err)
{
	const char *const set[] = { "SET", MARK, s->nonce, "NX" }, *const del[] = { "DEL", MARK };
	struct mrt_redis_copy_database *d = &s->options->databases[i];
	redisReply *reply = NULL;
	uint64_t keys = 0;
	int rc = mrt_redis_select(s->to, s->ctx, d->staging, err);
	if (rc == 0)
		rc = mrt_redis_ask(s->to, s->ctx, 4, set, NULL, &reply, err);
	d->begun = rc == 0 && reply->type == REDIS_REPLY_STATUS;
	if (reply)
		freeReplyObject(reply);
	if (d->begun)
		rc = count_keys(s->to, s->ctx, &keys, err);
	if (rc < 0 || keys == 1)
		return rc;
	if (d->begun) /* not empty: it is not ours after all */
		mrt_redis_ask(s->to, s->ctx, 2, del, NULL, NULL, NULL);
	d->begun = false;
	return mrt_fail(err, MRT_CHANGED,
	                "database %" PRIu64 " of %s is not empty any more, or another restore "
	                "builds there",
	                d->staging, s->to->where);
}

static int queue_swaps(const struct mrt_redis_swap *s, struct mrt_redis *to,
                       const struct mrt_context *ctx, struct mrt_error *err)
{
	static const char *const multi[] = { "MULTI" };
	int rc = mrt_redis_ask(to, ctx, 1, multi, NULL, NULL, err);
	for (size_t i = 0; rc == 0 && i < s->options->n; i++) {
		char place[24], staging[24];
		snprintf(place, sizeof(place), "%" PRIu64, place_of(s, i));
		snprintf(staging, sizeof(staging), "%" PRIu64, staging_of(s, i));
		const char *const words[] = { "SWAPDB", place, staging };
		rc = mrt_redis_ask(to, ctx, 3, words, NULL, NULL, err);
	}
	return rc;
}

static int queue_functions(struct mrt_redis *to, const struct mrt_context *ctx,
                           const redisReply *dump, const char *how, struct mrt_error *err)
{
	if (!dump)
		return 0;
	const char *const words[] = { "FUNCTION", "RESTORE", dump->str, how };
	const size_t lengths[] = { 8, 7, dump->len, strlen(how) };
	return mrt_redis_ask(to, ctx, 4, words, lengths, NULL, err);
}

enum outcome { NOT_HAPPENED, HAPPENED, NOT_KNOWN };

/* An error, and what came of the transaction. */
static int exec(struct mrt_redis *to, const struct mrt_context *ctx, enum outcome *ret,
                struct mrt_error *err)
{
	static const char *const words[] = { "EXEC" };
	redisReply *reply = NULL;
	int rc = mrt_redis_ask(to, ctx, 1, words, NULL, &reply, err);
	*ret = rc == MRT_REFUSED ? NOT_HAPPENED : NOT_KNOWN; /* EXECABORT: nothing was done */
	if (rc < 0)
		return rc;
	*ret = reply->type == REDIS_REPLY_ARRAY ? HAPPENED : NOT_HAPPENED;
	if (*ret == NOT_HAPPENED)
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

/* Where is the mark? Found where it was built it is taken away, so that a late EXEC does nothing.
 */
static enum outcome decide(const struct mrt_redis_swap *s, struct mrt_redis *again,
                           const struct mrt_context *ctx)
{
	static const char *const del[] = { "DEL", MARK };
	redisReply *reply = NULL;
	bool here = false;
	if (s->options->n == 0)
		return NOT_KNOWN;
	if (has_mark(s, again, ctx, staging_of(s, 0), &here, NULL) < 0)
		return NOT_KNOWN;
	if (here && mrt_redis_ask(again, ctx, 2, del, NULL, &reply, NULL) < 0)
		return NOT_KNOWN;
	bool taken = here && reply->integer == 1;
	if (reply)
		freeReplyObject(reply);
	if (taken)
		return NOT_HAPPENED;
	return has_mark(s, again, ctx, place_of(s, 0), &here, NULL) == 0 && here ? HAPPENED
	                                                                         : NOT_KNOWN;
}

/* Empties a database where we built; ours: it holds what we put there, else what was given up. */
static int empty_one(const struct mrt_redis_swap *s, struct mrt_redis *to,
                     const struct mrt_context *ctx, size_t i, bool ours, struct mrt_error *err)
{
	static const char *const flush[] = { "FLUSHDB", "ASYNC" };
	uint64_t keys = 0;
	int rc = mrt_redis_select(to, ctx, staging_of(s, i), err);
	if (rc == 0)
		rc = count_keys(to, ctx, &keys, err);
	if (rc < 0 || keys == 0)
		return rc;
	if (ours && keys > s->options->databases[i].sent + 1)
		return mrt_fail(err, MRT_CHANGED, "somebody else writes there, too");
	return mrt_redis_ask(to, ctx, 2, flush, NULL, NULL, err);
}

static void empty(const struct mrt_redis_swap *s, struct mrt_redis *to,
                  const struct mrt_context *ctx, bool ours)
{
	for (size_t i = 0; i < s->options->n; i++) {
		struct mrt_error why;
		if (s->options->databases[i].begun && empty_one(s, to, ctx, i, ours, &why) < 0)
			mrt_warn_because(s->ctx, &why, "keys stay in database %" PRIu64 " of %s",
			                 staging_of(s, i), to->where);
	}
}

void mrt_redis_swap_give_up(struct mrt_redis_swap *s)
{
	const struct mrt_context last = last_run(s->ctx);
	mrt_auto(mrt_redis) *again = NULL;
	struct mrt_error why;
	bool begun = false;
	for (size_t i = 0; i < s->options->n; i++)
		begun = begun || s->options->databases[i].begun;
	if (!begun)
		return;
	if (connect_again(s, &last, &again, &why) == 0)
		empty(s, again, &last, true);
	else
		mrt_warn_because(s->ctx, &why,
		                 "keys stay in database %" PRIu64 " (and maybe others) of %s",
		                 staging_of(s, 0), s->to->where);
}

static int keep_functions(const struct mrt_redis_swap *s, int rc, const char *what,
                          struct mrt_error *err)
{
	if (s->options->n > 0)
		mrt_warn(s->ctx,
		         "what was there before, or what was built, stays in database %" PRIu64
		         " of %s%s",
		         staging_of(s, 0), s->to->where, s->options->n > 1 ? " and others" : "");
	return mrt_prefix(err, rc, "%s", what);
}

#define UNKNOWN "it is not known whether it is in its place, and"
#define IN_PLACE "it is in its place, but"

/* Back to how it was. */
static enum outcome swap_back(struct mrt_redis_swap *s, struct mrt_redis *again,
                              const struct mrt_context *ctx)
{
	enum outcome back = NOT_HAPPENED;
	int rc = queue_swaps(s, again, ctx, NULL);
	if (rc == 0)
		rc = queue_functions(again, ctx, s->functions_before, "FLUSH", NULL);
	if (rc == 0)
		exec(again, ctx, &back, NULL);
	return back;
}

/* After a failure over the transaction or behind it: as it was, or the error says that it is not.
 * code: of err, which stays. */
static int undo(struct mrt_redis_swap *s, enum outcome outcome, int code, struct mrt_error *err)
{
	const struct mrt_context last = last_run(s->ctx);
	mrt_auto(mrt_redis) *again = NULL;
	if (connect_again(s, &last, &again, NULL) < 0)
		return keep_functions(s, code, outcome == HAPPENED ? IN_PLACE : UNKNOWN, err);
	if (outcome == NOT_KNOWN)
		outcome = decide(s, again, &last);
	if (outcome == NOT_KNOWN)
		return keep_functions(s, code, UNKNOWN, err);
	if (outcome == HAPPENED) {
		enum outcome back = swap_back(s, again, &last);
		if (back != HAPPENED)
			return keep_functions(s, code, back == NOT_HAPPENED ? IN_PLACE : UNKNOWN,
			                      err);
	}
	empty(s, again, &last, true);
	return code;
}

/* Somebody may have written into an empty database while its content was built. What was in its
 * place is where it was built now. */
static int check_unused(const struct mrt_redis_swap *s, struct mrt_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && !s->options->may_not_empty && i < s->options->n; i++) {
		uint64_t keys = 0;
		rc = mrt_redis_select(s->to, s->ctx, staging_of(s, i), err);
		if (rc == 0)
			rc = count_keys(s->to, s->ctx, &keys, err);
		if (rc == 0 && keys > 0)
			rc = mrt_fail(err, MRT_CHANGED,
			              "somebody wrote %" PRIu64 " keys into database %" PRIu64
			              " of %s meanwhile",
			              keys, place_of(s, i), s->to->where);
	}
	return rc;
}

/* It is in its place for good. */
static void finish(const struct mrt_redis_swap *s)
{
	static const char *const del[] = { "DEL", MARK };
	const struct mrt_context last = last_run(s->ctx);
	for (size_t i = 0; i < s->options->n; i++) {
		struct mrt_error why;
		int rc = mrt_redis_select(s->to, &last, place_of(s, i), &why);
		if (rc == 0)
			rc = mrt_redis_ask(s->to, &last, 2, del, NULL, NULL, &why);
		if (rc < 0)
			mrt_warn_because(s->ctx, &why,
			                 "the key " MARK " stays in database %" PRIu64 "",
			                 place_of(s, i));
	}
	empty(s, s->to, &last, false);
}

static int prepare(const struct mrt_redis_swap *s, struct mrt_error *err)
{
	static const char *const watch[] = { "WATCH", MARK };
	const char *how = s->options->may_not_empty ? "REPLACE" : "APPEND";
	int rc = s->options->n > 0 ? mrt_redis_select(s->to, s->ctx, staging_of(s, 0), err) : 0;
	if (rc == 0 && s->options->n > 0)
		rc = mrt_redis_ask(s->to, s->ctx, 2, watch, NULL, NULL, err);
	bool marked = true; /* it may have been evicted, or flushed: then nothing tells anything */
	if (rc == 0 && s->options->n > 0)
		rc = has_mark(s, s->to, s->ctx, staging_of(s, 0), &marked, err);
	if (rc == 0 && !marked)
		rc = mrt_fail(err, MRT_CHANGED, "%s: the key " MARK " is gone", s->to->where);
	if (rc == 0)
		rc = queue_swaps(s, s->to, s->ctx, err);
	return rc < 0 ? rc : queue_functions(s->to, s->ctx, s->functions, how, err);
}

int mrt_redis_swap_in(struct mrt_redis_swap *s, struct mrt_error *err)
{
	static const char *const dump[] = { "FUNCTION", "DUMP" };
	redisReply *before = NULL;
	enum outcome outcome = NOT_HAPPENED;
	int rc = s->functions ? mrt_redis_ask(s->to, s->ctx, 2, dump, NULL, &before, err) : 0;
	s->functions_before = before;
	if (rc == 0)
		rc = prepare(s, err);
	if (rc == 0)
		rc = exec(s->to, s->ctx, &outcome, err);
	if (rc == 0)
		rc = check_unused(s, err);
	if (rc == 0)
		finish(s);
	else if (outcome == NOT_HAPPENED)
		mrt_redis_swap_give_up(s);
	else
		rc = undo(s, outcome, rc, err);
	if (before)
		freeReplyObject(before);
	return rc;
}
