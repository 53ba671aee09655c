/* SPDX-License-Identifier: Apache-2.0 */
/* wait4(2), waitid(2). */
#ifndef NACRE_LINUX_ABI_WAIT_H
#define NACRE_LINUX_ABI_WAIT_H

#define WNOHANG 1
#define WUNTRACED 2
#define WSTOPPED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x1000000
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE 0x80000000

#define P_ALL 0
#define P_PID 1
#define P_PGID 2
#define P_PIDFD 3

#define WSTATUS_EXIT(code) (((code) & 0xff) << 8)
#define WSTATUS_STOP(sig) (((sig) << 8) | 0x7f)
#define WSTATUS_CONTINUED 0xffff
#define WSTATUS_CORE 0x80

#endif
