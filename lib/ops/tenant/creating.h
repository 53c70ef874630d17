/* creating.h - a school that is being made: what create.c and reserve.c know of it. */
#ifndef MRT_OPS_TENANT_CREATING_H
#define MRT_OPS_TENANT_CREATING_H

#include "codec/domain.h"
#include "ops/tenant/create_options.h"
#include "platform/session.h"

enum mrt_create_step {
	MRT_STEP_RESERVE,
	MRT_STEP_SCHEMA,
	MRT_STEP_DATABASE,
	MRT_STEP_MIGRATE,
	MRT_STEP_FILL,
	MRT_STEP_CLAIM,
	MRT_STEP_ACTIVATE,
	MRT_N_STEPS
};
extern const char *const mrt_create_steps[MRT_N_STEPS]; /* their names */

struct mrt_creating {
	struct mrt_session *s; /* NULL: not connected yet */
	const struct mrt_config *config;
	const char *slug;
	const struct mrt_tenant_create_options *options;
	char id[MRT_UUID_SIZE];
	char *isolation, *schema, *database; /* database NULL: the platform's */
	char *invitation;
	char domain[MRT_DOMAIN_SIZE]; /* "": none */
	json_t *claim;                /* to it */
	bool done[MRT_N_STEPS];
	enum mrt_create_step step; /* that is at work */
	json_t *request;           /* the options, as journal and audit log keep them */
	struct mrt_audit_event event;
};

/* Fills c->request. MRT_USAGE: a slug, name or e-mail that cannot be. */
int mrt_creating_check(struct mrt_creating *c, struct mrt_error *err);
/* Works for mrt_session_change(), with c->event: the slug, the id, the place; or what an earlier
 * call came to. The second does it, and takes it back. */
int mrt_creating_reserve(struct mrt_session *s, void *context, struct mrt_error *err);
int mrt_creating_try(struct mrt_session *s, void *context, struct mrt_error *err);
/* state: "begun", "done", of c->step. */
int mrt_creating_note(struct mrt_creating *c, const char *state, struct mrt_error *err);

/* The options, as journal and audit log keep them; what is not given is null. */
int mrt_tenant_request(const struct mrt_tenant_create_options *options, json_t **ret,
                       struct mrt_error *err);
/* MRT_EXISTS, with how to finish it: a school was begun with other options than now; mode, wanted:
 * its isolation, and the one that it is to have. */
int mrt_tenant_request_compare(const char *slug, const json_t *before, const json_t *now,
                               const char *mode, const char *wanted, struct mrt_error *err);
/* mrt_tenant_create() in a session that is open. */
int mrt_tenant_create_in(struct mrt_session *session, const char *slug,
                         const struct mrt_tenant_create_options *options, json_t **ret,
                         struct mrt_error *err);

#endif
