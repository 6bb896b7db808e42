/*
 * clock.c
 *	  A time of day that a test sets: a library for LD_PRELOAD that adds to it
 *	  the seconds in the file named by SYNCORE_CLOCK.  Clocks that nobody can
 *	  set (monotonic, uptime) stay as they are, as on a machine whose
 *	  administrator sets the date.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long *seconds = NULL;

static long
offset(void)
{
	if (seconds == NULL)
	{
		static const long none = 0;
		const char *path = getenv("SYNCORE_CLOCK");
		int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		void *map = fd >= 0 ? mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

		if (fd >= 0)
			close(fd);
		seconds = map != MAP_FAILED ? map : &none;
	}
	return *seconds;
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *) = NULL;

	if (real == NULL)
		real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(id, now);

	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset();
	return result;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;
	int result = clock_gettime(CLOCK_REALTIME, &precise);

	now->tv_sec = precise.tv_sec;
	now->tv_usec = precise.tv_nsec / 1000;
	return result;
}

time_t
time(time_t *now)
{
	struct timespec precise;

	clock_gettime(CLOCK_REALTIME, &precise);
	if (now != NULL)
		*now = precise.tv_sec;
	return precise.tv_sec;
}
