/* SPDX-License-Identifier: Apache-2.0 */
/* ahead.h: what the kernel is going to read, by system call number.
 *
 * A thread that traps copies it into its mailbox, which spares the kernel a
 * call of the host.  Only what nearly every such call reads, and
 * reads from its beginning: a useless copy costs, a bad pointer even a signal. */
#ifndef NACRE_PROCESS_STUB_AHEAD_H
#define NACRE_PROCESS_STUB_AHEAD_H

#include <linux_abi/futex.h>
#include <linux_abi/syscall_nr.h>

enum ahead_kind { AHEAD_NONE, AHEAD_STRING, AHEAD_SIZE, AHEAD_COUNT, AHEAD_FRAME, AHEAD_TIMEOUT };

/* What was copied leads to more: a vector (or the header that has its address)
 * to the bytes of its parts. */
enum ahead_then { THEN_NOTHING, THEN_BYTES, THEN_VECTOR, THEN_VECTOR_BYTES };

struct ahead {
	uint8_t kind, arg;
	uint8_t size;                   /* of all (SIZE) or of one (COUNT) */
	uint8_t count_arg;
	uint8_t then;
};

#define AHEAD_STRING_SIZE 256           /* first read of copy_in_str() */
/* Behind the call's six arguments. */
#define AHEAD_STACK 6
#define AHEAD_ROBUST 7
#define ARGUMENTS 8
/* At its end a thread's list of robust futexes is read.  glibc has its head
 * here, behind fs; with another libc it is a copy for nothing. */
#define ROBUST_BEHIND_FS 0x2e0

/* Is it futex(2)'s plain waiting?  Other operations have no timeout where it has one. */
static inline bool futex_waits(uint64_t op)
{
	int cmd = (int)op & FUTEX_CMD_MASK;

	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET;
}

#define STRING(n) { AHEAD_STRING, n, 0, 0, 0 }
#define STRUCT(n, bytes) { AHEAD_SIZE, n, bytes, 0, 0 }
#define HEADER(n, then) { AHEAD_SIZE, n, 56, 0, then }
#define ARRAY(n, bytes, count) { AHEAD_COUNT, n, bytes, count, 0 }
#define VECTOR(n, count) { AHEAD_COUNT, n, 16, count, THEN_BYTES }

static const struct ahead ahead_table[] = {
	[NR_open] = STRING(0), [NR_stat] = STRING(0), [NR_lstat] = STRING(0), [NR_access] = STRING(0),
	[NR_chdir] = STRING(0), [NR_mkdir] = STRING(0), [NR_rmdir] = STRING(0), [NR_creat] = STRING(0),
	[NR_unlink] = STRING(0), [NR_readlink] = STRING(0), [NR_chmod] = STRING(0), [NR_execve] = STRING(0),
	[NR_openat] = STRING(1), [NR_newfstatat] = STRING(1), [NR_unlinkat] = STRING(1),
	[NR_readlinkat] = STRING(1), [NR_faccessat] = STRING(1), [NR_faccessat2] = STRING(1),
	[NR_mkdirat] = STRING(1), [NR_statx] = STRING(1),
	[NR_write] = ARRAY(1, 1, 2), [NR_pwrite64] = ARRAY(1, 1, 2), [NR_sendto] = ARRAY(1, 1, 2),
	[NR_writev] = VECTOR(1, 2), [NR_readv] = ARRAY(1, 16, 2), [NR_poll] = ARRAY(0, 8, 1),
	[NR_connect] = ARRAY(1, 1, 2), [NR_sendmsg] = HEADER(1, THEN_VECTOR_BYTES), [NR_recvmsg] = HEADER(1, THEN_VECTOR),
	[NR_rt_sigaction] = STRUCT(1, 32), [NR_rt_sigprocmask] = STRUCT(1, 8),
	[NR_nanosleep] = STRUCT(0, 16), [NR_clock_nanosleep] = STRUCT(2, 16), [NR_epoll_ctl] = STRUCT(3, 12),
	[NR_timerfd_settime] = STRUCT(2, 32),
	[NR_clone3] = ARRAY(0, 1, 1), [NR_sigaltstack] = STRUCT(0, 24), [NR_rt_sigsuspend] = STRUCT(0, 8),
	[NR_setitimer] = STRUCT(1, 32), [NR_timer_settime] = STRUCT(2, 32), [NR_prlimit64] = STRUCT(2, 16),
	[NR_ppoll] = ARRAY(0, 8, 1), [NR_bind] = ARRAY(1, 1, 2), [NR_setsockopt] = ARRAY(3, 1, 4),
	[NR_preadv] = ARRAY(1, 16, 2), [NR_pwritev] = VECTOR(1, 2), [NR_sched_setaffinity] = ARRAY(2, 1, 1),
	[NR_rename] = STRING(0), [NR_link] = STRING(0), [NR_symlink] = STRING(0), [NR_truncate] = STRING(0),
	[NR_chown] = STRING(0), [NR_lchown] = STRING(0), [NR_statfs] = STRING(0), [NR_memfd_create] = STRING(0),
	[NR_getxattr] = STRING(0), [NR_lgetxattr] = STRING(0), [NR_inotify_add_watch] = STRING(1),
	[NR_renameat] = STRING(1), [NR_renameat2] = STRING(1), [NR_linkat] = STRING(1), [NR_openat2] = STRING(1),
	[NR_fchmodat] = STRING(1), [NR_fchownat] = STRING(1), [NR_utimensat] = STRING(1),
	[NR_sendfile] = STRUCT(2, 8), [NR_accept] = STRUCT(2, 4), [NR_accept4] = STRUCT(2, 4),
	[NR_getsockname] = STRUCT(2, 4), [NR_getpeername] = STRUCT(2, 4), [NR_getsockopt] = STRUCT(4, 4),
	[NR_futex] = { AHEAD_TIMEOUT, 3, 16, 0, 0 },
	[NR_rt_sigreturn] = { AHEAD_FRAME, AHEAD_STACK, 0, 0, 0 },
	[NR_exit] = STRUCT(AHEAD_ROBUST, 24), [NR_exit_group] = STRUCT(AHEAD_ROBUST, 24),
};

#endif
