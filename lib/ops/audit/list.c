/* list.c - "audit list": what the chains tell. */
#include "base/text.h"
#include "ops/audit/commands.h"
#include "ops/audit/read.h"
#include "platform/migrations.h"
#include "platform/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE "500"
#define COLUMNS                                                               \
	"SELECT a.tenant_id, a.seq, to_char(a.at AT TIME ZONE 'UTC', "        \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), a.actor, a.action, a.origin, " \
	"a.payload, "
#define WHERE(beyond)                                                                          \
	" WHERE ($1::uuid IS NULL OR a.tenant_id = $1) AND (a.at, a.tenant_id, a.seq) " beyond \
	" ($2::timestamptz, $3::uuid, $4::bigint) AND ($5::timestamptz IS NULL "               \
	"OR a.at >= $5) AND ($6::text IS NULL OR strpos(a.actor, $6) > 0) AND "                \
	"($7::text IS NULL OR starts_with(a.action, $7))"
#define UP WHERE(">") " ORDER BY a.at, a.tenant_id, a.seq LIMIT " PAGE
#define DOWN WHERE("<") " ORDER BY a.at DESC, a.tenant_id DESC, a.seq DESC LIMIT " PAGE
#define PLATFORM "t.slug FROM audit_log a LEFT JOIN tenants t ON t.id = a.tenant_id"
#define TENANT "NULL FROM audit_log a"

/* The chains in one schema, a page at a time in memory. */
struct source {
	struct mrt_pg *pg;
	const char *schema, *chain;
	char at[64], tenant[MRT_UUID_SIZE], seq[24]; /* where the next page begins */
	PGresult *page;
	int next; /* row of page */
	bool over;
};

struct listing {
	struct mrt_audit_reading r;
	const struct mrt_audit_filter *filter;
	char since[MRT_TIME_SIZE];
	bool down; /* the newest first */
	struct source sources[2];
	size_t n;
};

static void listing_release(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		PQclear(l->sources[i].page);
	mrt_audit_reading_release(&l->r);
}

static int describe_event(const PGresult *p, int i, const char *chain, const char *slug,
                          json_t **ret, struct mrt_error *err)
{
	static const char *const names[] = { "tenant", "seq", "at", "actor", "action", "origin" };
	mrt_auto_json json = json_object();
	mrt_autofree char *id = NULL;
	json_t *payload = NULL;
	int rc = json ? mrt_text_printf(&id, err, "%s/%s/%s", chain, PQgetvalue(p, i, 0),
	                                PQgetvalue(p, i, 1))
	              : mrt_no_memory(err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "id", id, err);
	if (rc == 0)
		rc = mrt_json_set_text(json, "chain", chain, err);
	if (rc == 0 && !slug && !PQgetisnull(p, i, 7))
		slug = PQgetvalue(p, i, 7);
	if (rc == 0)
		rc = mrt_json_set_text(json, "slug", slug, err);
	for (int k = 0; rc == 0 && k < 6; k++)
		rc = k == 1 ? mrt_json_set_size(json, names[k],
		                                strtoull(PQgetvalue(p, i, k), NULL, 10), err)
		            : mrt_json_set_text(json, names[k], PQgetvalue(p, i, k), err);
	if (rc == 0 && !PQgetisnull(p, i, 6))
		payload = json_loads(PQgetvalue(p, i, 6), JSON_DECODE_ANY, NULL);
	if (rc == 0)
		rc = mrt_json_set(json, "payload", payload ? payload : json_null(), err);
	if (rc == 0)
		*ret = mrt_steal(json);
	return rc;
}

static void begin(struct listing *l, struct mrt_pg *pg, const char *schema, const char *chain)
{
	struct source *s = &l->sources[l->n++];
	*s = (struct source) { .pg = pg, .schema = schema, .chain = chain };
	snprintf(s->at, sizeof(s->at), "%s", l->down ? "infinity" : "-infinity");
	snprintf(s->tenant, sizeof(s->tenant), "%s", "00000000-0000-0000-0000-000000000000");
	snprintf(s->seq, sizeof(s->seq), "0");
}

/* While somebody reads, nothing is held in the server. */
static int read_page(const struct listing *l, struct source *s, struct mrt_error *err)
{
	static const char *const texts[2][2] = { { COLUMNS PLATFORM UP, COLUMNS PLATFORM DOWN },
		                                 { COLUMNS TENANT UP, COLUMNS TENANT DOWN } };
	const struct mrt_audit_filter *f = l->filter;
	const char *const values[] = {
		l->r.tenant, s->at,    s->tenant, s->seq, f->since ? l->since : NULL,
		f->actor,    f->action
	};
	bool own = strcmp(s->chain, MRT_CHAIN_TENANT) == 0;
	PQclear(s->page);
	s->page = NULL;
	s->next = 0;
	int rc = mrt_audit_enter(s->pg, l->r.s.ctx, s->schema, err);
	if (rc < 0)
		return rc;
	rc = mrt_pg_query(s->pg, l->r.s.ctx, texts[own][l->down], values, 7, &s->page, err);
	rc = mrt_audit_leave(s->pg, l->r.s.ctx, rc, err);
	int n = rc == 0 ? PQntuples(s->page) : 0;
	s->over = n == 0;
	if (n > 0) {
		snprintf(s->at, sizeof(s->at), "%s", PQgetvalue(s->page, n - 1, 2));
		snprintf(s->tenant, sizeof(s->tenant), "%s", PQgetvalue(s->page, n - 1, 0));
		snprintf(s->seq, sizeof(s->seq), "%s", PQgetvalue(s->page, n - 1, 1));
	}
	return rc;
}

