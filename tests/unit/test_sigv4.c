/* test_sigv4.c - AWS Signature Version 4 against the vectors that AWS publishes: the suite
 * aws-sig-v4-test-suite and the examples of "Authenticating Requests" in the S3 API reference. */
#include "unit.h"

#include "codec/sigv4.h"

#define S3_HOST                                          \
	{                                                \
		"host", "examplebucket.s3.amazonaws.com" \
	}
#define S3_DATE                                  \
	{                                        \
		"x-amz-date", "20130524T000000Z" \
	}
#define S3_EMPTY                                               \
	{                                                      \
		"x-amz-content-sha256", MRT_SIGV4_EMPTY_SHA256 \
	}

static struct mrt_sigv4 s3_request(const char *method, const char *path)
{
	return (struct mrt_sigv4) { .access_key = "AKIAIOSFODNN7EXAMPLE",
		                    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		                    .region = "us-east-1",
		                    .service = "s3",
		                    .time = 1369353600,
		                    .method = method,
		                    .path = path,
		                    .payload_sha256 = MRT_SIGV4_EMPTY_SHA256 };
}

static void check(const struct mrt_sigv4 *request, const char *target, const char *names,
                  const char *signature)
{
	struct mrt_error err;
	mrt_auto_buf got_target = MRT_BUF_INIT, got = MRT_BUF_INIT, wanted = MRT_BUF_INIT;
	bool suite = strcmp(request->service, "service") == 0;
	mrt_buf_printf(&wanted,
	               "AWS4-HMAC-SHA256 Credential=%s/%s/us-east-1/%s/aws4_request,"
	               "SignedHeaders=%s,Signature=%s",
	               request->access_key, suite ? "20150830" : "20130524", request->service,
	               names, signature);
	assert_ok(mrt_sigv4_sign(request, &got_target, &got, &err));
	assert_string_equal(mrt_buf_text(&got_target), target);
	assert_string_equal(mrt_buf_text(&got), mrt_buf_text(&wanted));
}

static void get_vanilla_of_the_test_suite(void **state)
{
	(void)state;
	static const struct mrt_pair headers[] = { { "x-amz-date", "20150830T123600Z" },
		                                   { "host", "example.amazonaws.com" } };
	const struct mrt_sigv4 request = {
		.access_key = "AKIDEXAMPLE",
		.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		.region = "us-east-1",
		.service = "service",
		.time = 1440938160,
		.method = "GET",
		.path = "/",
		.headers = headers,
		.n_headers = 2,
		.payload_sha256 = MRT_SIGV4_EMPTY_SHA256,
	};
	check(&request, "/", "host;x-amz-date",
	      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void s3_get_object_with_a_range(void **state)
{
	(void)state;
	static const struct mrt_pair headers[] = {
		S3_HOST, { "range", "bytes=0-9" }, S3_EMPTY, S3_DATE
	};
	struct mrt_sigv4 request = s3_request("GET", "/test.txt");
	request.headers = headers;
	request.n_headers = 4;
	check(&request, "/test.txt", "host;range;x-amz-content-sha256;x-amz-date",
	      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void s3_put_object_with_a_dollar_in_its_name(void **state)
{
	(void)state;
	static const char payload[] =
	        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	static const struct mrt_pair headers[] = {
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		S3_DATE,
		{ "x-amz-content-sha256", payload },
		S3_HOST,
		{ "date", "Fri, 24 May 2013 00:00:00 GMT" },
	};
	struct mrt_sigv4 request = s3_request("PUT", "/test$file.text");
	request.headers = headers;
	request.n_headers = 5;
	request.payload_sha256 = payload;
	check(&request, "/test%24file.text",
	      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void s3_get_bucket_lifecycle(void **state)
{
	(void)state;
	static const struct mrt_pair headers[] = { S3_HOST, S3_EMPTY, S3_DATE };
	static const struct mrt_pair query[] = { { "lifecycle", "" } };
	struct mrt_sigv4 request = s3_request("GET", "/");
	request.headers = headers;
	request.n_headers = 3;
	request.query = query;
	request.n_query = 1;
	check(&request, "/?lifecycle=", "host;x-amz-content-sha256;x-amz-date",
	      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void s3_list_objects_with_the_query_in_any_order(void **state)
{
	(void)state;
	static const struct mrt_pair headers[] = { S3_HOST, S3_EMPTY, S3_DATE };
	static const struct mrt_pair orders[2][2] = { { { "max-keys", "2" }, { "prefix", "J" } },
		                                      { { "prefix", "J" }, { "max-keys", "2" } } };
	for (size_t i = 0; i < 2; i++) {
		struct mrt_sigv4 request = s3_request("GET", "/");
		request.headers = headers;
		request.n_headers = 3;
		request.query = orders[i];
		request.n_query = 2;
		check(&request, "/?max-keys=2&prefix=J", "host;x-amz-content-sha256;x-amz-date",
		      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	}
}

static void blanks_in_a_header_do_not_change_the_signature(void **state)
{
	(void)state;
	static const struct mrt_pair headers[] = {
		S3_HOST, { "range", "  bytes=0-9  " }, S3_EMPTY, S3_DATE
	};
	struct mrt_sigv4 request = s3_request("GET", "/test.txt");
	request.headers = headers;
	request.n_headers = 4;
	check(&request, "/test.txt", "host;range;x-amz-content-sha256;x-amz-date",
	      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void names_and_values_are_encoded_as_they_are_sent(void **state)
{
	(void)state;
	struct mrt_error err;
	static const struct mrt_pair headers[] = { S3_HOST };
	static const struct mrt_pair query[] = { { "prefix", "a b/c+d=\xc3\xa9" } };
	struct mrt_sigv4 request = s3_request("GET", "/b/sp ace/%~\xc3\xa9");
	request.headers = headers;
	request.n_headers = 1;
	request.query = query;
	request.n_query = 1;
	mrt_auto_buf target = MRT_BUF_INIT, authorization = MRT_BUF_INIT;
	assert_ok(mrt_sigv4_sign(&request, &target, &authorization, &err));
	assert_string_equal(mrt_buf_text(&target),
	                    "/b/sp%20ace/%25~%C3%A9?prefix=a%20b%2Fc%2Bd%3D%C3%A9");
}

static void too_many_headers_are_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_pair headers[40];
	for (size_t i = 0; i < 40; i++)
		headers[i] = (struct mrt_pair)S3_HOST;
	struct mrt_sigv4 request = s3_request("GET", "/");
	request.headers = headers;
	request.n_headers = 40;
	mrt_auto_buf target = MRT_BUF_INIT, authorization = MRT_BUF_INIT;
	assert_code(MRT_FAILED, mrt_sigv4_sign(&request, &target, &authorization, &err));
	assert_int_equal(authorization.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_vanilla_of_the_test_suite),
		cmocka_unit_test(s3_get_object_with_a_range),
		cmocka_unit_test(s3_put_object_with_a_dollar_in_its_name),
		cmocka_unit_test(s3_get_bucket_lifecycle),
		cmocka_unit_test(s3_list_objects_with_the_query_in_any_order),
		cmocka_unit_test(blanks_in_a_header_do_not_change_the_signature),
		cmocka_unit_test(names_and_values_are_encoded_as_they_are_sent),
		cmocka_unit_test(too_many_headers_are_refused),
	};
	return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
