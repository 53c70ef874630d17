/* list.c - listing, deleting, clearing leftovers, probing. */
#include "base/text.h"
#include "client/s3/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* encoding-type=url: keys come percent-encoded, and so any key survives XML */
static int decode_key(const char *text, char **ret, struct mrt_error *err)
{
	int rc = mrt_text_dup(text, ret, err);
	if (rc == 0)
		mrt_percent_decode(*ret, true);
	return rc;
}

static int add_object(const struct mrt_s3 *s3, const struct mrt_xml *item,
                      struct mrt_store_page *page, struct mrt_error *err)
{
	mrt_autofree char *full = NULL;
	int rc = decode_key(mrt_xml_text(item, "Key"), &full, err);
	if (rc < 0)
		return rc;
	size_t skip = strlen(s3->prefix);
	if (strncmp(full, s3->prefix, skip) != 0)
		return mrt_fail(err, MRT_FAILED, "the store listed '%s', which was not asked for",
		                full);
	struct mrt_object *object = &page->objects[page->n];
	int64_t size = 0;
	rc = mrt_number_parse(mrt_xml_text(item, "Size"), 0, INT64_MAX, &size, err);
	if (rc == 0)
		rc = mrt_time_parse(mrt_xml_text(item, "LastModified"), &object->modified, err);
	if (rc == 0)
		rc = mrt_text_dup(full + skip, &object->key, err);
	object->size = (uint64_t)size;
	page->n += rc == 0;
	return rc;
}

static size_t count(const struct mrt_xml *first)
{
	size_t n = 0;
	for (; first; first = mrt_xml_again(first))
		n++;
	return n;
}

int mrt_s3_list(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                const char *token, unsigned limit, struct mrt_store_page *ret,
                struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_autofree char *full = NULL;
	int rc = mrt_s3_key(s3, prefix, &full, err);
	if (rc < 0)
		return rc;
	char max[16];
	snprintf(max, sizeof(max), "%u", limit);
	const struct mrt_pair query[] = { { "list-type", "2" },
		                          { "max-keys", max },
		                          { "encoding-type", "url" },
		                          { "prefix", full },
		                          { "continuation-token", token } };
	struct mrt_s3_call call = { .method = "GET", .query = query, .n_query = token ? 5 : 4 };
	mrt_auto(mrt_xml) *xml = NULL;
	rc = mrt_s3_call_xml(s3, ctx, &call, "ListBucketResult", &xml, err);
	if (rc < 0)
		return rc;
	const struct mrt_xml *first = mrt_xml_child(xml, "Contents");
	ret->objects = calloc(count(first) + 1, sizeof(*ret->objects));
	if (!ret->objects)
		return mrt_no_memory(err);
	for (const struct mrt_xml *item = first; rc == 0 && item; item = mrt_xml_again(item))
		rc = add_object(s3, item, ret, err);
	const char *next = mrt_xml_text(xml, "NextContinuationToken");
	bool more = strcmp(mrt_xml_text(xml, "IsTruncated"), "true") == 0;
	if (rc == 0 && more && !*next)
		rc = mrt_fail(err, MRT_FAILED, "the listing was cut without a way to go on");
	if (rc == 0 && more)
		rc = mrt_text_dup(next, &ret->token, err);
	if (rc < 0)
		mrt_store_page_release(ret);
	return rc;
}

static void add_escaped(struct mrt_buf *buf, const char *text)
{
	for (; *text; text++)
		if (strchr("&<>\"'", *text))
			mrt_buf_printf(buf, "&#%d;", *text);
		else
			mrt_buf_add_char(buf, *text);
}

struct deletion {
	size_t failed;
	struct mrt_error first;
};

/* Up to 1,000; an id NULL is the key itself. */
static int delete_some(struct mrt_s3 *s3, const struct mrt_context *ctx,
                       const struct mrt_version *items, size_t n, struct deletion *to,
                       struct mrt_error *err)
{
	mrt_auto_buf body = MRT_BUF_INIT;
	mrt_buf_add_text(&body, "<Delete><Quiet>true</Quiet>");
	for (size_t i = 0; i < n; i++) {
		mrt_buf_add_text(&body, "<Object><Key>");
		add_escaped(&body, s3->prefix);
		add_escaped(&body, items[i].key);
		mrt_buf_add_text(&body, "</Key>");
		if (items[i].id) {
			mrt_buf_add_text(&body, "<VersionId>");
			add_escaped(&body, items[i].id);
			mrt_buf_add_text(&body, "</VersionId>");
		}
		mrt_buf_add_text(&body, "</Object>");
	}
	mrt_buf_add_text(&body, "</Delete>");
	int rc = mrt_buf_check(&body, err);
	if (rc < 0)
		return rc;
	const struct mrt_pair query = { "delete", "" };
	struct mrt_s3_call call = { .method = "POST",
		                    .query = &query,
		                    .n_query = 1,
		                    .body = body.data,
		                    .body_len = body.len,
		                    .md5 = true };
	mrt_auto(mrt_xml) *xml = NULL;
	rc = mrt_s3_call_xml(s3, ctx, &call, "DeleteResult", &xml, err);
	if (rc < 0)
		return rc;
	for (const struct mrt_xml *e = mrt_xml_child(xml, "Error"); e; e = mrt_xml_again(e)) {
		const char *code = mrt_xml_text(e, "Code");
		if (strcmp(code, "NoSuchKey") != 0 && strcmp(code, "NoSuchVersion") != 0 &&
		    to->failed++ == 0)
			mrt_fail(&to->first, MRT_REFUSED, "%s: %s %s", mrt_xml_text(e, "Key"), code,
			         mrt_xml_text(e, "Message"));
	}
	return 0;
}

