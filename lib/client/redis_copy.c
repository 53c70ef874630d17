/* redis_copy.c - SCAN, DUMP and RESTORE in batches, and the swap at the end. */
#include "client/redis_copy.h"
#include "base/text.h"
#include "client/redis_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BATCH 64                      /* keys whose values are asked for at once */
#define SEND_AT ((size_t)1 << 20)     /* bytes of RESTOREs that are sent together */
#define VALUE_MAX ((size_t)768 << 20) /* a value has 512 MiB at most, a key as well */
#define DATABASES_MAX 4096            /* a server with more is not searched further */
#define CLEAN_TIME (2 * MRT_SECOND)   /* for taking away what a failure left */
#define MARK "maratea:restore"        /* in the first database as long as it is not in place */

struct copy {
	struct mrt_redis *from, *to;
	const struct mrt_run *run;
	const struct mrt_redis_copy_options *options;
	struct mrt_buf out; /* RESTOREs not sent yet */
	size_t pending;     /* replies to them */
	bool swapped;       /* what is in the staging databases is not ours to throw away */
};

static int no_permission(const struct mrt_redis *r, int rc, struct mrt_error *err)
{
	if (rc == MRT_REFUSED && err && strstr(err->text, "NOPERM"))
		mrt_hint(err,
		         "the user of %s needs: ACL SETUSER NAME ~* +ping +info +select +dbsize "
		         "+restore +swapdb +flushdb +multi +exec +function|restore",
		         r->where);
	return rc;
}

/* The reply to a command of up to four words; REDIS_REPLY_ERROR is MRT_REFUSED. */
static int call(struct mrt_redis *r, const struct mrt_run *run, redisReply **ret,
                struct mrt_error *err, size_t n, const char *const *words)
{
	mrt_auto_buf text = MRT_BUF_INIT;
	redisReply *reply = NULL;
	int rc = mrt_redis_format(&text, n, words, NULL, err);
	if (rc == 0)
		rc = mrt_redis_send(r, run, text.data, text.len, err);
	if (rc == 0)
		rc = mrt_redis_reply(r, run, &reply, err);
	if (rc == 0 && reply->type == REDIS_REPLY_ERROR)
		rc = no_permission(
		        r, mrt_fail(err, MRT_REFUSED, "%s: %s: %s", r->where, words[0], reply->str),
		        err);
	if (rc < 0 || !ret) {
		if (reply)
			freeReplyObject(reply);
		return rc;
	}
	*ret = reply;
	return 0;
}

static int select_database(struct mrt_redis *r, const struct mrt_run *run, uint64_t number,
                           struct mrt_error *err)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return call(r, run, NULL, err, 2, (const char *const[]) { "SELECT", text });
}

static void keyspace(const char *info, uint64_t number, uint64_t *ret_keys, uint64_t *ret_expires)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	mrt_redis_keyspace(info, text, ret_keys, ret_expires);
}

static int read_info(struct mrt_redis *r, const struct mrt_run *run, struct mrt_buf *ret,
                     struct mrt_error *err)
{
	static const char *const info[] = { "INFO", NULL };
	ret->len = 0;
	return no_permission(r, mrt_redis_command(r, run, info, ret, err), err);
}

static bool is_meant(const struct mrt_redis_copy_options *o, uint64_t number)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->databases[i].number == number)
			return true;
	return false;
}

/* How many databases the server has: CONFIG GET may not be allowed. */
static int count_databases(struct mrt_redis *to, const struct mrt_run *run, uint64_t *ret,
                           struct mrt_error *err)
{
	uint64_t n = 1;
	int rc = 0;
	while (rc == 0 && n < DATABASES_MAX) {
		struct mrt_error why;
		rc = select_database(to, run, n, &why);
		if (rc == MRT_REFUSED && !strstr(why.text, "NOPERM"))
			break;
		if (rc < 0 && err)
			*err = why;
		n += rc == 0;
	}
	if (rc == 0 || rc == MRT_REFUSED) {
		*ret = n;
		rc = rc == MRT_REFUSED && err && strstr(err->text, "NOPERM") ? rc : 0;
	}
	return rc;
}

