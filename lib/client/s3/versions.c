/* versions.c - buckets that keep what is deleted: versions, delete markers, locks. */
#include "base/text.h"
#include "client/s3/driver.h"

#include <stdio.h>
#include <string.h>

int mrt_s3_versioned(struct mrt_store *store, const struct mrt_context *ctx, enum mrt_answer *ret,
                     struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	const struct mrt_pair query = { "versioning", "" };
	struct mrt_s3_call call = { .method = "GET", .query = &query, .n_query = 1 };
	mrt_auto(mrt_xml) *xml = NULL;
	struct mrt_error why;
	int rc = mrt_s3_call_xml(s3, ctx, &call, "VersioningConfiguration", &xml, &why);
	*ret = MRT_UNKNOWN;
	/* one may not be allowed to ask, and simple servers know no versions at all */
	if (rc == MRT_REFUSED || rc == MRT_NOT_FOUND || rc == MRT_FAILED || rc == MRT_UNSUPPORTED)
		return 0;
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	/* suspended: the old versions are still there */
	*ret = *mrt_xml_text(xml, "Status") ? MRT_YES : MRT_NO;
	return 0;
}

static int add(struct mrt_versions *to, const struct mrt_s3 *s3, const struct mrt_xml *item,
               bool marker, struct mrt_error *err)
{
	mrt_autofree char *full = NULL;
	size_t skip = strlen(s3->prefix);
	int rc = mrt_text_dup(mrt_xml_text(item, "Key"), &full, err);
	if (rc < 0)
		return rc;
	mrt_percent_decode(full, true);
	if (strncmp(full, s3->prefix, skip) != 0)
		return mrt_fail(err, MRT_FAILED, "the store listed '%s', which was not asked for",
		                full);
	if ((to->n & (to->n - 1)) == 0) { /* 0, 1, 2, 4, 8... */
		struct mrt_version *grown =
		        realloc(to->items, (to->n > 0 ? 2 * to->n : 1) * sizeof(*grown));
		if (!grown)
			return mrt_no_memory(err);
		to->items = grown;
	}
	struct mrt_version *v = &to->items[to->n];
	*v = (struct mrt_version) { .marker = marker };
	rc = mrt_text_dup(full + skip, &v->key, err);
	if (rc < 0)
		return rc;
	to->n++;
	return mrt_text_dup(mrt_xml_text(item, "VersionId"), &v->id, err);
}

/* One page; the markers go on to the next. */
static int version_page(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *prefix,
                        char **key_marker, char **id_marker, struct mrt_versions *ret,
                        struct mrt_error *err)
{
	const struct mrt_pair query[] = { { "versions", "" },
		                          { "encoding-type", "url" },
		                          { "prefix", prefix },
		                          { "key-marker", *key_marker },
		                          { "version-id-marker", *id_marker } };
	struct mrt_s3_call call = { .method = "GET",
		                    .query = query,
		                    .n_query = *key_marker ? 5 : 3 };
	mrt_auto(mrt_xml) *xml = NULL;
	int rc = mrt_s3_call_xml(s3, ctx, &call, "ListVersionsResult", &xml, err);
	if (rc < 0)
		return rc;
	const struct mrt_xml *item = mrt_xml_child(xml, "Version");
	for (; rc == 0 && item; item = mrt_xml_again(item))
		rc = add(ret, s3, item, false, err);
	item = mrt_xml_child(xml, "DeleteMarker");
	for (; rc == 0 && item; item = mrt_xml_again(item))
		rc = add(ret, s3, item, true, err);
	free(mrt_steal(*key_marker));
	free(mrt_steal(*id_marker));
	if (rc < 0 || strcmp(mrt_xml_text(xml, "IsTruncated"), "true") != 0)
		return rc;
	rc = mrt_text_dup(mrt_xml_text(xml, "NextKeyMarker"), key_marker, err);
	if (rc < 0)
		return rc;
	mrt_percent_decode(*key_marker, true);
	return mrt_text_dup(mrt_xml_text(xml, "NextVersionIdMarker"), id_marker, err);
}

int mrt_s3_versions(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                    struct mrt_versions *ret, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_autofree char *full = NULL, *key_marker = NULL, *id_marker = NULL;
	int rc = mrt_s3_key(s3, prefix, &full, err);
	while (rc == 0) {
		rc = version_page(s3, ctx, full, &key_marker, &id_marker, ret, err);
		if (!key_marker)
			break;
	}
	return rc;
}

int mrt_s3_read_retention(struct mrt_store *store, const struct mrt_context *ctx,
                          struct mrt_version *version, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_autofree char *key = NULL;
	version->retain_until = 0;
	if (version->marker)
		return 0;
	const struct mrt_pair query = { "versionId", version->id };
	mrt_auto_response response = MRT_HTTP_RESPONSE;
	int rc = mrt_s3_key(s3, version->key, &key, err);
	struct mrt_s3_call call = { .method = "HEAD", .key = key, .query = &query, .n_query = 1 };
	if (rc == 0)
		rc = mrt_s3_call(s3, ctx, &call, &response, err);
	if (rc < 0)
		return rc;
	char text[64];
	if (mrt_http_header(&response, "x-amz-object-lock-legal-hold", text, sizeof(text)) &&
	    strcmp(text, "ON") == 0)
		version->retain_until = INT64_MAX;
	else if (mrt_http_header(&response, "x-amz-object-lock-retain-until-date", text,
	                         sizeof(text)))
		rc = mrt_time_parse(text, &version->retain_until, err);
	return rc;
}

int mrt_s3_keep_until(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                      const char *until, struct mrt_error *err)
{
	mrt_auto_response head = MRT_HTTP_RESPONSE;
	mrt_auto_response done = MRT_HTTP_RESPONSE;
	mrt_auto_buf body = MRT_BUF_INIT;
	char text[64] = "";
	int64_t is = 0, wanted = 0;
	struct mrt_s3_call call = { .method = "HEAD", .key = key };
	int rc = mrt_s3_call(s3, ctx, &call, &head, err);
	if (rc < 0)
		return rc;
	if (mrt_http_header(&head, "x-amz-object-lock-retain-until-date", text, sizeof(text)))
		mrt_time_parse(text, &is, NULL);
	mrt_time_parse(until, &wanted, NULL);
	if (is >= wanted)
		return 0;
	const struct mrt_pair query = { "retention", "" };
	mrt_buf_printf(&body,
	               "<Retention><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate>"
	               "</Retention>",
	               s3->lock_mode, until);
	call = (struct mrt_s3_call) { .method = "PUT",
		                      .key = key,
		                      .query = &query,
		                      .n_query = 1,
		                      .body = mrt_buf_text(&body),
		                      .body_len = body.len,
		                      .md5 = true };
	rc = mrt_buf_check(&body, err);
	if (rc == 0)
		rc = mrt_s3_call(s3, ctx, &call, &done, err);
	return rc < 0 ? mrt_prefix(err, rc, "it is stored, but not locked") : 0;
}
