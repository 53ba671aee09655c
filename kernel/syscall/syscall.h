/* SPDX-License-Identifier: Apache-2.0 */
/* syscall.h: how a system call is defined and dispatched.
 *
 *	SYSCALL3(read, int, fd, uaddr, buf, size_t, n)
 *	{
 *		…                       // `t` is the current task
 *		return n or -errno;
 *	}
 *
 * kernel/syscall/gen_table.py collects every SYSCALLn() in kernel/ at build
 * time: the dispatch table, the names, the argument types for --strace and
 * docs/SYSCALLS.md come from these lines.  A number without a definition
 * returns -ENOSYS.  Write the types plainly: the generator knows int, unsigned,
 * long, size_t, (u)intN_t, uaddr (pointer), ustr (path or string) and typed
 * pointers (any name that starts with up_).  Names are Linux's; numbers come
 * from include/linux_abi/syscall_nr.h. */
#ifndef NACRE_KERNEL_SYSCALL_H
#define NACRE_KERNEL_SYSCALL_H

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

typedef long (*syscall_fn)(struct task *t, const uint64_t *a);

#define SYS_ARG_(T, v) ({ T v_; uint64_t r_ = (v); __builtin_memcpy(&v_, &r_, sizeof v_); v_; })

#define SYSCALL0(name) \
	static long do_##name(struct task *t); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) { (void)a; return do_##name(t); } \
	static long do_##name(struct task *t __attribute__((unused)))
#define SYSCALL1(name, T1, a1) \
	static long do_##name(struct task *t, T1 a1); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) { return do_##name(t, SYS_ARG_(T1, a[0])); } \
	static long do_##name(struct task *t __attribute__((unused)), T1 a1)
#define SYSCALL2(name, T1, a1, T2, a2) \
	static long do_##name(struct task *t, T1 a1, T2 a2); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) \
	{ return do_##name(t, SYS_ARG_(T1, a[0]), SYS_ARG_(T2, a[1])); } \
	static long do_##name(struct task *t __attribute__((unused)), T1 a1, T2 a2)
#define SYSCALL3(name, T1, a1, T2, a2, T3, a3) \
	static long do_##name(struct task *t, T1 a1, T2 a2, T3 a3); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) \
	{ return do_##name(t, SYS_ARG_(T1, a[0]), SYS_ARG_(T2, a[1]), SYS_ARG_(T3, a[2])); } \
	static long do_##name(struct task *t __attribute__((unused)), T1 a1, T2 a2, T3 a3)
#define SYSCALL4(name, T1, a1, T2, a2, T3, a3, T4, a4) \
	static long do_##name(struct task *t, T1 a1, T2 a2, T3 a3, T4 a4); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) \
	{ return do_##name(t, SYS_ARG_(T1, a[0]), SYS_ARG_(T2, a[1]), SYS_ARG_(T3, a[2]), SYS_ARG_(T4, a[3])); } \
	static long do_##name(struct task *t __attribute__((unused)), T1 a1, T2 a2, T3 a3, T4 a4)
#define SYSCALL5(name, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5) \
	static long do_##name(struct task *t, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) \
	{ return do_##name(t, SYS_ARG_(T1, a[0]), SYS_ARG_(T2, a[1]), SYS_ARG_(T3, a[2]), SYS_ARG_(T4, a[3]), SYS_ARG_(T5, a[4])); } \
	static long do_##name(struct task *t __attribute__((unused)), T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
#define SYSCALL6(name, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6) \
	static long do_##name(struct task *t, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6); \
	long sys_##name(struct task *t, const uint64_t *a); \
	long sys_##name(struct task *t, const uint64_t *a) \
	{ return do_##name(t, SYS_ARG_(T1, a[0]), SYS_ARG_(T2, a[1]), SYS_ARG_(T3, a[2]), SYS_ARG_(T4, a[3]), SYS_ARG_(T5, a[4]), SYS_ARG_(T6, a[5])); } \
	static long do_##name(struct task *t __attribute__((unused)), T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)

struct syscall_entry {
	syscall_fn fn;
	const char *name;
	uint8_t nargs;
	char args[7];           /* per argument: i int, u unsigned, l 64-bit, p pointer, s string */
};
extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_table_size;

/* Serve one system call of the current task from its registers. */
void syscall_dispatch(struct task *t);
/* prctl(PR_SET_SYSCALL_USER_DISPATCH), and its look at a call: true: it is a signal instead. */
long user_dispatch_set(struct task *t, uint64_t mode, uint64_t start, uint64_t size, uint64_t selector);
bool user_dispatch(struct task *t);
/* rt_sigreturn and friends set regs whole: the dispatcher must not write rax. */
#define SYSCALL_NO_RESULT (-0x7fff0001L)

#endif
