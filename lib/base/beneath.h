/* beneath.h - files and directories under a directory, whatever the path says.
 *
 * Paths come from archives: no component may leave the directory or follow a symbolic link, not
 * even one that somebody puts there meanwhile (openat2(2); before Linux 5.6 component by
 * component).
 */
#ifndef MRT_BASE_BENEATH_H
#define MRT_BASE_BENEATH_H

#include "base/error.h"

#include <sys/types.h>

/* Relative, not empty, and no segment empty, "." or "..". */
bool mrt_path_plain(const char *path);
/* openat(2) of a plain path, or of "."; flags without O_CLOEXEC, which is always set. MRT_CORRUPT
 * when the path leads out. */
int mrt_open_beneath(int dir, const char *path, int flags, mode_t mode, int *ret,
                     struct mrt_error *err);
/* The same without openat2(2). */
int mrt_open_beneath_stepwise(int dir, const char *path, int flags, mode_t mode, int *ret,
                              struct mrt_error *err);
/* The directory that holds path's last component, and that component (inside path). */
int mrt_open_parent_beneath(int dir, const char *path, int *ret, const char **ret_name,
                            struct mrt_error *err);

#endif
