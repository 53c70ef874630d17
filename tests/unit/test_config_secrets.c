/* test_config_secrets.c - references in values, secrets in the log, credentials as whole sets. */
#include "unit.h"
#include "configs.h"

static void variables_are_put_into_values(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	setenv("MRT_UNIT_HOST", "db1", 1);
	assert_ok(load("postgres: {url: 'postgresql://${env:MRT_UNIT_HOST}/${env:MRT_UNIT_HOST}'}\n"
	               "platform: {name: '$${env:X}$$x'}\ndns: {resolver: 'a}b'}\n",
	               &config, &err));
	assert_string_equal(config->postgres_url, "postgresql://db1/db1");
	assert_string_equal(config->platform_name, "${env:X}$$x");
	assert_string_equal(config->dns_resolver, "a}b");
}

static void a_reference_that_cannot_be_resolved_is_named(void **state)
{
	(void)state;
	assert_refused("store: {url: '${env:MRT_UNIT_NONE}'}\n",
	               "F:1:14: store.url: ${env:MRT_UNIT_NONE}: that variable is not set");
	assert_refused("store: {url: 'x${env:HOME'}\n", "F:1:14: store.url: '${' without '}'");
	assert_refused(
	        "store: {url: '${HOME}'}\n",
	        "F:1:14: store.url: '${HOME}': write ${env:NAME} or ${file:/path}, and $${ for "
	        "a literal ${");
	assert_refused(
	        "store: {url: '${env:}'}\n",
	        "F:1:14: store.url: '${env:}': write ${env:NAME} or ${file:/path}, and $${ for "
	        "a literal ${");
	assert_refused("store: {url: '${env:HOME | upper}'}\n",
	               "F:1:14: store.url: '${env:HOME | upper}': only '| raw' is known");
}

static void expect_file(const char *content, const char *reference, const char *expected)
{
	struct mrt_error err;
	char text[PATH_SIZE];
	mrt_auto(mrt_config) *config = NULL;
	write_file(dir, "secret", content);
	snprintf(text, sizeof(text), "postgres: {password: '%s'}\n", reference);
	assert_ok(load(text, &config, &err));
	assert_string_equal(config->postgres_password, expected);
}

static void a_one_line_file_loses_its_newline(void **state)
{
	(void)state;
	expect_file("hush1\n", "${file:secret}", "hush1");
	expect_file("hush2\r\n", "${file:secret}", "hush2");
	expect_file("hush3", "${file:secret}", "hush3");
	expect_file("hush4 \n", "<${file:secret}>", "<hush4 >");
	expect_file("hush5\n\n", "${file:secret}", "hush5\n\n");
	expect_file("two\nlines\n", "${file:secret}", "two\nlines\n");
	expect_file("raw1\n", "${file:secret | raw}", "raw1\n");
	expect_file("raw2\r\n", "${file:secret|raw}", "raw2\r\n");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE], text[PATH_SIZE + 50];
	struct mrt_config *config = NULL;
	assert_code(MRT_CONFIG, load("store: {url: '${file:absent}'}\n", &config, &err));
	assert_contains(err.text.unmasked, "maratea.yaml:1:14: store.url: ${file:absent}: open ");
	assert_contains(err.text.unmasked, "No such file or directory");
	assert_ok(mrt_file_write(path_in(path, dir, "nul"), "a\0b", 3, 0600, &err));
	snprintf(text, sizeof(text), "store: {url: '${file:%s}'}\n", path);
	assert_code(MRT_CONFIG, load(text, &config, &err));
	assert_contains(err.text.unmasked, "the file holds a NUL byte");
	assert_null(config);
}

static void secrets_are_masked_from_then_on(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("postgres: {url: 'postgresql://u:urlsecret@h/d', password: pgsecret}\n"
	               "store: {url: 's3://b', access-key: AKIDVISIBLE, secret-key: sk-hidden, "
	               "session-token: st-hidden}\n",
	               &config, &err));
	mrt_info(&run_, "urlsecret pgsecret sk-hidden st-hidden AKIDVISIBLE");
	assert_string_equal(mrt_buf_text(&lines), "info: *** *** *** *** AKIDVISIBLE\n");
}

static void the_decoded_password_of_a_url_is_masked_too(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("postgres: {url: 'postgresql://u:p%40ss%3Aword@h/d'}\n", &config, &err));
	mrt_info(&run_, "p%%40ss%%3Aword and p@ss:word");
	assert_string_equal(mrt_buf_text(&lines), "info: *** and ***\n");
}

static void a_password_in_the_query_of_a_url_is_masked_too(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("postgres: {url: 'postgresql://h/d?user=u&password=querysecret&x=1'}\n",
	               &config, &err));
	mrt_info(&run_, "url postgresql://h/d?user=u&password=querysecret&x=1");
	assert_null(strstr(mrt_buf_text(&lines), "querysecret"));
}

static void half_a_set_of_credentials_is_refused(void **state)
{
	(void)state;
	assert_refused(
	        "store: {url: 's3://b', access-key: a}\n",
	        "store.access-key is set, but store.secret-key is not: credentials come as a "
	        "whole set from one source");
	assert_refused(
	        "store: {url: 's3://b', secret-key: hush}\n",
	        "store.secret-key is set, but store.access-key is not: credentials come as a "
	        "whole set from one source");
	setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
	assert_refused(
	        "store: {url: 's3://b'}\n",
	        "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not: credentials come "
	        "as a whole set from one source");
	setenv("S3_ACCESS_KEY", "a", 1);
	assert_refused(
	        "store: {url: 's3://b'}\n",
	        "S3_ACCESS_KEY is set, but S3_SECRET_KEY is not: credentials come as a whole "
	        "set from one source");
}

