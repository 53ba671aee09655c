/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks and times. */
#ifndef NACRE_LINUX_ABI_TIME_H
#define NACRE_LINUX_ABI_TIME_H

#include <base/types.h>

struct linux_timespec { int64_t sec, nsec; };
struct linux_timeval { int64_t sec, usec; };
struct linux_itimerval { struct linux_timeval interval, value; };
struct linux_itimerspec { struct linux_timespec interval, value; };

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

/* Nanoseconds, or a negative number when the value is not valid. */
static inline int64_t timespec_ns(const struct linux_timespec *t)
{
	if (t->sec < 0 || t->nsec < 0 || t->nsec >= (int64_t)NSEC_PER_SEC)
		return -1;
	if (t->sec > INT64_MAX / (int64_t)NSEC_PER_SEC - 1)
		return INT64_MAX;
	return t->sec * (int64_t)NSEC_PER_SEC + t->nsec;
}

static inline struct linux_timespec ns_timespec(int64_t ns)
{
	int64_t sec = ns / (int64_t)NSEC_PER_SEC, nsec = ns % (int64_t)NSEC_PER_SEC;

	/* Before 1970 seconds are negative and nanoseconds are not. */
	return nsec < 0 ? (struct linux_timespec){ sec - 1, nsec + (int64_t)NSEC_PER_SEC } :
			  (struct linux_timespec){ sec, nsec };
}

#endif
