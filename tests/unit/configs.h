/* configs.h - a clean environment and a directory for tests that load configurations. */
#ifndef MRT_TESTS_CONFIGS_H
#define MRT_TESTS_CONFIGS_H

#include "config/settings.h"

extern char **environ;
static char *dir;            /* fresh for every test; also $HOME */
static struct mrt_buf lines; /* what was logged */
static struct mrt_log *log_;
static struct mrt_context run_;

static UNUSED int begin(void **state)
{
	(void)state;
	struct mrt_error err = { 0 };
	static const char *const prefixes[] = { "MARATEA",        "S3_",
		                                "AWS_",           "PG",
		                                "REDIS_URL",      "DATABASE_URL",
		                                "CURL_CA_BUNDLE", "SSL_CERT_FILE" };
	for (bool again = true; again;) {
		again = false;
		for (char **e = environ; *e && !again; e++)
			for (size_t i = 0; i < COUNT(prefixes) && !again; i++)
				if (strncmp(*e, prefixes[i], strlen(prefixes[i])) == 0) {
					char name[256];
					snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="),
					         *e);
					unsetenv(name);
					again = true;
				}
	}
	dir = temporary_dir();
	setenv("HOME", dir, 1);
	lines = MRT_BUF_INIT;
	assert_ok(mrt_log_new(remember_line, &lines, MRT_LOG_INFO, &log_, &err));
	run_ = plain_run();
	run_.log = log_;
	return 0;
}

static UNUSED int end(void **state)
{
	(void)state;
	mrt_log_free(mrt_steal(log_));
	mrt_buf_release(&lines);
	remove_dir(dir);
	return 0;
}

/* Loads text as DIR/maratea.yaml. */
static UNUSED int load_with(const char *text, const struct mrt_config_flag *flags, size_t n_flags,
                            struct mrt_config **ret, struct mrt_error *err)
{
	char path[PATH_SIZE];
	write_file(dir, "maratea.yaml", text);
	return mrt_config_load(&run_, path_in(path, dir, "maratea.yaml"), flags, n_flags, ret, err);
}

static UNUSED int load(const char *text, struct mrt_config **ret, struct mrt_error *err)
{
	return load_with(text, NULL, 0, ret, err);
}

static UNUSED const char *source_of(const struct mrt_config *config, const char *name)
{
	for (size_t i = 0; i < mrt_n_settings; i++)
		if (strcmp(mrt_settings[i].name, name) == 0)
			return config->states[i].source ? config->states[i].source : "unset";
	fail_msg("no setting %s", name);
	return NULL;
}

/* Fails, and says so with the file's name replaced by "F". */
static UNUSED void assert_refused(const char *text, const char *words)
{
	struct mrt_error err;
	struct mrt_config *config = NULL;
	char path[PATH_SIZE];
	path_in(path, dir, "maratea.yaml");
	assert_code(MRT_CONFIG, load(text, &config, &err));
	assert_null(config);
	const char *said = err.text.unmasked;
	mrt_auto_buf plain = MRT_BUF_INIT;
	for (; *said; said++) {
		bool here = strncmp(said, path, strlen(path)) == 0;
		mrt_buf_add_char(&plain, here ? 'F' : *said);
		said += here ? strlen(path) - 1 : 0;
	}
	assert_string_equal(mrt_buf_text(&plain), words);
}

#define with_dir(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
