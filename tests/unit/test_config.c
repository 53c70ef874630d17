/* test_config.c - settings from flags, variables, file, ecosystem and defaults, in that order. */
#include "unit.h"
#include "configs.h"

static void defaults_fill_what_nobody_set(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("", &config, &err));
	assert_string_equal(config->platform_name, "default");
	assert_null(config->store_url);
	assert_int_equal(config->store_concurrency, 4);
	assert_int_equal(config->store_part_size, 8 << 20);
	assert_int_equal(config->store_volume_size, INT64_C(64) << 30);
	assert_int_equal(config->limits_retry_first, 200 * MRT_MILLISECOND);
	assert_int_equal(config->limits_lock_wait, 600 * MRT_SECOND);
	assert_string_equal(source_of(config, "platform.name"), "default");
	assert_string_equal(source_of(config, "store.url"), "unset");
	int level = 0;
	assert_ok(mrt_config_level(config, &level, &err));
	assert_int_equal(level, 3);
	mrt_config_free(NULL);
}

static void a_file_sets_values_and_says_where(void **state)
{
	(void)state;
	struct mrt_error err;
	char expected[PATH_SIZE];
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("platform: {name: school}\nstore:\n  url: 'file:///b'\n  part-size: 16MiB\n"
	               "limits:\n  connect: 250ms\n",
	               &config, &err));
	assert_string_equal(config->platform_name, "school");
	assert_string_equal(config->store_url, "file:///b");
	assert_int_equal(config->store_part_size, 16 << 20);
	assert_int_equal(config->limits_connect, 250 * MRT_MILLISECOND);
	assert_string_equal(source_of(config, "store.url"),
	                    path_in(expected, dir, "maratea.yaml:3:8"));
	assert_string_equal(config->path, path_in(expected, dir, "maratea.yaml"));
}

static void flags_beat_variables_beat_the_file_beats_the_ecosystem(void **state)
{
	(void)state;
	struct mrt_error err;
	static const char file[] = "postgres:\n  url: postgresql://file/d\n";
	const struct mrt_config_flag flags[] = { { "postgres.url", "postgresql://flag/d" },
		                                 { "store.url", NULL } };
	mrt_auto(mrt_config) *ambient = NULL, *from_file = NULL, *variable = NULL, *flag = NULL;
	setenv("DATABASE_URL", "postgresql://ambient/d", 1);
	assert_ok(load("", &ambient, &err));
	assert_string_equal(ambient->postgres_url, "postgresql://ambient/d");
	assert_string_equal(source_of(ambient, "postgres.url"), "$DATABASE_URL");
	assert_int_equal(ambient->n_notes, 0);
	assert_ok(load(file, &from_file, &err));
	assert_string_equal(from_file->postgres_url, "postgresql://file/d");
	assert_int_equal(from_file->n_notes, 1);
	assert_contains(from_file->notes[0], "$DATABASE_URL is not used: postgres.url comes from ");
	setenv("MARATEA_POSTGRES_URL", "postgresql://variable/d", 1);
	assert_ok(load(file, &variable, &err));
	assert_string_equal(variable->postgres_url, "postgresql://variable/d");
	assert_string_equal(source_of(variable, "postgres.url"), "$MARATEA_POSTGRES_URL");
	assert_ok(load_with(file, flags, 2, &flag, &err));
	assert_string_equal(flag->postgres_url, "postgresql://flag/d");
	assert_string_equal(source_of(flag, "postgres.url"), "option --url");
}

static void short_names_of_variables_stand_for_store_and_platform(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *bucket = NULL, *named = NULL;
	setenv("S3_BUCKET", "pail", 1);
	setenv("AWS_ENDPOINT_URL", "http://third", 1);
	setenv("AWS_ENDPOINT_URL_S3", "http://second", 1);
	assert_ok(load("", &bucket, &err));
	assert_string_equal(bucket->store_url, "s3://pail");
	assert_string_equal(source_of(bucket, "store.url"), "$S3_BUCKET");
	assert_string_equal(bucket->store_endpoint, "http://second");
	setenv("MARATEA_STORE", "file:///s", 1);
	setenv("MARATEA_PLATFORM", "north", 1);
	assert_ok(load("store: {url: 'file:///other'}\n", &named, &err));
	assert_string_equal(named->store_url, "file:///s");
	assert_string_equal(named->platform_name, "north");
}

static void empty_variables_count_as_unset(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	setenv("MARATEA_STORE", "", 1);
	setenv("DATABASE_URL", "", 1);
	setenv("S3_BUCKET", "", 1);
	assert_ok(load("", &config, &err));
	assert_null(config->store_url);
	assert_null(config->postgres_url);
}

static void an_unknown_key_is_named_with_its_place(void **state)
{
	(void)state;
	assert_refused("platform:\n  frobnicate-me: 1\n",
	               "F:2:3: unknown key 'platform.frobnicate-me'");
	assert_refused("\nstore.url: x\n", "F:2:1: unknown key 'store.url'");
}

static void a_slip_in_a_key_brings_the_key_that_was_meant(void **state)
{
	(void)state;
	assert_refused("stor:\n  url: x\n", "F:1:1: unknown key 'stor'; did you mean 'store'?");
	assert_refused("store:\n  url: 'file:///x'\n  part-szie: 8MiB\n",
	               "F:3:3: unknown key 'store.part-szie'; did you mean 'part-size'?");
	assert_refused("backup:\n  job: 2\n",
	               "F:2:3: unknown key 'backup.job'; did you mean 'jobs'?");
}

