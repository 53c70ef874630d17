/* copy.c - SCAN, DUMP and RESTORE in batches, and the swap at the end. */
#include "client/redis/copy.h"
#include "base/text.h"
#include "client/redis/swap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BATCH 64                      /* keys whose values are asked for at once */
#define SEND_AT ((size_t)1 << 20)     /* bytes of RESTOREs that are sent together */
#define VALUE_MAX ((size_t)768 << 20) /* a value has 512 MiB at most, a key as well */
#define DATABASES_MAX 4096            /* a server with more is not searched further */

struct copy {
	struct mrt_redis *from, *to;
	const struct mrt_context *ctx;
	const struct mrt_redis_copy_options *options;
	struct mrt_redis_swap *swap;
	struct mrt_buf out;        /* RESTOREs not sent yet */
	size_t pending;            /* replies to them */
	uint64_t *sent, *left_out; /* of the database at hand */
};

static void keyspace(const char *info, uint64_t number, uint64_t *ret_keys, uint64_t *ret_expires)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	mrt_redis_keyspace(info, text, ret_keys, ret_expires);
}

static int read_info(struct mrt_redis *r, const struct mrt_context *ctx, struct mrt_buf *ret,
                     struct mrt_error *err)
{
	static const char *const info[] = { "INFO", NULL };
	ret->len = 0;
	return mrt_redis_command(r, ctx, info, ret, err);
}

static bool is_meant(const struct mrt_redis_copy_options *o, uint64_t number)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->databases[i].number == number)
			return true;
	return false;
}