int mrt_s3_delete_versions(struct mrt_store *store, const struct mrt_context *ctx,
                           const struct mrt_version *items, size_t n, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	struct deletion all = { 0 };
	struct mrt_error local;
	err = err ? err : &local;
	for (size_t i = 0; i < n; i += 1000) {
		size_t some = n - i < 1000 ? n - i : 1000;
		struct mrt_error why;
		int rc = delete_some(s3, ctx, items + i, some, &all, &why);
		if (rc == MRT_CANCELLED || rc == MRT_DEADLINE) {
			*err = why;
			return rc;
		}
		if (rc < 0 && all.failed == 0)
			all.first = why;
		all.failed += rc < 0 ? some : 0;
	}
	return all.failed == 0 ? 0
	                       : mrt_fail_because(err, all.first.code, &all.first,
	                                          "%zu of %zu failed", all.failed, n);
}

int mrt_s3_delete(struct mrt_store *store, const struct mrt_context *ctx, const char *const *keys,
                  size_t n, struct mrt_error *err)
{
	mrt_autofree struct mrt_version *items = calloc(n + 1, sizeof(*items));
	if (!items)
		return mrt_no_memory(err);
	for (size_t i = 0; i < n; i++)
		items[i].key = (char *)(uintptr_t)keys[i]; /* read only */
	return mrt_s3_delete_versions(store, ctx, items, n, err);
}

int mrt_s3_abort(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                 const char *upload_id, struct mrt_error *err)
{
	const struct mrt_pair query = { "uploadId", upload_id };
	/* a part that was on its way may arrive after an abort: ask until none is left */
	for (unsigned i = 0; i < 10; i++) {
		mrt_auto_response gone = MRT_HTTP_RESPONSE, left = MRT_HTTP_RESPONSE;
		struct mrt_s3_call call = {
			.method = "DELETE", .key = key, .query = &query, .n_query = 1
		};
		int rc = mrt_s3_call(s3, ctx, &call, &gone, err);
		if (rc < 0 && rc != MRT_NOT_FOUND)
			return rc;
		call = (struct mrt_s3_call) {
			.method = "GET", .key = key, .query = &query, .n_query = 1
		};
		rc = mrt_s3_call(s3, ctx, &call, &left, err);
		if (rc == MRT_NOT_FOUND)
			return 0;
		if (rc < 0)
			return rc;
	}
	return mrt_fail(err, MRT_FAILED, "the upload of %s still has parts after ten aborts", key);
}

/* One page of unfinished uploads; the markers go on to the next. */
static int leftover_page(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *prefix,
                         int64_t oldest, char **key_marker, char **id_marker,
                         struct mrt_leftovers *ret, struct mrt_error *err)
{
	const struct mrt_pair query[] = { { "uploads", "" },
		                          { "encoding-type", "url" },
		                          { "prefix", prefix },
		                          { "key-marker", *key_marker },
		                          { "upload-id-marker", *id_marker } };
	struct mrt_s3_call call = { .method = "GET",
		                    .query = query,
		                    .n_query = *key_marker ? 5 : 3 };
	mrt_auto(mrt_xml) *xml = NULL;
	int rc = mrt_s3_call_xml(s3, ctx, &call, "ListMultipartUploadsResult", &xml, err);
	const struct mrt_xml *item = rc == 0 ? mrt_xml_child(xml, "Upload") : NULL;
	for (; rc == 0 && item; item = mrt_xml_again(item)) {
		mrt_autofree char *key = NULL;
		int64_t begun = 0;
		rc = decode_key(mrt_xml_text(item, "Key"), &key, err);
		if (rc == 0)
			rc = mrt_time_parse(mrt_xml_text(item, "Initiated"), &begun, err);
		ret->found += rc == 0;
		if (rc < 0 || begun > oldest)
			continue;
		rc = mrt_s3_abort(s3, ctx, key, mrt_xml_text(item, "UploadId"), err);
		ret->removed += rc == 0;
	}
	free(mrt_steal(*key_marker));
	free(mrt_steal(*id_marker));
	if (rc < 0 || strcmp(mrt_xml_text(xml, "IsTruncated"), "true") != 0)
		return rc;
	rc = decode_key(mrt_xml_text(xml, "NextKeyMarker"), key_marker, err);
	return rc < 0 ? rc : mrt_text_dup(mrt_xml_text(xml, "NextUploadIdMarker"), id_marker, err);
}

