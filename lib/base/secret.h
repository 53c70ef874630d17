/* secret.h - handing secrets on without argv, environment or disk. */
#ifndef MRT_BASE_SECRET_H
#define MRT_BASE_SECRET_H

#include "base/error.h"

/* Frees a text after zeroing it; accepts NULL. */
void mrt_secret_free(char *text);
void mrt_secret_auto(char **text);
#define mrt_auto_secret mrt_cleanup(mrt_secret_auto) char *

/* An anonymous memory file, mode 0600, holding len bytes, open for reading from its start. A child
 * that inherits it reads it as /proc/self/fd/N. The descriptor is close-on-exec. */
int mrt_secret_file(const char *name, const void *data, size_t len, int *ret_fd,
                    struct mrt_error *err);

#endif