/* The highest databases that are empty: applications begin at 0. */
static int choose_staging(const char *info, uint64_t databases,
                          const struct mrt_redis_copy_options *o, const struct mrt_redis *to,
                          struct mrt_error *err)
{
	size_t found = 0;
	for (uint64_t k = databases; k-- > 0 && found < o->n;) {
		uint64_t keys, expires;
		keyspace(info, k, &keys, &expires);
		if (keys == 0 && !is_meant(o, k))
			o->databases[found++].staging = k;
	}
	if (found == o->n)
		return 0;
	mrt_fail(err, MRT_UNSUPPORTED,
	         "%s has %" PRIu64 " databases, and not %zu empty ones beside those of the backup "
	         "to build it in",
	         to->where, databases, o->n);
	return mrt_hint(err, "restore --to FILE writes the dump.rdb, from which a server starts");
}

int mrt_redis_copy_look(struct mrt_redis *to, const struct mrt_run *run,
                        const struct mrt_redis_copy_options *o, struct mrt_error *err)
{
	mrt_auto_buf info = MRT_BUF_INIT;
	char cluster[8], role[16];
	uint64_t databases = 0;
	int rc = read_info(to, run, &info, err);
	if (rc < 0)
		return rc;
	mrt_redis_info(mrt_buf_text(&info), "cluster_enabled", cluster, sizeof(cluster));
	mrt_redis_info(mrt_buf_text(&info), "role", role, sizeof(role));
	if (strcmp(cluster, "1") == 0)
		return mrt_fail(err, MRT_UNSUPPORTED, "%s is a node of a cluster", to->where);
	if (strcmp(role, "master") != 0)
		return mrt_fail(err, MRT_UNSUPPORTED, "%s is a replica (role %s)", to->where, role);
	for (size_t i = 0; i < o->n; i++) {
		uint64_t expires;
		keyspace(mrt_buf_text(&info), o->databases[i].number, &o->databases[i].before,
		         &expires);
	}
	rc = count_databases(to, run, &databases, err);
	for (size_t i = 0; rc == 0 && i < o->n; i++)
		if (o->databases[i].number >= databases)
			rc = mrt_fail(err, MRT_UNSUPPORTED,
			              "%s has %" PRIu64 " databases; the backup has one of number "
			              "%" PRIu64,
			              to->where, databases, o->databases[i].number);
	return rc < 0 ? rc : choose_staging(mrt_buf_text(&info), databases, o, to, err);
}

static int flush(struct copy *c, struct mrt_error *err)
{
	int rc = mrt_redis_send(c->to, c->run, mrt_buf_text(&c->out), c->out.len, err);
	mrt_run_progress(c->run, c->out.len);
	c->out.len = 0;
	for (; rc == 0 && c->pending > 0; c->pending--) {
		redisReply *reply = NULL;
		rc = mrt_redis_reply(c->to, c->run, &reply, err);
		if (rc < 0)
			break;
		if (reply->type == REDIS_REPLY_ERROR) {
			bool version = strstr(reply->str, "version or checksum") != NULL;
			rc = no_permission(c->to,
			                   mrt_fail(err, MRT_REFUSED, "%s: RESTORE: %s",
			                            c->to->where, reply->str),
			                   err);
			if (version)
				mrt_hint(err, "that server is older than the redis-server here");
		}
		freeReplyObject(reply);
	}
	return rc;
}

static int add_restore(struct copy *c, const redisReply *key, const redisReply *value,
                       const redisReply *ttl, struct mrt_error *err)
{
	char until[24] = "0";
	if (ttl->integer > 0)
		snprintf(until, sizeof(until), "%lld",
		         (long long)(c->run->wall() / MRT_MILLISECOND) + ttl->integer);
	/* a scan may find a key twice */
	const char *const words[] = { "RESTORE", key->str, until, value->str, "REPLACE", "ABSTTL" };
	const size_t lengths[] = { 7, key->len, strlen(until), value->len, 7, 6 };
	int rc = mrt_redis_format(&c->out, 6, words, lengths, err);
	c->pending++;
	return rc == 0 && (c->out.len >= SEND_AT || c->pending >= BATCH) ? flush(c, err) : rc;
}

