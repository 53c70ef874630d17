/* auto.h - values that clean up after themselves when their scope ends.
 *
 * mrt_auto(mrt_x) declares a "struct mrt_x *" that mrt_x_free() releases; every destructor accepts
 * NULL, and the variable must be initialised. mrt_steal() hands the value to the caller.
 */
#ifndef MRT_BASE_AUTO_H
#define MRT_BASE_AUTO_H

#include <stdlib.h>
#include <unistd.h>

#define MRT_DEFINE_AUTO(type)                               \
	static inline void type##_auto(struct type **value) \
	{                                                   \
		type##_free(*value);                        \
	}
#define mrt_auto(type) __attribute__((cleanup(type##_auto))) struct type
#define mrt_cleanup(function) __attribute__((cleanup(function)))

static inline void mrt_free_auto(void *value)
{
	free(*(void **)value);
}
#define mrt_autofree __attribute__((cleanup(mrt_free_auto)))

static inline void mrt_fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define mrt_autofd __attribute__((cleanup(mrt_fd_close))) int

#define mrt_steal(pointer)                                                         \
	__extension__({                                                            \
		__typeof__(pointer) *mrt_from = &(pointer), mrt_value = *mrt_from; \
		*mrt_from = 0;                                                     \
		mrt_value;                                                         \
	})
#define mrt_steal_fd(fd)                                      \
	__extension__({                                       \
		int *mrt_from = &(fd), mrt_value = *mrt_from; \
		*mrt_from = -1;                               \
		mrt_value;                                    \
	})

#endif