/* How many databases the server has: CONFIG GET may not be allowed. */
static int count_databases(struct mrt_redis *to, const struct mrt_context *ctx, uint64_t *ret,
                           struct mrt_error *err)
{
	uint64_t n = 1;
	int rc = 0;
	while (rc == 0 && n < DATABASES_MAX) {
		struct mrt_error why;
		rc = mrt_redis_select(to, ctx, n, &why);
		if (rc == MRT_REFUSED && !mrt_error_has_peer_code(&why, "NOPERM"))
			break;
		if (rc < 0 && err)
			*err = why;
		n += rc == 0;
	}
	if (rc == 0 || rc == MRT_REFUSED) {
		*ret = n;
		rc = rc == MRT_REFUSED && mrt_error_has_peer_code(err, "NOPERM") ? rc : 0;
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

int mrt_redis_copy_look(struct mrt_redis *to, const struct mrt_context *ctx,
                        const struct mrt_redis_copy_options *o, struct mrt_error *err)
{
	mrt_auto_buf info = MRT_BUF_INIT;
	char cluster[8], role[16];
	uint64_t databases = 0;
	int rc = read_info(to, ctx, &info, err);
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
	rc = count_databases(to, ctx, &databases, err);
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
	int rc = mrt_redis_send(c->to, c->ctx, mrt_buf_text(&c->out), c->out.len, err);
	mrt_context_progress(c->ctx, c->out.len);
	c->out.len = 0;
	for (; rc == 0 && c->pending > 0; c->pending--) {
		redisReply *reply = NULL;
		rc = mrt_redis_reply(c->to, c->ctx, &reply, err);
		if (rc < 0)
			break;
		if (reply->type == REDIS_REPLY_ERROR) {
			bool version = strstr(reply->str, "version or checksum") != NULL;
			rc = mrt_fail(err, MRT_REFUSED, "%s: RESTORE: %s", c->to->where,
			              reply->str);
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
		         (long long)(c->ctx->wall() / MRT_MILLISECOND) + ttl->integer);
	/* a scan may find a key twice */
	const char *const words[] = { "RESTORE", key->str, until, value->str, "REPLACE", "ABSTTL" };
	const size_t lengths[] = { 7, key->len, strlen(until), value->len, 7, 6 };
	int rc = mrt_redis_format(&c->out, 6, words, lengths, err);
	c->pending++;
	(*c->sent)++;
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
		rc = mrt_redis_send(c->from, c->ctx, mrt_buf_text(&ask), ask.len, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		redisReply *value = NULL, *ttl = NULL;
		rc = mrt_redis_reply(c->from, c->ctx, &value, err);
		if (rc == 0)
			rc = mrt_redis_reply(c->from, c->ctx, &ttl, err);
		if (rc == 0 && (value->type == REDIS_REPLY_ERROR || ttl->type == REDIS_REPLY_ERROR))
			rc = mrt_fail(err, MRT_FAILED, "%s: %s", c->from->where,
			              value->type == REDIS_REPLY_ERROR ? value->str : ttl->str);
		/* our own mark, when a restore was backed up; nil, or no time left (0, or -2): it
		 * has expired; -1: it never does */
		bool mark = keys[i]->len == strlen(MRT_REDIS_MARK) &&
		            memcmp(keys[i]->str, MRT_REDIS_MARK, keys[i]->len) == 0;
		*c->left_out += mark;
		if (rc == 0 && !mark && value->type == REDIS_REPLY_STRING &&
		    (ttl->integer > 0 || ttl->integer == -1))
			rc = add_restore(c, keys[i], value, ttl, err);
		if (value)
			freeReplyObject(value);
		if (ttl)
			freeReplyObject(ttl);
	}
	return rc;
}

static int copy_database(struct copy *c, size_t at, struct mrt_error *err)
{
	struct mrt_redis_copy_database *d = &c->options->databases[at];
	char cursor[32] = "0";
	int rc = mrt_redis_select(c->from, c->ctx, d->number, err);
	if (rc == 0)
		rc = mrt_redis_swap_claim(c->swap, at, err);
	c->sent = &d->sent;
	c->left_out = &d->left_out;
	do {
		redisReply *page = NULL;
		const char *const scan[] = { "SCAN", cursor, "COUNT", "1000" };
		if (rc == 0)
			rc = mrt_context_check(c->ctx, err);
		if (rc == 0)
			rc = mrt_redis_ask(c->from, c->ctx, 4, scan, NULL, &page, err);
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
	int rc = read_info(c->to, c->ctx, &info, err);
	for (size_t i = 0; rc == 0 && i < c->options->n; i++) {
		struct mrt_redis_copy_database *d = &c->options->databases[i];
		uint64_t keys, expires;
		keyspace(mrt_buf_text(&info), d->staging, &keys, &expires);
		keys -= keys > 0; /* the mark */
		if (keys - expires + d->left_out != d->keys - d->expires || expires > d->expires)
			rc = mrt_fail(err, MRT_FAILED,
			              "database %" PRIu64 ": %" PRIu64 " keys arrived, %" PRIu64
			              " of them with a time to live; the backup has %" PRIu64
			              " and %" PRIu64,
			              d->number, keys, expires, d->keys, d->expires);
		d->copied = keys;
	}
	return rc;
}

/* It is built beside what is there: is there memory for both? A server that evicts would give up
 * keys of others for it. */
static int check_memory(struct copy *c, struct mrt_error *err)
{
	mrt_auto_buf info = MRT_BUF_INIT;
	char text[32], want[MRT_SIZE_SIZE], has[MRT_SIZE_SIZE], most[MRT_SIZE_SIZE];
	int64_t needed = 0, used = 0, limit = 0;
	int rc = read_info(c->from, c->ctx, &info, err);
	mrt_redis_info(mrt_buf_text(&info), "used_memory", text, sizeof(text));
	mrt_number_parse(text, 0, INT64_MAX, &needed, NULL);
	if (rc == 0)
		rc = read_info(c->to, c->ctx, &info, err);
	if (rc < 0)
		return rc;
	mrt_redis_info(mrt_buf_text(&info), "used_memory", text, sizeof(text));
	mrt_number_parse(text, 0, INT64_MAX, &used, NULL);
	mrt_redis_info(mrt_buf_text(&info), "maxmemory", text, sizeof(text));
	mrt_number_parse(text, 0, INT64_MAX, &limit, NULL);
	if (limit == 0 || used + needed <= limit)
		return 0;
	mrt_size_format((uint64_t)needed, want);
	mrt_size_format((uint64_t)used, has);
	mrt_size_format((uint64_t)limit, most);
	return mrt_fail(err, MRT_NO_SPACE,
	                "%s uses %s, and may use %s (maxmemory); about %s are needed beside it",
	                c->to->where, has, most, want);
}

/* The number of our connection, by which it can be ended; 0: one may not ask. */
static long long client_id(struct copy *c)
{
	static const char *const words[] = { "CLIENT", "ID" };
	redisReply *reply = NULL;
	if (mrt_redis_ask(c->to, c->ctx, 2, words, NULL, &reply, NULL) < 0)
		return 0;
	long long id = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return id;
}

int mrt_redis_copy(struct mrt_redis *from, struct mrt_redis *to, const struct mrt_context *ctx,
                   const struct mrt_redis_copy_options *o, struct mrt_error *err)
{
	struct mrt_error local;
	struct copy c = {
		.from = from, .to = to, .ctx = ctx, .options = o, .out = { .ceiling = VALUE_MAX }
	};
	struct mrt_redis_swap swap = { .to = to, .ctx = ctx, .options = o };
	redisReply *functions = NULL;
	mrt_random_hex(16, swap.nonce);
	c.swap = &swap;
	err = err ? err : &local;
	int rc = check_memory(&c, err);
	swap.client = client_id(&c);
	for (size_t i = 0; rc == 0 && i < o->n; i++) {
		mrt_info(ctx,
		         "database %" PRIu64 " is built in the empty database %" PRIu64 " of %s",
		         o->databases[i].number, o->databases[i].staging, to->where);
		rc = copy_database(&c, i, err);
	}
	if (rc == 0)
		rc = count(&c, err);
	if (rc == 0 && o->functions)
		rc = mrt_redis_ask(from, ctx, 2, (const char *const[]) { "FUNCTION", "DUMP" }, NULL,
		                   &functions, err);
	swap.functions = functions;
	if (rc == 0)
		rc = mrt_redis_swap_in(&swap, err);
	else
		mrt_redis_swap_give_up(&swap);
	mrt_buf_release(&c.out);
	if (functions)
		freeReplyObject(functions);
	return rc;
}