static const char *time_of(const struct source *s)
{
	return PQgetvalue(s->page, s->next, 2);
}

/* The next of all by time; *ret NULL: there is none. */
static int choose(struct listing *l, struct source **ret, struct mrt_error *err)
{
	int rc = 0;
	*ret = NULL;
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		struct source *s = &l->sources[i];
		if (!s->over && (!s->page || s->next == PQntuples(s->page)))
			rc = read_page(l, s, err);
		if (rc < 0 || s->over)
			continue;
		int order = *ret ? strcmp(time_of(s), time_of(*ret)) : 0;
		if (!*ret || (l->down ? order >= 0 : order < 0))
			*ret = s;
	}
	return rc;
}

static int next(struct listing *l, json_t **ret, struct mrt_error *err)
{
	struct source *s;
	int rc = choose(l, &s, err);
	return rc < 0 || !s ? rc
	                    : describe_event(s->page, s->next++, s->chain, l->r.slug, ret, err);
}

/* The newest are found first, and told last. */
static int tell_last(struct listing *l,
                     int (*each)(const json_t *event, void *context, struct mrt_error *err),
                     void *context, struct mrt_error *err)
{
	mrt_auto_json list = json_array();
	int rc = list ? 0 : mrt_no_memory(err);
	for (uint64_t n = 0; rc == 0 && n < l->filter->limit; n++) {
		json_t *one = NULL;
		rc = next(l, &one, err);
		if (rc < 0 || !one)
			break;
		rc = mrt_json_append(list, one, err);
	}
	for (size_t i = json_array_size(list); rc == 0 && i > 0; i--)
		rc = each(json_array_get(list, i - 1), context, err);
	return rc;
}

static int tell_all(struct listing *l,
                    int (*each)(const json_t *event, void *context, struct mrt_error *err),
                    void *context, struct mrt_error *err)
{
	for (;;) {
		mrt_auto_json one = NULL;
		int rc = next(l, &one, err);
		if (rc == 0 && one)
			rc = each(one, context, err);
		if (rc < 0 || !one)
			return rc;
	}
}

/* "7d": so long ago; "2026-11-25": from the beginning of that day, UTC; or a time. */
static int read_since(struct listing *l, struct mrt_error *err)
{
	const char *text = l->filter->since;
	char day[MRT_TIME_SIZE];
	int64_t at, ago;
	if (!text)
		return 0;
	snprintf(day, sizeof(day), "%.10sT00:00:00Z", text);
	if (mrt_duration_parse(text, &ago, NULL) == 0)
		at = (l->r.s.ctx->wall() - ago) / MRT_SECOND;
	else if (mrt_time_parse(strlen(text) == 10 ? day : text, &at, NULL) < 0)
		return mrt_fail(err, MRT_USAGE,
		                "--since '%.80s': a duration such as 7d, or a time such as "
		                "2026-11-25 or 2026-11-25T14:00:00Z",
		                text);
	mrt_time_format(at, MRT_TIME_RFC3339, l->since);
	return 0;
}

int mrt_audit_list(const struct mrt_context *ctx, const struct mrt_config *config, const char *slug,
                   const struct mrt_audit_filter *filter,
                   int (*each)(const json_t *event, void *context, struct mrt_error *err),
                   void *context, struct mrt_error *err)
{
	mrt_auto(mrt_pg) *own = NULL;
	mrt_cleanup(listing_release) struct listing l = { .filter = filter,
		                                          .down = filter->limit > 0 };
	struct mrt_pg *pg = NULL;
	l.r.s.ctx = ctx;
	int rc = read_since(&l, err);
	if (rc == 0)
		rc = mrt_audit_open(ctx, config, slug, &l.r, err);
	if (rc == 0 && slug && l.r.made)
		rc = mrt_place_connect(ctx, config, l.r.s.pg, l.r.database, &own, &pg, err);
	if (rc < 0)
		return rc;
	begin(&l, l.r.s.pg, MRT_PLATFORM_SCHEMA, MRT_CHAIN_PLATFORM);
	if (pg)
		begin(&l, pg, l.r.schema, MRT_CHAIN_TENANT);
	return l.down ? tell_last(&l, each, context, err) : tell_all(&l, each, context, err);
}
