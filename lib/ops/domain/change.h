/* change.h - what activate and remove have in common: others are told, and kept waiting. */
#ifndef MRT_OPS_DOMAIN_CHANGE_H
#define MRT_OPS_DOMAIN_CHANGE_H

#include "platform/claims.h"

#define MRT_END_CHALLENGE \
	"UPDATE domains SET challenger = NULL, challenge_ends = NULL WHERE name = $1"

/* In work: the schools that a claim is about, and whose the name is, stay so until the end of the
 * transaction. *claim, as it was found before, becomes what it is now. MRT_CHANGED: it is about
 * others now, and *claim is empty where it is no more. */
int mrt_domain_claim_lock(struct mrt_session *session, const char *slug, const char *name,
                          struct mrt_domain_claim *claim, struct mrt_error *err);
/* MRT_CHANGED, in words. */
int mrt_domain_changed(const char *name, struct mrt_error *err);
/* In work: the event in the chain of another school, which is held. */
int mrt_domain_note_other(struct mrt_session *session, const char *tenant, json_t *payload,
                          const char *action, struct mrt_error *err);
/* After it: the schools' own tables; see mrt_domain_sync_all(). */
int mrt_domain_follow(struct mrt_session *session, const char *slug, const char *name,
                      struct mrt_error *err);

#endif
