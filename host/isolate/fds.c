/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor table of a process: what is left open, and its size. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/isolate/isolate.h"

#define RESERVED_FDS 4096       /* 32 KB of the host's memory */

static int close_range_or_loop(unsigned first, unsigned last)
{
	struct rlimit r;

	if (first > last || !syscall(SYS_close_range, first, last, 0))
		return 0;
	if (errno != ENOSYS || getrlimit(RLIMIT_NOFILE, &r))
		return -errno;
	for (; first <= last && first < r.rlim_max; first++)
		close((int)first);
	return 0;
}

static int cmp_int(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

int isolate_close_fds_except(const int *keep, size_t n)
{
	int sorted[256];
	unsigned next = 0;
	size_t i;
	int err;

	if (n > ARRAY_SIZE(sorted))
		return -E2BIG;
	memcpy(sorted, keep, n * sizeof(*keep));
	qsort(sorted, n, sizeof(*sorted), cmp_int);
	for (i = 0; i < n; i++) {
		if (sorted[i] < 0 || (unsigned)sorted[i] < next)
			continue;
		if ((unsigned)sorted[i] > next) {
			err = close_range_or_loop(next, (unsigned)sorted[i] - 1);
			if (err)
				return err;
		}
		next = (unsigned)sorted[i] + 1;
	}
	return close_range_or_loop(next, ~0u);
}

void isolate_reserve_fds(void)
{
	struct rlimit r;
	int fd = -1;

	if (!getrlimit(RLIMIT_NOFILE, &r))
		fd = fcntl(0, F_DUPFD_CLOEXEC, (int)MIN(r.rlim_cur, (rlim_t)RESERVED_FDS) - 1);
	if (fd >= 0)
		close(fd);
}
