/* SPDX-License-Identifier: Apache-2.0 */
/* uname(2), sysinfo(2). */
#ifndef NACRE_LINUX_ABI_UTSNAME_H
#define NACRE_LINUX_ABI_UTSNAME_H

#include <base/types.h>

#define UTS_LEN 64
struct linux_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

/* What the sandbox says it is; /proc/version and /proc/sys/kernel agree. */
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-nacre"
#define UTS_RELEASE_26 "2.6.61.0-nacre"  /* to who asks for numbers below 3 (personality(2), UNAME26) */
#define UTS_VERSION "#1 SMP Nacre"
#define UTS_MACHINE "x86_64"

struct linux_sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
};

#endif
