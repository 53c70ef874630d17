/* secret.c - wiping, and memory files for children. */
#include "base/secret.h"
#include "base/auto.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

void mrt_secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void mrt_secret_auto(char **text)
{
	mrt_secret_free(*text);
}

int mrt_secret_file(const char *name, const void *data, size_t len, int *ret_fd,
                    struct mrt_error *err)
{
	mrt_autofd fd = memfd_create(name, MFD_CLOEXEC);
	/* libpq warns about, and ignores, a password file that others may read */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return mrt_fail_errno(err, errno, "memory file for %s", name);
	ssize_t n = pwrite(fd, data, len, 0);
	if (n != (ssize_t)len)
		return mrt_fail_errno(err, n < 0 ? errno : ENOSPC, "memory file for %s", name);
	*ret_fd = mrt_steal_fd(fd);
	return 0;
}
