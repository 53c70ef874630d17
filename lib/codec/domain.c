/* domain.c - names of domains. */
#include "codec/domain.h"

#include <idn2.h>
#include <libpsl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyz0123456789-"

/* Names that DNS has for nobody: RFC 6761, 6762, 7686, 9476. */
static bool is_special(const char *last)
{
	static const char *const special[] = { "localhost", "local",    "invalid", "onion",
		                               "alt",       "internal", "arpa" };
	for (size_t i = 0; i < MRT_COUNT(special); i++)
		if (strcmp(last, special[i]) == 0)
			return true;
	return false;
}

/* What is wrong with it; NULL: nothing. */
static const char *fault(const char *name)
{
	size_t labels = 0;
	const char *last = name;
	for (const char *p = name;; p += strcspn(p, ".") + 1) {
		size_t n = strcspn(p, ".");
		if (n == 0)
			return "has an empty label";
		if (n > 63)
			return "has a label longer than 63 characters";
		if (strspn(p, PLAIN) < n)
			return "has more in it than letters, digits and \"-\"";
		if (p[0] == '-' || p[n - 1] == '-')
			return "has a label that begins or ends with \"-\"";
		labels++;
		last = p;
		if (!p[n])
			break;
	}
	if (labels < 2)
		return "is one label only";
	if (is_special(last))
		return "is of a kind that is nobody's in DNS";
	return strspn(last, "0123456789") == strlen(last) ? "is an address" : NULL;
}

int mrt_domain_normal(const char *text, char ret[MRT_DOMAIN_SIZE], struct mrt_error *err)
{
	char plain[1024];
	uint8_t *made = NULL;
	size_t n = strlen(text);
	if (n > 0 && text[n - 1] == '.')
		n--;
	if (n == 0 || n >= sizeof(plain))
		return mrt_fail(err, MRT_USAGE, "the domain '%.80s' is %s", text,
		                n == 0 ? "empty" : "too long");
	snprintf(plain, sizeof(plain), "%.*s", (int)n, text);
	int status = idn2_lookup_u8((const uint8_t *)plain, &made,
	                            IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	const char *why = status != IDN2_OK ? idn2_strerror(status)
	                  : strlen((const char *)made) >= MRT_DOMAIN_SIZE
	                          ? "is longer than 253 characters"
	                          : fault((const char *)made);
	if (!why)
		snprintf(ret, MRT_DOMAIN_SIZE, "%s", (const char *)made);
	int rc = !why ? 0
	         : status == IDN2_OK
	                 ? mrt_fail(err, MRT_USAGE, "the domain '%.80s' %s", text, why)
	                 : mrt_fail(err, MRT_USAGE, "the domain '%.80s': %s", text, why);
	idn2_free(made);
	if (rc < 0 && strpbrk(plain, ":/@*?"))
		mrt_hint(err, "the name alone is wanted, such as learn.example.org");
	return rc;
}

void mrt_domain_display(const char *name, char ret[MRT_DOMAIN_DISPLAY_SIZE])
{
	char *made = NULL;
	bool other = strstr(name, "xn--") && idn2_to_unicode_8z8z(name, &made, 0) == IDN2_OK &&
	             strcmp(made, name) != 0;
	int n = snprintf(ret, MRT_DOMAIN_DISPLAY_SIZE, "%.253s", name);
	if (other && strlen(made) < 700)
		snprintf(ret + n, MRT_DOMAIN_DISPLAY_SIZE - (size_t)n, " (%.700s)", made);
	idn2_free(made);
}

bool mrt_domain_is_under(const char *name, const char *parent)
{
	size_t n = strlen(name), p = strlen(parent);
	return n >= p && strcasecmp(name + n - p, parent) == 0 &&
	       (n == p || name[n - p - 1] == '.');
}

static psl_ctx_t *suffixes;
static void load(void)
{
	suffixes = psl_latest(NULL);
}

bool mrt_domain_is_public_suffix(const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	const psl_ctx_t *list = suffixes ? suffixes : psl_builtin();
	/* without any list, nobody's names are told apart: no name of two labels is taken */
	return list ? psl_is_public_suffix(list, name) : strchr(strchr(name, '.') + 1, '.') == NULL;
}
