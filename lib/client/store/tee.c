/* tee.c - one put into several stores at once. */
#include "client/store/tee.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct branch {
	struct mrt_store *store;
	_Atomic bool dropped;
	struct mrt_error why; /* written once, before dropped */
};

struct tee {
	struct mrt_store store;
	pthread_mutex_t lock;
	struct branch *branches;
	size_t n;
};

struct tee_put {
	struct mrt_sink sink;
	struct tee *tee;
	struct mrt_sink **sinks; /* NULL: dropped */
};

void mrt_store_tee_drop(struct mrt_store *store, size_t i, const struct mrt_error *why)
{
	struct tee *tee = (struct tee *)store;
	struct branch *b = &tee->branches[i];
	pthread_mutex_lock(&tee->lock);
	if (!b->dropped) {
		b->why = *why;
		b->dropped = true;
	}
	pthread_mutex_unlock(&tee->lock);
}

const struct mrt_error *mrt_store_tee_dropped(const struct mrt_store *store, size_t i)
{
	const struct tee *tee = (const struct tee *)store;
	return tee->branches[i].dropped ? &tee->branches[i].why : NULL;
}

static int none_left(const struct tee *tee, struct mrt_error *err)
{
	for (size_t i = 0; i < tee->n; i++)
		if (!tee->branches[i].dropped)
			return 0;
	if (err)
		*err = tee->branches[0].why;
	return tee->branches[0].why.code;
}

/* A run that ends is nobody's fault; everything else costs the branch. */
static int lose(struct tee_put *put, size_t i, int rc, const struct mrt_error *why,
                struct mrt_error *err)
{
	if (rc == MRT_CANCELLED || rc == MRT_DEADLINE) {
		if (err)
			*err = *why;
		return rc;
	}
	mrt_store_tee_drop(&put->tee->store, i, why);
	mrt_sink_free(mrt_steal(put->sinks[i]));
	return 0;
}

static int each(struct tee_put *put, int (*step)(struct mrt_sink *sink, struct mrt_error *err),
                const void *data, size_t len, struct mrt_error *err)
{
	for (size_t i = 0; i < put->tee->n; i++) {
		struct mrt_error why = { 0 };
		if (put->tee->branches[i].dropped)
			mrt_sink_free(mrt_steal(put->sinks[i]));
		if (!put->sinks[i])
			continue;
		int rc = step ? step(put->sinks[i], &why)
		              : mrt_sink_write(put->sinks[i], data, len, &why);
		rc = rc < 0 ? lose(put, i, rc, &why, err) : 0;
		if (rc < 0)
			return rc;
	}
	return none_left(put->tee, err);
}

static int tee_write(struct mrt_sink *sink, const void *data, size_t len, struct mrt_error *err)
{
	return each((struct tee_put *)sink, NULL, data, len, err);
}

static int tee_prepare(struct mrt_sink *sink, struct mrt_error *err)
{
	return each((struct tee_put *)sink, mrt_sink_prepare, NULL, 0, err);
}

static int tee_commit(struct mrt_sink *sink, struct mrt_error *err)
{
	return each((struct tee_put *)sink, mrt_sink_commit, NULL, 0, err);
}

static void tee_put_free(struct mrt_sink *sink)
{
	struct tee_put *put = (struct tee_put *)sink;
	for (size_t i = 0; put->sinks && i < put->tee->n; i++)
		mrt_sink_free(put->sinks[i]);
	free(put->sinks);
	free(put);
}

static int tee_put(struct mrt_store *store, const struct mrt_context *ctx, const char *key,
                   int64_t since, struct mrt_sink **ret, struct mrt_error *err)
{
	static const struct mrt_sink_ops ops = { .write = tee_write,
		                                 .prepare = tee_prepare,
		                                 .commit = tee_commit,
		                                 .free = tee_put_free };
	struct tee *tee = (struct tee *)store;
	struct tee_put *put = calloc(1, sizeof(*put));
	if (!put)
		return mrt_no_memory(err);
	*put = (struct tee_put) { .sink.ops = &ops, .tee = tee };
	mrt_auto(mrt_sink) *sink = &put->sink;
	put->sinks = calloc(tee->n, sizeof(*put->sinks));
	if (!put->sinks)
		return mrt_no_memory(err);
	for (size_t i = 0; i < tee->n; i++) {
		struct mrt_error why = { 0 };
		int rc = tee->branches[i].dropped
		                 ? 0
		                 : mrt_store_put_locked(tee->branches[i].store, ctx, key, since,
		                                        &put->sinks[i], &why);
		rc = rc < 0 ? lose(put, i, rc, &why, err) : 0;
		if (rc < 0)
			return rc;
	}
	int rc = none_left(tee, err);
	if (rc == 0)
		*ret = mrt_steal(sink);
	return rc;
}

static void tee_free(struct mrt_store *store)
{
	struct tee *tee = (struct tee *)store;
	pthread_mutex_destroy(&tee->lock);
	free(tee->branches);
	free(tee->store.name);
	free(tee);
}

int mrt_store_tee_open(struct mrt_store *const *stores, size_t n, struct mrt_store **ret,
                       struct mrt_error *err)
{
	static const struct mrt_store_ops ops = { .put = tee_put, .free = tee_free };
	struct tee *tee = calloc(1, sizeof(*tee));
	if (!tee)
		return mrt_no_memory(err);
	tee->store.ops = &ops;
	pthread_mutex_init(&tee->lock, NULL);
	mrt_auto(mrt_store) *store = &tee->store;
	tee->branches = calloc(n, sizeof(*tee->branches));
	tee->store.name = strdup(stores[0]->name);
	if (!tee->branches || !tee->store.name)
		return mrt_no_memory(err);
	tee->n = n;
	tee->store.odd_keys = true;
	for (size_t i = 0; i < n; i++) {
		tee->branches[i].store = stores[i];
		tee->store.odd_keys = tee->store.odd_keys && stores[i]->odd_keys;
	}
	*ret = mrt_steal(store);
	return 0;
}
