/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc/sys/net. */
#ifndef NET_SYSCTL_H
#define NET_SYSCTL_H

#include "abi.h"

static inline void show(const char *name)
{
	char path[128], b[128] = "";
	int f, n;

	snprintf(path, sizeof path, "/proc/sys/net/%s", name);
	f = open(path, O_RDONLY);
	n = f < 0 ? -1 : (int)read(f, b, sizeof b - 1);
	SAY("%s: %s", name, n < 0 ? "none\n" : b);
	close(f);
}

/* 0 or the error. */
static inline int store(const char *name, const char *v)
{
	char path[128];
	int f, err = 0;

	snprintf(path, sizeof path, "/proc/sys/net/%s", name);
	f = open(path, O_WRONLY);
	if (f < 0)
		return errno;
	if (write(f, v, strlen(v)) < 0)
		err = errno;
	close(f);
	return err;
}

#endif
