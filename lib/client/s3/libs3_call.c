/* libs3_call.c - libs3 found, and one request run to its end under our limits. */
#include "client/s3/libs3_call.h"
#include "base/retry.h"
#include "base/text.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

#define LIBRARY "libs3.so.2"
#define NONCE "maratea-nonce"

int mrt_libs3_load(struct mrt_libs3_api *ret, struct mrt_error *err)
{
	const struct {
		const char *name;
		void *to;
	} symbols[] = {
		{ "S3_initialize", &ret->initialize },
		{ "S3_get_status_name", &ret->get_status_name },
		{ "S3_status_is_retryable", &ret->status_is_retryable },
		{ "S3_create_request_context", &ret->create_request_context },
		{ "S3_destroy_request_context", &ret->destroy_request_context },
		{ "S3_runonce_request_context", &ret->runonce_request_context },
		{ "S3_get_request_context_fdsets", &ret->get_request_context_fdsets },
		{ "S3_list_bucket", &ret->list_bucket },
		{ "S3_put_object", &ret->put_object },
		{ "S3_get_object", &ret->get_object },
		{ "S3_head_object", &ret->head_object },
		{ "S3_delete_object", &ret->delete_object },
	};
	/* never closed: it has threads' keys and callbacks of its own */
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		mrt_fail(err, MRT_CONFIG, "store.driver libs3: %s", dlerror());
		return mrt_hint(err, "install the package libs3-2");
	}
	for (size_t i = 0; i < MRT_COUNT(symbols); i++) {
		void *found = dlsym(library, symbols[i].name);
		if (!found)
			return mrt_fail(err, MRT_CONFIG,
			                "store.driver libs3: " LIBRARY " has no %s",
			                symbols[i].name);
		memcpy(symbols[i].to, &found, sizeof(found));
	}
	/* it counts its users, but not from two threads at once: stores are opened by one */
	S3Status status = ret->initialize("maratea", S3_INIT_ALL, NULL);
	return status == S3StatusOK ? 0
	                            : mrt_fail(err, MRT_FAILED, "libs3 does not start: %s",
	                                       ret->get_status_name(status));
}

static S3Status on_properties(const S3ResponseProperties *p, void *context)
{
	struct mrt_libs3_call *call = context;
	call->size = p->contentLength;
	call->modified = p->lastModified;
	call->moved = mrt_clock_monotonic();
	snprintf(call->etag, sizeof(call->etag), "%s", p->eTag ? p->eTag : "");
	for (int i = 0; i < p->metaDataCount; i++)
		if (strcmp(p->metaData[i].name, NONCE) == 0)
			snprintf(call->found_nonce, sizeof(call->found_nonce), "%s",
			         p->metaData[i].value);
	return S3StatusOK;
}

static void on_complete(S3Status status, const S3ErrorDetails *details, void *context)
{
	struct mrt_libs3_call *call = context;
	const char *name = call->api->get_status_name(status);
	call->status = status;
	snprintf(call->words, sizeof(call->words), "%s%s%s", name,
	         details && details->message ? ": " : "",
	         details && details->message ? details->message : "");
}

static const S3ResponseHandler handler = { on_properties, on_complete };

static int on_wanted(int size, char *buffer, void *context)
{
	struct mrt_libs3_call *call = context;
	size_t left = call->len - call->sent, n = left < (size_t)size ? left : (size_t)size;
	memcpy(buffer, call->data + call->sent, n);
	call->sent += n;
	call->moved = mrt_clock_monotonic();
	return (int)n;
}

static S3Status on_data(int size, const char *buffer, void *context)
{
	struct mrt_libs3_call *call = context;
	if ((size_t)size > call->cap - call->got)
		return S3StatusAbortedByCallback;
	memcpy(call->into + call->got, buffer, (size_t)size);
	call->got += (size_t)size;
	call->moved = mrt_clock_monotonic();
	return S3StatusOK;
}

static S3Status on_list(int truncated, const char *next, int n, const S3ListBucketContent *items,
                        int n_prefixes, const char **prefixes, void *context)
{
	(void)next;
	(void)n_prefixes;
	(void)prefixes;
	struct mrt_libs3_call *call = context;
	struct mrt_store_page *page = call->page;
	call->truncated = truncated;
	call->moved = mrt_clock_monotonic();
	struct mrt_object *grown =
	        realloc(page->objects, (page->n + (size_t)n + 1) * sizeof(*grown));
	call->no_memory = !grown;
	if (!grown)
		return S3StatusOutOfMemory;
	page->objects = grown;
	for (int i = 0; i < n; i++) {
		struct mrt_object *o = &grown[page->n];
		*o = (struct mrt_object) { .size = items[i].size,
			                   .modified = items[i].lastModified };
		call->no_memory = mrt_text_dup(items[i].key, &o->key, NULL) < 0;
		if (call->no_memory)
			return S3StatusOutOfMemory;
		page->n++;
	}
	return S3StatusOK;
}

void mrt_libs3_issue_head(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                          S3RequestContext *context)
{
	l->api.head_object(&l->context, call->key, context, &handler, call);
}

void mrt_libs3_issue_get(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                         S3RequestContext *context)
{
	static const S3GetObjectHandler get = { { on_properties, on_complete }, on_data };
	const S3GetConditions conditions = { -1, -1, call->match, NULL };
	call->got = 0;
	l->api.get_object(&l->context, call->key, &conditions, call->offset, call->cap, context,
	                  &get, call);
}

