/* sigv4.h - AWS Signature Version 4, the header variant.
 *
 * Source: AWS General Reference, "Signature Version 4 signing process", and the S3 pages on it.
 * Inputs are plain (not encoded); the encoded path and query come back and must be sent as they
 * are, since they are what is signed.
 */
#ifndef MRT_CODEC_SIGV4_H
#define MRT_CODEC_SIGV4_H

#include "base/buf.h"

#include <stdint.h>

struct mrt_pair {
	const char *name, *value;
};

struct mrt_sigv4 {
	const char *access_key, *secret_key;
	const char *region, *service;
	int64_t time; /* seconds since 1970 */
	const char *method;
	const char *path;             /* "/key" */
	const struct mrt_pair *query; /* in any order */
	size_t n_query;
	const struct mrt_pair *headers; /* all that are signed, lower-case names, in any order; with
	                                   host, x-amz-date, x-amz-content-sha256, and the session
	                                   token where there is one */
	size_t n_headers;
	const char *payload_sha256; /* hex, or UNSIGNED-PAYLOAD */
};

#define MRT_SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Appends the encoded path (with "?query" where there is one) and the Authorization value. */
int mrt_sigv4_sign(const struct mrt_sigv4 *request, struct mrt_buf *ret_target,
                   struct mrt_buf *ret_authorization, struct mrt_error *err);

#endif
