/* file.h - whole files and directories. */
#ifndef MRT_BASE_FILE_H
#define MRT_BASE_FILE_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/types.h>

/* Appends the file's bytes; MRT_NOT_FOUND when it does not exist, MRT_IO when it is a directory. */
int mrt_file_read(const char *path, struct mrt_buf *buf, struct mrt_error *err);
/* Writes path whole or not at all: temporary, fsync, rename. Replaces an older one. */
int mrt_file_write(const char *path, const void *data, size_t len, mode_t mode,
                   struct mrt_error *err);
/* The same for a path that must not exist yet: MRT_EXISTS. */
int mrt_file_create(const char *path, const void *data, size_t len, mode_t mode,
                    struct mrt_error *err);
/* Writes all of it; name is for the message. */
int mrt_fd_write(int fd, const char *name, const void *data, size_t len, struct mrt_error *err);
/* Of a file that grows to size: begins to write to disk every 8 MiB what *written_back does not
 * count yet, so that the sync at the end is short. */
void mrt_fd_write_back(int fd, uint64_t size, uint64_t *written_back);
/* mkdir -p */
int mrt_dir_make(const char *path, mode_t mode, struct mrt_error *err);
/* Makes the directories above path. */
int mrt_dir_make_parents(const char *path, mode_t mode, struct mrt_error *err);
/* fsync of the directory that holds path. */
int mrt_dir_sync_parent(const char *path, struct mrt_error *err);
/* rm -rf, never following symbolic links; what is already gone is fine. */
int mrt_dir_remove(const char *path, struct mrt_error *err);
/* A fresh directory, mode 0700, under $TMPDIR (or /tmp, where the path would be longer than
 * max_length); name is its prefix. */
int mrt_dir_temporary(const char *name, size_t max_length, char **ret, struct mrt_error *err);
/* Free bytes for an unprivileged writer at path or its nearest existing parent. */
int mrt_dir_free_space(const char *path, uint64_t *ret, struct mrt_error *err);

#endif
