/* SPDX-License-Identifier: MIT */
/*
 * Release declared with the variable: `AUTO_FREE char *path = NULL;` is freed when its scope ends, whatever
 * the way out. `return TAKE(path);` hands it on. The closing helpers keep errno, so an error path may report
 * it.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(release) __attribute__((cleanup(release)))

static inline void cleanup_free_(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_close_(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* not retried: on Linux the descriptor is gone even after EINTR */
	errno = saved;
}

static inline void cleanup_fclose_(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define AUTO_FREE   AUTO(cleanup_free_)
#define AUTO_CLOSE  AUTO(cleanup_close_)
#define AUTO_FCLOSE AUTO(cleanup_fclose_)

/* Defines `name_p(T **)` for AUTO(name_p), from a destructor `name(T *)` that accepts NULL. */
#define DEFINE_AUTO(type, destroy)               \
	static inline void destroy##_p(type **p) \
	{                                        \
		if (*p)                          \
			destroy(*p);             \
	}

/* Yields the pointer and sets the variable to NULL: ownership moves to the receiver. */
#define TAKE(p)                             \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/* The same for descriptors. */
#define TAKE_FD(fd)                \
	__extension__({            \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#endif