/* The values of some keys: asked for together, taken one by one. */
static int copy_keys(struct copy *c, redisReply **keys, size_t n, struct mrt_error *err)
{
	mrt_auto_buf ask = { .ceiling = VALUE_MAX };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *const dump[] = { "DUMP", keys[i]->str }, *const ttl[] = {
			"PTTL", keys[i]->str
		};
		rc = mrt_redis_format(&ask, 2, dump, (const size_t[]) { 4, keys[i]->len }, err);
		if (rc == 0)
			rc = mrt_redis_format(&ask, 2, ttl, (const size_t[]) { 4, keys[i]->len },
			                      err);
	}
	if (rc == 0)
		rc = mrt_redis_send(c->from, c->run, mrt_buf_text(&ask), ask.len, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		redisReply *value = NULL, *ttl = NULL;
		rc = mrt_redis_reply(c->from, c->run, &value, err);
		if (rc == 0)
			rc = mrt_redis_reply(c->from, c->run, &ttl, err);
		if (rc == 0 && (value->type == REDIS_REPLY_ERROR || ttl->type == REDIS_REPLY_ERROR))
			rc = mrt_fail(err, MRT_FAILED, "%s: %s", c->from->where,
			              value->type == REDIS_REPLY_ERROR ? value->str : ttl->str);
		/* nil, or a time to live of -2: it expired meanwhile */
		if (rc == 0 && value->type == REDIS_REPLY_STRING && ttl->integer != -2)
			rc = add_restore(c, keys[i], value, ttl, err);
		if (value)
			freeReplyObject(value);
		if (ttl)
			freeReplyObject(ttl);
	}
	return rc;
}

static int copy_database(struct copy *c, const struct mrt_redis_copy_database *d,
                         struct mrt_error *err)
{
	char cursor[32] = "0";
	int rc = select_database(c->from, c->run, d->number, err);
	if (rc == 0)
		rc = select_database(c->to, c->run, d->staging, err);
	do {
		redisReply *page = NULL;
		const char *const scan[] = { "SCAN", cursor, "COUNT", "1000" };
		if (rc == 0)
			rc = mrt_run_check(c->run, err);
		if (rc == 0)
			rc = call(c->from, c->run, &page, err, 4, scan);
		if (rc == 0 && (page->elements != 2 || page->element[0]->len >= sizeof(cursor)))
			rc = mrt_fail(err, MRT_FAILED, "%s: SCAN answers oddly", c->from->where);
		if (rc == 0)
			snprintf(cursor, sizeof(cursor), "%s", page->element[0]->str);
		for (size_t i = 0; rc == 0 && i < page->element[1]->elements; i += BATCH) {
			size_t left = page->element[1]->elements - i;
			rc = copy_keys(c, page->element[1]->element + i,
			               left < BATCH ? left : BATCH, err);
		}
		if (page)
			freeReplyObject(page);
	} while (rc == 0 && strcmp(cursor, "0") != 0);
	return rc < 0 ? rc : flush(c, err);
}

/* Keys that do not expire must all be there; those that do may be fewer. */
static int count(struct copy *c, struct mrt_error *err)
{
	mrt_auto_buf info = MRT_BUF_INIT;
	int rc = read_info(c->to, c->run, &info, err);
	for (size_t i = 0; rc == 0 && i < c->options->n; i++) {
		struct mrt_redis_copy_database *d = &c->options->databases[i];
		uint64_t keys, expires;
		keyspace(mrt_buf_text(&info), d->staging, &keys, &expires);
		if (keys - expires != d->keys - d->expires || expires > d->expires)
			rc = mrt_fail(err, MRT_FAILED,
			              "database %" PRIu64 ": %" PRIu64 " keys arrived, %" PRIu64
			              " of them with a time to live; the backup has %" PRIu64
			              " and %" PRIu64,
			              d->number, keys, expires, d->keys, d->expires);
		d->copied = keys;
	}
	return rc;
}

