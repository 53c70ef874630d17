/* settle.c - texts into the fields of struct mrt_config, and what only shows together. */
#include "config/settle.h"
#include "base/text.h"
#include "codec/address.h"
#include "codec/zstd.h"
#include "config/state.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static int in_range(const struct mrt_setting *s, int64_t n, const char *text, struct mrt_error *err)
{
	if (n >= s->min && n <= s->max)
		return 0;
	if (s->kind == MRT_NUMBER)
		return mrt_fail(err, MRT_CONFIG, "%s is out of range (%" PRId64 " to %" PRId64 ")",
		                text, s->min, s->max);
	char low[MRT_SIZE_SIZE], high[MRT_SIZE_SIZE];
	mrt_size_format((uint64_t)s->min, low);
	mrt_size_format((uint64_t)s->max, high);
	return mrt_fail(err, MRT_CONFIG, "%s is out of range (%s to %s)", text, low, high);
}

int mrt_config_settle(struct mrt_config *config, size_t index, struct mrt_error *err)
{
	const struct mrt_setting *s = &mrt_settings[index];
	const char *text = config->states[index].text;
	void *field = (char *)config + s->offset;
	int rc = 0;
	int64_t n = 0;
	uint64_t size = 0;
	if (!text)
		return 0;
	switch (s->kind) {
	case MRT_NUMBER:
		rc = mrt_number_parse(text, INT64_MIN, INT64_MAX, &n, err);
		rc = rc < 0 ? rc : in_range(s, n, text, err);
		*(int64_t *)field = n;
		break;
	case MRT_DURATION:
		rc = mrt_duration_parse(text, field, err);
		break;
	case MRT_SIZE:
		rc = mrt_size_parse(text, &size, err);
		rc = rc < 0 ? rc
		            : in_range(s, size > INT64_MAX ? INT64_MAX : (int64_t)size, text, err);
		*(uint64_t *)field = size;
		break;
	default:
		*(char **)field = config->states[index].text; /* owned by the state */
		return 0;
	}
	return rc < 0 ? mrt_fail_because(err, MRT_CONFIG, err, "%s, from %s", s->name,
	                                 config->states[index].source)
	              : 0;
}

static bool is_uuid(const char *text)
{
	size_t n = 0;
	for (const char *p = text; *p; p++, n++)
		if (n == 8 || n == 13 || n == 18 || n == 23 ? *p != '-'
		                                            : !isxdigit((unsigned char)*p))
			return false;
	return n == 36;
}

/* Labels of letters, digits and "-", at least two. */
static bool is_domain(const char *text)
{
	size_t n = 0, labels = 1;
	for (const char *p = text; *p; p++) {
		if (*p == '.') {
			if (n == 0 || p[-1] == '-' || !p[1])
				return false;
			n = 0;
			labels++;
		} else if ((!isalnum((unsigned char)*p) && *p != '-') || (*p == '-' && n == 0) ||
		           ++n > 63) {
			return false;
		}
	}
	return labels > 1 && n > 0 && text[strlen(text) - 1] != '-' && strlen(text) < 190;
}

static int check_bool(const char *name, const char *text, struct mrt_error *err)
{
	return strcmp(text, "true") == 0 || strcmp(text, "false") == 0
	               ? 0
	               : mrt_fail(err, MRT_CONFIG, "%s '%.80s': one of true, false", name, text);
}

static int check_private(const char *text, struct mrt_error *err)
{
	return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
	                       strcmp(text, "servers") == 0
	               ? 0
	               : mrt_fail(err, MRT_CONFIG,
	                          "domains.allow-private '%.80s': one of true, servers, false",
	                          text);
}

static int check_addresses(const char *list, struct mrt_error *err)
{
	for (;;) {
		mrt_autofree char *one = NULL;
		int rc = mrt_config_item(&list, &one, err);
		if (rc < 0 || !one)
			return rc;
		if (!mrt_address_check(one))
			return mrt_fail(err, MRT_CONFIG,
			                "domains.addresses: '%.80s' is no IPv4 or IPv6 address",
			                one);
	}
}

int mrt_config_check(const struct mrt_config *config, struct mrt_error *err)
{
	if (config->platform_id && !is_uuid(config->platform_id))
		return mrt_fail(err, MRT_CONFIG, "platform.id '%.80s' is no UUID",
		                config->platform_id);
	if (config->platform_domain && !is_domain(config->platform_domain)) {
		mrt_fail(err, MRT_CONFIG, "platform.domain '%.80s' is no name of a domain",
		         config->platform_domain);
		return mrt_hint(err, "such as schools.example.org: no scheme, no path, no port");
	}
	int level;
	const char *style = config->store_style;
	if (strcmp(style, "auto") != 0 && strcmp(style, "path") != 0 &&
	    strcmp(style, "virtual") != 0)
		return mrt_fail(err, MRT_CONFIG, "store.style '%s': one of auto, path, virtual",
		                style);
	if (config->store_volume_size / 10000 >= config->store_part_size)
		return mrt_fail(err, MRT_CONFIG,
		                "store.volume-size would need more than the 10,000 parts "
		                "that S3 allows: raise store.part-size or lower store.volume-size");
	bool insecure = strcmp(config->store_insecure_tls, "true") == 0;
	if (check_bool("store.insecure-tls", config->store_insecure_tls, err) < 0 ||
	    check_private(config->domains_allow_private, err) < 0 ||
	    check_addresses(config->domains_addresses, err) < 0)
		return MRT_CONFIG;
	if (insecure && (!config->store_driver || strcmp(config->store_driver, "libs3") != 0))
		return mrt_fail(err, MRT_CONFIG,
		                "store.insecure-tls is for the driver libs3 only; a CA of your own "
		                "goes into store.ca-file");
	const char *lock = config->store_object_lock_mode;
	if (lock && strcmp(lock, "GOVERNANCE") != 0 && strcmp(lock, "COMPLIANCE") != 0)
		return mrt_fail(err, MRT_CONFIG,
		                "store.object-lock.mode '%.80s': one of GOVERNANCE, COMPLIANCE",
		                lock);
	if (!lock != (config->store_object_lock_days == 0))
		return mrt_fail(err, MRT_CONFIG, "store.object-lock needs both mode and days");
	if (strcmp(config->backup_method, "logical") != 0 &&
	    strcmp(config->backup_method, "physical") != 0)
		return mrt_fail(err, MRT_CONFIG, "backup.method '%.80s': one of logical, physical",
		                config->backup_method);
	return mrt_config_level(config, &level, err);
}

int mrt_config_level(const struct mrt_config *config, int *ret, struct mrt_error *err)
{
	const char *text = config->backup_compression;
	int64_t level = 0;
	if (strncmp(text, "zstd:", 5) != 0 ||
	    mrt_number_parse(text + 5, 1, MRT_ZSTD_LEVEL_MAX, &level, NULL) < 0)
		return mrt_fail(err, MRT_CONFIG, "backup.compression '%s': write zstd:1 to zstd:%d",
		                text, MRT_ZSTD_LEVEL_MAX);
	*ret = (int)level;
	return 0;
}

int mrt_config_item(const char **list, char **ret, struct mrt_error *err)
{
	const char *p = *list;
	*ret = NULL;
	if (!p)
		return 0;
	const char *between = strchr(p, '\n') ? "\n" : " ,";
	p += strspn(p, between);
	size_t len = strcspn(p, between);
	*list = p + len;
	return len > 0 ? mrt_text_printf(ret, err, "%.*s", (int)len, p) : 0;
}
