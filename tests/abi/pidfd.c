/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd_open, pidfd_send_signal, pidfd_getfd, poll, fdinfo, clone3 with CLONE_PIDFD. */
#include "abi.h"
#include <linux/sched.h>
static int po(pid_t p, unsigned f) { return syscall(SYS_pidfd_open, p, f); }
static int ps(int fd, int s, siginfo_t *i, unsigned f) { return syscall(SYS_pidfd_send_signal, fd, s, i, f); }
static int pg(int fd, int t, unsigned f) { return syscall(SYS_pidfd_getfd, fd, t, f); }
static long c3(struct clone_args *a, size_t n) { return syscall(SYS_clone3, a, n); }
static volatile int got;
static void h(int s, siginfo_t *i, void *u) { got = s * 100 + (i->si_code == SI_USER ? 1 : i->si_code == SI_QUEUE ? 2 : 3) * 10 + i->si_value.sival_int; }
int main(void)
{
	struct sigaction sa = { .sa_sigaction = h, .sa_flags = SA_SIGINFO };
	siginfo_t si = { 0 };
	struct pollfd pf;
	char b[300];
	int fd, g, st, pfd = -1;
	pid_t p = fork();
	if (!p) for (;;) pause();
	sigaction(SIGUSR1, &sa, NULL);
	fd = po(p, 0); V(fd >= 0); V(fcntl(fd, F_GETFD)); V(fcntl(fd, F_GETFL) & O_NONBLOCK); V(po(p, 1)); V(po(-1, 0)); V(po(0, 0)); V(po(999999, 0)); g = po(p, O_NONBLOCK); V(!!(fcntl(g, F_GETFL) & O_NONBLOCK)); close(g);
	pf = (struct pollfd){ fd, POLLIN }; V(poll(&pf, 1, 0)); V(ps(fd, 0, NULL, 0)); V(ps(fd, 0, NULL, 1 << 10)); V(ps(fd, 99, NULL, 0)); V(ps(1, 0, NULL, 0)); V(ps(99, 0, NULL, 0)); V(read(fd, b, 10)); V(write(fd, b, 1)); V(lseek(fd, 0, SEEK_SET));
	g = po(getpid(), 0); V(ps(g, SIGUSR1, NULL, 0)); V(got); si.si_signo = SIGUSR1; si.si_code = SI_QUEUE; si.si_value.sival_int = 5; V(ps(g, SIGUSR1, &si, 0)); V(got); V(ps(g, SIGUSR2, &si, 0)); si.si_code = SI_USER; V(ps(fd, SIGUSR1, &si, 0)); V(ps(g, SIGUSR1, (void *)8, 0));
	st = open("/dev/null", O_RDONLY); { int q = pg(g, st, 0); V(q >= 0); V(fcntl(q, F_GETFD)); V(syscall(SYS_kcmp, getpid(), getpid(), 0, st, q)); } V(pg(g, 200, 0)); V(pg(g, st, 1)); V(pg(1, st, 0)); V(pg(99, st, 0));
	snprintf(b, 300, "/proc/self/fdinfo/%d", fd); { FILE *f = fopen(b, "r"); char l[100]; int pid; while (fgets(l, 100, f)) { if (sscanf(l, "Pid:\t%d", &pid) == 1) V(pid == p); else if (!strncmp(l, "NSpid", 5)) printf("NSpid\n"); } }
	snprintf(b, 300, "/proc/self/fd/%d", fd); { char l[100]; int n = readlink(b, l, 99); l[n < 0 ? 0 : n] = 0; printf("%s\n", strncmp(l, "anon_inode:[pidfd]", 18) && strncmp(l, "pidfd:[", 7) ? l : "a pidfd"); }
	kill(p, SIGKILL); V(poll(&pf, 1, 5000)); V(pf.revents); V(ps(fd, 0, NULL, 0)); waitpid(p, &st, 0); V(ps(fd, 0, NULL, 0)); V(poll(&pf, 1, 0)); V(pf.revents & ~POLLHUP); V(pg(fd, 0, 0)); V(po(p, 0));
	struct clone_args a = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pfd, .exit_signal = SIGCHLD };
	p = c3(&a, sizeof a); if (!p) _exit(9); V(pfd >= 0); pf.fd = pfd; V(poll(&pf, 1, 5000)); V(waitid(3, pfd, &si, WEXITED)); V(si.si_status);
	V(c3(&a, 63)); V(c3(&a, 5000)); V(c3((void *)8, 64)); a = (struct clone_args){ .flags = 0xff, .exit_signal = SIGCHLD }; V(c3(&a, sizeof a)); a = (struct clone_args){ .exit_signal = 200 }; V(c3(&a, sizeof a)); a = (struct clone_args){ .exit_signal = SIGCHLD, .stack = 4096 }; V(c3(&a, sizeof a)); a = (struct clone_args){ .exit_signal = SIGCHLD, .stack_size = 4096 }; V(c3(&a, sizeof a));
	a = (struct clone_args){ .flags = CLONE_THREAD, .exit_signal = SIGCHLD }; V(c3(&a, sizeof a)); a = (struct clone_args){ .flags = CLONE_THREAD }; V(c3(&a, sizeof a)); a = (struct clone_args){ .flags = CLONE_SIGHAND, .exit_signal = SIGCHLD }; V(c3(&a, sizeof a)); a = (struct clone_args){ .flags = CLONE_FS | CLONE_NEWNS, .exit_signal = SIGCHLD }; V(c3(&a, sizeof a)); a = (struct clone_args){ .flags = CLONE_DETACHED }; V(c3(&a, sizeof a));
	a = (struct clone_args){ .flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD }; V(c3(&a, sizeof a)); pid_t want[2] = { 12345, 1 }; a = (struct clone_args){ .exit_signal = SIGCHLD, .set_tid = (uintptr_t)want, .set_tid_size = 1 }; if (getuid() == 0) { p = c3(&a, sizeof a); if (!p) _exit(getpid() == 12345 ? 1 : 2); V(p); wait_say("set_tid", p); want[0] = getpid(); V(c3(&a, sizeof a)); want[0] = 0; V(c3(&a, sizeof a)); want[0] = -1; V(c3(&a, sizeof a)); } a.set_tid_size = 100; V(c3(&a, sizeof a)); a.set_tid_size = 0; V(c3(&a, sizeof a));
	a = (struct clone_args){ .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD }; signal(SIGUSR2, SIG_IGN); p = c3(&a, sizeof a); if (!p) { struct sigaction x, y; sigaction(SIGUSR1, NULL, &x); sigaction(SIGUSR2, NULL, &y); _exit((x.sa_handler == SIG_DFL) * 2 + (y.sa_handler == SIG_IGN)); } wait_say("clear_sighand", p); a.flags |= CLONE_SIGHAND | CLONE_VM; V(c3(&a, sizeof a));
	return 0;
}
