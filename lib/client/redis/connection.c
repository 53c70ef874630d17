/* connection.c - the URL, commands, and the snapshot behind SYNC. */
#include "client/redis/connection.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/text.h"
#include "client/redis/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PORT "6379"
#define COMMAND_MAX ((size_t)768 << 20) /* a value has 512 MiB at most */
#define MARK 40                         /* bytes that end a stream of unknown length */

void mrt_redis_free(struct mrt_redis *r)
{
	if (!r)
		return;
	if (r->replies)
		redisReaderFree(r->replies);
	SSL_free(r->ssl);
	SSL_CTX_free(r->context);
	mrt_fd_close(&r->fd);
	mrt_secret_free(r->password);
	mrt_secret_free(r->url);
	char *texts[] = { r->host, r->port, r->path, r->user, r->where, r->in };
	for (size_t i = 0; i < MRT_COUNT(texts); i++)
		free(texts[i]);
	free(r);
}

const char *mrt_redis_where(const struct mrt_redis *r)
{
	return r->where;
}

int64_t mrt_redis_database(const struct mrt_redis *r)
{
	return r->db;
}

/* A piece of the URL, decoded. */
static int piece(const char *from, size_t len, char **ret, struct mrt_error *err)
{
	int rc = mrt_text_printf(ret, err, "%.*s", (int)len, from);
	if (rc == 0)
		mrt_percent_decode(*ret, false);
	return rc;
}

static int bad_url(const char *what, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CONFIG,
	                "redis.url: %s; write redis[s]://user:password@host:port/db or "
	                "unix:///path?db=N",
	                what);
}

static int parse_db(struct mrt_redis *r, const char *text, struct mrt_error *err)
{
	r->db = -1;
	if (!*text)
		return 0;
	return mrt_number_parse(text, 0, INT32_MAX, &r->db, err) < 0
	               ? bad_url("the database is no number", err)
	               : 0;
}

static int parse_host(struct mrt_redis *r, const char *p, const char *end, struct mrt_error *err)
{
	const char *host = p, *host_end = end, *port = NULL;
	if (*p == '[') { /* an IPv6 address */
		host = p + 1;
		host_end = memchr(p, ']', (size_t)(end - p));
		if (!host_end)
			return bad_url("an address without ']'", err);
		port = host_end + 1 < end && host_end[1] == ':' ? host_end + 2 : NULL;
	} else {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		host_end = colon ? colon : end;
		port = colon ? colon + 1 : NULL;
	}
	int64_t number = 0;
	int rc = host_end > host ? piece(host, (size_t)(host_end - host), &r->host, err)
	                         : mrt_text_dup("localhost", &r->host, err);
	if (rc == 0)
		rc = port && port < end ? piece(port, (size_t)(end - port), &r->port, err)
		                        : mrt_text_dup(PORT, &r->port, err);
	if (rc == 0 && mrt_number_parse(r->port, 1, 65535, &number, NULL) < 0)
		return bad_url("the port is no number", err);
	return rc < 0 ? rc : mrt_text_printf(&r->where, err, "%s:%s", r->host, r->port);
}

static int parse_url(struct mrt_redis *r, const char *url, struct mrt_error *err)
{
	bool local = strncmp(url, "unix://", 7) == 0;
	r->tls = strncmp(url, "rediss://", 9) == 0;
	if (!local && !r->tls && strncmp(url, "redis://", 8) != 0)
		return bad_url("an unknown scheme", err);
	const char *p = strstr(url, "://") + 3;
	const char *end = p + strcspn(p, local ? "?" : "/?");
	const char *at = memrchr(p, '@', (size_t)(end - p));
	int rc = 0;
	if (at) {
		const char *colon = memchr(p, ':', (size_t)(at - p));
		const char *user_end = colon ? colon : at;
		if (user_end > p)
			rc = piece(p, (size_t)(user_end - p), &r->user, err);
		if (rc == 0 && colon)
			rc = piece(colon + 1, (size_t)(at - colon - 1), &r->password, err);
		p = at + 1;
	}
	if (rc < 0)
		return rc;
	const char *query = strstr(end, "db=");
	if (local) {
		rc = piece(p, (size_t)(end - p), &r->path, err);
		if (rc == 0)
			rc = mrt_text_dup(r->path, &r->where, err);
		return rc < 0 ? rc : parse_db(r, query ? query + 3 : "", err);
	}
	rc = parse_host(r, p, end, err);
	return rc < 0 ? rc : parse_db(r, query ? query + 3 : *end == '/' ? end + 1 : "", err);
}

