/* create_options.h - what a school is to be. */
#ifndef MRT_OPS_TENANT_CREATE_OPTIONS_H
#define MRT_OPS_TENANT_CREATE_OPTIONS_H

#include "codec/json.h"

struct mrt_tenant_create_options {
	const char *name, *plan, *owner_email; /* all must be given */
	const char *isolation;                 /* NULL: the plan's */
	const char *domain;                    /* that it claims; NULL: none */
	const char *inventory; /* the file that declares it, see apply.h; NULL: none */
	const char *status;    /* what it is when it is made; NULL: "active" */
	bool dry_run;
	/* Called with the owner's invitation before the school is active: what it gives but 0 ends
	 * it there, and the same command goes on another time. May be NULL. */
	int (*invited)(const char *slug, const char *email, const char *invitation, void *context,
	               struct mrt_error *err);
	void *context;
};

#endif
