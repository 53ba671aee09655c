/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h: counting in the sandbox process; host calls by name.
 *
 * The macros below put a count in front of each host call that these files
 * make by name, whoever writes it next; lib/raw.h's calls are counted in hc.h. */
#ifndef NACRE_PROCESS_STATS_H
#define NACRE_PROCESS_STATS_H

#include <fcntl.h>
#include <stats.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATS_SLOT_REAPER 64u           /* behind the CPUs' */
#define STATS_SLOT_EVENTS 65u

/* This thread's slot. */
extern __thread struct stats_slot *stats_mine;

/* Take over the monitor's file (or -1) as the place to count; closes it. */
void stats_init(int fd);
/* This thread counts in this slot from now on. */
void stats_thread(unsigned slot);

static inline void stats_count(enum stats_id id) { stats_bump(&stats_mine->n[id], 1); }
static inline void stats_host(long nr) { stats_bump(&stats_mine->host[(unsigned long)nr % STATS_CALLS], 1); }
static inline void stats_stub(long nr) { stats_bump(&stats_mine->stub[(unsigned long)nr % STATS_CALLS], 1); }

#define STATS_FIRST(nr, ...) nr
#define syscall(...) (stats_host(STATS_FIRST(__VA_ARGS__, 0)), (syscall)(__VA_ARGS__))
#define process_vm_readv(...) (stats_host(SYS_process_vm_readv), (process_vm_readv)(__VA_ARGS__))
#define process_vm_writev(...) (stats_host(SYS_process_vm_writev), (process_vm_writev)(__VA_ARGS__))
#define pread(...) (stats_host(SYS_pread64), (pread)(__VA_ARGS__))
#define pwrite(...) (stats_host(SYS_pwrite64), (pwrite)(__VA_ARGS__))
#define ftruncate(...) (stats_host(SYS_ftruncate), (ftruncate)(__VA_ARGS__))
#define fallocate(...) (stats_host(SYS_fallocate), (fallocate)(__VA_ARGS__))
#define lseek(...) (stats_host(SYS_lseek), (lseek)(__VA_ARGS__))
#define fstat(...) (stats_host(SYS_fstat), (fstat)(__VA_ARGS__))
#define fcntl(...) (stats_host(SYS_fcntl), (fcntl)(__VA_ARGS__))
#define close(...) (stats_host(SYS_close), (close)(__VA_ARGS__))
#define mmap(...) (stats_host(SYS_mmap), (mmap)(__VA_ARGS__))
#define munmap(...) (stats_host(SYS_munmap), (munmap)(__VA_ARGS__))
#define madvise(...) (stats_host(SYS_madvise), (madvise)(__VA_ARGS__))
#define memfd_create(...) (stats_host(SYS_memfd_create), (memfd_create)(__VA_ARGS__))
#define socketpair(...) (stats_host(SYS_socketpair), (socketpair)(__VA_ARGS__))
#define sendmsg(...) (stats_host(SYS_sendmsg), (sendmsg)(__VA_ARGS__))
#define waitid(...) (stats_host(SYS_waitid), (waitid)(__VA_ARGS__))
#define kill(...) (stats_host(SYS_kill), (kill)(__VA_ARGS__))

#endif