/* "NOPERM this user has no permissions": the first word is the code. */
static int refused(const struct mrt_redis *r, const char *command, const char *words,
                   struct mrt_error *err)
{
	mrt_fail(err, MRT_REFUSED, "%s: %s%s%s", r->where, command ? command : "",
	         command ? ": " : "", words);
	mrt_error_set_peer_code(err, words, (int)strcspn(words, " "));
	return MRT_REFUSED;
}

static int give_text(const struct mrt_redis *r, const redisReply *reply, struct mrt_buf *ret,
                     struct mrt_error *err)
{
	if (reply->type == REDIS_REPLY_ERROR)
		return refused(r, NULL, reply->str, err);
	if (!ret)
		return 0;
	if (reply->type == REDIS_REPLY_INTEGER)
		mrt_buf_printf(ret, "%lld", reply->integer);
	else if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS)
		mrt_buf_add(ret, reply->str, (size_t)reply->len);
	return mrt_buf_check(ret, err);
}

int mrt_redis_format(struct mrt_buf *out, size_t n, const char *const *words, const size_t *lengths,
                     struct mrt_error *err)
{
	char *text = NULL;
	int len = redisFormatCommandArgv(&text, (int)n, (const char **)(uintptr_t)words, lengths);
	if (len < 0)
		return mrt_no_memory(err);
	mrt_buf_add(out, text, (size_t)len);
	explicit_bzero(text, (size_t)len); /* may hold a password */
	redisFreeCommand(text);
	return mrt_buf_check(out, err);
}

static int send_words(struct mrt_redis *r, const struct mrt_context *ctx, const char *const *words,
                      struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = MRT_BUF_INIT;
	size_t n = 0;
	while (words[n])
		n++;
	int rc = mrt_redis_format(&text, n, words, NULL, err);
	return rc < 0 ? rc : mrt_redis_send(r, ctx, text.data, text.len, err);
}

int mrt_redis_reply(struct mrt_redis *r, const struct mrt_context *ctx, redisReply **ret,
                    struct mrt_error *err)
{
	void *reply = NULL;
	int rc = 0;
	while (rc == 0) {
		if (redisReaderGetReply(r->replies, &reply) != REDIS_OK)
			return mrt_fail(err, MRT_FAILED,
			                "%s: this is not Redis that answers: %.100s", r->where,
			                r->replies->errstr);
		if (reply)
			break;
		rc = mrt_redis_receive(r, ctx, err);
		if (rc == 0 &&
		    redisReaderFeed(r->replies, r->in + r->from, r->to - r->from) != REDIS_OK)
			rc = mrt_no_memory(err);
		r->from = r->to;
	}
	if (rc == 0)
		*ret = reply;
	return rc;
}

int mrt_redis_command(struct mrt_redis *r, const struct mrt_context *ctx, const char *const *words,
                      struct mrt_buf *ret, struct mrt_error *err)
{
	redisReply *reply = NULL;
	int rc = send_words(r, ctx, words, err);
	if (rc == 0)
		rc = mrt_redis_reply(r, ctx, &reply, err);
	if (rc == 0)
		rc = give_text(r, reply, ret, err);
	if (reply)
		freeReplyObject(reply);
	return rc;
}

void mrt_redis_info(const char *info, const char *field, char *ret, size_t size)
{
	size_t n = strlen(field);
	*ret = '\0';
	for (const char *p = info; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, field, n) == 0 && p[n] == ':') {
			snprintf(ret, size, "%.*s", (int)strcspn(p + n + 1, "\r\n"), p + n + 1);
			return;
		}
}

void mrt_redis_keyspace(const char *info, const char *database, uint64_t *ret_keys,
                        uint64_t *ret_expires)
{
	char field[32], value[128];
	snprintf(field, sizeof(field), "db%s", database);
	mrt_redis_info(info, field, value, sizeof(value));
	if (sscanf(value, "keys=%" SCNu64 ",expires=%" SCNu64, ret_keys, ret_expires) != 2)
		*ret_keys = *ret_expires = 0;
}

