/* keys.h - whom age encrypts to, and what decrypts.
 *
 * Source: age-encryption.org/v1; recipients and identities are Bech32 (BIP 173).
 */
#ifndef MRT_CODEC_AGE_KEYS_H
#define MRT_CODEC_AGE_KEYS_H

#include "base/auto.h"
#include "base/error.h"

/* Public keys to encrypt to. */
struct mrt_age_recipients;
int mrt_age_recipients_new(struct mrt_age_recipients **ret, struct mrt_error *err);
void mrt_age_recipients_free(struct mrt_age_recipients *recipients);
MRT_DEFINE_AUTO(mrt_age_recipients)
/* One "age1..."; the same again is nothing. MRT_CONFIG. */
int mrt_age_recipients_add(struct mrt_age_recipients *recipients, const char *text,
                           struct mrt_error *err);
/* A file's content: one a line, empty lines and "#" comments; name is for messages. MRT_CONFIG
 * with name:line, also when there is none in it. */
int mrt_age_recipients_read(struct mrt_age_recipients *recipients, const char *text,
                            const char *name, struct mrt_error *err);
/* The i-th as text; NULL behind the last. */
const char *mrt_age_recipient(const struct mrt_age_recipients *recipients, size_t i);

/* Private keys and a passphrase to decrypt with; wiped when freed. */
struct mrt_age_identities;
int mrt_age_identities_new(struct mrt_age_identities **ret, struct mrt_error *err);
void mrt_age_identities_free(struct mrt_age_identities *identities);
MRT_DEFINE_AUTO(mrt_age_identities)
/* An identity file's content, as above: "AGE-SECRET-KEY-1..." MRT_CONFIG; never repeats a line. */
int mrt_age_identities_read(struct mrt_age_identities *identities, const char *text,
                            const char *name, struct mrt_error *err);
/* For what is encrypted with a passphrase (scrypt). */
int mrt_age_identities_passphrase(struct mrt_age_identities *identities, const char *passphrase,
                                  struct mrt_error *err);
/* The recipient of the i-th private key; NULL behind the last. */
const char *mrt_age_identity(const struct mrt_age_identities *identities, size_t i);

/* A new key pair: "AGE-SECRET-KEY-1..." (free with mrt_secret_free()) and its "age1...". */
int mrt_age_key_new(char **ret_secret, char **ret_recipient, struct mrt_error *err);

#endif
