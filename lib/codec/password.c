/* password.c - digests of passwords. */
#include "codec/password.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_pwhash_argon2id_STRBYTES <= MRT_PASSWORD_HASH_SIZE, "it fits");

int mrt_password_hash(const char *password, char ret[MRT_PASSWORD_HASH_SIZE], struct mrt_error *err)
{
	size_t len = strlen(password);
	if (len < MRT_PASSWORD_LEAST || len > MRT_PASSWORD_MOST)
		return mrt_fail(err, MRT_USAGE, "a password has %d to %d bytes", MRT_PASSWORD_LEAST,
		                MRT_PASSWORD_MOST);
	if (sodium_init() < 0)
		return mrt_fail(err, MRT_FAILED, "libsodium does not start");
	return crypto_pwhash_argon2id_str(ret, password, len,
	                                  crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
	                                  crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) == 0
	               ? 0
	               : mrt_no_memory(err);
}