static int log_in(struct mrt_redis *r, const struct mrt_context *ctx, struct mrt_error *err)
{
	char db[16];
	snprintf(db, sizeof(db), "%" PRId64, r->db);
	const char *const with_user[] = { "AUTH", r->user, r->password, NULL };
	const char *const alone[] = { "AUTH", r->password, NULL };
	const char *const select[] = { "SELECT", db, NULL };
	int rc = 0;
	if (r->password)
		rc = mrt_redis_command(r, ctx, r->user ? with_user : alone, NULL, err);
	if (rc == 0 && r->db > 0)
		rc = mrt_redis_command(r, ctx, select, NULL, err);
	return rc;
}

int mrt_redis_connect(const struct mrt_context *ctx, const char *url,
                      const struct mrt_redis_options *options, struct mrt_redis **ret,
                      struct mrt_error *err)
{
	mrt_auto(mrt_redis) *r = calloc(1, sizeof(*r));
	if (!r)
		return mrt_no_memory(err);
	r->fd = -1;
	r->options = *options;
	r->in = malloc(MRT_REDIS_CHUNK);
	r->replies = redisReaderCreate();
	if (!r->in || !r->replies)
		return mrt_no_memory(err);
	struct mrt_context limited = *ctx;
	int64_t until = mrt_clock_monotonic() + options->connect_timeout;
	if (limited.deadline == 0 || limited.deadline > until)
		limited.deadline = until;
	int rc = mrt_text_dup(url, &r->url, err);
	if (rc == 0)
		rc = parse_url(r, url, err);
	if (rc == 0)
		rc = r->path ? mrt_redis_connect_local(r, &limited, err)
		             : mrt_redis_connect_remote(r, &limited, err);
	if (rc == 0 && options->peer != 0)
		rc = mrt_peer_check(r->fd, options->peer, err);
	if (rc == 0 && r->tls)
		rc = mrt_redis_start_tls(r, &limited, err);
	if (rc == 0)
		rc = log_in(r, &limited, err);
	if (rc == MRT_DEADLINE && mrt_context_check(ctx, NULL) == 0)
		rc = mrt_redis_lost(r, "it did not answer in time", err);
	if (rc == MRT_UNREACHABLE && !r->path)
		mrt_hint(err, "is redis.url right, and may this host reach the server "
		              "(NetworkPolicy, firewall)?");
	if (rc == MRT_REFUSED && mrt_error_has_peer_code(err, "NOAUTH"))
		mrt_hint(err, "the server wants a password: redis://:password@host");
	if (rc == 0)
		*ret = mrt_steal(r);
	return rc;
}

int mrt_redis_ask(struct mrt_redis *r, const struct mrt_context *ctx, size_t n,
                  const char *const *words, const size_t *lengths, redisReply **ret,
                  struct mrt_error *err)
{
	mrt_auto_buf text = { .ceiling = COMMAND_MAX };
	redisReply *reply = NULL;
	int rc = mrt_redis_format(&text, n, words, lengths, err);
	if (rc == 0)
		rc = mrt_redis_send(r, ctx, text.data, text.len, err);
	if (rc == 0)
		rc = mrt_redis_reply(r, ctx, &reply, err);
	if (rc == 0 && reply->type == REDIS_REPLY_ERROR)
		rc = refused(r, words[0], reply->str, err);
	if (rc == 0 && ret)
		*ret = reply;
	else if (reply)
		freeReplyObject(reply);
	return rc;
}

int mrt_redis_select(struct mrt_redis *r, const struct mrt_context *ctx, uint64_t database,
                     struct mrt_error *err)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, database);
	return mrt_redis_ask(r, ctx, 2, (const char *const[]) { "SELECT", text }, NULL, NULL, err);
}

void mrt_redis_shut(struct mrt_redis *r)
{
	shutdown(r->fd, SHUT_RDWR);
}

int mrt_redis_again(const struct mrt_redis *r, const struct mrt_context *ctx,
                    struct mrt_redis **ret, struct mrt_error *err)
{
	return mrt_redis_connect(ctx, r->url, &r->options, ret, err);
}

