/* api.c - the exported functions: thin, and never changing in meaning. */
#include "maratea.h"
#include "repository/manifest.h"

#include <stdio.h>

const char *mrt_version(void)
{
	return MRT_VERSION;
}

const char *mrt_result_name(int code)
{
	return mrt_code_name((enum mrt_code)code);
}

int mrt_result_exit_status(int code)
{
	return mrt_code_exit_status((enum mrt_code)code);
}

int mrt_result_http_status(int code)
{
	return mrt_code_http_status((enum mrt_code)code);
}

int mrt_backup_id_check(const char *text)
{
	return mrt_backup_id_valid(text);
}

int mrt_manifest_check(const char *text, unsigned long len, char *message, unsigned long size)
{
	mrt_auto(mrt_manifest) *manifest = NULL;
	struct mrt_error err = { 0 };
	int rc = mrt_manifest_parse(text, len, &manifest, &err);
	mrt_auto_buf words = MRT_BUF_INIT;
	if (rc < 0)
		mrt_error_mask(NULL, &err, &words); /* a manifest holds no secret */
	if (size > 0)
		snprintf(message, size, "%s", mrt_buf_text(&words));
	return rc;
}
