/* expand.c - ${env:NAME} and ${file:PATH} in values. */
#include "base/file.h"
#include "base/text.h"
#include "config/settings.h"

#include <string.h>

static int add_file(const char *path, const char *base_dir, bool raw, struct mrt_buf *buf,
                    struct mrt_error *err)
{
	mrt_autofree char *full = NULL;
	int rc = path[0] == '/' || !base_dir ? mrt_text_dup(path, &full, err)
	                                     : mrt_text_printf(&full, err, "%s/%s", base_dir, path);
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf content = { .ceiling = (size_t)1 << 20 };
	if (rc == 0)
		rc = mrt_file_read(full, &content, err);
	if (rc < 0)
		return mrt_fail_because(err, MRT_CONFIG, err, "${file:%s}", path);
	const char *text = mrt_buf_text(&content);
	size_t n = content.len;
	if (memchr(text, '\0', n))
		return mrt_fail(err, MRT_CONFIG, "${file:%s}: the file holds a NUL byte", path);
	/* editors and echo end a secret with a newline that is not part of it */
	if (!raw && n > 0 && memchr(text, '\n', n) == text + n - 1) {
		n--;
		if (n > 0 && text[n - 1] == '\r')
			n--;
	}
	mrt_buf_add(buf, text, n);
	return 0;
}

static int add_reference(const char *inside, const char *base_dir, struct mrt_buf *buf,
                         struct mrt_error *err)
{
	mrt_autofree char *copy = NULL;
	int rc = mrt_text_dup(inside, &copy, err);
	if (rc < 0)
		return rc;
	bool raw = false;
	char *bar = strchr(copy, '|');
	if (bar) {
		raw = strcmp(bar + 1 + strspn(bar + 1, " "), "raw") == 0;
		if (!raw)
			return mrt_fail(err, MRT_CONFIG, "'${%s}': only '| raw' is known", inside);
		while (bar > copy && bar[-1] == ' ')
			bar--;
		*bar = '\0';
	}
	if (strncmp(copy, "file:", 5) == 0 && copy[5])
		return add_file(copy + 5, base_dir, raw, buf, err);
	if (strncmp(copy, "env:", 4) != 0 || !copy[4])
		return mrt_fail(err, MRT_CONFIG,
		                "'${%s}': write ${env:NAME} or ${file:/path}, and $${ "
		                "for a literal ${",
		                inside);
	const char *value = getenv(copy + 4);
	if (!value)
		return mrt_fail(err, MRT_CONFIG, "${env:%s}: that variable is not set", copy + 4);
	mrt_buf_add_text(buf, value);
	return 0;
}

int mrt_config_expand(const char *text, const char *base_dir, char **ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf buf = MRT_BUF_INIT;
	while (*text) {
		if (strncmp(text, "$${", 3) == 0) {
			mrt_buf_add(&buf, "${", 2);
			text += 3;
			continue;
		}
		if (strncmp(text, "${", 2) != 0) {
			mrt_buf_add_char(&buf, *text++);
			continue;
		}
		const char *end = strchr(text, '}');
		if (!end)
			return mrt_fail(err, MRT_CONFIG, "'${' without '}'");
		mrt_autofree char *inside = NULL;
		int rc = mrt_text_printf(&inside, err, "%.*s", (int)(end - text - 2), text + 2);
		if (rc == 0)
			rc = add_reference(inside, base_dir, &buf, err);
		if (rc < 0)
			return rc;
		text = end + 1;
	}
	return mrt_buf_take(&buf, ret, err);
}