/* The line that announces the snapshot; empty lines say that the server is at it. */
static int read_line(struct mrt_redis *r, const struct mrt_context *ctx, char *ret, size_t size,
                     int (*each)(void *context, const void *data, size_t len,
                                 struct mrt_error *err),
                     void *context, struct mrt_error *err)
{
	size_t n = 0;
	for (;;) {
		int rc = r->from == r->to ? mrt_redis_receive(r, ctx, err) : 0;
		if (rc < 0)
			return rc;
		char c = r->in[r->from++];
		if (c == '\n' && n == 0) { /* it may take long: who waits may show that he lives */
			rc = each(context, "", 0, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (c == '\n')
			break;
		if (n + 1 < size)
			ret[n++] = c;
	}
	while (n > 0 && ret[n - 1] == '\r')
		n--;
	ret[n] = '\0';
	return 0;
}

static int read_sized(struct mrt_redis *r, const struct mrt_context *ctx, uint64_t left,
                      int (*each)(void *context, const void *data, size_t len,
                                  struct mrt_error *err),
                      void *context, struct mrt_error *err)
{
	while (left > 0) {
		int rc = r->from == r->to ? mrt_redis_receive(r, ctx, err) : 0;
		if (rc < 0)
			return rc;
		size_t n = r->to - r->from < left ? r->to - r->from : (size_t)left;
		rc = each(context, r->in + r->from, n, err);
		if (rc < 0)
			return rc;
		r->from += n;
		left -= n;
	}
	return 0;
}

/* The last bytes are held back until they are known not to be the mark. */
static int read_marked(struct mrt_redis *r, const struct mrt_context *ctx, const char *mark,
                       int (*each)(void *context, const void *data, size_t len,
                                   struct mrt_error *err),
                       void *context, struct mrt_error *err)
{
	for (;;) {
		size_t have = r->to - r->from;
		if (have >= MARK && memcmp(r->in + r->to - MARK, mark, MARK) == 0)
			return have > MARK ? each(context, r->in + r->from, have - MARK, err) : 0;
		if (have > MARK) {
			int rc = each(context, r->in + r->from, have - MARK, err);
			if (rc < 0)
				return rc;
			r->from = r->to - MARK;
			have = MARK;
		}
		if (r->from > MRT_REDIS_CHUNK / 2) {
			memmove(r->in, r->in + r->from, have);
			r->from = 0;
			r->to = have;
		}
		int rc = mrt_redis_receive(r, ctx, err);
		if (rc < 0)
			return rc;
	}
}

int mrt_redis_snapshot(struct mrt_redis *r, const struct mrt_context *ctx,
                       int (*each)(void *context, const void *data, size_t len,
                                   struct mrt_error *err),
                       void *context, struct mrt_error *err)
{
	static const char *const eof[] = { "REPLCONF", "capa", "eof", NULL };
	static const char *const only[] = { "REPLCONF", "rdb-only", "1", NULL };
	static const char *const sync[] = { "SYNC", NULL };
	char line[256];
	int64_t size = 0;
	int rc = mrt_redis_command(r, ctx, eof, NULL, err);
	if (rc == 0)
		rc = mrt_redis_command(r, ctx, only, NULL, err);
	if (rc == MRT_REFUSED && !mrt_error_has_peer_code(err, "NOPERM"))
		rc = 0; /* before Redis 7 there is no such thing */
	if (rc == 0)
		rc = send_words(r, ctx, sync, err);
	if (rc == 0)
		rc = read_line(r, ctx, line, sizeof(line), each, context, err);
	if (rc < 0)
		return rc;
	if (line[0] == '-')
		return refused(r, NULL, line + 1, err);
	if (strncmp(line, "$EOF:", 5) == 0 && strlen(line) == 5 + MARK)
		return read_marked(r, ctx, line + 5, each, context, err);
	if (line[0] != '$' || mrt_number_parse(line + 1, 0, INT64_MAX, &size, NULL) < 0)
		return mrt_fail(err, MRT_FAILED, "%s answered SYNC with '%.60s'", r->where, line);
	return read_sized(r, ctx, (uint64_t)size, each, context, err);
}
