/* settings.c - how a bucket is set up: versions, locks, and what its lifecycle deletes. */
#include "base/text.h"
#include "client/s3/driver.h"

#include <stdlib.h>
#include <string.h>

/* Asks for a part of the bucket's configuration. *ret NULL: there is none, or, with *ret_silent,
 * one may not ask or the server does not know the question. */
static int ask_setting(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *what,
                       const char *root, struct mrt_xml **ret, bool *ret_silent,
                       struct mrt_error *err)
{
	const struct mrt_pair query = { what, "" };
	struct mrt_s3_call call = { .method = "GET", .query = &query, .n_query = 1 };
	struct mrt_error why;
	int rc = mrt_s3_call_xml(s3, ctx, &call, root, ret, &why);
	*ret_silent = rc == MRT_REFUSED || rc == MRT_FAILED || rc == MRT_UNSUPPORTED;
	if (rc == 0 || rc == MRT_NOT_FOUND || *ret_silent)
		return 0;
	if (err)
		*err = why;
	return rc;
}

static int read_lock(struct mrt_s3 *s3, const struct mrt_context *ctx,
                     struct mrt_store_settings *ret, struct mrt_error *err)
{
	mrt_auto(mrt_xml) *xml = NULL;
	bool silent;
	int rc = ask_setting(s3, ctx, "object-lock", "ObjectLockConfiguration", &xml, &silent, err);
	ret->object_lock = silent ? MRT_UNKNOWN
	                   : xml && strcmp(mrt_xml_text(xml, "ObjectLockEnabled"), "Enabled") == 0
	                           ? MRT_YES
	                           : MRT_NO;
	const struct mrt_xml *rule = xml ? mrt_xml_child(xml, "Rule") : NULL;
	const struct mrt_xml *retention = rule ? mrt_xml_child(rule, "DefaultRetention") : NULL;
	if (rc < 0 || !retention)
		return rc;
	int64_t days = 0, years = 0;
	snprintf(ret->lock_mode, sizeof(ret->lock_mode), "%s", mrt_xml_text(retention, "Mode"));
	mrt_number_parse(mrt_xml_text(retention, "Days"), 0, INT32_MAX, &days, NULL);
	mrt_number_parse(mrt_xml_text(retention, "Years"), 0, 1000, &years, NULL);
	ret->lock_days = days + 365 * years;
	return 0;
}

/* Does a rule for one prefix touch what lies under the other? */
static bool touches(const char *rule, const char *ours)
{
	size_t a = strlen(rule), b = strlen(ours);
	return strncmp(rule, ours, a < b ? a : b) == 0;
}

static int add_rule(struct mrt_store_settings *s, const struct mrt_xml *rule,
                    const struct mrt_xml *expiration, const char *days, bool noncurrent,
                    struct mrt_error *err)
{
	struct mrt_store_rule *grown = realloc(s->rules, (s->n_rules + 1) * sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	s->rules = grown;
	struct mrt_store_rule *item = &grown[s->n_rules];
	*item = (struct mrt_store_rule) { .noncurrent = noncurrent };
	int rc = mrt_text_dup(mrt_xml_text(rule, "ID"), &item->id, err);
	s->n_rules += rc == 0;
	mrt_number_parse(mrt_xml_text(expiration, days), 0, INT32_MAX, &item->days, NULL);
	return rc;
}

static int read_rule(struct mrt_s3 *s3, const struct mrt_xml *rule, struct mrt_store_settings *ret,
                     struct mrt_error *err)
{
	const struct mrt_xml *filter = mrt_xml_child(rule, "Filter"),
	                     *both = filter ? mrt_xml_child(filter, "And") : NULL,
	                     *expiration = mrt_xml_child(rule, "Expiration"),
	                     *noncurrent = mrt_xml_child(rule, "NoncurrentVersionExpiration"),
	                     *unfinished = mrt_xml_child(rule, "AbortIncompleteMultipartUpload");
	const char *prefix = mrt_xml_text(rule, "Prefix");
	if (filter && !*prefix)
		prefix = mrt_xml_text(both ? both : filter, "Prefix");
	/* our objects have no tags */
	bool tagged =
	        filter && (mrt_xml_child(filter, "Tag") || (both && mrt_xml_child(both, "Tag")));
	if (strcmp(mrt_xml_text(rule, "Status"), "Enabled") != 0 || tagged ||
	    !touches(prefix, s3->prefix))
		return 0;
	int64_t days = 0;
	int rc = 0;
	if (expiration && (mrt_xml_child(expiration, "Days") || mrt_xml_child(expiration, "Date")))
		rc = add_rule(ret, rule, expiration, "Days", false, err);
	if (rc == 0 && noncurrent)
		rc = add_rule(ret, rule, noncurrent, "NoncurrentDays", true, err);
	if (unfinished)
		mrt_number_parse(mrt_xml_text(unfinished, "DaysAfterInitiation"), 0, INT32_MAX,
		                 &days, NULL);
	if (days > 0 && (ret->abort_days == 0 || days < ret->abort_days))
		ret->abort_days = days;
	return rc;
}

int mrt_s3_settings(struct mrt_store *store, const struct mrt_context *ctx,
                    struct mrt_store_settings *ret, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_auto(mrt_xml) *xml = NULL;
	bool silent = false;
	int rc = mrt_s3_versioned(store, ctx, &ret->versioned, err);
	if (rc == 0)
		rc = read_lock(s3, ctx, ret, err);
	if (rc == 0)
		rc = ask_setting(s3, ctx, "lifecycle", "LifecycleConfiguration", &xml, &silent,
		                 err);
	ret->lifecycle = silent ? MRT_UNKNOWN : xml ? MRT_YES : MRT_NO;
	const struct mrt_xml *rule = xml ? mrt_xml_child(xml, "Rule") : NULL;
	for (; rc == 0 && rule; rule = mrt_xml_again(rule))
		rc = read_rule(s3, rule, ret, err);
	return rc;
}