static int copy_functions(struct copy *c, struct mrt_error *err)
{
	redisReply *all = NULL, *done = NULL;
	mrt_auto_buf text = { .ceiling = VALUE_MAX };
	const char *how = c->options->may_not_empty ? "REPLACE" : "APPEND";
	int rc = call(c->from, c->run, &all, err, 2, (const char *const[]) { "FUNCTION", "DUMP" });
	if (rc == 0) {
		const char *const words[] = { "FUNCTION", "RESTORE", all->str, how };
		const size_t lengths[] = { 8, 7, all->len, strlen(how) };
		rc = mrt_redis_format(&text, 4, words, lengths, err);
	}
	if (rc == 0)
		rc = mrt_redis_send(c->to, c->run, text.data, text.len, err);
	if (rc == 0)
		rc = mrt_redis_reply(c->to, c->run, &done, err);
	if (rc == 0 && done->type == REDIS_REPLY_ERROR)
		rc = no_permission(
		        c->to,
		        mrt_fail(err,
		                 strstr(done->str, "already exists") ? MRT_EXISTS : MRT_REFUSED,
		                 "%s: FUNCTION RESTORE: %s", c->to->where, done->str),
		        err);
	if (all)
		freeReplyObject(all);
	if (done)
		freeReplyObject(done);
	return rc;
}

/* All at once: what was built goes in, what was there goes where it was built. */
static int exchange(struct mrt_redis *to, const struct mrt_run *run,
                    const struct mrt_redis_copy_options *o, struct mrt_error *err)
{
	redisReply *done = NULL;
	char place[24], staging[24];
	int rc = call(to, run, NULL, err, 1, (const char *const[]) { "MULTI" });
	for (size_t i = 0; rc == 0 && i < o->n; i++) {
		snprintf(place, sizeof(place), "%" PRIu64, o->databases[i].number);
		snprintf(staging, sizeof(staging), "%" PRIu64, o->databases[i].staging);
		rc = call(to, run, NULL, err, 3,
		          (const char *const[]) { "SWAPDB", place, staging });
	}
	if (rc == 0)
		rc = select_database(to, run, o->databases[0].number, err);
	if (rc == 0)
		rc = call(to, run, NULL, err, 2, (const char *const[]) { "DEL", MARK });
	if (rc == 0)
		rc = call(to, run, &done, err, 1, (const char *const[]) { "EXEC" });
	for (size_t i = 0; rc == 0 && i < done->elements; i++)
		if (done->element[i]->type == REDIS_REPLY_ERROR)
			rc = mrt_fail(err, MRT_FAILED, "%s: SWAPDB: %s", to->where,
			              done->element[i]->str);
	if (done)
		freeReplyObject(done);
	return rc;
}

/* A connection that was lost over EXEC does not tell whether it happened; the mark does. */
static int put_in_place(struct copy *c, struct mrt_error *err)
{
	const struct mrt_redis_copy_options *o = c->options;
	mrt_auto(mrt_redis) *again = NULL;
	redisReply *there = NULL;
	int rc = select_database(c->to, c->run, o->databases[0].staging, err);
	if (rc == 0)
		rc = call(c->to, c->run, NULL, err, 3, (const char *const[]) { "SET", MARK, "1" });
	if (rc < 0)
		return rc;
	rc = exchange(c->to, c->run, o, err);
	if (rc != MRT_UNREACHABLE)
		return rc;
	int looked = mrt_redis_again(c->to, c->run, &again, NULL);
	if (looked == 0)
		looked = select_database(again, c->run, o->databases[0].staging, NULL);
	if (looked == 0)
		looked = call(again, c->run, &there, NULL, 2,
		              (const char *const[]) { "EXISTS", MARK });
	bool happened = looked == 0 && there->integer == 0;
	if (there)
		freeReplyObject(there);
	c->swapped = looked < 0;
	if (looked < 0)
		return mrt_context(err, rc,
		                   "it is not known whether the databases were swapped (they were "
		                   "if database %" PRIu64 " has no key " MARK ")",
		                   o->databases[0].staging);
	return happened ? 0 : rc;
}

