/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers, masks, pending sets, siginfo, sigaltstack, restart. */
/* variants: static musl */
#include "abi.h"
static volatile sig_atomic_t count, last; static siginfo_t info;
static void h(int s) { count++; last = s; }
static void hi(int s, siginfo_t *i, void *u) { count++; last = s; info = *i; }
static char alt[32768]; static volatile int on_alt;
static void ha(int s) { char c; on_alt = &c >= alt && &c < alt + sizeof alt; }
static volatile int depth, maxdepth;
static void nest(int s) { depth++; if (depth > maxdepth) maxdepth = depth; if (depth < 3) raise(s); depth--; }
int main(void)
{
	struct sigaction sa = { .sa_handler = h }, old;
	V(sigaction(SIGUSR1, &sa, NULL));
	V(raise(SIGUSR1)); SAY("count %d last %d\n", count, last);
	V(sigaction(SIGUSR1, NULL, &old)); SAY("same %d\n", old.sa_handler == h);
	V(sigaction(SIGKILL, &sa, NULL)); V(sigaction(SIGSTOP, &sa, NULL)); V(sigaction(65, &sa, NULL)); V(sigaction(0, &sa, NULL));
	sigset_t s, o, pend; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigaddset(&s, SIGRTMIN);
	V(sigprocmask(SIG_BLOCK, &s, &o)); V(sigprocmask(99, &s, NULL));
	kill(getpid(), SIGUSR1); kill(getpid(), SIGUSR1); sigpending(&pend); SAY("pending %d count %d\n", sigismember(&pend, SIGUSR1), count);
	sa.sa_flags = SA_SIGINFO; sa.sa_sigaction = hi; sigaction(SIGRTMIN, &sa, NULL);
	for (int i = 0; i < 3; i++) { union sigval v = { .sival_int = 100 + i }; V(sigqueue(getpid(), SIGRTMIN, v)); }
	siginfo_t si; V(sigwaitinfo(&s, &si) == SIGUSR1); SAY("code %d mine %d\n", si.si_code, si.si_pid == getpid());
	V(sigwaitinfo(&s, &si) == SIGRTMIN); SAY("code %d val %d\n", si.si_code, si.si_value.sival_int);
	count = 0; V(sigprocmask(SIG_UNBLOCK, &s, NULL)); SAY("count %d val %d\n", count, info.si_value.sival_int);
	struct timespec ts = { 0, 1000000 }; V(sigtimedwait(&s, &si, &ts));
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt }, oss;
	V(sigaltstack(&ss, NULL)); V(sigaltstack(NULL, &oss)); SAY("flags %d size ok %d\n", oss.ss_flags, oss.ss_size == sizeof alt);
	sa.sa_flags = SA_ONSTACK; sa.sa_handler = ha; sigaction(SIGUSR2, &sa, NULL); raise(SIGUSR2); SAY("on alt %d\n", on_alt);
	ss.ss_size = 10; V(sigaltstack(&ss, NULL)); ss.ss_flags = SS_DISABLE; V(sigaltstack(&ss, NULL));
	sa.sa_flags = SA_NODEFER; sa.sa_handler = nest; sigaction(SIGUSR2, &sa, NULL); raise(SIGUSR2); SAY("nodefer depth %d\n", maxdepth);
	depth = maxdepth = 0; sa.sa_flags = SA_RESETHAND; sigaction(SIGUSR2, &sa, NULL); sigaction(SIGUSR2, NULL, &old);
	SAY("resethand set %d\n", old.sa_handler == nest); sa.sa_handler = h; sigaction(SIGUSR2, &sa, NULL); raise(SIGUSR2);
	sigaction(SIGUSR2, NULL, &old); SAY("reset %d\n", old.sa_handler == SIG_DFL);
	signal(SIGCHLD, SIG_IGN); pid_t p = fork(); if (!p) _exit(0); V(waitpid(p, NULL, 0)); signal(SIGCHLD, SIG_DFL);
	V(kill(getpid(), 0)); V(kill(getpid(), 65)); V(kill(999999, 0)); V(kill(INT_MIN, 0));
	V(syscall(SYS_tgkill, getpid(), 999999, 0)); V(syscall(SYS_tkill, -1, 0));
	for (int sig = 1; sig < 32; sig++) { if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) continue;
		p = fork(); if (!p) { struct rlimit r = { 0, 0 }; setrlimit(RLIMIT_CORE, &r); raise(sig); _exit(0); } char b[20]; snprintf(b, 20, "sig %d", sig); wait_say(b, p); }
	return 0;
}
