/* SPDX-License-Identifier: Apache-2.0 */
/* vfork, clone with shared pieces, clone3. */
#include "abi.h"
#include <linux/sched.h>
static int shared, got;
static int fn(void *a) { shared = 42; int fd = open("/dev/null", O_RDONLY); got = fd; if (a) chdir("/"); return 3; }
int main(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int x = 1;
	pid_t p = vfork();
	if (!p) { x = 2; _exit(6); }
	SAY("vfork x %d\n", x);
	wait_say("vfork", p);
	p = clone(fn, stack + sizeof stack, SIGCHLD, NULL);
	wait_say("plain", p); SAY("shared %d\n", shared);
	p = clone(fn, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, (void *)1);
	wait_say("vm", p); SAY("shared %d fd open %d\n", shared, fcntl(got, F_GETFD) >= 0);
	char cwd[100]; SAY("cwd %s\n", getcwd(cwd, sizeof cwd));
	p = clone(fn, stack + sizeof stack, CLONE_VM | CLONE_VFORK | 0, NULL);
	int st; V(waitpid(p, &st, 0)); V(waitpid(p, &st, __WCLONE) == p); say_status("wclone", st);
	V(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
	V(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0));
	V(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
	int pidfd = -1;
	struct clone_args ca = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	p = syscall(SYS_clone3, &ca, sizeof ca);
	if (!p) _exit(8);
	SAY("clone3 %d pidfd %d\n", p > 0, pidfd >= 0);
	struct pollfd pf = { pidfd, POLLIN, 0 };
	V(poll(&pf, 1, 5000)); SAY("revents %#x\n", pf.revents);
	siginfo_t si; V(waitid(P_PIDFD, pidfd, &si, WEXITED)); SAY("status %d\n", si.si_status);
	V(syscall(SYS_clone3, &ca, 8));
	V(syscall(SYS_pidfd_open, 0, 0));
	V(syscall(SYS_pidfd_open, getpid(), 0xff));
	OK(syscall(SYS_pidfd_open, getpid(), 0));
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY), other = open("/proc", O_RDONLY | O_DIRECTORY);
	V(syscall(SYS_pidfd_send_signal, dir, 0, NULL, 0));
	V(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0));
	dir = open("/proc/thread-self", O_RDONLY | O_DIRECTORY);
	V(syscall(SYS_pidfd_send_signal, dir, 0, NULL, 0));
	return 0;
}
