/* fuzz_tar.c - tar streams: fed whole, and in pieces of which the first byte says the size; both
 * must be heard alike. */
#include "base/buf.h"
#include "codec/tar.h"
#include "fuzz.h"

struct listener {
	struct mrt_buf heard;
	uint64_t left, entries;
	bool inside;
};

static int on_begin(void *context, const struct mrt_tar_entry *entry, struct mrt_error *err)
{
	struct listener *l = context;
	size_t len = strlen(entry->name);
	fuzz_check(!l->inside && len > 0 && len <= 256 && strlen(entry->link) <= 100);
	fuzz_check(len == 1 || entry->name[len - 1] != '/');
	fuzz_check(entry->size <= INT64_MAX && entry->mode <= 07777);
	fuzz_check(entry->type == MRT_TAR_FILE || entry->size == 0);
	l->inside = true;
	l->left = entry->size;
	l->entries++;
	mrt_buf_printf(&l->heard, "%c%s %s %u", (char)entry->type, entry->name, entry->link,
	               entry->mode);
	mrt_buf_add(&l->heard, &entry->size, sizeof(entry->size));
	if (mrt_tar_name_safe(entry->name))
		fuzz_check(entry->name[0] != '/' && strcmp(entry->name, "..") != 0 &&
		           strncmp(entry->name, "../", 3) != 0 && !strstr(entry->name, "/../"));
	return mrt_buf_check(&l->heard, err);
}

static int on_data(void *context, const void *data, size_t len, struct mrt_error *err)
{
	struct listener *l = context;
	fuzz_check(l->inside && len > 0 && len <= l->left);
	l->left -= len;
	mrt_buf_add(&l->heard, data, len);
	return mrt_buf_check(&l->heard, err);
}

static int on_end(void *context, struct mrt_error *err)
{
	struct listener *l = context;
	(void)err;
	fuzz_check(l->inside && l->left == 0);
	l->inside = false;
	return 0;
}

static int read_tar(struct listener *l, const uint8_t *data, size_t len, size_t step,
                    struct mrt_error *err)
{
	static const struct mrt_tar_ops ops = { on_begin, on_data, on_end };
	mrt_auto(mrt_tar) *tar = NULL;
	int rc = 0;
	fuzz_check(mrt_tar_new(&ops, l, &tar, err) == 0);
	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = mrt_tar_feed(tar, data + at, step < len - at ? step : len - at, err);
	if (rc == 0)
		rc = mrt_tar_end(tar, err);
	fuzz_check(rc == MRT_CORRUPT || (rc == 0 && !l->inside));
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	struct mrt_error whole_err = { 0 }, pieces_err = { 0 };
	struct listener whole = { .heard = MRT_BUF_INIT }, pieces = { .heard = MRT_BUF_INIT };
	int rc = read_tar(&whole, data + 1, len - 1, len, &whole_err);
	fuzz_check(read_tar(&pieces, data + 1, len - 1, 1 + data[0], &pieces_err) == rc);
	fuzz_check(strcmp(whole_err.text.unmasked, pieces_err.text.unmasked) == 0);
	fuzz_check(whole.entries == pieces.entries && whole.heard.len == pieces.heard.len);
	fuzz_check(whole.heard.len == 0 ||
	           memcmp(whole.heard.data, pieces.heard.data, whole.heard.len) == 0);
	mrt_buf_release(&whole.heard);
	mrt_buf_release(&pieces.heard);
	return 0;
}
