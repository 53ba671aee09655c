/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd(2). */
#ifndef NACRE_LINUX_ABI_SIGNALFD_H
#define NACRE_LINUX_ABI_SIGNALFD_H

#include <base/types.h>

#define SFD_NONBLOCK 04000
#define SFD_CLOEXEC 02000000

struct linux_signalfd_siginfo {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value_int;
	uint64_t value_ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct linux_signalfd_siginfo) == 128, "signalfd_siginfo");

#endif
