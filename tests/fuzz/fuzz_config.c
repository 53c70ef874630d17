/* fuzz_config.c - YAML as a tree, and a whole configuration file read from memory. */
#include "base/secret.h"
#include "codec/yaml.h"
#include "fuzz.h"
#include "config/settings.h"

static void walk(const struct mrt_yaml *yaml, size_t *total)
{
	*total += yaml->line + yaml->column + (yaml->text ? strlen(yaml->text) : 0);
	for (size_t i = 0; i < yaml->n_items; i++)
		walk(yaml->items[i], total);
}

/* A reference to a file of this machine would make the outcome depend on it. */
static bool names_a_file(const uint8_t *data, size_t len)
{
	return memmem(data, len, "${file:", 7) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 65536)
		return 0;
	struct mrt_error err;
	mrt_auto(mrt_yaml) *yaml = NULL;
	size_t total = 0;
	if (mrt_yaml_parse("fuzz", (const char *)data, len, &yaml, &err) == 0)
		walk(yaml, &total);
	else
		fuzz_check(err.code == MRT_CONFIG && strncmp(err.text.unmasked, "fuzz:", 5) == 0);
	if (names_a_file(data, len))
		return 0;
	mrt_autofd fd = -1;
	char path[64];
	fuzz_check(mrt_secret_file("fuzz", data, len, &fd, &err) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const struct mrt_context ctx = { .wall = mrt_clock_wall };
	mrt_auto(mrt_config) *config = NULL;
	if (mrt_config_load(&ctx, path, NULL, 0, &config, &err) == 0) {
		fuzz_check(config->store_concurrency >= 1 && config->store_concurrency <= 16);
		fuzz_check(config->store_part_size >= (uint64_t)5 << 20);
		fuzz_check(config->limits_connect >= 0);
	} else {
		fuzz_check(err.code == MRT_CONFIG && err.text.unmasked[0]);
	}
	return 0;
}