int mrt_s3_leftovers(struct mrt_store *store, const struct mrt_context *ctx, const char *prefix,
                     int64_t grace, struct mrt_leftovers *ret, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	mrt_autofree char *full = NULL, *key_marker = NULL, *id_marker = NULL;
	struct mrt_store_capabilities now; /* asks once, and so learns the store's clock */
	int rc = mrt_s3_key(s3, prefix, &full, err);
	if (rc == 0)
		rc = mrt_s3_probe(store, ctx, false, &now, err);
	int64_t oldest = (ctx->wall() + s3->skew - grace) / MRT_SECOND;
	while (rc == 0) {
		rc = leftover_page(s3, ctx, full, oldest, &key_marker, &id_marker, ret, err);
		if (!key_marker)
			break;
	}
	return rc;
}

/* Puts twice under one condition: what does the store do with the second? */
static int probe_put(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                     enum mrt_answer *ret, struct mrt_error *err)
{
	const struct mrt_pair condition = { "if-none-match", "*" };
	for (unsigned i = 0; i < 2; i++) {
		mrt_auto_response response = MRT_HTTP_RESPONSE;
		struct mrt_s3_call call = { .method = "PUT",
			                    .key = key,
			                    .headers = &condition,
			                    .n_headers = i,
			                    .body = "probe",
			                    .body_len = 5,
			                    .bulk = true };
		int rc = mrt_s3_call(s3, ctx, &call, &response, err);
		if (i == 0 && rc < 0)
			return rc;
		*ret = response.status == 412 ? MRT_YES : MRT_NO;
	}
	return 0;
}

static int probe_complete(struct mrt_s3 *s3, const struct mrt_context *ctx, const char *key,
                          enum mrt_answer *ret, struct mrt_error *err)
{
	const struct mrt_pair begin = { "uploads", "" }, condition = { "if-none-match", "*" };
	struct mrt_s3_call call = {
		.method = "POST", .key = key, .query = &begin, .n_query = 1, .body = ""
	};
	mrt_auto(mrt_xml) *xml = NULL;
	int rc = mrt_s3_call_xml(s3, ctx, &call, "InitiateMultipartUploadResult", &xml, err);
	if (rc < 0)
		return rc;
	const char *id = mrt_xml_text(xml, "UploadId");
	const struct mrt_pair query[] = { { "uploadId", id }, { "partNumber", "1" } };
	mrt_auto_response part = MRT_HTTP_RESPONSE, done = MRT_HTTP_RESPONSE;
	call = (struct mrt_s3_call) { .method = "PUT",
		                      .key = key,
		                      .query = query,
		                      .n_query = 2,
		                      .body = "probe",
		                      .body_len = 5,
		                      .bulk = true };
	rc = mrt_s3_call(s3, ctx, &call, &part, err);
	char etag[80] = "";
	mrt_http_header(&part, "etag", etag, sizeof(etag));
	mrt_auto_buf body = MRT_BUF_INIT;
	mrt_buf_printf(&body,
	               "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s"
	               "</ETag></Part></CompleteMultipartUpload>",
	               etag);
	call = (struct mrt_s3_call) { .method = "POST",
		                      .key = key,
		                      .query = query,
		                      .n_query = 1,
		                      .headers = &condition,
		                      .n_headers = 1,
		                      .body = body.data,
		                      .body_len = body.len };
	if (rc == 0) {
		mrt_s3_call(s3, ctx, &call, &done, NULL);
		*ret = done.status == 412 ? MRT_YES : MRT_NO;
	}
	if (rc < 0 || *ret == MRT_YES)
		return rc < 0 ? rc : mrt_s3_abort(s3, ctx, key, id, err);
	return 0;
}

int mrt_s3_probe(struct mrt_store *store, const struct mrt_context *ctx, bool write,
                 struct mrt_store_capabilities *ret, struct mrt_error *err)
{
	struct mrt_s3 *s3 = (struct mrt_s3 *)store;
	struct mrt_store_page page = { 0 };
	struct mrt_store_capabilities found = { .odd_keys = true,
		                                .leaves_uploads = true,
		                                .largest_object = UINT64_C(5) << 40 };
	int rc = mrt_s3_list(store, ctx, "", NULL, 1, &page, err);
	mrt_store_page_release(&page);
	if (rc == 0 && write) {
		char random[9];
		mrt_autofree char *name = NULL, *key = NULL;
		mrt_random_hex(4, random);
		rc = mrt_text_printf(&name, err, ".maratea-probe/%s", random);
		if (rc == 0)
			rc = mrt_s3_key(s3, name, &key, err);
		if (rc == 0)
			rc = probe_put(s3, ctx, key, &found.conditional_put, err);
		if (rc == 0)
			rc = probe_complete(s3, ctx, key, &found.conditional_complete, err);
		const char *names[] = { name };
		int gone = name ? mrt_s3_delete(store, ctx, names, 1, rc < 0 ? NULL : err) : 0;
		rc = rc < 0 ? rc : gone;
	}
	if (rc < 0)
		return mrt_prefix(err, rc, "probe %s", s3->store.name);
	found.has_clock = s3->has_clock;
	found.clock_skew = s3->skew;
	*ret = found;
	return 0;
}
