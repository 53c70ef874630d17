/* domain.h - names of domains as people write them, and as DNS has them. */
#ifndef MRT_CODEC_DOMAIN_H
#define MRT_CODEC_DOMAIN_H

#include "base/error.h"

#include <stdbool.h>

#define MRT_DOMAIN_SIZE 254

/* Lower case, internationalised labels as A-labels (IDNA2008), no dot at the end. MRT_USAGE: it is
 * no name that a web site can have: an address, one label, "_", or of a kind that is nobody's, such
 * as ".local". */
int mrt_domain_normal(const char *text, char ret[MRT_DOMAIN_SIZE], struct mrt_error *err);
/* A normal name for people: A-labels, and the characters they stand for behind. */
#define MRT_DOMAIN_DISPLAY_SIZE 1024
void mrt_domain_display(const char *name, char ret[MRT_DOMAIN_DISPLAY_SIZE]);
/* Of normal names: is it the other one, or under it? */
bool mrt_domain_is_under(const char *name, const char *parent);
/* Do others have names under it that have nothing to do with each other, as under "co.uk"? By the
 * Public Suffix List, the system's or the library's, whichever is newer. */
bool mrt_domain_is_public_suffix(const char *name);

#endif