void mrt_libs3_issue_put(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                         S3RequestContext *context)
{
	static const S3PutObjectHandler put = { { on_properties, on_complete }, on_wanted };
	const S3NameValue nonce = { NONCE, call->nonce };
	const S3PutProperties properties = {
		.contentType = "application/octet-stream",
		.md5 = call->md5,
		.expires = -1,
		.cannedAcl = S3CannedAclPrivate,
		.metaDataCount = 1,
		.metaData = &nonce,
	};
	call->sent = 0;
	l->api.put_object(&l->context, call->key, call->len, &properties, context, &put, call);
}

void mrt_libs3_issue_delete(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                            S3RequestContext *context)
{
	l->api.delete_object(&l->context, call->key, context, &handler, call);
}

void mrt_libs3_issue_list(struct mrt_libs3 *l, struct mrt_libs3_call *call,
                          S3RequestContext *context)
{
	static const S3ListBucketHandler list = { { on_properties, on_complete }, on_list };
	mrt_store_page_release(call->page);
	l->api.list_bucket(&l->context, call->prefix, call->marker, NULL, (int)call->limit, context,
	                   &list, call);
}

/* Waits a little for the network, or only a little when libs3 does not say for what. */
static void wait_for_network(struct mrt_libs3 *l, S3RequestContext *context)
{
	fd_set readable, writable, failed;
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_ZERO(&failed);
	int most = -1;
	l->api.get_request_context_fdsets(context, &readable, &writable, &failed, &most);
	struct timeval pause = { .tv_usec = most < 0 ? 5000 : 100000 };
	select(most + 1, &readable, &writable, &failed, &pause);
}

/* One attempt. Destroying the context ends a request that is still under way. */
static int run_once(struct mrt_libs3 *l, const struct mrt_context *ctx, struct mrt_libs3_call *call,
                    struct mrt_error *err)
{
	S3RequestContext *context = NULL;
	if (l->api.create_request_context(&context) != S3StatusOK)
		return mrt_no_memory(err);
	call->status = S3StatusInterrupted;
	call->moved = mrt_clock_monotonic();
	call->issue(l, call, context);
	int left = 1, rc = 0;
	bool stalled = false;
	while (left > 0 && rc == 0 && !stalled) {
		if (l->api.runonce_request_context(context, &left) != S3StatusOK)
			break;
		rc = mrt_context_check(ctx, err);
		stalled = mrt_clock_monotonic() - call->moved > l->stall_timeout;
		if (left > 0 && rc == 0 && !stalled)
			wait_for_network(l, context);
	}
	l->api.destroy_request_context(context);
	if (rc == 0 && stalled)
		rc = mrt_fail(err, MRT_UNREACHABLE, "%s: no byte for %" PRId64 " s", l->host,
		              l->stall_timeout / MRT_SECOND);
	return rc;
}

static int judge_status(const struct mrt_libs3 *l, const struct mrt_libs3_call *call,
                        struct mrt_error *err)
{
	switch (call->status) {
	case S3StatusOK:
		return 0;
	case S3StatusHttpErrorNotFound:
	case S3StatusErrorNoSuchKey:
		return mrt_fail(err, MRT_NOT_FOUND, "no such object");
	case S3StatusErrorNoSuchBucket:
		return mrt_fail(err, MRT_NOT_FOUND, "%s: %s", l->host, call->words);
	case S3StatusErrorPreconditionFailed:
		return mrt_fail(err, MRT_CHANGED, "the object was changed while it was read");
	case S3StatusNameLookupError:
	case S3StatusFailedToConnect:
	case S3StatusConnectionFailed:
	case S3StatusServerFailedVerification:
	case S3StatusInterrupted:
	case S3StatusInternalError: /* of the connection, while it sent or received */
	case S3StatusErrorSlowDown:
	case S3StatusHttpErrorUnknown: /* 502, 503, 504 */
		return mrt_fail(err, MRT_UNREACHABLE, "%s: %s", l->host, call->words);
	default:
		return call->no_memory ? mrt_no_memory(err)
		                       : mrt_fail(err, MRT_REFUSED, "%s: %s", l->host, call->words);
	}
}

int mrt_libs3_call(struct mrt_libs3 *l, const struct mrt_context *ctx, struct mrt_libs3_call *call,
                   bool once, struct mrt_error *err)
{
	struct mrt_error local;
	struct mrt_retry tries;
	err = err ? err : &local;
	call->api = &l->api;
	mrt_retry_init(&tries, l->retry_first, l->retry_longest, l->give_up_after);
	for (;;) {
		int rc = run_once(l, ctx, call, err);
		bool again = rc == MRT_UNREACHABLE;
		if (rc == 0) {
			rc = judge_status(l, call, err);
			again = rc == MRT_UNREACHABLE ||
			        (rc < 0 && l->api.status_is_retryable(call->status));
		}
		/* it takes a connection that was cut for an answer that ended */
		if (rc == 0 && call->into && call->got != call->cap) {
			rc = mrt_fail(err, MRT_UNREACHABLE, "%s sent %zu bytes of %zu", l->host,
			              call->got, call->cap);
			again = true;
		}
		if (rc == 0 || !again || once)
			return rc;
		call->lost = true;
		rc = mrt_retry_wait(&tries, ctx, 0, err);
		if (rc < 0)
			return rc;
	}
}
