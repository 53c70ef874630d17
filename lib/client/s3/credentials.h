/* credentials.h - temporary credentials of the AWS chain: web identity, container, instance.
 *
 * Sources: the AWS SDKs and Tools reference guide (credential providers), the STS API
 * (AssumeRoleWithWebIdentity, version 2011-06-15), the EC2 user guide (IMDSv2).
 */
#ifndef MRT_CLIENT_S3_CREDENTIALS_H
#define MRT_CLIENT_S3_CREDENTIALS_H

#include "client/http.h"

/* Where to ask; what is NULL is not asked. Texts stay the caller's, for as long as they are used.
 */
struct mrt_aws_sources {
	/* web identity: a token of Kubernetes for a role */
	const char *role_arn, *token_file, *session_name; /* AWS_ROLE_ARN, ... */
	const char *sts_endpoint;                         /* NULL: that of the region */
	/* container: ECS, EKS Pod Identity */
	const char *container_uri; /* whole */
	const char *container_token, *container_token_file;
	/* the instance's metadata service */
	const char *imds_endpoint; /* NULL: not asked */
};

/* Immutable once made; shared by reference. */
struct mrt_aws_credentials {
	char *access_key, *secret_key, *session_token; /* session_token may be NULL */
	char *source;                                  /* "web identity, role arn:..." */
	int64_t expires;                               /* seconds since 1970; 0: never */
	unsigned references;
};
void mrt_aws_credentials_unref(struct mrt_aws_credentials *credentials);

/* Asks the first source that is there. MRT_CONFIG: there is none, or it refuses; MRT_UNREACHABLE:
 * it does not answer now. The error says what was asked and why not. */
int mrt_aws_credentials_get(const struct mrt_context *ctx, const struct mrt_aws_sources *sources,
                            const char *region, const struct mrt_http_options *http,
                            struct mrt_aws_credentials **ret, struct mrt_error *err);

#endif
