/* options.h - which resolver is asked, and how long. */
#ifndef MRT_CLIENT_DNS_OPTIONS_H
#define MRT_CLIENT_DNS_OPTIONS_H

#include "base/context.h"

struct mrt_dns_options {
	const char *resolver; /* "HOST[:PORT]" instead of resolv.conf's, or NULL */
	int64_t timeout;      /* ns */
};

#endif