static void credentials_come_as_one_set_from_the_first_source(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *aws = NULL, *s3 = NULL, *file = NULL, *elsewhere = NULL;
	setenv("AWS_ACCESS_KEY_ID", "aws-id", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "aws-secret", 1);
	setenv("AWS_SESSION_TOKEN", "aws-token", 1);
	assert_ok(load("store: {url: 's3://b'}\n", &aws, &err));
	assert_string_equal(aws->store_access_key, "aws-id");
	assert_string_equal(aws->store_secret_key, "aws-secret");
	assert_string_equal(aws->store_session_token, "aws-token");
	assert_string_equal(source_of(aws, "store.secret-key"), "$AWS_ACCESS_KEY_ID");
	setenv("S3_ACCESS_KEY", "s3-id", 1);
	setenv("S3_SECRET_KEY", "s3-secret", 1);
	assert_ok(load("store: {url: 's3://b'}\n", &s3, &err));
	assert_string_equal(s3->store_access_key, "s3-id");
	assert_null(s3->store_session_token);
	assert_int_equal(s3->n_notes, 1);
	assert_string_equal(s3->notes[0],
	                    "$AWS_ACCESS_KEY_ID is not used: other credentials came first");
	assert_ok(load("store: {url: 's3://b', access-key: f, secret-key: hush}\n", &file, &err));
	assert_string_equal(file->store_access_key, "f");
	assert_null(file->store_session_token);
	assert_int_equal(file->n_notes, 2);
	assert_ok(load("store: {url: 'file:///b'}\n", &elsewhere, &err));
	assert_null(elsewhere->store_access_key);
}

#define PROFILES                                                                             \
	"# comment\n[default]\naws_access_key_id = d-id\naws_secret_access_key=d-secret\n\n" \
	"[school ]\naws_access_key_id=wrong\n[school]\n  aws_access_key_id\t= s-id  \n"      \
	"aws_secret_access_key = s=secret/+\r\naws_session_token = s-token\n[half]\n"        \
	"aws_access_key_id = h\n"

static void profiles_of_the_aws_command_line_are_read(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE];
	mrt_auto(mrt_config) *usual = NULL, *school = NULL, *variable = NULL;
	assert_ok(mrt_dir_make(path_in(path, dir, ".aws"), 0700, &err));
	write_file(dir, ".aws/credentials", PROFILES);
	write_file(dir, ".aws/config", "[default]\nregion = eu-1\n[profile school]\nregion=eu-2\n");
	assert_ok(load("store: {url: 's3://b'}\n", &usual, &err));
	assert_string_equal(usual->store_access_key, "d-id");
	assert_string_equal(usual->store_secret_key, "d-secret");
	assert_null(usual->store_session_token);
	assert_string_equal(usual->store_region, "eu-1");
	assert_string_equal(source_of(usual, "store.access-key"), "profile default");
	setenv("AWS_ACCESS_KEY_ID", "a", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
	assert_ok(load("store: {url: 's3://b', profile: school}\n", &school, &err));
	assert_string_equal(school->store_access_key, "s-id");
	assert_string_equal(school->store_secret_key, "s=secret/+");
	assert_string_equal(school->store_session_token, "s-token");
	assert_string_equal(school->store_region, "eu-2");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	setenv("AWS_PROFILE", "school", 1);
	setenv("AWS_REGION", "eu-3", 1);
	assert_ok(load("store: {url: 's3://b'}\n", &variable, &err));
	assert_string_equal(variable->store_access_key, "s-id");
	assert_string_equal(variable->store_region, "eu-3");
}

static void a_profile_that_is_missing_or_half_is_refused(void **state)
{
	(void)state;
	char path[PATH_SIZE], words[PATH_SIZE + 100];
	write_file(dir, "credentials", PROFILES);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path_in(path, dir, "credentials"), 1);
	snprintf(words, sizeof(words), "no credentials of profile 'absent' in %s", path);
	assert_refused("store: {url: 's3://b', profile: absent}\n", words);
	assert_refused(
	        "store: {url: 's3://b', profile: half}\n",
	        "aws_access_key_id is set, but aws_secret_access_key is not: credentials come "
	        "as a whole set from one source");
}

static void without_any_credentials_there_are_none(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("store: {url: 's3://public'}\n", &config, &err));
	assert_null(config->store_access_key);
	assert_null(config->store_secret_key);
	assert_null(config->store_region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_dir(variables_are_put_into_values),
		with_dir(a_reference_that_cannot_be_resolved_is_named),
		with_dir(a_one_line_file_loses_its_newline),
		with_dir(a_file_that_cannot_be_read_is_named),
		with_dir(secrets_are_masked_from_then_on),
		with_dir(the_decoded_password_of_a_url_is_masked_too),
		with_dir(a_password_in_the_query_of_a_url_is_masked_too),
		with_dir(half_a_set_of_credentials_is_refused),
		with_dir(credentials_come_as_one_set_from_the_first_source),
		with_dir(profiles_of_the_aws_command_line_are_read),
		with_dir(a_profile_that_is_missing_or_half_is_refused),
		with_dir(without_any_credentials_there_are_none),
	};
	return cmocka_run_group_tests_name("config_secrets", tests, NULL, NULL);
}
