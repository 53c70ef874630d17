/* maratea.h - the public interface of libmaratea.
 *
 * Everything marked MRT_API is exported by libmaratea.so and keeps its meaning within a major
 * version; nothing else is. Texts are UTF-8; sizes are bytes; times are nanoseconds unless a name
 * says otherwise. Functions are safe to call from several threads on different objects.
 */
#ifndef MARATEA_H
#define MARATEA_H

#ifdef __cplusplus
extern "C" {
#endif

#define MRT_API __attribute__((visibility("default")))

/* "0.1.0"; static memory. */
MRT_API const char *mrt_version(void);

/* The name ("locked"), exit status (5) and HTTP status (423) of a result code, 0 or negative, as
 * used by every function of the library. Unknown codes are "failed", 1, 500. */
MRT_API const char *mrt_result_name(int code);
MRT_API int mrt_result_exit_status(int code);
MRT_API int mrt_result_http_status(int code);

/* Is this a backup id ("20261122T020000Z-3fa9c1")? 1 or 0. */
MRT_API int mrt_backup_id_check(const char *text);

/* Checks a manifest.json: digest, shape, sums. 0, or a negative result code and a NUL-terminated
 * sentence in message (cut to size). Source of the format: maratea-repository(7). */
MRT_API int mrt_manifest_check(const char *text, unsigned long len, char *message,
                               unsigned long size);

#ifdef __cplusplus
}
#endif

#endif