static void a_value_of_another_shape_is_refused(void **state)
{
	(void)state;
	assert_refused("store: file:///x\n", "F:1:8: keys and values are expected here");
	assert_refused("- a\n", "F:1:1: keys and values are expected here");
	assert_refused("store:\n  url: [a, b]\n", "F:2:8: store.url takes one value");
	assert_refused("store:\n  url:\n    a: b\n", "F:3:5: store.url takes one value");
}

static void empty_values_are_unset_when_plain_and_wrong_when_quoted(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_config) *config = NULL;
	assert_ok(load("store:\nplatform:\n  name:\npostgres: {url: ~, password: null}\n", &config,
	               &err));
	assert_string_equal(config->platform_name, "default");
	assert_null(config->postgres_url);
	assert_refused("store: {url: ''}\n", "F:1:14: store.url is empty");
	setenv("MRT_UNIT_EMPTY", "", 1);
	assert_refused("store: {url: '${env:MRT_UNIT_EMPTY}'}\n", "F:1:14: store.url is empty");
}

static void numbers_and_sizes_stay_in_their_range(void **state)
{
	(void)state;
	assert_refused("store: {concurrency: 17}\n", "store.concurrency, from F:1:22: 17 is out of "
	                                             "range (1 to 16)");
	assert_refused("store: {concurrency: 0}\n", "store.concurrency, from F:1:22: 0 is out of "
	                                            "range (1 to 16)");
	assert_refused("store: {part-size: 1MiB}\n", "store.part-size, from F:1:20: 1MiB is out of "
	                                             "range (5.0 MiB to 512.0 MiB)");
	assert_refused("backup: {memory: 16777215TiB}\n",
	               "backup.memory, from F:1:18: 16777215TiB is out of range (32.0 MiB to "
	               "1.0 TiB)");
	assert_refused("store: {concurrency: many}\n",
	               "store.concurrency, from F:1:22: 'many' is not "
	               "a whole number");
	assert_refused("limits: {connect: soon}\n", "limits.connect, from F:1:19: 'soon' is not a "
	                                            "duration (write 30s, 15m, 12h, 7d)");
	assert_refused("backup: {compression: zstd:20}\n",
	               "backup.compression 'zstd:20': write zstd:1 to zstd:19");
	assert_refused("backup: {compression: gzip}\n",
	               "backup.compression 'gzip': write zstd:1 to zstd:19");
	setenv("MARATEA_BACKUP_JOBS", "33", 1);
	assert_refused("", "backup.jobs, from $MARATEA_BACKUP_JOBS: 33 is out of range (1 to 32)");
}

static void a_missing_file_is_an_error_only_when_named(void **state)
{
	(void)state;
	struct mrt_error err;
	char path[PATH_SIZE], old[PATH_SIZE];
	mrt_auto(mrt_config) *none = NULL, *variable = NULL, *home = NULL;
	struct mrt_config *config = NULL;
	assert_code(MRT_CONFIG, mrt_config_load(&run_, path_in(path, dir, "absent.yaml"), NULL, 0,
	                                        &config, &err));
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(dir), 0);
	assert_ok(mrt_config_load(&run_, NULL, NULL, 0, &none, &err));
	assert_ok(mrt_dir_make(path_in(path, dir, ".config/maratea"), 0700, &err));
	write_file(dir, ".config/maratea/maratea.yaml", "platform: {name: home}\n");
	assert_ok(mrt_config_load(&run_, NULL, NULL, 0, &home, &err));
	assert_string_equal(home->platform_name, "home");
	write_file(dir, "variable.yaml", "platform: {name: variable}\n");
	setenv("MARATEA_CONFIG", "variable.yaml", 1);
	assert_ok(mrt_config_load(&run_, NULL, NULL, 0, &variable, &err));
	assert_string_equal(variable->platform_name, "variable");
	assert_int_equal(chdir(old), 0);
}

static void every_setting_has_a_variable(void **state)
{
	(void)state;
	struct mrt_error err;
	for (size_t i = 0; i < mrt_n_settings; i++) {
		mrt_autofree char *name = NULL;
		assert_ok(mrt_setting_variable(&mrt_settings[i], &name, &err));
		assert_int_equal(strncmp(name, "MARATEA_", 8), 0);
		assert_int_equal(strlen(name), 8 + strlen(mrt_settings[i].name));
		assert_null(strpbrk(name, ".-abcdefghijklmnopqrstuvwxyz"));
	}
	mrt_autofree char *name = NULL;
	for (size_t i = 0; i < mrt_n_settings; i++)
		if (strcmp(mrt_settings[i].name, "store.part-size") == 0)
			assert_ok(mrt_setting_variable(&mrt_settings[i], &name, &err));
	assert_string_equal(name, "MARATEA_STORE_PART_SIZE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_dir(defaults_fill_what_nobody_set),
		with_dir(a_file_sets_values_and_says_where),
		with_dir(flags_beat_variables_beat_the_file_beats_the_ecosystem),
		with_dir(short_names_of_variables_stand_for_store_and_platform),
		with_dir(empty_variables_count_as_unset),
		with_dir(an_unknown_key_is_named_with_its_place),
		with_dir(a_slip_in_a_key_brings_the_key_that_was_meant),
		with_dir(a_value_of_another_shape_is_refused),
		with_dir(empty_values_are_unset_when_plain_and_wrong_when_quoted),
		with_dir(numbers_and_sizes_stay_in_their_range),
		with_dir(a_missing_file_is_an_error_only_when_named),
		with_dir(every_setting_has_a_variable),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