/* Somebody may have written into an empty database while its content was built. What was in its
 * place is where it was built now. */
static int check_unused(const struct copy *c, struct mrt_error *err)
{
	mrt_auto_buf info = MRT_BUF_INIT;
	const struct mrt_redis_copy_options *o = c->options;
	int rc = o->may_not_empty ? 0 : read_info(c->to, c->run, &info, err);
	for (size_t i = 0; rc == 0 && !o->may_not_empty && i < o->n; i++) {
		const struct mrt_redis_copy_database *d = &o->databases[i];
		uint64_t keys, expires;
		keyspace(mrt_buf_text(&info), d->staging, &keys, &expires);
		if (keys > 0)
			rc = mrt_fail(err, MRT_CHANGED,
			              "somebody wrote %" PRIu64 " keys into database %" PRIu64
			              " of %s meanwhile",
			              keys, d->number, c->to->where);
	}
	return rc;
}

/* The swap, and what may still fail after it, which takes it back. */
static int finish(struct copy *c, struct mrt_error *err)
{
	const struct mrt_redis_copy_options *o = c->options;
	int rc = o->n > 0 ? put_in_place(c, err) : 0;
	if (rc < 0)
		return rc;
	rc = check_unused(c, err);
	if (rc == 0 && o->functions)
		rc = copy_functions(c, err);
	if (rc == 0 || o->n == 0)
		return rc;
	struct mrt_error why;
	c->swapped = exchange(c->to, c->run, o, &why) < 0;
	return c->swapped ? mrt_context(err, rc, "the databases are in their place, but") : rc;
}

/* Takes away what is where it was built: unfinished, or what was in its place before. After a
 * failure over another connection: replies may still come on this one. */
static void clean_up(struct copy *c, bool failed)
{
	const struct mrt_redis_copy_options *o = c->options;
	const struct mrt_run last = { .log = c->run->log,
		                      .wall = c->run->wall,
		                      .deadline = mrt_clock_monotonic() + CLEAN_TIME };
	mrt_auto(mrt_redis) *again = NULL;
	struct mrt_error why;
	int rc = failed ? mrt_redis_again(c->to, &last, &again, &why) : 0;
	struct mrt_redis *to = again ? again : c->to;
	for (size_t i = 0; rc == 0 && i < o->n; i++) {
		rc = select_database(to, &last, o->databases[i].staging, &why);
		if (rc == 0)
			rc = call(to, &last, NULL, &why, 2,
			          (const char *const[]) { "FLUSHDB", "ASYNC" });
	}
	if (rc < 0)
		mrt_warn(c->run,
		         "keys may stay where it was built, in database %" PRIu64 " of %s: %s",
		         o->databases[0].staging, to->where, why.text);
}

int mrt_redis_copy(struct mrt_redis *from, struct mrt_redis *to, const struct mrt_run *run,
                   const struct mrt_redis_copy_options *o, struct mrt_error *err)
{
	struct copy c = {
		.from = from, .to = to, .run = run, .options = o, .out = { .ceiling = VALUE_MAX }
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < o->n; i++) {
		mrt_info(run,
		         "database %" PRIu64 " is built in the empty database %" PRIu64 " of %s",
		         o->databases[i].number, o->databases[i].staging, to->where);
		rc = copy_database(&c, &o->databases[i], err);
	}
	if (rc == 0)
		rc = count(&c, err);
	if (rc == 0)
		rc = finish(&c, err);
	mrt_buf_release(&c.out);
	if (c.swapped)
		mrt_warn(run, "the databases where it was built, %" PRIu64 " of %s the first, stay",
		         o->databases[0].staging, to->where);
	else
		clean_up(&c, rc < 0);
	return rc;
}
